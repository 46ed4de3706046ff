//! Running what a plan still lacks, and what a run leaves beside its results.

pub(crate) mod lock;
pub(crate) mod manifest;
pub(crate) mod outcome;
pub(crate) mod queue;
pub(crate) mod rerun;
