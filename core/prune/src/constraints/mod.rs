//! What is kept whatever the scores say, and counts that respect it exactly.

mod apportion;
mod densities;
mod granularity;

pub use densities::table_counts;
pub(crate) use granularity::Filters;
pub use granularity::Unit;

use crate::{Error, Sparsity, error::invalid};
use apportion::apportion;
use jackpot_net::{Layer, Network};
use serde::{Deserialize, Serialize};

/// Which layers a global selection chooses from; the others are kept whole and the total is matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Every prunable layer.
    #[default]
    All,
    /// Classifier whole, as the published lottery ticket.
    Convolutions,
}

impl Scope {
    /// As before the field existed: not written.
    pub(crate) fn is_all(&self) -> bool {
        *self == Scope::All
    }
}

/// Layers kept whole, and the least that every layer keeps. The total stays what it was: the
/// other layers give what these take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reserve {
    /// The layer that reads the image is kept whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first: bool,
    /// The layer that writes the logits is kept whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub classifier: bool,
    /// Weights that every layer keeps at least (all of a layer that has fewer); 0: no floor.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub floor: u64,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Reserve {
    /// Nothing is reserved.
    pub fn is_nothing(&self) -> bool {
        *self == Reserve::default()
    }

    pub(crate) fn with(mut self, scope: Scope) -> Reserve {
        self.classifier |= scope == Scope::Convolutions;
        self
    }

    pub(crate) fn keeps_whole(&self, layer: &Layer) -> bool {
        (self.first && layer.first) || (self.classifier && layer.classifier)
    }

    /// Refuses a selection over all layers at this sparsity that cannot keep what is reserved,
    /// without scores.
    ///
    /// # Errors
    /// What the sparsity keeps, and what is reserved alone.
    pub fn fits(&self, network: &Network, sparsity: &Sparsity, scope: Scope) -> Result<(), Error> {
        let kept = sparsity.kept(network.prunable_weights());
        let asked = format!("sparsity {sparsity} keeps {kept}");
        let all = |i: usize| network.layers[i].len() as u64;
        let reserve = self.with(scope);
        reserve.least_of_all(network, &all, kept, &asked).map(drop)
    }

    /// How many weights are reserved of those that may be chosen, of each layer `candidates`,
    /// where `total` are kept in all.
    pub(crate) fn least_of_all(
        &self,
        network: &Network,
        candidates: &dyn Fn(usize) -> u64,
        total: u64,
        asked: &str,
    ) -> Result<u64, Error> {
        let all = network.prunable_weights();
        let (mut whole, mut floors, mut is_whole) = (0, 0, false);
        for (i, layer) in network.layers.iter().enumerate() {
            if self.keeps_whole(layer) {
                whole += candidates(i);
                is_whole = true;
            } else {
                floors += self.floor.min(candidates(i));
            }
        }
        if is_whole && total <= whole {
            return Err(invalid(format!(
                "{asked} of {all} weights, but {}, which this selection keeps whole, has {whole}: \
                 lower the sparsity, or select over all layers with nothing kept whole",
                self.whole_in_words()
            )));
        }
        let least = whole + floors;
        if least > total {
            let also = if is_whole {
                " and the layers kept whole"
            } else {
                ""
            };
            return Err(invalid(format!(
                "{asked} of {all} weights, but the floor of {} a layer{also} alone keeps {least}: \
                 lower the sparsity or the floor",
                self.floor
            )));
        }
        Ok(least)
    }

    pub(crate) fn whole_in_words(&self) -> &'static str {
        match (self.first, self.classifier) {
            (true, false) => "the first layer alone",
            (true, true) => "the first layer with the classifier",
            _ => "the classifier alone",
        }
    }
}

/// Counts that respect a reserve and add up to what they added up to.
///
/// Layers kept whole get all their weights. The others share what is left in proportion to
/// their counts, none below the floor; what integers leave over goes to the largest
/// remainders, ties to the lowest index. Without a reserve the counts come back as they are.
///
/// # Errors
/// Counts that do not fit the layers; a total that the reserve alone exceeds.
pub fn reserve_counts(
    network: &Network,
    counts: &[u64],
    reserve: &Reserve,
) -> Result<Vec<u64>, Error> {
    check_counts(network, counts)?;
    if reserve.is_nothing() {
        return Ok(counts.to_vec());
    }
    let total: u64 = counts.iter().sum();
    let bounds = |layer: &Layer| {
        let all = layer.len() as u64;
        if reserve.keeps_whole(layer) {
            (all, all)
        } else {
            (reserve.floor.min(all), all)
        }
    };
    let bounds: Vec<(u64, u64)> = network.layers.iter().map(bounds).collect();
    let least: u64 = bounds.iter().map(|b| b.0).sum();
    if least > total {
        let whole: u64 = (network.layers.iter().zip(&bounds))
            .filter(|(layer, _)| reserve.keeps_whole(layer))
            .map(|(_, b)| b.1)
            .sum();
        let cause = match (whole, reserve.floor) {
            (0, floor) => format!("the floor of {floor} a layer"),
            (_, 0) => format!("{}, which is kept whole,", reserve.whole_in_words()),
            (_, floor) => format!(
                "{}, which is kept whole, with the floor of {floor} a layer",
                reserve.whole_in_words()
            ),
        };
        return Err(invalid(format!(
            "the counts keep {total} weights, but {cause} takes {least}: lower the sparsity or \
             reserve less"
        )));
    }
    apportion(total, counts, &bounds).ok_or_else(|| {
        invalid(format!(
            "the counts keep {total} weights, which the layers that they name cannot hold beside \
             what is reserved"
        ))
    })
}

/// What a mask keeps of each layer where an allocation counts `counts`, without scores: what is
/// reserved is there, and whole filters are whole.
///
/// # Errors
/// As [`reserve_counts`]; a mask that would keep nothing or everything.
pub fn counts_kept(
    network: &Network,
    counts: &[u64],
    reserve: &Reserve,
    unit: Unit,
) -> Result<Vec<u64>, Error> {
    unit.fits(network)?;
    let counts = reserve_counts(network, counts, reserve)?;
    let counts = unit.counts(network, &counts, reserve.floor);
    let kept = counts.iter().sum();
    refuse_nothing_and_all(kept, network.prunable_weights(), unit)?;
    Ok(counts)
}

/// A mask must keep some and prune some, here of counts that add up to `kept` of `total` weights.
pub(crate) fn refuse_nothing_and_all(kept: u64, total: u64, unit: Unit) -> Result<(), Error> {
    if kept == 0 {
        return Err(invalid("the counts keep no weight at all".into()));
    }
    if kept < total {
        return Ok(());
    }
    let whole = match unit {
        Unit::Weights => "",
        Unit::Filters => ", rounded to whole filters,",
    };
    Err(invalid(format!(
        "the counts{whole} keep every weight: that is the dense network"
    )))
}

fn check_counts(network: &Network, counts: &[u64]) -> Result<(), Error> {
    if counts.len() != network.layers.len() {
        return Err(invalid(format!(
            "counts: expected one for each of the network's {} layers, found {}",
            network.layers.len(),
            counts.len()
        )));
    }
    for (layer, &count) in network.layers.iter().zip(counts) {
        if count > layer.len() as u64 {
            return Err(invalid(format!(
                "layer `{}`: {count} weights to keep, but it has {}",
                layer.name,
                layer.len()
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
