//! What a network is made of.
//!
//! [`Architecture`] is the handful of numbers that a study writes down; [`Network`] is
//! everything that follows from them. The networks are those of the published code
//! (`models/resnet.py` and `models/vgg.py` of JingtongSu/sanity-checking-pruning).

use crate::{resnet, vgg};
use serde::{Deserialize, Serialize};

/// The kinds of network that can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// He et al. 2016, for CIFAR: three stages of basic blocks, of bottlenecks from depth 54.
    Resnet,
    /// Simonyan and Zisserman 2015 with batch normalisation and one linear layer.
    Vgg,
}

/// The non-linearity. Everything published uses `relu`; `tanh` and `softplus` exist
/// because finite differences check derivatives only on a smooth network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// max(x, 0).
    #[default]
    Relu,
    /// The hyperbolic tangent.
    Tanh,
    /// ln(1 + eˣ).
    Softplus,
}

/// Everything a network is a function of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// Which kind of network.
    pub family: Family,
    /// 6n+2 for `resnet`; 11, 13, 16 or 19 for `vgg`.
    pub depth: u32,
    /// Width of the first stage: published are 32 (`resnet`) and 64 (`vgg`).
    pub width: u32,
    /// Number of logits.
    pub classes: u32,
    /// Channels, height, width of an image.
    pub input: [u32; 3],
    /// The non-linearity after every normalisation.
    #[serde(default)]
    pub activation: Activation,
}

/// What kind of prunable weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// [out, in / groups, kernel height, kernel width].
    Conv,
    /// [out, in].
    Linear,
}

/// One prunable weight tensor with its place in the network, in forward order.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The parameter's name in the state_dict, for example `layer3.0.conv1.weight`.
    pub name: String,
    /// Convolution or linear.
    pub role: Role,
    /// [out, in / groups, height, width] or [out, in].
    pub shape: Vec<usize>,
    /// Reads the image.
    pub first: bool,
    /// Gives the logits.
    pub classifier: bool,
    /// A projection on a residual connection.
    pub shortcut: bool,
    /// As many groups as input channels, and more than one.
    pub depthwise: bool,
    /// Place in forward order, from 1.
    pub depth: u32,
    /// The residual block it lies in, from 1; 0 outside.
    pub block: u32,
    /// Of the convolution; 1 for a linear layer.
    pub stride: u32,
    /// Of the convolution; 1 for a linear layer.
    pub groups: u32,
    /// Times one image uses each weight: output height × width; multiply-adds = elements × uses.
    pub uses: u64,
}

impl Layer {
    /// Number of weights.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// No layer of a built network is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Multiply-adds of one image, padding counted as if it were image.
    pub fn multiply_adds(&self) -> u64 {
        self.len() as u64 * self.uses
    }
}

/// What a parameter is to its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// [out, in / groups, height, width]; prunable.
    ConvWeight,
    /// [out].
    ConvBias,
    /// [out, in]; prunable.
    LinearWeight,
    /// [out].
    LinearBias,
    /// Scale of a batch normalisation, [channels].
    NormWeight,
    /// Shift of a batch normalisation, [channels].
    NormBias,
    /// [channels]; not trained.
    RunningMean,
    /// [channels]; not trained.
    RunningVar,
}

/// One entry of PyTorch's state_dict (without `num_batches_tracked`), in its order.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// As in the published code's state_dict.
    pub name: String,
    /// As in the published code's state_dict.
    pub shape: Vec<usize>,
    /// What it is to its layer.
    pub kind: ParameterKind,
}

/// One step of the forward pass.
#[derive(Clone, Debug)]
pub struct Node {
    /// What is computed.
    pub op: Op,
    /// Earlier nodes, by index.
    pub inputs: Vec<usize>,
    /// Channels, height, width after this node (height = width = 1 after pooling).
    pub output: [usize; 3],
}

