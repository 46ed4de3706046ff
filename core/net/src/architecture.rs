//! What a network is made of.
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family { Resnet, Vgg }

/// The non-linearity. Everything published uses `relu`; `tanh` and `softplus` exist
/// because finite differences check derivatives only on a smooth network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation { #[default] Relu, Tanh, Softplus }

/// Everything a network is a function of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    pub family: Family,
    /// 6n+2 for `resnet`; 11, 13, 16 or 19 for `vgg`.
    pub depth: u32,
    /// Width of the first stage: published are 32 (`resnet`) and 64 (`vgg`).
    pub width: u32,
    pub classes: u32,
    /// Channels, height, width of an image.
    pub input: [u32; 3],
    #[serde(default)]
    pub activation: Activation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role { Conv, Linear }

/// One prunable weight tensor with its place in the network, in forward order.
#[derive(Clone, Debug)]
pub struct Layer {
    pub name: String, // "layer3.0.conv1.weight"
    pub role: Role,
    pub shape: Vec<usize>,
    pub first: bool, pub classifier: bool, pub shortcut: bool, pub depthwise: bool,
    pub depth: u32, pub block: u32, pub stride: u32, pub groups: u32,
    /// Times one image uses each weight: output height × width; multiply-adds = elements × uses.
    pub uses: u64,
}
impl Layer { pub fn len(&self) -> usize { self.shape.iter().product() } pub fn is_empty(&self) -> bool { self.len() == 0 } }

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind { ConvWeight, ConvBias, LinearWeight, LinearBias, NormWeight, NormBias, RunningMean, RunningVar }

/// One entry of PyTorch's state_dict (without `num_batches_tracked`), in its order.
#[derive(Clone, Debug)]
pub struct Parameter { pub name: String, pub shape: Vec<usize>, pub kind: ParameterKind }

/// One step of the forward pass; inputs name earlier nodes by index.
#[derive(Clone, Debug)]
pub struct Node { pub op: Op, pub inputs: Vec<usize>, /** Channels, height, width after this node (height = width = 1 after pooling). */ pub output: [usize; 3] }

#[derive(Clone, Debug)]
pub enum Op {
    Input,
    /// `weight` and `bias` are indices into [`Network::parameters`].
    Conv { weight: usize, bias: Option<usize>, kernel: usize, stride: usize, padding: usize, groups: usize },
    /// weight, bias, running mean, running variance: indices into parameters. eps 1e-5, momentum 0.1.
    BatchNorm { weight: usize, bias: usize, mean: usize, var: usize },
    Activation,
    Add,
    MaxPool2,
    GlobalAveragePool,
    Linear { weight: usize, bias: usize },
}

#[derive(Clone, Debug)]
pub struct Network {
    pub architecture: Architecture,
    pub parameters: Vec<Parameter>,
    /// In forward order; the last is the output (logits).
    pub nodes: Vec<Node>,
    /// Prunable weights in forward order (published module order: a projection after conv2 of its block).
    pub layers: Vec<Layer>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error { #[error("{0}")] Invalid(String) }

impl Architecture {
    /// Builds the network, or says which field or layer does not fit.
    pub fn build(&self) -> Result<Network, Error> { todo!() }
}
impl Network {
    pub fn prunable_weights(&self) -> u64 { todo!() }
    pub fn multiply_adds(&self) -> u64 { todo!() }
}
