//! The data sets that are known: opening and verifying them, their files and sums as published.

pub(crate) mod catalogue;
pub(crate) mod manifest;
pub(crate) mod published;
pub(crate) mod remote;
pub(crate) mod verify;
