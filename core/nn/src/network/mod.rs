//! A described network on libtorch: its parameters, its forward pass and its state.

pub(crate) mod conv;
pub(crate) mod model;
pub(crate) mod objective;
pub(crate) mod state;
