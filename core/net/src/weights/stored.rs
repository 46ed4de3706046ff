//! Tensors as safetensors without metadata, so that equal tensors are equal bytes.

use crate::Error;
use safetensors::{Dtype, View, serialize};
use std::borrow::Cow;

/// One tensor to be written.
pub(crate) struct Tensor<'a> {
    pub dtype: Dtype,
    pub shape: &'a [usize],
    /// Row-major, little-endian.
    pub bytes: Vec<u8>,
}

impl View for Tensor<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// The file's bytes, a function of the tensors alone: the format sorts them.
pub(crate) fn to_bytes(tensors: Vec<(&str, Tensor)>) -> Result<Vec<u8>, Error> {
    serialize(tensors, None).or_else(|error| Error::invalid(format!("safetensors: {error}")))
}
