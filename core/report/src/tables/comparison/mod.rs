//! Tables about comparisons: the estimates and verdicts of the declared analysis.

pub(crate) mod differences;
pub(crate) mod effects;
mod finding;
pub(crate) mod hybrid;
pub(crate) mod partially_trained;
pub(crate) mod verdicts;
