//! What the processes of Jackpot say to each other: jobs that the supervisor writes, what
//! plugins offer, what workers report, and why something failed.
//!
//! A worker process reads one [`Job`] from `job.json` in its folder and leaves `done.json` or a
//! [`Failure`] there. What a plugin offers ([`Plugin`], [`PluginItem`], [`Param`]) is described once by
//! a process that has loaded it; [`Metrics`] is `metrics.json` of a training or an evaluation.
//!
//! **Invariant:** this crate holds data and its checks alone. It opens no file, starts no process,
//! loads no plugin and computes with no weight.

mod failure;
mod item;
mod job;
mod limits;
mod metrics;
mod plugin_job;
pub mod promises;

pub use failure::Failure;
pub use item::{ConfigValue, Kind, Output, Param, Plugin, PluginItem, unfit_id};
pub use job::{EvaluateJob, Job, StepsJob, TrainJob};
pub use limits::Limits;
pub use metrics::{Epoch, Metrics};
pub use plugin_job::{BEFORE, Batches, DataAccess, NAME, PluginJob, RAW};
