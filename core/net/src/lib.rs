//! Networks as data: layers, PyTorch names, shapes, connections, multiply-adds,
//! first weights, and training as data.
//!
//! ```
//! use jackpot_net::Architecture;
//! let architecture = Architecture::resnet(32, 32, 10, [3, 32, 32]);
//! let network = architecture.build()?;
//! assert_eq!(network.prunable_weights(), 1_855_584);
//! assert_eq!(network.layers[1].name, "layer1.0.conv1.weight");
//! # Ok::<(), jackpot_net::Error>(())
//! ```
//!
//! | folder | what it holds |
//! |---|---|
//! | `network` | [`Architecture`], which a study writes down ([`NetworkChoice`] is what people say of it), and what it builds: [`Network`], [`Layer`], [`Parameter`], [`Node`] |
//! | `families` | the published families ([`Family`]), layer by layer |
//! | `weights` | the first weights ([`init`]), drawn from a key; a state_dict of PyTorch ([`read_state_dict`]), checked and brought to the stored form |
//! | `training` | [`Training`]: hyperparameters, [`Optimizer`], the learning-rate schedule; [`Objective`]: what to differentiate; [`Compute`]: with which engine and precision |
//!
//! **Invariant:** nothing here computes with weights, links libtorch, reads a file or a
//! clock, or starts a thread; every function is pure, and no sizes that a file claims are
//! allocated before they are checked.

mod error;
mod families;
mod network;
mod training;
mod weights;

pub use error::Error;
pub use network::architecture::*;
pub use network::choice::NetworkChoice;
pub use network::family::{Block, Facts, Family, Stem};
pub use network::graph::*;
pub use training::compute::{Compute, Engine, Precision};
pub use training::hyperparameters::*;
pub use training::objective::*;
pub use training::optimizer::{AdamSettings, Optimizer};
pub use weights::foreign::{foreign, not_tensors};
pub use weights::init;
pub use weights::numbers::{NUMBERS, is_number, numbers};
pub use weights::state_dict::{StateDict, read_state_dict};
