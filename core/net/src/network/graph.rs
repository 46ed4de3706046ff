//! Everything that follows from an architecture: parameters, nodes and prunable layers.

use crate::network::architecture::Architecture;
use crate::{Error, Training};

/// What kind of prunable weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerRole {
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
    pub role: LayerRole,
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
    /// Stride of the convolution; 1 for a linear layer.
    pub stride: u32,
    /// Groups of the convolution; 1 for a linear layer.
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
    /// `[out]`.
    ConvBias,
    /// `[out, in]`; prunable.
    LinearWeight,
    /// `[out]`.
    LinearBias,
    /// Scale of a batch normalisation, `[channels]`.
    NormWeight,
    /// Shift of a batch normalisation, `[channels]`.
    NormBias,
    /// `[channels]`; not trained.
    RunningMean,
    /// `[channels]`; not trained.
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
        /// One number per output channel.
        bias: Option<usize>,
        /// Side of the kernel.
        kernel: usize,
        /// The stride in both directions.
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
    /// [`Architecture::activation`]; 0 at 0 for `relu` and `tanh`, ln 2 for `softplus`.
    Activation,
    /// min(max(x, 0), 6): what `relu` means in a `mobilenetv2`.
    Relu6,
    /// The sum of two nodes of one shape: main path first, then shortcut.
    Add,
    /// The largest value under a square window; padding never wins, a last row or column
    /// that fills no window is dropped.
    MaxPool {
        /// Side of the window.
        kernel: usize,
        /// The stride in both directions.
        stride: usize,
        /// Rows and columns of minus infinity on every side.
        padding: usize,
    },
    /// The mean over height and width.
    GlobalAveragePool,
    /// On the flattened input: channel by channel, each row by row, as PyTorch flattens.
    Linear {
        /// [out, in].
        weight: usize,
        /// `[out]`.
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

/// One row of a table of layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The layer's name.
    pub name: String,
    /// What it is, in a few words: `conv`, `depthwise conv`, `linear`, with `first`,
    /// `shortcut` or `classifier` where that holds.
    pub role: String,
    /// The weight's shape.
    pub shape: Vec<usize>,
    /// Number of weights.
    pub weights: u64,
    /// Multiply-adds of one image.
    pub multiply_adds: u64,
}

impl Layer {
    /// What it is, in a few words.
    fn describe_role(&self) -> String {
        let kind = match (self.role, self.depthwise) {
            (LayerRole::Conv, false) => "conv",
            (LayerRole::Conv, true) => "depthwise conv",
            (LayerRole::Linear, _) => "linear",
        };
        let places = [
            (self.first, "first"),
            (self.shortcut, "shortcut"),
            (self.classifier, "classifier"),
        ];
        let places = places.iter().filter(|(is, _)| *is).map(|(_, word)| *word);
        let words: Vec<&str> = std::iter::once(kind).chain(places).collect();
        words.join(", ")
    }
}

impl Network {
    /// Refuses a training on so many rows, those for validation not among them, that would
    /// normalise a single value. The variance of one value is no number: a last batch of one
    /// image through a layer of 1×1 maps would end the training as "diverged", which it did not.
    ///
    /// # Errors
    /// The layer, and what to do.
    pub fn refuse_single_values(&self, training: &Training, trained: u64) -> Result<(), Error> {
        let last = training.smallest_batch(trained);
        for node in &self.nodes {
            if let Op::BatchNorm { weight, .. } = node.op
                && last * (node.output[1] * node.output[2]) as u64 == 1
            {
                let name = &self.parameters[weight].name;
                return Error::invalid(format!(
                    "`{name}` would normalise a single value: {trained} training rows in batches of {} leave a last batch of {last}; choose another `batch` or `train_subset`",
                    training.batch
                ));
            }
        }
        Ok(())
    }

    /// All weights of convolutions and linear layers (no bias, no normalisation).
    pub fn prunable_weights(&self) -> u64 {
        self.layers.iter().map(|layer| layer.len() as u64).sum()
    }

    /// Everything that is trained: weights, biases, and normalisation's scales and shifts;
    /// what papers call the number of parameters.
    pub fn trained_parameters(&self) -> u64 {
        let trained = |parameter: &&Parameter| {
            let kind = parameter.kind;
            kind != ParameterKind::RunningMean && kind != ParameterKind::RunningVar
        };
        let sizes = self.parameters.iter().filter(trained);
        sizes
            .map(|parameter| parameter.shape.iter().product::<usize>() as u64)
            .sum()
    }

    /// Multiply-adds of one image through convolutions and linear layers.
    pub fn multiply_adds(&self) -> u64 {
        self.layers.iter().map(Layer::multiply_adds).sum()
    }

    /// The share of the multiply-adds that is left with so many kept weights in each layer.
    pub fn share_left(&self, counts: &[u64]) -> f64 {
        let layers = self.layers.iter().zip(counts);
        let left: u64 = layers.map(|(layer, count)| count * layer.uses).sum();
        left as f64 / self.multiply_adds() as f64
    }

    /// What a table of layers prints, in forward order.
    pub fn describe(&self) -> Vec<Description> {
        let row = |layer: &Layer| Description {
            name: layer.name.clone(),
            role: layer.describe_role(),
            shape: layer.shape.clone(),
            weights: layer.len() as u64,
            multiply_adds: layer.multiply_adds(),
        };
        self.layers.iter().map(row).collect()
    }
}
