//! Batches, training and automatic differentiation on libtorch: builds what
//! [`jackpot_net::Network`] describes.
//!
//! - [`Model`]: a network with its parameters; `forward` walks the described nodes.
//! - [`Trainer`] and [`train`]: optimisers under a mask, metrics of every epoch, a resume point.
//!   [`train_in`] is the same training with another [`TrainingEngine`] taking the steps.
//! - [`Pruned`]: the same metrics of weights under a mask before any step.
//! - [`Autodiff`]: loss, gradient and Hessian-vector product at any point in weight space.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use jackpot_nn::{Device, Model, FloatPrecision};
//! jackpot_nn::set_threads(1)?;
//! let architecture: jackpot_net::Architecture = serde_json::from_str(
//!     r#"{"family":"resnet","depth":8,"width":16,"classes":10,"input":[1,14,14]}"#,
//! )?;
//! let network = architecture.build()?;
//! let state_dict = std::fs::read("weights.safetensors")?;
//! let model = Model::load(&network, &state_dict, FloatPrecision::F32, Device::Cpu)?;
//! # Ok(()) }
//! ```
//!
//! **Invariant.** This crate never knows plugins, never reads a clock, and draws no
//! random number that is not a function of a [`jackpot_rng::Key`]: the same input gives
//! the same bytes on the same device class. Nothing here is `unsafe`.

mod autodiff;
mod batches;
mod device;
mod error;
mod network;
mod training;

pub use autodiff::{Autodiff, BatchSource, Slice, SliceMut, given_batch};
pub use batches::batch::{Batch, Draws, ImageSet, pixels};
pub use device::{FloatPrecision, parse_device, set_threads};
pub use error::Error;
pub use network::model::{Model, Statistics};
pub use network::state::{numbers, state_dict};
pub use tch::Device;
pub use training::engine::{Buffer, TrainingEngine};
pub use training::evaluate::{Evaluation, Pruned, evaluate};
pub use training::train::{TrainedModel, TrainingEvent, TrainingJob, train, train_in};
pub use training::trainer::{StepTensors, Trainer};
