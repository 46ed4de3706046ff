//! First weights: the published laws, and bytes that depend on the key and the name alone.

use jackpot_net::{Architecture, Family, init::initial_weights};
use jackpot_rng::Key;
use safetensors::{Dtype, SafeTensors};

const RESNET: fn() -> Architecture = || Architecture::resnet(8, 32, 10, [3, 32, 32]);
const VGG: fn() -> Architecture = || Architecture::vgg(11, 64, 10, [3, 32, 32]);

fn weights(architecture: Architecture, seed: u64) -> Vec<u8> {
    let network = architecture.build().expect("a published network");
    initial_weights(&network, Key::from_seed(seed)).expect("weights")
}

fn values(bytes: &[u8], name: &str) -> Vec<f32> {
    let file = SafeTensors::deserialize(bytes).expect("safetensors");
    let tensor = file.tensor(name).expect(name);
    let words = tensor.data().as_chunks::<4>().0;
    words.iter().map(|word| f32::from_le_bytes(*word)).collect()
}

/// The first three values, as bits: drawn with NumPy's Philox and mpmath's quantile, times
/// sqrt(2 / (9·32)), sqrt(2 / 64), 0.01; sqrt(2 / 27), sqrt(2 / 576).
#[test]
fn values_agree_with_an_independent_draw() {
    let check = |bytes: &[u8], name: &str, expect: [u32; 3]| {
        let got: Vec<u32> = values(bytes, name)[..3]
            .iter()
            .map(|x| x.to_bits())
            .collect();
        assert_eq!(got, expect, "{name}");
    };
    let resnet = weights(RESNET(), 7);
    check(
        &resnet,
        "conv1.weight",
        [0xbd3ebdf1, 0xbe1033be, 0x3d2588cb],
    );
    check(
        &resnet,
        "layer2.0.downsample.0.weight",
        [0x3e9e6e68, 0x3e2f0d1c, 0x3da8291a],
    );
    check(&resnet, "fc.weight", [0x3b400cf3, 0x3aee5729, 0x3a68951a]);
    // C_in, not C_out: the second convolution of VGG-11 reads 64 and gives 128 channels.
    let vgg = weights(VGG(), 7);
    check(
        &vgg,
        "features.0.weight",
        [0x3da32e1a, 0x3d1735a4, 0x3e996873],
    );
    let vgg13 = weights(Architecture::vgg(13, 64, 10, [3, 32, 32]), 7);
    check(
        &vgg13,
        "features.3.weight",
        [0x3cda42a7, 0x3d267972, 0x3cba43ed],
    );
}

#[test]
fn spreads_are_the_published_ones() {
    let check = |bytes: &[u8], name: &str, variance: f64| {
        let values = values(bytes, name);
        let n = values.len() as f64;
        let squares: f64 = values.iter().map(|&x| f64::from(x).powi(2)).sum();
        let error = (squares / n / variance - 1.0) / (2.0 / n).sqrt();
        assert!(error.abs() < 5.0, "{name}: {error} standard errors");
    };
    let resnet = weights(RESNET(), 1);
    check(&resnet, "layer3.0.conv1.weight", 2.0 / (9.0 * 128.0));
    check(&resnet, "layer3.0.downsample.0.weight", 2.0 / 128.0);
    check(&resnet, "fc.weight", 1e-4);
    let vgg = weights(VGG(), 1);
    check(&vgg, "features.4.weight", 2.0 / (9.0 * 64.0));
    check(&vgg, "features.11.weight", 2.0 / (9.0 * 256.0));
    check(&vgg, "classifier.weight", 1e-4);
}