/// What a node computes. Numbers named after a parameter are indices into
/// [`Network::parameters`].
#[derive(Clone, Debug)]
pub enum Op {
    /// The image.
    Input,
    /// A square kernel, zero padding on all sides.
    Conv {
        /// The kernel.
        weight: usize,
        /// One number an output channel.
        bias: Option<usize>,
        /// Side of the kernel.
        kernel: usize,
        /// Of both directions.
        stride: usize,
        /// Zeros on every side.
        padding: usize,
        /// Groups of channels that do not see each other.
        groups: usize,
    },
    /// eps 1e-5; running statistics move by 0.1 (PyTorch's defaults).
    BatchNorm {
        /// Scale.
        weight: usize,
        /// Shift.
        bias: usize,
        /// Running mean.
        mean: usize,
        /// Running variance.
        var: usize,
    },
    /// [`Architecture::activation`].
    Activation,
    /// The sum of two nodes of one shape: main path first, then shortcut.
    Add,
    /// 2×2, stride 2, an odd last row and column dropped.
    MaxPool2,
    /// The mean over height and width.
    GlobalAveragePool,
    /// On the flattened input.
    Linear {
        /// [out, in].
        weight: usize,
        /// [out].
        bias: usize,
    },
}

/// A network as data: enough to run it, count it and prune it.
#[derive(Clone, Debug)]
pub struct Network {
    /// What it was built from.
    pub architecture: Architecture,
    /// The state_dict's entries in its order.
    pub parameters: Vec<Parameter>,
    /// In forward order; the first is the image, the last the output (logits).
    pub nodes: Vec<Node>,
    /// Prunable weights in forward order (published module order: a projection after the
    /// last convolution of its block).
    pub layers: Vec<Layer>,
}

/// What does not fit, in words.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Names the field, layer or byte, what was expected and what was found.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    pub(crate) fn invalid<T>(message: impl Into<String>) -> Result<T, Error> {
        Err(Error::Invalid(message.into()))
    }
}

/// Larger numbers are refused: they are typing errors, and sizes stay inside 64 bits.
const LARGEST: [(&str, u32); 6] = [
    ("depth", 1202),
    ("width", 1024),
    ("classes", 1_000_000),
    ("input channels", 4096),
    ("input height", 4096),
    ("input width", 4096),
];

impl Architecture {
    /// The published CIFAR ResNet, with ReLU. `input` is channels, height, width.
    pub fn resnet(depth: u32, width: u32, classes: u32, input: [u32; 3]) -> Architecture {
        Architecture {
            family: Family::Resnet,
            depth,
            width,
            classes,
            input,
            activation: Activation::Relu,
        }
    }

    /// The published VGG with batch normalisation, with ReLU. `input` is channels, height, width.
    pub fn vgg(depth: u32, width: u32, classes: u32, input: [u32; 3]) -> Architecture {
        Architecture {
            family: Family::Vgg,
            ..Architecture::resnet(depth, width, classes, input)
        }
    }

    /// Builds the network, or says which field or layer does not fit.
    pub fn build(&self) -> Result<Network, Error> {
        self.check_sizes()?;
        let network = match self.family {
            Family::Resnet => resnet::build(self),
            Family::Vgg => vgg::build(self),
        };
        network.or_else(|misfit| Error::invalid(misfit.explain(self)))
    }

    fn check_sizes(&self) -> Result<(), Error> {
        let [channels, height, width] = self.input;
        let given = [
            self.depth,
            self.width,
            self.classes,
            channels,
            height,
            width,
        ];
        for ((field, largest), value) in LARGEST.into_iter().zip(given) {
            let smallest = if field == "classes" { 2 } else { 1 };
            if !(smallest..=largest).contains(&value) {
                return Error::invalid(format!(
                    "network `{field}`: expected {smallest} to {largest}, found {value}"
                ));
            }
        }
        Ok(())
    }
}

/// One row of a table of layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The layer's name.
    pub name: String,
    /// The weight's shape.
    pub shape: Vec<usize>,
    /// Number of weights.
    pub weights: u64,
    /// Multiply-adds of one image.
    pub multiply_adds: u64,
}

impl Network {
    /// All weights of convolutions and linear layers (no bias, no normalisation).
    pub fn prunable_weights(&self) -> u64 {
        self.layers.iter().map(|layer| layer.len() as u64).sum()
    }

    /// Multiply-adds of one image through convolutions and linear layers.
    pub fn multiply_adds(&self) -> u64 {
        self.layers.iter().map(Layer::multiply_adds).sum()
    }

    /// What a table of layers prints, in forward order.
    pub fn describe(&self) -> Vec<Description> {
        let row = |layer: &Layer| Description {
            name: layer.name.clone(),
            shape: layer.shape.clone(),
            weights: layer.len() as u64,
            multiply_adds: layer.multiply_adds(),
        };
        self.layers.iter().map(row).collect()
    }
}
