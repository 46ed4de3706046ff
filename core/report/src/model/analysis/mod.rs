//! What the declared analysis says of the runs: findings, and the sentences made from them.

pub(crate) mod findings;
pub(crate) mod headlines;
pub(crate) mod titles;
