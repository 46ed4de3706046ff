//! What the tests share: golden tensors, distances, small networks and images.
use jackpot_data::{Images, Normalisation};
use jackpot_net::{Activation, Architecture, Family, Network};
use jackpot_nn::{Autodiff, BatchSource, Device, Slice, SliceMut};
use jackpot_prune::Mask;
use jackpot_rng::Key;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

/// One thread: OpenMP keeps the number for each thread that asks, so each test sets its own.
pub fn one_thread() {
    jackpot_nn::set_threads(1).unwrap();
}

/// One golden file.
pub struct Golden(Vec<u8>);

impl Golden {
    pub fn f32() -> Golden {
        Golden::open("golden-resnet8.safetensors")
    }

    pub fn f64() -> Golden {
        Golden::open("golden64-resnet8.safetensors")
    }

    fn open(name: &str) -> Golden {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
        Golden(std::fs::read(folder.join(name)).unwrap())
    }

    pub fn file(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.0).unwrap()
    }

    /// The numbers of a tensor, whatever its type.
    pub fn numbers(&self, name: &str) -> Vec<f64> {
        numbers(&self.file(), name)
    }

    pub fn f32s(&self, name: &str) -> Vec<f32> {
        self.numbers(name).into_iter().map(|x| x as f32).collect()
    }

    pub fn labels(&self) -> Vec<i64> {
        self.numbers("y").into_iter().map(|x| x as i64).collect()
    }

    /// The entries under `prefix` as a file of their own.
    pub fn under(&self, prefix: &str) -> Vec<u8> {
        let file = self.file();
        let views: Vec<_> = file
            .tensors()
            .into_iter()
            .filter_map(|(name, view)| Some((name.strip_prefix(prefix)?.to_string(), view)))
            .collect();
        safetensors::serialize(views, None).unwrap()
    }

    /// `x` and `y` as a batch given by hand.
    pub fn batch(&self) -> Vec<u8> {
        let file = self.file();
        let views = ["x", "y"].map(|name| (name, file.tensor(name).unwrap()));
        safetensors::serialize(views, None).unwrap()
    }

    pub fn mask(&self, prefix: &str, network: &Network) -> Mask {
        let mut mask = Mask::dense(network);
        for layer in &mut mask.layers {
            let name = layer.name.strip_suffix(".weight").unwrap();
            let kept = self.numbers(&format!("{prefix}/{name}"));
            layer.kept = kept.into_iter().map(|k| k == 1.0).collect();
        }
        mask
    }
}

pub fn numbers(file: &SafeTensors, name: &str) -> Vec<f64> {
    let view = file
        .tensor(name)
        .unwrap_or_else(|e| panic!("`{name}`: {e}"));
    let data = view.data();
    match view.dtype() {
        Dtype::F32 => data
            .chunks(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()).into())
            .collect(),
        Dtype::F64 => data
            .chunks(8)
            .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
            .collect(),
        Dtype::I64 => data
            .chunks(8)
            .map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64)
            .collect(),
        Dtype::U8 => data.iter().map(|&b| f64::from(b)).collect(),
        other => panic!("`{name}` is {other:?}"),
    }
}

/// ‖a − b‖ / ‖b‖.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied())
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The network of the golden files.
pub fn golden_network() -> Network {
    network(Family::Resnet, 8, 32, 10, [3, 32, 32], Activation::Relu)
}

pub fn network(
    family: Family,
    depth: u32,
    width: u32,
    classes: u32,
    input: [u32; 3],
    activation: Activation,
) -> Network {
    Architecture {
        activation,
        ..Architecture::new(family, depth, width, classes, input)
    }
    .build()
    .unwrap()
}

/// A small ResNet on small images, of channels that oneDNN computes without added ones.
pub fn small(activation: Activation) -> Network {
    network(Family::Resnet, 8, 8, 3, [2, 8, 8], activation)
}

pub fn first_weights(network: &Network) -> Vec<u8> {
    jackpot_net::init::initial_weights(network, Key::from_seed(7)).unwrap()
}

