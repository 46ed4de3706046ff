//! Scores of a network: one number a prunable weight, larger is kept.
use crate::Failure;
use jackpot_net::{NUMBERS, Network};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

/// One vector a prunable layer, forward order, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// Layer name, scores.
    pub layers: Vec<(String, Vec<f64>)>,
}

impl Scores {
    /// Reads floating-point tensors under the layers' names; nothing may be missing, extra or misshapen.
    pub fn from_safetensors(bytes: &[u8], network: &Network) -> Result<Scores, Failure> {
        let layers = read_layers(bytes, network, "scores", true)?;
        let named = network.layers.iter().map(|l| l.name.clone()).zip(layers);
        Ok(Scores {
            layers: named.collect(),
        })
    }

    /// f64 tensors under the layers' names, no metadata: the same scores are the same bytes.
    pub fn to_safetensors(&self, network: &Network) -> Result<Vec<u8>, Failure> {
        if self.layers.len() != network.layers.len() {
            return Err(Failure::new(
                "invalid",
                format!(
                    "scores: expected {} layers, found {}",
                    network.layers.len(),
                    self.layers.len()
                ),
            ));
        }
        let tensors = network
            .layers
            .iter()
            .zip(&self.layers)
            .map(|(layer, (name, values))| {
                let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                (name.clone(), Dtype::F64, layer.shape.clone(), bytes)
            });
        write_tensors(tensors.collect())
    }
}

/// The prunable weights of a state_dict, a vector a layer, forward order.
pub fn read_weights(bytes: &[u8], network: &Network) -> Result<Vec<Vec<f64>>, Failure> {
    read_layers(bytes, network, "weights", false)
}

/// The layers of a safetensors file as f64, forward order. `only`: nothing else may be in it.
pub(crate) fn read_layers(
    bytes: &[u8],
    network: &Network,
    what: &str,
    only: bool,
) -> Result<Vec<Vec<f64>>, Failure> {
    let invalid = |message: String| Failure::new("invalid", format!("{what}: {message}"));
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

/// Little-endian doubles.
pub(crate) fn doubles(data: &[u8]) -> Vec<f64> {
    data.as_chunks::<8>()
        .0
        .iter()
        .map(|b| f64::from_le_bytes(*b))
        .collect()
}

/// A safetensors file without metadata, whose bytes are a function of its tensors.
pub(crate) fn write_tensors(
    tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)>,
) -> Result<Vec<u8>, Failure> {
    let mut views = Vec::with_capacity(tensors.len());
    for (name, dtype, shape, data) in &tensors {
        let view = TensorView::new(*dtype, shape.clone(), data)
            .map_err(|e| Failure::new("invalid", format!("tensor `{name}`: {e}")))?;
        views.push((name.as_str(), view));
    }
    safetensors::serialize(views, None)
        .map_err(|e| Failure::new("invalid", format!("safetensors: {e}")))
}
