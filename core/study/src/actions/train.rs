//! Trainings: a network trained from given weights, dense or under a mask.
use crate::actions::recipe::{Input, Platform};
use jackpot_net::{Architecture, Training};
use serde::{Deserialize, Serialize};

/// Outputs `metrics`, `bits`, `checkpoint`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainRecipe {
    /// The network.
    pub architecture: Architecture,
    /// Hyperparameters.
    pub training: Training,
    /// state_dict to start from.
    pub weights: Input,
    /// None: dense.
    pub mask: Option<Input>,
    /// Training rows.
    pub train: Input,
    /// Test rows.
    pub test: Input,
    /// Of the clean training rows.
    pub normalisation: Input,
    /// The seed's key `order`.
    pub order_key: String,
    /// The seed's key `augment`.
    pub augment_key: String,
    /// libtorch, class, threads, precision.
    #[serde(flatten)]
    pub platform: Platform,
}
