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
//! | module | what it holds |
//! |---|---|
//! | [`architecture`] | [`Architecture`] and what it builds: [`Network`], [`Layer`], [`Parameter`], [`Node`] |
//! | [`Engine`], [`Precision`] | what takes the steps of a training, and what it computes in |
//! | [`flow()`] | which kept weights lie on a path from the image to a logit; [`Collapse`] |
//! | [`NetworkChoice`] | what a study file or a command line says of a network |
//! | [`family`] | the kinds of network as a table: names, depths, published widths |
//! | [`init`] | the first weights, drawn from a key |
//! | [`state_dict`] | a state_dict of PyTorch, checked and brought to the stored form |
//! | [`training`] | [`Training`]: hyperparameters, [`Optimizer`] and the learning-rate schedule |
//! | [`objective`] | [`Objective`]: what to differentiate |
//!
//! **Invariant:** nothing here computes with weights, links libtorch, reads a file or a
//! clock, or starts a thread; every function is pure, and no sizes that a file claims are
//! allocated before they are checked.

pub mod architecture;
mod builder;
mod choice;
mod compute;
pub mod family;
mod foreign;
pub mod init;
mod lenet;
mod mobilenet;
mod numbers;
pub mod objective;
mod optimizer;
mod resnet;
pub mod state_dict;
mod stored;
pub mod training;
mod vgg;
mod wrn;

pub use architecture::*;
pub use choice::NetworkChoice;
pub use compute::{Compute, Engine, Precision};
pub use family::{Block, Facts, Family, Stem};
pub use foreign::{foreign, not_tensors};
pub use numbers::{NUMBERS, is_number, numbers};
pub use objective::*;
pub use optimizer::{AdamSettings, Optimizer};
pub use state_dict::{StateDict, read_state_dict};
pub use training::*;
