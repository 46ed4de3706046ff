//! Commands that plan, run, explain or report a study.

pub(crate) mod engines;
pub(crate) mod explain;
pub(crate) mod plan;
pub(crate) mod probe;
pub(crate) mod report;
pub(crate) mod run;
