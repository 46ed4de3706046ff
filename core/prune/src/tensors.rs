//! Tensors as safetensors without metadata.
use crate::Error;
use safetensors::{Dtype, tensor::TensorView};

/// A safetensors file without metadata, whose bytes are a function of its tensors: name, type,
/// shape and little-endian values, row-major.
///
/// # Errors
/// If the values of a tensor are not as many as its shape says.
pub fn write_tensors(tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)>) -> Result<Vec<u8>, Error> {
    let mut views = Vec::with_capacity(tensors.len());
    for (name, dtype, shape, data) in &tensors {
        let view = TensorView::new(*dtype, shape.clone(), data)
            .or_else(|e| Error::invalid(format!("tensor `{name}`: {e}")))?;
        views.push((name.as_str(), view));
    }
    safetensors::serialize(views, None).or_else(|e| Error::invalid(format!("safetensors: {e}")))
}
