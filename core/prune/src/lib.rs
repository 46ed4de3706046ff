//! What pruning is, without any training: scores, what is chosen from them, masks, and what a mask
//! leaves of a network.
//!
//! ```
//! use jackpot_prune::{PruningScope, Scores, SelectionRule, Sparsity, select_global};
//! let network = jackpot_net::Architecture::resnet(8, 4, 10, [3, 32, 32]).build()?;
//! let falling = |n: usize| (0..n).map(|i| -(i as f64)).collect();
//! let layers = network.layers.iter().map(|l| (l.name.clone(), falling(l.len()))).collect();
//! let sparsity = Sparsity::try_from("0.9".to_string())?;
//! let (scope, rule) = (PruningScope::All, SelectionRule::Exact);
//! let (mask, _) = select_global(&network, &Scores { layers }, &sparsity, scope, rule)?;
//! assert_eq!(mask.kept(), sparsity.kept(network.prunable_weights()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`Sparsity`] | the pruned share as decimal text, and exact counts from it |
//! | [`Scores`] | one number for each prunable weight, of which the largest are kept |
//! | [`select()`] | from scores to a mask: the one place where weights are chosen |
//! | [`LayerConstraints`] | what is kept whatever the scores say, and counts that respect it exactly |
//! | [`PruningRounds`] | how many weights a method of many rounds keeps after each |
//! | [`Mask`] | which weights are kept, its bit-packed format, counts and overlaps |
//! | [`flow()`] | which kept weights lie on a path from the image to a logit; [`Collapse`] |
//! | [`chance_of_masks`] | how many weights two masks keep in common by chance |
//! | [`AllocationDifference`] | how far apart two masks' shares of their layers are |
//! | [`magnitude_null()`] | what the initial scale alone explains of a mask by magnitude |
//!
//! **Invariant:** every function is pure: nothing here trains, links libtorch, loads a plugin,
//! reads a file or a clock, or starts a thread; and no sizes that a file claims are allocated
//! before they are checked.

mod allocation;
mod constraints;
mod correlation;
mod error;
mod flow;
mod magnitude_null;
mod mask;
mod overlap;
mod rounds;
mod scores;
mod selection;
mod sparsity;
mod tensors;
#[cfg(test)]
mod test_network;

pub use allocation::{
    AllocationDifference, KeptOfLayers, allocation_distance, depth_correlation, kept_share,
};
pub use constraints::{
    Granularity, LayerConstraints, PruningScope, constrained_counts, counts_kept,
    counts_of_densities,
};
pub use correlation::spearman;
pub use error::Error;
pub use flow::{Collapse, Cut, Flow, flow};
pub use magnitude_null::magnitude_null;
pub use mask::{LayerMask, Mask};
pub use overlap::{Chance, chance, chance_of_masks, dependence_index};
pub use rounds::{PruningRounds, RoundSchedule};
pub use scores::Scores;
pub use selection::{
    PruningBudget, SelectionOptions, SelectionRule, ThresholdSharpness, select, select_counts,
    select_global, select_values,
};
pub use sparsity::{Sparsity, kept_at_density};
pub use tensors::{read_layers, read_weights, write_tensors};
