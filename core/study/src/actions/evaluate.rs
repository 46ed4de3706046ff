//! Evaluations: a network measured as pruning left it, before it is trained on.
use crate::actions::recipe::{Input, Platform};
use jackpot_net::Architecture;
use serde::{Deserialize, Serialize};

/// Outputs `metrics` and `bits`: a network as pruning left it, before it is trained on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EvaluateRecipe {
    /// The network.
    pub architecture: Architecture,
    /// state_dict.
    pub weights: Input,
    /// What is kept of it.
    pub mask: Input,
    /// Test rows.
    pub test: Input,
    /// Of the clean training rows.
    pub normalisation: Input,
    /// libtorch, class, threads, precision.
    #[serde(flatten)]
    pub platform: Platform,
}
