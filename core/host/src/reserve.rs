//! What is kept whatever the scores say, and counts that respect it exactly.
use crate::select::invalid;
use crate::{Failure, Scope, Sparsity, Unit};
use jackpot_net::{Layer, Network};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    pub fn fits(
        &self,
        network: &Network,
        sparsity: &Sparsity,
        scope: Scope,
    ) -> Result<(), Failure> {
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
    ) -> Result<u64, Failure> {
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
) -> Result<Vec<u64>, Failure> {
    check_counts(network, counts)?;
    if reserve.is_nothing() {
        return Ok(counts.to_vec());
    }
    let total: u64 = counts.iter().sum();
    let bounds = |layer: &Layer| {
        let all = layer.len() as u64;
        match reserve.keeps_whole(layer) {
            true => (all, all),
            false => (reserve.floor.min(all), all),
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
) -> Result<Vec<u64>, Failure> {
    unit.fits(network)?;
    let counts = reserve_counts(network, counts, reserve)?;
    let counts = unit.counts(network, &counts, reserve.floor);
    let kept = counts.iter().sum();
    crate::select::refuse_nothing_and_all(kept, network.prunable_weights(), unit)?;
    Ok(counts)
}

fn check_counts(network: &Network, counts: &[u64]) -> Result<(), Failure> {
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

/// Cuts `total` in shares proportional to `weights`, each within its bounds, exactly: the
/// proportion is one number λ, a share is λ·weight moved into its bounds, and the remainders of
/// the shares strictly within are settled by largest remainder, ties to the lowest index.
/// None if no λ gives the total.
pub(crate) fn apportion(total: u64, weights: &[u64], bounds: &[(u64, u64)]) -> Option<Vec<u64>> {
    // Which bound a share lies on: None strictly within.
    let mut fixed: Vec<Option<u64>> = vec![None; weights.len()];
    loop {
        let taken: u64 = fixed.iter().flatten().sum();
        let rest = total.checked_sub(taken)?;
        let free = |i: &usize| fixed[*i].is_none();
        let open: Vec<usize> = (0..weights.len()).filter(free).collect();
        let sum: u128 = open.iter().map(|&i| u128::from(weights[i])).sum();
        if open.is_empty() || sum == 0 {
            // Nothing moves any more: shares without weight take their least.
            let least: u64 = open.iter().map(|&i| bounds[i].0).sum();
            let share = |i: usize| fixed[i].unwrap_or(bounds[i].0);
            return (least == rest).then(|| (0..weights.len()).map(share).collect());
        }
        let product = |i: usize| u128::from(weights[i]) * u128::from(rest);
        // How far the shares lie under and over their bounds: λ rises or falls accordingly, so
        // only the bounds on the heavier side are sure to stay.
        let under = |i: &usize| u128::from(bounds[*i].0) * sum > product(*i);
        let over = |i: &usize| u128::from(bounds[*i].1) * sum < product(*i);
        let lack: u128 = (open.iter().filter(|i| under(i)))
            .map(|&i| u128::from(bounds[i].0) * sum - product(i))
            .sum();
        let excess: u128 = (open.iter().filter(|i| over(i)))
            .map(|&i| product(i) - u128::from(bounds[i].1) * sum)
            .sum();
        if lack == 0 && excess == 0 {
            return Some(largest_remainders(rest, &open, &fixed, product, sum));
        }
        for &i in &open {
            if lack >= excess && under(&i) {
                fixed[i] = Some(bounds[i].0);
            } else if excess >= lack && over(&i) {
                fixed[i] = Some(bounds[i].1);
            }
        }
    }
}

fn largest_remainders(
    rest: u64,
    open: &[usize],
    fixed: &[Option<u64>],
    product: impl Fn(usize) -> u128,
    sum: u128,
) -> Vec<u64> {
    // A share is at most `rest`, so it fits.
    let mut shares: Vec<u64> = (0..fixed.len())
        .map(|i| fixed[i].unwrap_or_else(|| (product(i) / sum) as u64))
        .collect();
    let given: u64 = open.iter().map(|&i| shares[i]).sum();
    let mut by_remainder = open.to_vec();
    by_remainder.sort_by_key(|&i| (std::cmp::Reverse(product(i) % sum), i));
    for &i in by_remainder.iter().take((rest - given) as usize) {
        shares[i] += 1;
    }
    shares
}

/// Counts of a user's own table: layer name to density, as decimal text from `0` to `1`.
///
/// A named layer keeps round-half-even(weights · density), exactly. The layers left out share
/// what the sparsity leaves at one density. If none is left out, the densities must add up to
/// the sparsity within rounding, which is settled over the largest remainders.
///
/// # Errors
/// A name that is no layer (the nearest is suggested), a density that is none, a budget that
/// cannot be met (by how much).
pub fn table_counts(
    network: &Network,
    densities: &BTreeMap<String, String>,
    sparsity: &Sparsity,
) -> Result<Vec<u64>, Failure> {
    let mut fractions = vec![None; network.layers.len()];
    for (name, text) in densities {
        let Some(i) = network.layers.iter().position(|l| l.name == *name) else {
            return Err(invalid(unknown_layer(network, name)));
        };
        let fraction = crate::sparsity::density(text)
            .map_err(|why| invalid(format!("density of layer `{name}`: {why}")))?;
        fractions[i] = Some(fraction);
    }
    let sizes: Vec<u64> = network.layers.iter().map(|l| l.len() as u64).collect();
    let asked = sparsity.kept(network.prunable_weights());
    let kept: Vec<Option<u64>> = (sizes.iter().zip(&fractions))
        .map(|(&n, f)| f.map(|(share, digits)| crate::sparsity::round_half_even(n, share, digits)))
        .collect();
    let named: u64 = kept.iter().flatten().sum();
    let left: u64 = (sizes.iter().zip(&kept))
        .filter(|(_, kept)| kept.is_none())
        .map(|(n, _)| n)
        .sum();
    let miss = |by: u64, more: &str| {
        invalid(format!(
            "the table of densities keeps {named} weights, {by} {more} sparsity {sparsity} allows \
             ({asked}): change a density or the sparsity"
        ))
    };
    if left == 0 {
        let slack = sizes.len() as u64;
        return match named.abs_diff(asked) {
            by if by > slack && named > asked => Err(miss(by, "more than")),
            by if by > slack => Err(miss(by, "fewer than")),
            _ => settle(asked, &sizes, &fractions),
        };
    }
    let Some(rest) = asked.checked_sub(named) else {
        return Err(miss(named - asked, "more than"));
    };
    if rest > left {
        return Err(invalid(format!(
            "the table of densities keeps {named} weights and leaves layers of {left}, together \
             {} fewer than sparsity {sparsity} asks for ({asked}): raise a density or the sparsity",
            rest - left
        )));
    }
    let bounds: Vec<(u64, u64)> = (sizes.iter().zip(&kept))
        .map(|(&n, kept)| kept.map_or((0, n), |k| (k, k)))
        .collect();
    let weights: Vec<u64> = (sizes.iter().zip(&kept))
        .map(|(&n, kept)| if kept.is_none() { n } else { 0 })
        .collect();
    apportion(asked, &weights, &bounds)
        .ok_or_else(|| invalid("the table of densities meets no total".into()))
}

/// A whole table that misses the total by less than a weight a layer: ones are added where the
/// remainder is largest, or taken where it is smallest.
fn settle(
    asked: u64,
    sizes: &[u64],
    fractions: &[Option<(u128, u32)>],
) -> Result<Vec<u64>, Failure> {
    let exact: Vec<(u64, u128)> = (sizes.iter().zip(fractions))
        .map(|(&n, fraction)| {
            let (share, digits) = fraction.unwrap_or((0, 0));
            let unit = 10u128.pow(digits);
            let product = u128::from(n) * share;
            // Remainders over one unit, so that layers of other spellings compare.
            let remainder = (product % unit) * 10u128.pow(18 - digits);
            ((product / unit) as u64, remainder)
        })
        .collect();
    let mut counts: Vec<u64> = exact.iter().map(|e| e.0).collect();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(exact[i].1), i));
    let given: u64 = counts.iter().sum();
    let (mut missing, down) = (asked.abs_diff(given), given > asked);
    if down {
        order.reverse();
    }
    while missing > 0 {
        let before = missing;
        for &i in &order {
            if missing > 0 && !down && counts[i] < sizes[i] {
                counts[i] += 1;
                missing -= 1;
            } else if missing > 0 && down && counts[i] > 0 {
                counts[i] -= 1;
                missing -= 1;
            }
        }
        if missing == before {
            return Err(invalid("the table of densities meets no total".into()));
        }
    }
    Ok(counts)
}

fn unknown_layer(network: &Network, name: &str) -> String {
    let distance = |l: &Layer| (strsim::damerau_levenshtein(name, &l.name), l.name.clone());
    let hint = match network.layers.iter().map(distance).min() {
        Some((distance, near)) if distance <= 8 => format!("did you mean `{near}`?"),
        _ => "`jackpot describe` lists the layers".into(),
    };
    format!("the table of densities names `{name}`, which is no prunable layer: {hint}")
}

#[cfg(test)]
#[path = "reserve_tests.rs"]
mod tests;
