//! Loads, serves, supervises and validates plugins.
//!
//! Two sides. [`serve`] runs inside a fresh worker process and is the only code that
//! loads a plugin: it guards every buffer, calls the item and writes what came back as
//! raw bytes. Everything else runs in the supervisor: [`run_plugin`] starts a worker,
//! watches it, reads those bytes, validates them, verifies every promise and only then
//! writes a file that may enter a store.
//!
//! **Invariant:** the supervisor's side never loads a plugin, a process that has loaded
//! one never writes a store, and neither ever links libtorch.

mod conform;
mod describe;
mod discover;
mod failure;
mod files;
mod item;
mod job;
mod last_round;
pub mod practice;
mod printable;
mod progress;
mod promise_names;
mod promises;
mod reap;
mod rounds;
mod run;
mod serve;
mod server;
mod services;
mod structure;
mod supervise;
#[cfg(test)]
mod test_network;
mod validate;
mod verdict;

pub use conform::{Case, Kit, Report, Verdict, conform};
pub use describe::describe;
pub use discover::{beside_the_binary, discover};
pub use failure::Failure;
pub use item::{ConfigValue, Item, Kind, Output, Param, Plugin};
pub use job::{Access, Batches, PluginJob, PluginOutput};
pub use practice::serve_practice;
pub use printable::{is_printable, printable};
pub use progress::Progress;
pub use run::{batch_rows, run_plugin};
pub use serve::{MakeServices, serve, serve_describe, serve_main, serve_with};
pub use server::{Finished, Limits, Server};
pub use services::{ServiceError, Services, View, ViewMut};
pub use supervise::{interrupt, supervise};
