//! A report's files as a whole: rendering them with their lock, writing them, and comparing them
//! with those on disk.

pub(crate) mod compare;
pub(crate) mod files;
mod lock;
pub(crate) mod render;
mod runs;
