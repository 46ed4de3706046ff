//! A network with its parameters.
use crate::{
    Error, FloatPrecision,
    error::invalid,
    network::conv::{Layout, conv},
    network::state,
    training::trainer::mask_tensor,
};
use jackpot_net::{Activation, Network, Node, Op, ParameterKind};
use jackpot_prune::Mask;
use tch::{Device, Kind, Tensor};

/// Added to the variance by every normalisation layer (PyTorch's default).
const EPSILON: f64 = 1e-5;
/// Share of the new batch in the running statistics (PyTorch's default).
const MOMENTUM: f64 = 0.1;

/// Which statistics normalisation layers use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// The batch's own; the running ones move towards them.
    Training,
    /// The batch's own; the running ones stay.
    Batch,
    /// The running ones.
    Running,
}

/// A network and its parameters, in the order of [`Network::parameters`].
pub struct Model {
    pub(crate) network: Network,
    pub(crate) parameters: Vec<Tensor>,
    pub(crate) precision: FloatPrecision,
    pub(crate) device: Device,
}

impl Model {
    /// Reads a state_dict (safetensors; PyTorch's names and shapes; F32 or F64).
    ///
    /// # Errors
    /// Names the tensor that is missing, not this network's, or of another shape.
    pub fn load(
        network: &Network,
        state_dict: &[u8],
        precision: FloatPrecision,
        device: Device,
    ) -> Result<Model, Error> {
        let parameters = state::read(network, state_dict, precision, device)?;
        Ok(Model {
            network: network.clone(),
            parameters,
            precision,
            device,
        })
    }

    /// The state_dict as safetensors without metadata, in the model's precision.
    ///
    /// # Errors
    /// libtorch's, when the tensors cannot be copied.
    pub fn state_dict(&self) -> Result<Vec<u8>, Error> {
        state::state_dict(&self.network, &self.parameters)
    }

    /// Sets the pruned weights to 0.
    ///
    /// # Errors
    /// A mask of another network; libtorch's.
    pub fn prune(&mut self, mask: &Mask) -> Result<(), Error> {
        for (i, mask) in self.masks(mask)? {
            let _ = self.parameters[i].f_mul_(&mask)?;
        }
        Ok(())
    }

    /// The prunable parameters' indices, each with its mask as 0 and 1 in the weights'
    /// precision, device and layout.
    ///
    /// # Errors
    /// A mask of another network; libtorch's.
    pub(crate) fn masks(&self, mask: &Mask) -> Result<Vec<(usize, Tensor)>, Error> {
        mask.check(&self.network)?;
        let (kind, device) = (self.precision.kind(), self.device);
        let layers = prunable(&self.network)?.into_iter().zip(&mask.layers);
        layers
            .map(|(i, layer)| Ok((i, mask_tensor(&layer.kept, &layer.shape, kind, device)?)))
            .collect()
    }

    /// The network that this is a model of.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Logits `[n, classes]` of images `x` `[n, channels, height, width]`, already
    /// normalised, of the model's precision and device.
    ///
    /// # Errors
    /// An image shape that is not the network's; libtorch's errors.
    pub fn forward(&self, x: &Tensor, statistics: Statistics) -> Result<Tensor, Error> {
        forward(
            &self.network,
            &self.parameters,
            x,
            statistics,
            self.precision,
            Layout::ChannelsLast,
        )
    }

    /// As [`Model::forward`], with running statistics and nothing to differentiate.
    pub(crate) fn logits_of(&self, x: &Tensor) -> Result<Tensor, Error> {
        tch::no_grad(|| self.forward(x, Statistics::Running))
    }

    /// The parameters in the order of [`Network::parameters`].
    pub fn parameters(&self) -> &[Tensor] {
        &self.parameters
    }

    /// Logits as numbers, row by row, of images given as numbers (normalised, row-major
    /// `[n, channels, height, width]`), with running statistics.
    ///
    /// # Errors
    /// As [`Model::forward`].
    pub fn logits(&self, images: &[f32]) -> Result<Vec<f64>, Error> {
        let x = images_tensor(&self.network, images, self.precision, self.device)?;
        let logits = self.logits_of(&x)?;
        let logits = logits
            .f_to_kind(Kind::Double)?
            .f_to_device(Device::Cpu)?
            .f_contiguous()?;
        let mut values = vec![0.0; logits.numel()];
        logits.f_copy_data(&mut values, logits.numel())?;
        Ok(values)
    }
}

/// Images given as numbers, as a tensor in the layout that everything computes in.
pub(crate) fn images_tensor(
    network: &Network,
    images: &[f32],
    precision: FloatPrecision,
    device: Device,
) -> Result<Tensor, Error> {
    let [c, h, w] = network.architecture.input.map(i64::from);
    if images.is_empty() || !images.len().is_multiple_of((c * h * w) as usize) {
        return invalid(format!(
            "images: {} values are no number of {c}×{h}×{w} images",
            images.len()
        ));
    }
    let x = Tensor::f_from_slice(images)?.f_reshape([-1, c, h, w])?;
    state::laid_out(&x.f_to_kind(precision.kind())?.f_to_device(device)?)
}

