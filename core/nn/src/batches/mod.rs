//! Batches of images as tensors, and the window of rows that they are read through.

pub(crate) mod batch;
pub(crate) mod window;