/// Kaiming over all output channels (also of a depthwise convolution), PyTorch's default of
/// a linear layer, Gaussian Glorot.
#[test]
fn other_families_start_as_their_code_does() {
    let of = |family, depth, width, input| {
        weights(Architecture::new(family, depth, width, 100, input), 1)
    };
    let check = |bytes: &[u8], name: &str, variance: f64| {
        let values = values(bytes, name);
        let n = values.len() as f64;
        let mean: f64 = values.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
        let squares: f64 = values.iter().map(|&x| f64::from(x).powi(2)).sum();
        let error = (squares / n / variance - 1.0) / (2.0 / n).sqrt();
        assert!(error.abs() < 5.0, "{name}: {error} standard errors");
        assert!(mean.abs() < 5.0 * (variance / n).sqrt(), "{name}: {mean}");
    };
    let uniform = |bytes: &[u8], name: &str, bound: f64| {
        check(bytes, name, bound * bound / 3.0);
        let values = values(bytes, name);
        let largest = values
            .iter()
            .map(|x| f64::from(x.abs()))
            .fold(0.0, f64::max);
        assert!(largest <= bound && largest > 0.95 * bound, "{name}");
    };
    let wrn = of(Family::Wrn, 10, 64, [3, 32, 32]);
    check(&wrn, "block1.layer.0.conv1.weight", 2.0 / (9.0 * 64.0));
    check(&wrn, "block2.layer.0.convShortcut.weight", 2.0 / 128.0);
    uniform(&wrn, "fc.weight", 1.0 / 16.0);
    assert_eq!(values(&wrn, "fc.bias"), vec![0.0; 100]);
    let imagenet = of(Family::ResnetImagenet, 18, 64, [3, 64, 64]);
    check(&imagenet, "conv1.weight", 2.0 / (49.0 * 64.0));
    uniform(&imagenet, "fc.weight", 1.0 / 512f64.sqrt());
    uniform(&imagenet, "fc.bias", 1.0 / 512f64.sqrt());
    let mobilenet = of(Family::MobilenetV2, 53, 32, [3, 64, 64]);
    check(
        &mobilenet,
        "features.14.conv.1.0.weight",
        2.0 / (9.0 * 576.0),
    );
    check(&mobilenet, "classifier.1.weight", 1e-4);
    let lenet = of(Family::Lenet5, 4, 20, [1, 28, 28]);
    check(&lenet, "conv2.weight", 2.0 / (25.0 * 70.0));
    check(&lenet, "fc1.weight", 2.0 / 1300.0);
    assert_eq!(values(&lenet, "fc1.bias"), vec![0.0; 500]);
    let lenet = of(Family::Lenet300, 3, 300, [1, 28, 28]);
    check(&lenet, "fc1.weight", 2.0 / 1084.0);
}

#[test]
fn everything_else_starts_at_zero_or_one() {
    for (bytes, norm) in [
        (weights(RESNET(), 1), "layer2.0.downsample.1"),
        (weights(VGG(), 1), "features.1"),
    ] {
        for (part, expect) in [
            ("weight", 1.0),
            ("bias", 0.0),
            ("running_mean", 0.0),
            ("running_var", 1.0),
        ] {
            let values = values(&bytes, &format!("{norm}.{part}"));
            assert!(values.iter().all(|&x| x == expect), "{norm}.{part}");
        }
    }
    let bias = values(&weights(VGG(), 1), "features.0.bias");
    assert_eq!(bias, vec![0.0; 64]);
    assert_eq!(values(&weights(RESNET(), 1), "fc.bias"), vec![0.0; 10]);
}

#[test]
fn the_file_holds_the_whole_state_dict_in_f32_and_no_metadata() {
    let network = RESNET().build().unwrap();
    let bytes = weights(RESNET(), 1);
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    assert!(header.metadata().is_none());
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.len(), network.parameters.len());
    for parameter in &network.parameters {
        let tensor = file.tensor(&parameter.name).unwrap();
        assert_eq!(tensor.dtype(), Dtype::F32);
        assert_eq!(tensor.shape(), parameter.shape);
    }
}

#[test]
fn the_same_key_gives_the_same_bytes_and_another_key_others() {
    assert_eq!(weights(RESNET(), 1), weights(RESNET(), 1));
    assert_ne!(weights(RESNET(), 1), weights(RESNET(), 2));
}

#[test]
fn a_layer_does_not_depend_on_those_around_it() {
    let deep = weights(Architecture::resnet(20, 32, 10, [3, 32, 32]), 1);
    let shallow = weights(RESNET(), 1);
    for name in ["conv1.weight", "layer3.0.conv2.weight", "fc.weight"] {
        assert_eq!(values(&deep, name), values(&shallow, name), "{name}");
    }
    let [first, second] = ["layer1.0.conv1.weight", "layer1.0.conv2.weight"];
    assert_ne!(values(&shallow, first), values(&shallow, second));
}
