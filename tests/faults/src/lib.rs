//! What the fault suites share: draws that can be repeated, processes to stop, counts to print.
//!
//! **Invariant**: nothing here is used outside tests, and no process is touched that does not
//! work in the folder of the test that asks.
#![allow(clippy::unwrap_used)] // the helpers of a test are a test

mod draws;
mod processes;

pub use draws::Draws;
pub use processes::{Doing, Worker, await_none, kill, stop, workers};

use std::io::Write;

/// One line of the suite's numbers, past the capture of the test harness:
/// `jackpot-count: NAME = DONE / TRIED`.
pub fn count(name: &str, done: usize, tried: usize) {
    say(&format!("jackpot-count: {name} = {done} / {tried}"));
}

/// What this machine did, for people: `jackpot-measured: NAME = VALUE`.
pub fn measured(name: &str, value: &str) {
    say(&format!("jackpot-measured: {name} = {value}"));
}

/// Words beside the counts, past the capture of the test harness.
pub fn say(words: &str) {
    std::io::stdout()
        .write_all(format!("{words}\n").as_bytes())
        .unwrap();
}
