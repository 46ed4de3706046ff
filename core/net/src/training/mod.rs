//! Training as data: hyperparameters, optimisers, the objective, engine and precision.

pub(crate) mod compute;
pub(crate) mod hyperparameters;
pub(crate) mod objective;
pub(crate) mod optimizer;
