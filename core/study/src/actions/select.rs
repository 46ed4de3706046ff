//! Selections: the mask of the weights that scores choose.
use crate::actions::recipe::Input;
use jackpot_host::{Reserve, Rule, Scope, Sparsity, Unit};
use jackpot_net::Architecture;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Outputs `mask` and `selection` (ties at the threshold).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SelectRecipe {
    /// The network.
    pub architecture: Architecture,
    /// Of every prunable weight.
    pub scores: Input,
    /// Counts.
    pub by: By,
    /// Only weights that this mask keeps are chosen from; none: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Input>,
    /// What is kept whatever the scores say.
    #[serde(default, skip_serializing_if = "Reserve::is_nothing")]
    pub reserve: Reserve,
    /// What is kept or pruned as one.
    #[serde(default, skip_serializing_if = "Unit::is_weights")]
    pub unit: Unit,
}

/// Which layers, or how many of each, a selection keeps.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The largest of all layers in scope.
    Global {
        /// Layers to choose from.
        scope: Scope,
        /// Of all prunable weights.
        sparsity: Sparsity,
        /// Ties and rounding.
        rule: Rule,
    },
    /// An allocation's counts.
    Counts(Input),
    /// The counts of a mask.
    Mask(Input),
    /// The user's own densities.
    Table {
        /// Of the layers that are named, as decimal text; the others share the rest.
        densities: BTreeMap<String, String>,
        /// Of all prunable weights.
        sparsity: Sparsity,
    },
}
