//! Parameters, images, labels and masks that are functions of a seed.

use jackpot_net::{Network, ParameterKind};
use jackpot_prune::Mask;
use jackpot_rng::{Key, bits, normal, uniform};

/// Weights of the usual size, normalisations that do something, biases that are not 0; one of
/// each of the network's parameters, in its order.
pub fn some_parameters(network: &Network, seed: u64) -> Vec<Vec<f32>> {
    let draw = |parameter: &jackpot_net::Parameter| {
        let key = Key::from_seed(seed).fold_name(&parameter.name);
        let size: usize = parameter.shape.iter().product();
        let (mut gauss, mut flat) = (vec![0.0f32; size], vec![0.0; size]);
        normal(key, &mut gauss);
        uniform(key.fold(1), &mut flat);
        let fan: usize = parameter.shape[1..].iter().product();
        let value = |(gauss, flat): (f32, f64)| match parameter.kind {
            ParameterKind::ConvWeight | ParameterKind::LinearWeight => {
                gauss * (2.0 / fan as f32).sqrt()
            }
            ParameterKind::NormWeight | ParameterKind::RunningVar => 0.5 + flat as f32,
            _ => 0.3 * gauss,
        };
        gauss.into_iter().zip(flat).map(value).collect()
    };
    network.parameters.iter().map(draw).collect()
}

/// Standard normal pixels, `[n][height][width][channels]`.
pub fn normal_images(network: &Network, n: usize, seed: u64) -> Vec<f32> {
    let size: usize = network.nodes[0].output.iter().product();
    let mut values = vec![0.0; n * size];
    normal(Key::from_seed(seed).fold_name("images"), &mut values);
    values
}

/// Classes of `n` images.
pub fn labels(network: &Network, n: usize, seed: u64) -> Vec<i64> {
    let mut words = vec![0; n];
    bits(Key::from_seed(seed).fold_name("labels"), &mut words);
    let classes = u64::from(network.architecture.classes);
    words
        .into_iter()
        .map(|word| (word % classes) as i64)
        .collect()
}

/// Each weight is kept with probability `density`.
pub fn mask(network: &Network, density: f64, seed: u64) -> Mask {
    let mut mask = Mask::dense(network);
    for layer in &mut mask.layers {
        let mut drawn = vec![0.0; layer.kept.len()];
        let key = Key::from_seed(seed).fold_name("mask");
        uniform(key.fold_name(&layer.name), &mut drawn);
        let kept = drawn.iter().map(|&drawn| drawn < density);
        layer.kept = kept.collect();
    }
    mask
}
