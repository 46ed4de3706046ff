//! The first weights of a network: initialisation as published, drawn from a key.
use crate::{Network, Error};
use jackpot_rng::Key;
/// The state_dict as safetensors bytes (f32, no metadata), a pure function of network and key.
pub fn initial_weights(_network: &Network, _key: Key) -> Result<Vec<u8>, Error> { todo!() }
