//! What a mask is before anything is trained: counts, effective weights, collapse.
use crate::Error;
use jackpot_net::Network;
use jackpot_prune::{Mask, ThresholdSharpness, depth_correlation};
use jackpot_store::Digest;
use serde::{Deserialize, Serialize};

pub use jackpot_prune::Collapse;

/// Facts of a mask, whatever it is trained to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskFacts {
    /// The mask.
    pub mask: Digest,
    /// Prunable weights.
    pub total: u64,
    /// Kept weights.
    pub kept: u64,
    /// Kept weights on a path from the image to a logit.
    pub effective: u64,
    /// Channels that a shift makes constants; see [`jackpot_prune::Flow::constant`].
    pub constant: u64,
    /// The layer that keeps the fewest weights, and how many.
    pub smallest: (String, u64),
    /// Layers that keep nothing, in forward order.
    pub empty: Vec<String>,
    /// What the mask says of its training.
    pub collapse: Collapse,
    /// Spearman's correlation of the kept share with depth, over the convolutions in forward order
    /// without projections; none where all keep the same share.
    pub depth: Option<f64>,
    /// How sharp the selection was; none for a mask that no selection made last.
    #[serde(skip)]
    pub selected: Option<ThresholdSharpness>,
}

impl MaskFacts {
    /// A function of the network's shape and the mask, whose bytes have this digest, alone.
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
