//! The first weights of a network: initialisation as published, drawn from a key.
//!
//! | parameter | `resnet` | `vgg` | `wrn`, `resnet-imagenet` | `mobilenetv2` | `lenet-300-100`, `lenet-5` |
//! |---|---|---|---|---|---|
//! | convolution | N(0, 2 / (k²·C_out)) | N(0, 2 / (k²·C_in)) | N(0, 2 / (k²·C_out)) | N(0, 2 / (k²·C_out)) | Glorot |
//! | linear | N(0, 0.01²) | N(0, 0.01²) | U(±1/√in) | N(0, 0.01²) | Glorot |
//! | linear's bias | 0 | 0 | 0 (`wrn`), U(±1/√in) | 0 | 0 |
//! | convolution's bias | | 0 | | | 0 |
//!
//! Glorot is N(0, 2 / (fan in + fan out)), a fan being channels times k². Normalisation
//! starts at scale 1, shift 0, running mean 0 and running variance 1.
//!
//! Each column is what the code of [`Facts::code`](crate::Facts::code) does: the published
//! code's `models/resnet.py` and `models/vgg.py`; xternalz's `wideresnet.py`, which leaves
//! its linear weight at PyTorch's default; torchvision's `resnet.py`, which leaves the whole
//! layer there, and `mobilenetv2.py`, whose depthwise fan out counts all channels. LeNet is
//! initialised as the lottery ticket does it (Frankle and Carbin 2019: Gaussian
//! Glorot). The activation does not enter: the published gain is ReLU's.

use crate::Error;
use crate::network::family::Family;
use crate::network::graph::{Network, Parameter, ParameterKind};
use crate::weights::stored::{self, Tensor};
use jackpot_rng::{Key, normal, uniform};
use safetensors::Dtype;

/// The state_dict as safetensors bytes (f32, no metadata), a pure function of network and key.
///
/// Every parameter has a key of its own, `key.fold_name(name)`, so that a weight does not
/// depend on which layers come before it.
pub fn initial_weights(network: &Network, key: Key) -> Result<Vec<u8>, Error> {
    let family = network.architecture.family;
    let mut tensors = Vec::with_capacity(network.parameters.len());
    // A bias follows its weight in every state_dict, and PyTorch's default takes its spread
    // from that weight's fan in.
    let mut fan_in = 1;
    for parameter in &network.parameters {
        if matches!(
            parameter.kind,
            ParameterKind::ConvWeight | ParameterKind::LinearWeight
        ) {
            fan_in = parameter.shape[1..].iter().product();
        }
        let tensor = Tensor {
            dtype: Dtype::F32,
            shape: &parameter.shape,
            bytes: first_values(
                parameter,
                initial_distribution(parameter, family, fan_in),
                key,
            ),
        };
        tensors.push((parameter.name.as_str(), tensor));
    }
    stored::to_bytes(tensors)
}

fn first_values(parameter: &Parameter, distribution: InitialDistribution, key: Key) -> Vec<u8> {
    let mut values = vec![0.0f32; parameter.shape.iter().product()];
    let key = key.fold_name(&parameter.name);
    match distribution {
        InitialDistribution::Constant(value) => values.fill(value),
        InitialDistribution::Normal(deviation) => {
            normal(key, &mut values);
            for value in &mut values {
                *value = (f64::from(*value) * deviation) as f32;
            }
        }
        InitialDistribution::Uniform(bound) => {
            let mut drawn = vec![0.0f64; values.len()];
            uniform(key, &mut drawn);
            for (value, drawn) in values.iter_mut().zip(drawn) {
                *value = ((2.0 * drawn - 1.0) * bound) as f32;
            }
        }
    }
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// The distribution that the first values of a parameter are drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum InitialDistribution {
    /// All weights are this number.
    Constant(f32),
    /// Normal with mean 0 and this standard deviation.
    Normal(f64),
    /// Uniform from minus this number to this number.
    Uniform(f64),
}

/// The distribution that the published code of this family draws a parameter from. `fan_in` is that
/// of the weight, also for the bias that belongs to it.
pub fn initial_distribution(
    parameter: &Parameter,
    family: Family,
    fan_in: usize,
) -> InitialDistribution {
    use Family::{Lenet5, Lenet300, MobilenetV2, Resnet, ResnetImagenet, Vgg, Wrn};
    let fan_out = || {
        let [out, _, kernel @ ..] = &parameter.shape[..] else {
            unreachable!("a weight has outputs and inputs");
        };
        out * kernel.iter().product::<usize>()
    };
    let kaiming = |fan: usize| InitialDistribution::Normal((2.0 / fan as f64).sqrt());
    let default = || InitialDistribution::Uniform(1.0 / (fan_in as f64).sqrt());
    match (parameter.kind, family) {
        (ParameterKind::ConvWeight | ParameterKind::LinearWeight, Lenet5 | Lenet300) => {
            kaiming(fan_in + fan_out())
        }
        (ParameterKind::ConvWeight, Vgg) => kaiming(fan_in),
        (ParameterKind::ConvWeight, Resnet | Wrn | ResnetImagenet | MobilenetV2) => {
            kaiming(fan_out())
        }
        (ParameterKind::LinearWeight, Wrn | ResnetImagenet) => default(),
        (ParameterKind::LinearWeight, Resnet | Vgg | MobilenetV2) => {
            InitialDistribution::Normal(0.01)
        }
        (ParameterKind::LinearBias, ResnetImagenet) => default(),
        (ParameterKind::NormWeight | ParameterKind::RunningVar, _) => {
            InitialDistribution::Constant(1.0)
        }
        (
            ParameterKind::ConvBias
            | ParameterKind::LinearBias
            | ParameterKind::NormBias
            | ParameterKind::RunningMean,
            _,
        ) => InitialDistribution::Constant(0.0),
    }
}
