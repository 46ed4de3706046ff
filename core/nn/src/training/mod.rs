//! Training and evaluation: steps, optimisers, metrics and resume points.

pub(crate) mod engine;
pub(crate) mod evaluate;
pub(crate) mod metrics;
pub(crate) mod optimizer;
pub(crate) mod resume;
#[cfg(test)]
mod rows_tests;
pub(crate) mod split;
pub(crate) mod train;
pub(crate) mod trainer;
