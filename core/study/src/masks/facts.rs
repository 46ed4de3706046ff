//! What a mask is before anything is trained: counts, effective weights, collapse.
use crate::Error;
use jackpot_net::Network;
use jackpot_prune::{Mask, ThresholdSharpness, depth_correlation};
use jackpot_store::Digest;
use serde::{Deserialize, Serialize};

pub use jackpot_prune::Collapse;

/// What a mask is before anything is trained under it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskFacts {
    /// Digest of the mask.
    pub mask: Digest,
    /// Number of prunable weights.
    pub total: u64,
    /// Number of kept weights.
    pub kept: u64,
    /// Number of kept weights on a path from the image to a logit.
    pub effective: u64,
    /// Number of channels that a shift makes constant; see [`jackpot_prune::Flow::constant`].
    pub constant: u64,
    /// The layer that keeps the fewest weights, and how many.
    pub smallest: (String, u64),
    /// Layers that keep nothing, in forward order.
    pub empty: Vec<String>,
    /// Whether a training under the mask is at risk of collapse, or certain to.
    pub collapse: Collapse,
    /// Spearman's correlation of the kept share with depth, over the convolutions in forward order
    /// without projections; `None` where all keep the same share.
    pub depth: Option<f64>,
    /// How sharp the selection was; `None` for a mask whose last step was no selection.
    #[serde(skip)]
    pub selected: Option<ThresholdSharpness>,
}

impl MaskFacts {
    /// Computes the facts of a mask whose bytes have this digest. They depend on the shape of the
    /// network and the mask alone.
    pub fn of(network: &Network, mask: &Mask, digest: Digest) -> Result<MaskFacts, Error> {
        mask.check(network).map_err(|e| Error(e.to_string()))?;
        let flow = jackpot_prune::flow(network, mask);
        let counts = mask.counts();
        let layers = || network.layers.iter().map(|l| &l.name).zip(&counts);
        let smallest = layers()
            .min_by_key(|(_, kept)| **kept)
            .map_or((String::new(), 0), |(name, kept)| (name.clone(), *kept));
        let empty = layers().filter(|(_, kept)| **kept == 0);
        Ok(MaskFacts {
            mask: digest,
            total: mask.total(),
            kept: mask.kept(),
            effective: flow.kept(),
            constant: flow.constant,
            smallest,
            empty: empty.map(|(name, _)| name.clone()).collect(),
            collapse: flow.collapse,
            depth: depth_correlation(network, &counts),
            selected: None,
        })
    }
}
