//! A study as a graph of actions in which shared prefixes appear once, and what is known of it
//! before anything runs.

pub(crate) mod alike;
pub(crate) mod allocation_warnings;
pub(crate) mod assess;
pub(crate) mod contexts;
pub(crate) mod engine_choice;
pub(crate) mod explain;
pub(crate) mod graph;
pub(crate) mod grid;
pub(crate) mod lineage;
pub(crate) mod origins;
pub(crate) mod pipeline;
pub(crate) mod predictions;
pub(crate) mod pretraining;
pub(crate) mod require;
pub(crate) mod stages;
