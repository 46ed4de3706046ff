//! Allocations: how many weights a rule of a plugin keeps of each layer.
use crate::actions::recipe::{Input, Item};
use jackpot_host::Sparsity;
use jackpot_net::Architecture;
use serde::{Deserialize, Serialize};

/// Output `counts`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AllocateRecipe {
    /// The rule.
    #[serde(flatten)]
    pub item: Item,
    /// The network.
    pub architecture: Architecture,
    /// Training rows, a fact that every rule sees.
    pub rows: u32,
    /// Of all prunable weights.
    pub sparsity: Sparsity,
    /// If the rule reads them.
    pub scores: Option<Input>,
    /// If the rule reads them.
    pub weights: Option<Input>,
    /// If the rule draws.
    pub key: Option<String>,
}
