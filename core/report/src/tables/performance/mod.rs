//! How accurate tickets are, what they cost, and what was done to them.

pub(crate) mod accuracy;
pub(crate) mod before_after;
pub(crate) mod learning_rates;
pub(crate) mod pretraining;
pub(crate) mod references;
pub(crate) mod stages;
pub(crate) mod sweeps;
pub(crate) mod tickets;
