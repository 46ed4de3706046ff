//! Tensors of a network: first weights, state_dicts and the stored form.

pub(crate) mod foreign;
pub mod init;
pub(crate) mod numbers;
pub(crate) mod state_dict;
pub(crate) mod stored;
