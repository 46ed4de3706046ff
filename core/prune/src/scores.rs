//! Scores of a network: one number for each prunable weight, of which the larger are kept.
use crate::{
    Error,
    tensors::{read_layers, write_tensors},
};
use jackpot_net::Network;
use safetensors::Dtype;

/// One score for each prunable weight, layer by layer in forward order, row-major. The larger are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// The name of each layer, with its scores.
    pub layers: Vec<(String, Vec<f64>)>,
}

impl Scores {
    /// Reads floating-point tensors under the layers' names; nothing may be missing, extra or misshapen.
    pub fn from_safetensors(bytes: &[u8], network: &Network) -> Result<Scores, Error> {
        let layers = read_layers(bytes, network, "scores", true)?;
        let named = network.layers.iter().map(|l| l.name.clone()).zip(layers);
        Ok(Scores {
            layers: named.collect(),
        })
    }

    /// f64 tensors under the layers' names, no metadata: the same scores are the same bytes.
    pub fn to_safetensors(&self, network: &Network) -> Result<Vec<u8>, Error> {
        if self.layers.len() != network.layers.len() {
            return Error::invalid(format!(
                "scores: expected {} layers, found {}",
                network.layers.len(),
                self.layers.len()
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
