//! Plugins that others wrote: held to the contract, and faulty ones.

mod faulty_plugins;
mod kit;
