//! Networks as data: what is asked for, and everything that follows from it.

pub(crate) mod architecture;
pub(crate) mod choice;
pub(crate) mod family;
pub(crate) mod graph;
