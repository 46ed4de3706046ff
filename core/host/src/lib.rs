//! Loads, serves, supervises and validates plugins; selects masks.
//!
//! Two sides. [`serve`] runs inside a fresh worker process and is the only code that
//! loads a plugin: it guards every buffer, calls the item and writes what came back as
//! raw bytes. Everything else runs in the supervisor: [`run_plugin`] starts a worker,
//! watches it, reads those bytes, validates them, verifies every promise and only then
//! writes a file that may enter a store. Selection ([`select`] and its thin forms) is here too,
//! because it exists exactly once.
//!
//! ```
//! use jackpot_host::{Rule, Scope, Scores, Sparsity, select_global};
//! let network = jackpot_net::Architecture::resnet(8, 4, 10, [3, 32, 32]).build()?;
//! let falling = |n: usize| (0..n).map(|i| -(i as f64)).collect();
//! let layers = network.layers.iter().map(|l| (l.name.clone(), falling(l.len()))).collect();
//! let sparsity = Sparsity::try_from("0.9".to_string())?;
//! let (mask, _) =
//!     select_global(&network, &Scores { layers }, &sparsity, Scope::All, Rule::Exact)?;
//! assert_eq!(mask.kept(), sparsity.kept(network.prunable_weights()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Invariant:** the supervisor's side never loads a plugin, a process that has loaded
//! one never writes a store, and neither ever links libtorch.

mod conform;
mod discover;
mod item;
mod job;
mod last_round;
pub mod practice;
mod printable;
mod progress;
mod promises;
mod reap;
mod reserve;
mod rounds;
mod run;
mod scores;
mod select;
mod serve;
mod services;
mod sparsity;
mod structure;
mod supervise;
#[cfg(test)]
mod test_network;
mod validate;
mod verdict;

pub use conform::{Case, Kit, Report, Verdict, conform};
pub use discover::{beside_the_binary, discover};
pub use item::{ConfigValue, Item, Kind, Output, Param, Plugin, describe};
pub use job::{Access, Batches, Failure, Finished, Limits, PluginJob, PluginOutput, Server};
pub use practice::serve_practice;
pub use printable::{is_printable, printable};
pub use progress::Progress;
pub use reserve::{Reserve, counts_kept, reserve_counts, table_counts};
pub use rounds::{RoundSchedule, Rounds};
pub use run::{batch_rows, run_plugin};
pub use scores::{Scores, read_weights};
pub use select::{By, Choice, Rule, Scope, Selected, Unit, select, select_counts, select_global};
pub use serve::{MakeServices, serve, serve_describe, serve_main, serve_with};
pub use services::{ServiceError, Services, View, ViewMut};
pub use sparsity::Sparsity;
pub use supervise::{interrupt, supervise};
