//! One binary, one thread: what libtorch computes against what it must be.

#![allow(clippy::unwrap_used)] // the helpers of a test are a test

mod access;
mod bf16;
mod derivatives;
mod families;
mod golden;
mod grasp;
mod optimizers;
mod options;
mod precision;
mod real;
mod reference;
mod saliency;
mod sparse;
mod support;
mod synflow;
mod training;
