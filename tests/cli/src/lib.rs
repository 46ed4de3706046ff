//! Tests of the whole command line with the programs that users run; see `tests/cli`.
//!
//! **Invariant**: nothing here links the libraries under test: what is tested is the files,
//! words and exit codes of `jackpot` itself.
#![allow(clippy::unwrap_used)] // the helpers of a test are a test

pub mod support;
