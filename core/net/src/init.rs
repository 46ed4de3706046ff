//! The first weights of a network: initialisation as published, drawn from a key.
//!
//! | parameter | `resnet` | `vgg` |
//! |---|---|---|
//! | convolution | N(0, 2 / (k²·C_out)): Kaiming, fan out | N(0, 2 / (k²·C_in)) |
//! | linear | N(0, 0.01²) | N(0, 0.01²) |
//! | biases | 0 | 0 |
//! | normalisation | scale 1, shift 0, running mean 0, running variance 1 | the same |
//!
//! (`models/resnet.py`, `models/vgg.py` of the published code.) The activation does not
//! enter: the published gain is ReLU's.

use crate::Error;
use crate::architecture::{Family, Network, Parameter, ParameterKind};
use crate::stored::{self, Tensor};
use jackpot_rng::{Key, normal};
use safetensors::Dtype;

/// The state_dict as safetensors bytes (f32, no metadata), a pure function of network and key.
///
/// Every parameter has a key of its own, `key.fold_name(name)`, so that a weight does not
/// depend on which layers come before it.
pub fn initial_weights(network: &Network, key: Key) -> Result<Vec<u8>, Error> {
    let family = network.architecture.family;
    let mut tensors = Vec::with_capacity(network.parameters.len());
    for parameter in &network.parameters {
        let tensor = Tensor {
            dtype: Dtype::F32,
            shape: &parameter.shape,
            bytes: first_values(parameter, family, key),
        };
        tensors.push((parameter.name.as_str(), tensor));
    }
    stored::to_bytes(tensors)
}

fn first_values(parameter: &Parameter, family: Family, key: Key) -> Vec<u8> {
    let mut values = vec![0.0f32; parameter.shape.iter().product()];
    match law(parameter, family) {
        Law::Constant(value) => values.fill(value),
        Law::Normal(deviation) => {
            normal(key.fold_name(&parameter.name), &mut values);
            for value in &mut values {
                *value = (f64::from(*value) * deviation) as f32;
            }
        }
    }
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

enum Law {
    Constant(f32),
    /// Mean 0 and this standard deviation.
    Normal(f64),
}

fn law(parameter: &Parameter, family: Family) -> Law {
    match parameter.kind {
        ParameterKind::ConvWeight => {
            let [out, into, height, width] = parameter.shape[..] else {
                unreachable!("a convolution's weight has four dimensions");
            };
            let channels = match family {
                Family::Resnet => out,
                Family::Vgg => into,
            };
            Law::Normal((2.0 / (height * width * channels) as f64).sqrt())
        }
        ParameterKind::LinearWeight => Law::Normal(0.01),
        ParameterKind::NormWeight | ParameterKind::RunningVar => Law::Constant(1.0),
        ParameterKind::ConvBias
        | ParameterKind::LinearBias
        | ParameterKind::NormBias
        | ParameterKind::RunningMean => Law::Constant(0.0),
    }
}
