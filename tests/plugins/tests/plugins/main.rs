//! The shipped plugins through the real host, each against an independent truth: the
//! released code's counts, the generator called directly, derivatives known by hand.
#![allow(clippy::unwrap_used)] // the helpers of a test are a test

mod allocations;
mod bench;
mod data;
mod grasp;
mod layers;
mod masks;
mod methods;
mod saliency;
mod scores;
mod twins;
mod weights;
