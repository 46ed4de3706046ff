//! Who is using which part of a store.

pub(crate) mod holder;
pub(crate) mod locks;
