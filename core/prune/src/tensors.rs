//! Tensors of a network's layers as safetensors, read and written.
use crate::Error;
use jackpot_net::{NUMBERS, Network};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

/// The prunable weights of a state_dict, one vector for each layer, in forward order.
pub fn read_weights(bytes: &[u8], network: &Network) -> Result<Vec<Vec<f64>>, Error> {
    read_layers(bytes, network, "weights", false)
}

/// The layers of a safetensors file as f64, in forward order. With `only` the file may
/// hold nothing else.
///
/// # Errors
/// A layer that is missing, misshapen or not of floating-point numbers, and with `only` a tensor
/// that is no layer. `what` begins the message.
pub fn read_layers(
    bytes: &[u8],
    network: &Network,
    what: &str,
    only: bool,
) -> Result<Vec<Vec<f64>>, Error> {
    let invalid = |message: String| Error::Invalid(format!("{what}: {message}"));
    let file = SafeTensors::deserialize(bytes)
        .map_err(|e| invalid(jackpot_net::not_tensors(bytes, &e)))?;
    if only && file.len() != network.layers.len() {
        let known = |name: &&str| network.layers.iter().any(|l| l.name == **name);
        let mut extra: Vec<&str> = file.names().into_iter().filter(|n| !known(n)).collect();
        extra.sort_unstable();
        if let Some(name) = extra.first() {
            return Err(invalid(format!(
                "tensor `{name}` is no prunable layer of this network"
            )));
        }
    }
    let mut layers = Vec::with_capacity(network.layers.len());
    for layer in &network.layers {
        let tensor = file.tensor(&layer.name).map_err(|_| {
            invalid(format!(
                "expected a tensor `{}` of shape {:?}, found none",
                layer.name, layer.shape
            ))
        })?;
        if tensor.shape() != layer.shape {
            return Err(invalid(format!(
                "tensor `{}`: expected shape {:?}, found {:?}",
                layer.name,
                layer.shape,
                tensor.shape()
            )));
        }
        layers.push(jackpot_net::numbers(&tensor).ok_or_else(|| {
            invalid(format!(
                "tensor `{}`: expected {NUMBERS}, found {:?}",
                layer.name,
                tensor.dtype()
            ))
        })?);
    }
    Ok(layers)
}

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
