//! One binary: the reference against finite differences, the engine against the reference.

#![allow(clippy::unwrap_used)] // the helpers of a test are a test

mod determinism;
mod edges;
mod gradients;
mod reference;
mod refused;
mod steps;
mod support;
