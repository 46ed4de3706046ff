//! Starts a worker process, watches it, ends it with all its descendants, and says what became of it.

pub(crate) mod exit;
pub(crate) mod process_tree;
pub(crate) mod progress;
pub(crate) mod server;
pub(crate) mod supervise;
