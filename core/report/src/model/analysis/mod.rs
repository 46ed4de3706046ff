//! The declared analysis: its findings, and the sentences that state them.

pub(crate) mod findings;
pub(crate) mod headlines;
pub(crate) mod titles;