/// Parameters that are trained: all but running statistics.
pub(crate) fn is_trained(kind: ParameterKind) -> bool {
    !matches!(kind, ParameterKind::RunningMean | ParameterKind::RunningVar)
}

/// The index of each prunable layer among the network's parameters.
pub(crate) fn prunable(network: &Network) -> Result<Vec<usize>, Error> {
    network
        .layers
        .iter()
        .map(
            |layer| match network.parameters.iter().position(|p| p.name == layer.name) {
                Some(index) => Ok(index),
                None => invalid(format!(
                    "layer `{}` is no parameter of the network",
                    layer.name
                )),
            },
        )
        .collect()
}

/// Walks the nodes; a value is dropped after its last use. The logits are of the
/// precision's [`FloatPrecision::kind`].
pub(crate) fn forward(
    network: &Network,
    parameters: &[Tensor],
    x: &Tensor,
    statistics: Statistics,
    precision: FloatPrecision,
    layout: Layout,
) -> Result<Tensor, Error> {
    let input = network.architecture.input.map(i64::from);
    if x.dim() != 4 || x.size()[1..] != input {
        return invalid(format!(
            "images: expected [n, {input:?}], found {:?}",
            x.size()
        ));
    }
    let mut uses = vec![0_usize; network.nodes.len()];
    network
        .nodes
        .iter()
        .flat_map(|node| &node.inputs)
        .for_each(|&i| uses[i] += 1);
    let mut values: Vec<Option<Tensor>> = Vec::with_capacity(network.nodes.len());
    for node in &network.nodes {
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for &i in &node.inputs {
            uses[i] -= 1;
            let value = if uses[i] == 0 {
                values[i].take()
            } else {
                values[i].as_ref().map(Tensor::shallow_clone)
            };
            let source = &network.nodes[i].op;
            inputs.push(Value {
                tensor: value.expect("a node's inputs come before it and are kept until used"),
                // Autograd keeps the outputs of activations and the inputs of the
                // others, so only what these two made may be overwritten.
                overwritable: uses[i] == 0 && matches!(source, Op::BatchNorm { .. } | Op::Add),
            });
        }
        let value = match node.op {
            Op::Input => x.shallow_clone(),
            _ => apply(
                node,
                inputs,
                network.architecture.activation,
                parameters,
                statistics,
                precision,
                layout,
            )?,
        };
        values.push(Some(value));
    }
    match values.pop().flatten() {
        Some(logits) => Ok(logits.f_to_kind(precision.kind())?),
        None => invalid("the network has no nodes"),
    }
}

struct Value {
    tensor: Tensor,
    overwritable: bool,
}

fn apply(
    node: &Node,
    mut inputs: Vec<Value>,
    activation: Activation,
    parameters: &[Tensor],
    statistics: Statistics,
    precision: FloatPrecision,
    layout: Layout,
) -> Result<Tensor, Error> {
    let second = if inputs.len() > 1 { inputs.pop() } else { None };
    let Some(Value {
        tensor: mut x,
        overwritable,
    }) = inputs.pop()
    else {
        return invalid(format!("node {:?} has no input", node.op));
    };
    Ok(match node.op {
        Op::Input => x,
        Op::Conv { .. } => {
            let reads_image = node.inputs == [0];
            conv(&node.op, parameters, &x, precision, layout, reads_image)?
        }
        Op::BatchNorm {
            weight,
            bias,
            mean,
            var,
        } => {
            let running =
                (statistics != Statistics::Batch).then(|| (&parameters[mean], &parameters[var]));
            x.f_batch_norm(
                Some(&parameters[weight]),
                Some(&parameters[bias]),
                running.map(|r| r.0),
                running.map(|r| r.1),
                statistics != Statistics::Running,
                MOMENTUM,
                EPSILON,
                true,
            )?
        }
        Op::Activation => match activation {
            Activation::Relu if overwritable => x.f_relu_()?,
            Activation::Relu => x.f_relu()?,
            Activation::Tanh => x.f_tanh()?,
            Activation::Softplus => x.f_softplus()?,
        },
        Op::Add => {
            let Some(second) = second else {
                return invalid("an addition has one input");
            };
            if overwritable {
                x.f_add_(&second.tensor)?
            } else {
                x.f_add(&second.tensor)?
            }
        }
        Op::Relu6 if overwritable => x.f_relu6_()?,
        Op::Relu6 => x.f_relu6()?,
        Op::MaxPool {
            kernel,
            stride,
            padding,
        } => {
            let [kernel, stride, padding] = [kernel, stride, padding].map(|side| [side as i64; 2]);
            x.f_max_pool2d(kernel, stride, padding, [1, 1], false)?
        }
        Op::GlobalAveragePool => x.f_mean_dim([2_i64, 3].as_slice(), false, precision.kind())?,
        Op::Linear { weight, bias } => {
            if x.dim() > 2 {
                x = x.f_flatten(1, -1)?;
            }
            let bias = precision.factor(&parameters[bias])?;
            precision
                .factor(&x)?
                .f_linear(&precision.factor(&parameters[weight])?, Some(&bias))?
        }
    })
}
