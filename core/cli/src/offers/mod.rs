//! Commands that say what there is to choose from: plugins, networks, data sets.

pub(crate) mod describe;
pub(crate) mod list;
pub(crate) mod plugin;
