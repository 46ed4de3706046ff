//! One binary, one thread: what libtorch computes against what it must be.

#![allow(clippy::unwrap_used)] // the helpers of a test are a test

mod bf16;
mod derivatives;
mod families;
mod golden;
mod naive;
mod optimizers;
mod options;
mod support;
mod training;
