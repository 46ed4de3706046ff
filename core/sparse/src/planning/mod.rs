//! What is decided once, before the first step: groups, patterns of kept weights, the order of
//! gradients, and where every map lies.

pub(crate) mod arena;
pub(crate) mod lower;
pub(crate) mod pattern;
pub(crate) mod plan;
pub(crate) mod schedule;
