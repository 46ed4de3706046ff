//! What is kept whatever the scores say, and counts that respect it exactly.

mod apportion;
mod densities;
mod granularity;

pub use densities::counts_of_densities;
pub(crate) use granularity::Filters;
pub use granularity::Granularity;

use crate::{Error, Sparsity, error::invalid};
use apportion::apportion;
use jackpot_net::{Layer, Network};
use serde::{Deserialize, Serialize};

/// Which layers a global selection chooses from. The other layers are kept dense, and the total is
/// still matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PruningScope {
    /// Every prunable layer.
    #[default]
    All,
    /// All but the classifier, which is kept dense, as the published lottery ticket does it.
    Convolutions,
}

impl PruningScope {
    /// Whether this is the default, which is not written: files from before the field existed have
    /// none.
    pub(crate) fn is_all(&self) -> bool {
        *self == PruningScope::All
    }
}

/// What a selection must keep whatever the scores say: layers that stay dense, and the least that
/// every layer keeps. The total stays what it was: the other layers give what these take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerConstraints {
    /// The layer that reads the image is kept dense.
    #[serde(default, rename = "first", skip_serializing_if = "std::ops::Not::not")]
    pub keep_first_dense: bool,
    /// The layer that writes the logits is kept dense.
    #[serde(
        default,
        rename = "classifier",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub keep_classifier_dense: bool,
    /// Weights that every layer keeps at least (all of a layer that has fewer). With 0 a layer may
    /// lose all of its weights.
    #[serde(default, rename = "floor", skip_serializing_if = "is_zero")]
    pub min_weights: u64,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl LayerConstraints {
    /// Whether there is no constraint at all.
    pub fn is_nothing(&self) -> bool {
        *self == LayerConstraints::default()
    }

    pub(crate) fn with(mut self, scope: PruningScope) -> LayerConstraints {
        self.keep_classifier_dense |= scope == PruningScope::Convolutions;
        self
    }

    pub(crate) fn keeps_dense(&self, layer: &Layer) -> bool {
        (self.keep_first_dense && layer.first) || (self.keep_classifier_dense && layer.classifier)
    }

    /// Refuses a selection over all layers at this sparsity that cannot keep what is reserved,
    /// without scores.
    ///
    /// # Errors
    /// What the sparsity keeps, and what is reserved alone.
    pub fn fits(
        &self,
        network: &Network,
        sparsity: &Sparsity,
        scope: PruningScope,
    ) -> Result<(), Error> {
        let kept = sparsity.kept(network.prunable_weights());
        let asked = format!("sparsity {sparsity} keeps {kept}");
        let all = |i: usize| network.layers[i].len() as u64;
        let constraints = self.with(scope);
        constraints
            .required_weights(network, &all, kept, &asked)
            .map(drop)
    }

    /// How many weights are reserved of those that may be chosen, of each layer `candidates`,
    /// where `total` are kept in all.
    pub(crate) fn required_weights(
        &self,
        network: &Network,
        candidates: &dyn Fn(usize) -> u64,
        total: u64,
        asked: &str,
    ) -> Result<u64, Error> {
        let all = network.prunable_weights();
        let (mut whole, mut floors, mut is_whole) = (0, 0, false);
        for (i, layer) in network.layers.iter().enumerate() {
            if self.keeps_dense(layer) {
                whole += candidates(i);
                is_whole = true;
            } else {
                floors += self.min_weights.min(candidates(i));
            }
        }
        if is_whole && total <= whole {
            return Err(invalid(format!(
                "{asked} of {all} weights, but {}, which this selection keeps whole, has {whole}: \
                 lower the sparsity, or select over all layers with nothing kept whole",
                self.describe_dense()
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
                self.min_weights
            )));
        }
        Ok(least)
    }

    pub(crate) fn describe_dense(&self) -> &'static str {
        match (self.keep_first_dense, self.keep_classifier_dense) {
            (true, false) => "the first layer alone",
            (true, true) => "the first layer with the classifier",
            _ => "the classifier alone",
        }
    }
}

/// Counts that respect the constraints and add up to what they added up to.
///
/// Layers kept whole get all their weights. The others share what is left in proportion to
/// their counts, none below the floor; what integers leave over goes to the largest
/// remainders, ties to the lowest index. Without constraints the counts come back as they are.
///
/// # Errors
/// Counts that do not fit the layers; a total that is less than what the constraints alone keep.
pub fn constrained_counts(
    network: &Network,
    counts: &[u64],
    constraints: &LayerConstraints,
) -> Result<Vec<u64>, Error> {
    check_counts(network, counts)?;
    if constraints.is_nothing() {
        return Ok(counts.to_vec());
    }
    let total: u64 = counts.iter().sum();
    let bounds = |layer: &Layer| {
        let all = layer.len() as u64;
        if constraints.keeps_dense(layer) {
            (all, all)
        } else {
            (constraints.min_weights.min(all), all)
        }
    };
    let bounds: Vec<(u64, u64)> = network.layers.iter().map(bounds).collect();
    let least: u64 = bounds.iter().map(|b| b.0).sum();
    if least > total {
        let whole: u64 = (network.layers.iter().zip(&bounds))
            .filter(|(layer, _)| constraints.keeps_dense(layer))
            .map(|(_, b)| b.1)
            .sum();
        let cause = match (whole, constraints.min_weights) {
            (0, floor) => format!("the floor of {floor} a layer"),
            (_, 0) => format!("{}, which is kept whole,", constraints.describe_dense()),
            (_, floor) => format!(
                "{}, which is kept whole, with the floor of {floor} a layer",
                constraints.describe_dense()
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
/// As [`constrained_counts`]; a mask that would keep nothing or everything.
pub fn counts_kept(
    network: &Network,
    counts: &[u64],
    constraints: &LayerConstraints,
    unit: Granularity,
) -> Result<Vec<u64>, Error> {
    unit.fits(network)?;
    let counts = constrained_counts(network, counts, constraints)?;
    let counts = unit.counts(network, &counts, constraints.min_weights);
    let kept = counts.iter().sum();
    refuse_nothing_and_all(kept, network.prunable_weights(), unit)?;
    Ok(counts)
}

/// A mask must keep some and prune some, here of counts that add up to `kept` of `total` weights.
pub(crate) fn refuse_nothing_and_all(
    kept: u64,
    total: u64,
    unit: Granularity,
) -> Result<(), Error> {
    if kept == 0 {
        return Err(invalid("the counts keep no weight at all".into()));
    }
    if kept < total {
        return Ok(());
    }
    let whole = match unit {
        Granularity::Weights => "",
        Granularity::Filters => ", rounded to whole filters,",
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
