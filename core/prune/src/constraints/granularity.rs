//! What a selection keeps or prunes as one: single weights or whole filters.
use crate::{Error, error::invalid, sparsity::half_even};
use jackpot_net::{Layer, LayerRole, Network};
use serde::{Deserialize, Serialize};

/// What a selection keeps or prunes as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Granularity {
    /// Every weight by itself.
    #[default]
    Weights,
    /// All weights of an output channel of a convolution. Its score is the sum of theirs: of
    /// magnitudes the L1 norm of Li et al. (2017), of random scores one that makes every set of
    /// filters equally likely.
    Filters,
}

/// Filters of one layer.
pub(crate) struct Filters {
    /// Weights of one filter.
    pub(crate) size: u64,
    /// How many are to be kept.
    pub(crate) kept: u64,
}

impl Granularity {
    /// Whether this is the default, which is not written: files from before the field existed have
    /// none.
    pub fn is_weights(&self) -> bool {
        *self == Granularity::Weights
    }

    /// Refuses a network that has nothing of the kind.
    pub fn fits(self, network: &Network) -> Result<(), Error> {
        let is_convolution = |layer: &Layer| layer.role == LayerRole::Conv;
        if self.is_weights() || network.layers.iter().any(is_convolution) {
            return Ok(());
        }
        Err(invalid(
            "unit `filters`: the network has no convolution, and linear layers are pruned by \
             single weights: write `weights`"
                .into(),
        ))
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
    pub(crate) fn filters(self, layer: &Layer, count: u64, floor: u64) -> Option<Filters> {
        let size = match (self, layer.role) {
            (Granularity::Filters, LayerRole::Conv) => (layer.len() / layer.shape[0]) as u64,
            _ => return None,
        };
        let least = floor.min(layer.len() as u64).div_ceil(size).max(1);
        let kept = half_even(count.into(), size.into()).max(least);
        Some(Filters { size, kept })
    }
}
