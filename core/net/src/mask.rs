//! Which weights are kept: one bit a prunable weight.
use crate::{Network, Error};
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerMask { pub name: String, pub shape: Vec<usize>, /** One entry a weight, row-major: kept or pruned. */ pub kept: Vec<bool> }
/// Layers in forward order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask { pub layers: Vec<LayerMask> }
impl Mask {
    /// Everything kept.
    pub fn dense(_network: &Network) -> Mask { todo!() }
    /// The stored format: magic `JKPMASK1`, then names, shapes, bits (LSB first, spare bits 0).
    pub fn to_bytes(&self) -> Vec<u8> { todo!() }
    /// Refuses wrong magic, truncation, spare bits set, trailing bytes: names the byte.
    pub fn from_bytes(_bytes: &[u8]) -> Result<Mask, Error> { todo!() }
    /// u8 0/1 tensors under the layers' names, for Python.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, Error> { todo!() }
    pub fn from_safetensors(_bytes: &[u8], _network: &Network) -> Result<Mask, Error> { todo!() }
    /// Names and shapes are this network's, in order.
    pub fn check(&self, _network: &Network) -> Result<(), Error> { todo!() }
    pub fn counts(&self) -> Vec<u64> { todo!() }
    pub fn kept(&self) -> u64 { todo!() }
    pub fn total(&self) -> u64 { todo!() }
    /// Kept in both, layer by layer.
    pub fn overlap(&self, _other: &Mask) -> Result<Vec<u64>, Error> { todo!() }
}
