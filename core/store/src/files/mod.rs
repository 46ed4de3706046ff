//! Writing files so that a crash does no harm, and what a file system can do.

pub(crate) mod lacks;
pub(crate) mod place;
#[doc(hidden)]
pub mod steps;
pub(crate) mod write;
