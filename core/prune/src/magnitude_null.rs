//! What a mask by magnitude at initialisation would keep if nothing but the scale of each
//! layer's first weights mattered.

use jackpot_net::{
    Layer, Network, Parameter,
    init::{InitialDistribution, initial_distribution},
};

/// Halvings of the threshold's interval: far below a weight's spacing.
const HALVINGS: u32 = 200;

/// Weights that each layer is expected to keep, of `kept` in all, where the largest first
/// weights are kept over all layers: n·2(1 − Φ(t/σ)) for a normal layer with deviation σ,
/// n·(1 − t/b) for a uniform one on ±b, with the one t that gives the sum. Layers for which
/// `whole` holds keep everything, and the others share what is left.
///
/// None if the whole layers alone have more weights than are to be kept.
pub fn magnitude_null(
    network: &Network,
    kept: u64,
    whole: impl Fn(&Layer) -> bool,
) -> Option<Vec<f64>> {
    let parameter = |name: &str| network.parameters.iter().find(|p| p.name == name);
    let layers: Vec<(f64, Option<InitialDistribution>)> = (network.layers.iter())
        .map(|layer| {
            let first = |p: &Parameter| {
                let fan_in = p.shape[1..].iter().product();
                initial_distribution(p, network.architecture.family, fan_in)
            };
            let first = parameter(&layer.name).filter(|_| !whole(layer)).map(first);
            (layer.len() as f64, first)
        })
        .collect();
    let expected = |threshold: f64| -> Vec<f64> {
        layers
            .iter()
            .map(|(n, first)| n * first.as_ref().map_or(1.0, |first| above(first, threshold)))
            .collect()
    };
    let sum = |threshold: f64| expected(threshold).iter().sum::<f64>();
    let (mut low, mut high) = (0.0, 1.0);
    while sum(high) > kept as f64 {
        high *= 2.0;
        if high > 1e9 {
            return None;
        }
    }
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if sum(middle) > kept as f64 {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(expected(high))
}

/// The probability that a weight's magnitude is above a threshold.
fn above(distribution: &InitialDistribution, threshold: f64) -> f64 {
    match distribution {
        InitialDistribution::Constant(value) => {
            f64::from(u8::from(f64::from(value.abs()) > threshold))
        }
        // 2(1 − Φ(x)) = erfc(x/√2)
        InitialDistribution::Normal(deviation) => {
            libm::erfc(threshold / deviation / std::f64::consts::SQRT_2)
        }
        InitialDistribution::Uniform(bound) => (1.0 - threshold / bound).max(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jackpot_net::{Architecture, init::initial_weights};
    use jackpot_rng::Key;
    use safetensors::SafeTensors;

    /// Against weights that were really drawn, pruned by a sort.
    #[test]
    fn magnitude_keeps_of_each_layer_what_the_scale_says() {
        let network = Architecture::resnet(20, 16, 10, [3, 32, 32])
            .build()
            .expect("the network is well-formed");
        let total = network.prunable_weights();
        let kept = total / 10;
        let bytes = initial_weights(&network, Key::from_seed(1)).expect("weights are drawn");
        let tensors = SafeTensors::deserialize(&bytes).expect("they are tensors");
        let magnitudes = |name: &str| -> Vec<f32> {
            let data = tensors.tensor(name).expect("a layer is a tensor").data();
            let values = data.as_chunks::<4>().0.iter();
            values.map(|b| f32::from_le_bytes(*b).abs()).collect()
        };
        let mut all: Vec<f32> = (network.layers.iter())
            .flat_map(|l| magnitudes(&l.name))
            .collect();
        all.sort_by(|a, b| b.total_cmp(a));
        let threshold = all[kept as usize];
        let null = magnitude_null(&network, kept, |_| false).expect("nothing is whole");
        assert!((null.iter().sum::<f64>() - kept as f64).abs() < 1e-3);
        for (layer, expected) in network.layers.iter().zip(null) {
            let found = magnitudes(&layer.name)
                .iter()
                .filter(|&&x| x > threshold)
                .count() as f64;
            // Five deviations of a binomial count.
            let share = expected / layer.len() as f64;
            let width = 5.0 * (expected * (1.0 - share)).sqrt() + 1.0;
            assert!(
                (found - expected).abs() <= width,
                "{}: {found} {expected}",
                layer.name
            );
        }
        let whole = magnitude_null(&network, kept, |l| l.classifier).expect("it is small");
        assert_eq!(whole.last(), Some(&640.0));
        assert!((whole.iter().sum::<f64>() - kept as f64).abs() < 1e-3);
        assert_eq!(magnitude_null(&network, 639, |l| l.classifier), None);
    }
}
