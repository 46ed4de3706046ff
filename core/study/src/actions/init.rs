//! First weights: a state_dict drawn from a random key.
use jackpot_net::Architecture;
use serde::{Deserialize, Serialize};

/// Output `weights`: the first state_dict.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InitRecipe {
    /// The network.
    pub architecture: Architecture,
    /// The seed's key `init`.
    pub key: String,
}
