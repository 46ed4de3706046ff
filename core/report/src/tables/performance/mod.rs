//! Tables about tickets: how accurate they are, how they were made, and what they cost.

pub(crate) mod accuracy;
pub(crate) mod before_after;
pub(crate) mod learning_rates;
pub(crate) mod pretraining;
pub(crate) mod references;
pub(crate) mod stages;
pub(crate) mod sweeps;
pub(crate) mod tickets;