/// Parameters in the network's order as a state_dict in f32.
pub fn state_dict(network: &Network, parameters: &[Vec<f32>]) -> Vec<u8> {
    let bytes = |values: &Vec<f32>| values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let bytes: Vec<Vec<u8>> = parameters.iter().map(bytes).collect();
    let views = network
        .parameters
        .iter()
        .zip(&bytes)
        .map(|(parameter, bytes)| {
            let view = TensorView::new(Dtype::F32, parameter.shape.clone(), bytes).unwrap();
            (parameter.name.as_str(), view)
        });
    safetensors::serialize(views, None).unwrap()
}

/// Images `[n][height][width][channels]` as `[n][channels][height][width]`.
pub fn channels_first(network: &Network, images: &[f32]) -> Vec<f32> {
    let [channels, height, width] = network.nodes[0].output;
    let area = height * width;
    let images = images.chunks(channels * area);
    let turned = images
        .flat_map(|image| (0..channels * area).map(move |i| image[i % area * channels + i / area]));
    turned.collect()
}

/// The prunable layers of a state_dict, in forward order.
pub fn layers(network: &Network, weights: &[u8]) -> Vec<Vec<f64>> {
    let file = SafeTensors::deserialize(weights).unwrap();
    network
        .layers
        .iter()
        .map(|layer| numbers(&file, &layer.name))
        .collect()
}

/// Noise whose brightness leans on the label, so that there is something to learn.
pub fn images(network: &Network, rows: usize, seed: u64) -> Images {
    let [channels, height, width] = network.architecture.input;
    let size = (channels * height * width) as usize;
    let mut words = vec![0; rows * size];
    jackpot_rng::bits(Key::from_seed(seed), &mut words);
    let classes = network.architecture.classes as usize;
    let labels: Vec<i64> = (0..rows)
        .map(|row| ((row * 7 + row / 5) % classes) as i64)
        .collect();
    let pixel = |(i, word): (usize, u64)| {
        let (row, place) = (i / size, i % size);
        let lean = if place % classes == labels[row] as usize {
            90
        } else {
            0
        };
        (word >> 57) as u8 + lean
    };
    let pixels = words.into_iter().enumerate().map(pixel).collect();
    Images {
        channels,
        height,
        width,
        pixels,
        labels,
    }
}

pub fn normalisation(network: &Network) -> Normalisation {
    let channels = network.architecture.input[0] as usize;
    Normalisation {
        mean: vec![0.4; channels],
        std: vec![0.25; channels],
    }
}

pub fn autodiff(
    network: &Network,
    weights: &[u8],
    mask: Option<&Mask>,
    source: Option<BatchSource>,
) -> Autodiff {
    one_thread();
    Autodiff::new(network, weights, mask, source, Device::Cpu).unwrap()
}

/// Calls a derivative with room for its f64 result.
pub fn into_f64(
    network: &Network,
    call: impl FnOnce(&mut [SliceMut]) -> Result<(), jackpot_nn::Error>,
) -> Vec<Vec<f64>> {
    let mut out: Vec<Vec<f64>> = network
        .layers
        .iter()
        .map(|l| vec![f64::NAN; l.len()])
        .collect();
    let mut slices: Vec<SliceMut> = out.iter_mut().map(|o| SliceMut::F64(o)).collect();
    call(&mut slices).unwrap();
    out
}

/// The same in f32.
pub fn into_f32(
    network: &Network,
    call: impl FnOnce(&mut [SliceMut]) -> Result<(), jackpot_nn::Error>,
) -> Vec<Vec<f32>> {
    let mut out: Vec<Vec<f32>> = network
        .layers
        .iter()
        .map(|l| vec![f32::NAN; l.len()])
        .collect();
    let mut slices: Vec<SliceMut> = out.iter_mut().map(|o| SliceMut::F32(o)).collect();
    call(&mut slices).unwrap();
    out
}

pub fn slices(values: &[Vec<f64>]) -> Vec<Slice<'_>> {
    values.iter().map(|v| Slice::F64(v)).collect()
}

pub fn slices32(values: &[Vec<f32>]) -> Vec<Slice<'_>> {
    values.iter().map(|v| Slice::F32(v)).collect()
}
