//! A table in each of its formats.

pub(crate) mod frame;
pub(crate) mod latex;
pub(crate) mod markdown;
