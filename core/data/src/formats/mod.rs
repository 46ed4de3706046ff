//! The formats in which images and labels are published, and how their files are read.

pub(crate) mod canonical;
pub(crate) mod cifar;
pub(crate) mod decode;
pub(crate) mod idx;
pub(crate) mod idx_set;
pub(crate) mod jpeg;
pub(crate) mod tree;
