//! The whole command line, with the real programs, plugins and libtorch.
#![allow(clippy::unwrap_used)] // the helpers of a test are a test

mod audit;
mod by_hand;
mod commands;
mod curves;
mod describe;
mod engines;
mod everything;
mod faulty_plugins;
mod handed_in;
mod help;
mod identical;
mod images;
mod keeping;
mod kit;
mod machines;
mod masks;
mod mistakes;
mod networks;
mod numbers;
mod output;
mod places;
mod plans;
mod probe;
mod reports;
mod runs;
mod shipped;
mod signals;
mod tensors;
mod trials;
mod trust;

use jackpot_test_cli::support;
