//! One binary, one thread: what libtorch computes against what it must be.

#![allow(clippy::unwrap_used)] // the helpers of a test are a test

mod methods;
mod networks;
mod support;
mod training;
