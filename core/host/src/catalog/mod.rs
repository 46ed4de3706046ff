//! What plugins offer: the files that may be one, and the items that each describes.

pub(crate) mod describe;
pub(crate) mod discover;
pub(crate) mod rounds;
