//! The whole command line, with the real programs, plugins and libtorch.
#![allow(clippy::unwrap_used)] // the helpers of a test are a test

mod commands;
mod images;
mod plugins;
mod program;
mod single_steps;
mod store;
mod studies;

use jackpot_test_cli::support;
