//! `[[ticket]]`: which weights are kept, by what, and from which weights they are trained.

pub(crate) mod allocations;
pub(crate) mod kind;
pub(crate) mod profile;
pub(crate) mod stage;
pub(crate) mod tickets;
