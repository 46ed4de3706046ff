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

mod catalog;
mod conformance;
mod files;
mod guest;
mod printable;
mod supervisor;
#[cfg(test)]
#[path = "../../prune/src/test_network.rs"]
mod test_network;
mod verify;

pub use catalog::describe::describe;
pub use catalog::discover::{beside_the_binary, discover};
pub use conformance::{Case, CaseOutcome, Kit, Report, conform};
pub use guest::services::mock_autodiff;
pub use guest::services::mock_autodiff::serve_mock_autodiff;
pub use guest::services::{ServiceError, Services, View, ViewMut};
pub use guest::{MakeServices, serve, serve_describe, serve_main, serve_with};
pub use printable::{is_printable, printable};
pub use supervisor::progress::Progress;
pub use supervisor::server::{Finished, Server};
pub use supervisor::supervise::{interrupt, supervise};
pub use verify::run::{PluginOutput, batch_rows, run_plugin};
