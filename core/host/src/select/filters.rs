//! Whole filters: an output channel of a convolution is kept or pruned as one, as structured
//! pruning does it. Linear layers stay with single weights: a row of the classifier is a class.
use super::{By, Open, Selected, Ties, invalid};
use crate::Failure;
use crate::sparsity::half_even;
use jackpot_net::{Layer, Network, Role};
use serde::{Deserialize, Serialize};

/// What a selection keeps or prunes as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A weight.
    #[default]
    Weights,
    /// All weights of an output channel of a convolution. Its score is the sum of theirs: of
    /// magnitudes the L1 norm of Li et al. (2017), of random scores one that makes every set of
    /// filters equally likely.
    Filters,
}

/// Filters of one layer.
pub(super) struct Filters {
    /// Weights of each.
    size: u64,
    /// How many are to be kept.
    kept: u64,
}

impl Unit {
    /// As before the field existed: not written.
    pub fn is_weights(&self) -> bool {
        *self == Unit::Weights
    }

    /// Refuses a network that has nothing of the kind.
    pub fn fits(self, network: &Network) -> Result<(), Failure> {
        let is_convolution = |layer: &Layer| layer.role == Role::Conv;
        match self.is_weights() || network.layers.iter().any(is_convolution) {
            true => Ok(()),
            false => Err(invalid(
                "unit `filters`: the network has no convolution, and linear layers are pruned by \
                 single weights: write `weights`"
                    .into(),
            )),
        }
    }

    /// The counts that a selection by this unit makes of counts: a convolution keeps the nearest
    /// number of whole filters (halves to the even one), at least one and no fewer than hold the
    /// floor. By weights they come back as they are.
    pub fn counts(self, network: &Network, counts: &[u64], floor: u64) -> Vec<u64> {
        let whole = |(layer, &count): (&Layer, &u64)| {
            let filters = self.filters(layer, count, floor);
            filters.map_or(count, |f| f.size * f.kept)
        };
        network.layers.iter().zip(counts).map(whole).collect()
    }

    /// The filters that come nearest to a count; None where single weights are chosen.
    pub(super) fn filters(self, layer: &Layer, count: u64, floor: u64) -> Option<Filters> {
        let size = match (self, layer.role) {
            (Unit::Filters, Role::Conv) => (layer.len() / layer.shape[0]) as u64,
            _ => return None,
        };
        let least = floor.min(layer.len() as u64).div_ceil(size).max(1);
        let kept = half_even(count.into(), size.into()).max(least);
        Some(Filters { size, kept })
    }

    /// Whole filters are compared within a layer alone: sums over filters of several sizes are
    /// not of one scale, and no total could be met.
    pub(super) fn check(self, network: &Network, by: &By<'_>) -> Result<(), Failure> {
        match (self, by) {
            (Unit::Filters, By::Sparsity { .. } | By::Total { .. }) => Err(invalid(
                "unit `filters` takes counts a layer, found a selection over all layers: give an \
                 allocation such as `uniform`, densities, or the counts of another mask"
                    .into(),
            )),
            _ => self.fits(network),
        }
    }
}

impl Open<'_> {
    /// Keeps so many filters of layer `i`, those whose scores add up to most, of each all that may
    /// be chosen; ties go to the lowest index. A layer of which nothing is left keeps nothing.
    pub(super) fn keep_filters(
        &mut self,
        i: usize,
        layer: &Layer,
        filters: &Filters,
    ) -> Result<Selected, Failure> {
        let of = |weight: usize| weight / filters.size as usize;
        let (mut sums, mut left) = (vec![0.0; layer.shape[0]], vec![false; layer.shape[0]]);
        for (j, score) in self.of(i) {
            sums[of(j)] += score;
            left[of(j)] = true;
        }
        if let Some(at) = sums.iter().position(|sum: &f64| !sum.is_finite()) {
            return Err(Failure::new(
                "numeric",
                format!(
                    "scores of layer `{}`: those of filter {at} add up to {}, expected a finite number",
                    layer.name, sums[at]
                ),
            ));
        }
        // One layer, whose weights are the filters.
        let values = [sums.as_slice()];
        let mut chosen = Open::new(&values, Some(vec![left.as_slice()]));
        let selected = chosen.keep_largest(0..1, filters.kept, Ties::ByIndex);
        let within = self.within(i);
        for (j, kept) in self.kept[i].iter_mut().enumerate() {
            *kept |= chosen.kept[0][of(j)] && within.is_none_or(|w| w[j]);
        }
        Ok(selected)
    }
}

#[cfg(test)]
#[path = "filters_tests.rs"]
mod tests;
