//! Commands that read, verify or change a store.

pub(crate) mod audit;
pub(crate) mod bundle;
pub(crate) mod diff;
pub(crate) mod export;
pub(crate) mod gc;
pub(crate) mod import;
pub(crate) mod pin;
pub(crate) mod show;
pub(crate) mod tensorboard;
