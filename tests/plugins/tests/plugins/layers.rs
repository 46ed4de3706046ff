//! A small network's weights, scores and masks, for the checks on them.
use crate::bench::Bench;
use jackpot_net::{Architecture, Family, Network};
use jackpot_prune::Mask;
use jackpot_rng::{Key, uniform};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

pub fn architecture() -> Architecture {
    crate::bench::network(Family::Resnet, 8, 8, 10)
}

pub fn network() -> Network {
    architecture().build().unwrap()
}

/// The `count` largest random numbers of all layers under `key`, by sorting: a second
/// implementation of what the host selects.
pub fn random_mask(key: Key, count: usize) -> Mask {
    let network = network();
    let mut mask = Mask::dense(&network);
    let mut all: Vec<(f64, usize, usize)> = Vec::new();
    for (layer, of) in mask.layers.iter_mut().enumerate() {
        let mut draws = vec![0.0; of.kept.len()];
        uniform(key.fold(layer as u64), &mut draws);
        all.extend(draws.iter().enumerate().map(|(i, draw)| (*draw, layer, i)));
        of.kept.fill(false);
    }
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    for (_, layer, i) in &all[..count] {
        mask.layers[*layer].kept[*i] = true;
    }
    mask
}

/// A tenth of each layer, its first weights: nothing about it is random.
pub fn first_mask() -> Mask {
    let mut mask = Mask::dense(&network());
    for layer in &mut mask.layers {
        let kept = layer.kept.len() / 10;
        layer.kept[kept..].fill(false);
    }
    mask
}

pub fn initial_weights(seed: u64) -> Vec<u8> {
    jackpot_net::init::initial_weights(&network(), Key::from_seed(seed)).unwrap()
}

/// The prunable layers of a state_dict.
pub fn read_weights(bytes: &[u8]) -> Vec<Vec<f32>> {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let read = |name: &str| {
        let tensor = file.tensor(name).unwrap();
        let (values, _) = tensor.data().as_chunks::<4>();
        values.iter().map(|b| f32::from_le_bytes(*b)).collect()
    };
    network().layers.iter().map(|l| read(&l.name)).collect()
}

pub fn read_scores(bytes: &[u8]) -> Vec<Vec<f64>> {
    let scores = jackpot_prune::Scores::from_safetensors(bytes, &network()).unwrap();
    scores
        .layers
        .into_iter()
        .map(|(_, values)| values)
        .collect()
}

/// A scores file, written here and not by the host.
pub fn write_scores(layers: &[Vec<f64>]) -> Vec<u8> {
    let network = network();
    let bytes =
        |values: &Vec<f64>| -> Vec<u8> { values.iter().flat_map(|v| v.to_le_bytes()).collect() };
    let all: Vec<Vec<u8>> = layers.iter().map(bytes).collect();
    let views = network.layers.iter().zip(&all).map(|(layer, bytes)| {
        let view = TensorView::new(Dtype::F64, layer.shape.clone(), bytes).unwrap();
        (layer.name.clone(), view)
    });
    safetensors::serialize(views, None).unwrap()
}

/// Scores of both signs, with zeros among them.
pub fn scores() -> Vec<Vec<f64>> {
    let weights = read_weights(&initial_weights(7));
    let clipped = |w: &f32| if w.abs() < 0.01 { 0.0 } else { f64::from(*w) };
    let layer = |values: &Vec<f32>| values.iter().map(clipped).collect();
    weights.iter().map(layer).collect()
}

pub fn sorted<T: Copy>(values: &[T], bits: impl Fn(T) -> u64) -> Vec<u64> {
    let mut sorted: Vec<u64> = values.iter().map(|v| bits(*v)).collect();
    sorted.sort_unstable();
    sorted
}

impl Bench {
    /// Gives a mask to a check of weights.
    pub fn under(&mut self, mask: &Mask) {
        self.mask = Some(self.file("mask-so-far", &mask.to_bytes()));
    }

    /// Gives a mask to a check of masks.
    pub fn change(&mut self, mask: &Mask) {
        self.input = Some(self.file("mask", &mask.to_bytes()));
    }

    pub fn changed_mask(&self, id: &str) -> Mask {
        Mask::from_bytes(&self.run(id, &[]).unwrap().bytes()).unwrap()
    }
}
