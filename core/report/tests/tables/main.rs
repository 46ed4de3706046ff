//! Tables and pages of synthetic results whose numbers are known.

#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

#[path = "../synthetic/mod.rs"]
mod synthetic;

mod comparisons;
mod factorial;
mod headlines;
mod numbers;
mod paper_tables;
mod plan_changes;
mod settings;
mod sweeps;
