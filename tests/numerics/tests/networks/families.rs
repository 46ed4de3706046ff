//! Every family on libtorch: against plain loops, through a step of training, and on numbers
//! of channels that oneDNN's AVX2 kernels compute wrongly.
use crate::support::*;
use jackpot_data::BatchSpec;
use jackpot_net::{
    Activation, Architecture, Family, Loss, Network, Objective, ObjectiveInput, Stem, Training,
};
use jackpot_nn::{BatchSource, Device, FloatPrecision, Model, Trainer};
use jackpot_prune::Mask;
use jackpot_rng::{Key, normal};
use jackpot_test_sparse::{Reference, normal_images, some_parameters};
use safetensors::SafeTensors;

fn build(family: Family, depth: u32, width: u32, input: [u32; 3]) -> Network {
    Architecture::new(family, depth, width, 5, input)
        .build()
        .unwrap()
}

/// One of each, narrow and on images as small as they take, with odd sides.
fn every_family() -> Vec<Network> {
    let small = Architecture {
        stem: Stem::Small,
        ..Architecture::new(Family::MobilenetV2, 53, 8, 5, [3, 17, 19])
    };
    vec![
        build(Family::Resnet, 8, 8, [2, 7, 8]),
        build(Family::Vgg, 11, 5, [1, 33, 32]),
        build(Family::Wrn, 10, 24, [3, 9, 8]),
        build(Family::ResnetImagenet, 18, 6, [3, 67, 65]),
        build(Family::ResnetImagenet, 50, 8, [1, 65, 65]),
        build(Family::Lenet300, 3, 13, [2, 5, 6]),
        build(Family::Lenet5, 4, 6, [1, 17, 22]),
        build(Family::MobilenetV2, 53, 8, [3, 65, 66]),
        small.build().unwrap(),
    ]
}

/// Weights of the usual size, normalisations that do something, biases that are not 0.
fn some_weights(network: &Network) -> Vec<u8> {
    state_dict(network, &some_parameters(network, 3))
}

fn pixels(network: &Network, rows: usize) -> Vec<f32> {
    let size = network.architecture.input.iter().product::<u32>() as usize;
    let mut values = vec![0.0; rows * size];
    normal(Key::from_seed(11), &mut values);
    values
}

#[test]
fn logits_are_those_of_plain_loops() {
    one_thread();
    let smooth = Architecture {
        activation: Activation::Softplus,
        ..every_family()[7].architecture.clone()
    };
    let smooth = smooth.build().unwrap();
    for network in every_family().into_iter().chain([smooth]) {
        let title = format!("{:?}", network.architecture);
        let (parameters, images) = (some_parameters(&network, 3), normal_images(&network, 2, 11));
        let (dense, training) = (Mask::dense(&network), Training::su2020());
        let expect = Reference::new(&network, &parameters, &dense, &training).logits(&images);
        let weights = state_dict(&network, &parameters);
        let images = channels_first(&network, &images);
        for (precision, tolerance) in [(FloatPrecision::F64, 1e-10), (FloatPrecision::F32, 1e-4)] {
            let model = Model::load(&network, &weights, precision, Device::Cpu).unwrap();
            let error = distance(&model.logits(&images).unwrap(), &expect);
            assert!(error < tolerance, "{title}, {precision:?}: {error}");
        }
    }
}

#[test]
fn every_family_learns_and_keeps_its_state_dict() {
    one_thread();
    for network in every_family() {
        let title = network.architecture.title();
        let weights = first_weights(&network);
        let model = Model::load(&network, &weights, FloatPrecision::F32, Device::Cpu).unwrap();
        assert_eq!(sorted(&model.state_dict().unwrap()), sorted(&weights));
        let mut trainer = Trainer::new(model, None, &Training::su2020()).unwrap();
        let (images, labels) = (pixels(&network, 6), [0, 1, 2, 3, 4, 0]);
        let losses: Vec<f64> = (0..8)
            .map(|_| trainer.step_on(&images, &labels, 0.01).unwrap())
            .collect();
        let (first, last) = (losses[0], losses[7]);
        assert!(last < first, "{title}: {losses:?}");
        let after = trainer.model().state_dict().unwrap();
        let file = SafeTensors::deserialize(&after).unwrap();
        let before = SafeTensors::deserialize(&weights).unwrap();
        for parameter in &network.parameters {
            let name = &parameter.name;
            let (a, b) = (numbers(&file, name), numbers(&before, name));
            assert!(a.iter().all(|x| x.is_finite()) && a != b, "{title}: {name}");
        }
    }
}

/// Name, shape and bytes of each tensor.
fn sorted(bytes: &[u8]) -> Vec<(String, Vec<usize>, Vec<u8>)> {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let mut tensors: Vec<_> = file
        .tensors()
        .into_iter()
        .map(|(name, view)| (name, view.shape().to_vec(), view.data().to_vec()))
        .collect();
    tensors.sort();
    tensors
}

/// Channels that are no multiple of 8, behind the first layer and in it.
fn odd_channels() -> Vec<Network> {
    vec![
        build(Family::Lenet5, 4, 20, [1, 28, 28]),
        build(Family::Resnet, 8, 12, [3, 12, 12]),
        build(Family::Wrn, 10, 20, [3, 9, 9]),
        build(Family::ResnetImagenet, 18, 5, [3, 64, 64]),
        build(Family::Vgg, 11, 3, [3, 32, 32]),
    ]
}

/// With depthwise convolutions, which are left as they are.
fn trained_on_avx2() -> Vec<Network> {
    let depthwise = Architecture {
        stem: Stem::Small,
        ..Architecture::new(Family::MobilenetV2, 53, 8, 5, [3, 17, 17])
    };
    let mut networks = odd_channels();
    networks.push(depthwise.build().unwrap());
    networks
}

/// In f64, which oneDNN does not compute, nothing is added to the channels: an independent
/// way to the same derivatives.
#[test]
fn added_channels_change_no_derivative() {
    for network in odd_channels() {
        let smooth = Architecture {
            activation: Activation::Tanh,
            ..network.architecture.clone()
        };
        let network = smooth.build().unwrap();
        let source = BatchSource::Sampled {
            images: images(&network, 30, 1).into(),
            normalisation: normalisation(&network),
            augment: Training::su2020().augment,
        };
        let weights = some_weights(&network);
        let mut autodiff = autodiff(&network, &weights, None, Some(source));
        let spec = BatchSpec {
            key: Key::from_seed(5),
            n_batches: 1,
            batch_size: 0,
            per_class: 2,
            parts: 1,
            augment: false,
            shuffle: true,
        };
        let batch = autodiff.batches(&spec).unwrap();
        let objective = |compute_f64| Objective {
            loss: Loss::CrossEntropy,
            input: ObjectiveInput::Data,
            train_mode: true,
            compute_f64,
            temperature: 1.0,
            abs_rest: false,
        };
        let vector = layers(&network, &weights);
        let vector32: Vec<Vec<f32>> = vector.iter().map(|v| narrowed(v)).collect();
        let wide = |layers: Vec<Vec<f32>>| -> Vec<Vec<f64>> {
            let layer = |layer: Vec<f32>| layer.into_iter().map(f64::from).collect();
            layers.into_iter().map(layer).collect()
        };
        let (single, double) = (objective(false), objective(true));
        let gradients = (
            wide(into_f32(&network, |out| {
                autodiff.grad(&single, batch, None, out)
            })),
            into_f64(&network, |out| autodiff.grad(&double, batch, None, out)),
        );
        let products = (
            wide(into_f32(&network, |out| {
                autodiff.hvp(&single, batch, None, &slices32(&vector32), out)
            })),
            into_f64(&network, |out| {
                autodiff.hvp(&double, batch, None, &slices(&vector), out)
            }),
        );
        let title = network.architecture.title();
        for (narrow, wide) in [gradients, products] {
            for ((narrow, wide), layer) in narrow.iter().zip(&wide).zip(&network.layers) {
                let error = distance(narrow, wide);
                assert!(error < 2e-3, "{title} `{}`: {error}", layer.name);
            }
        }
    }
}

fn narrowed(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&x| x as f32).collect()
}

/// oneDNN reports every convolution it computes: backwards through data it must only ever
/// see multiples of 8. Freed memory is filled differently in the two runs, and blocks are
/// checked where glibc can: a kernel that reads or writes past its buffers gives other
/// weights, or none.
#[test]
fn odd_channels_train_on_avx2_without_touching_foreign_memory() {
    if std::env::var_os(CHILD).is_some() {
        return train_odd_channels();
    }
    let run = |perturb: &str| {
        let program = std::env::current_exe().unwrap();
        let name = "networks::families::odd_channels_train_on_avx2_without_touching_foreign_memory";
        let out = std::process::Command::new(program)
            .args([name, "--exact", "--nocapture", "--test-threads=1"])
            .env(CHILD, "1")
            .envs([
                ("ONEDNN_MAX_CPU_ISA", "AVX2"),
                ("ATEN_CPU_CAPABILITY", "avx2"),
                ("MKL_CBWR", "AVX2"),
                ("ONEDNN_VERBOSE", "1"),
                ("LD_PRELOAD", "libc_malloc_debug.so.0"),
                ("MALLOC_CHECK_", "3"),
                ("MALLOC_PERTURB_", perturb),
            ])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let log = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{}\n{log}", out.status);
        text
    };
    let (first, second) = (run("85"), run("170"));
    let digests = |text: &str| {
        let lines = text.lines().filter_map(|line| line.split_once(DIGEST));
        lines.map(|(_, sum)| sum.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(digests(&first).len(), trained_on_avx2().len());
    assert_eq!(digests(&first), digests(&second));
    let mut through_data = 0;
    for line in first.lines().filter(|l| l.contains(",convolution,")) {
        let problem = line.split(',').find(|field| field.contains("_ic")).unwrap();
        let number = |before: &str| -> u32 {
            let after = problem.split(before).nth(1).unwrap();
            let end = after.find(|c: char| !c.is_ascii_digit());
            after[..end.unwrap_or(after.len())].parse().unwrap()
        };
        let (into, out) = (number("ic"), number("oc"));
        let data = line.contains(",backward_data,");
        through_data += u32::from(data);
        // The image's own channels are differentiated by no one.
        let image = !data && (into == 1 || into == 3);
        assert!(out % 8 == 0 && (into % 8 == 0 || image), "{line}");
    }
    assert!(through_data > 100, "{through_data} of\n{first}");
}

const CHILD: &str = "JACKPOT_TEST_ODD_CHANNELS";
const DIGEST: &str = "weights after training: ";

fn train_odd_channels() {
    one_thread();
    for network in trained_on_avx2() {
        let weights = first_weights(&network);
        let model = Model::load(&network, &weights, FloatPrecision::F32, Device::Cpu).unwrap();
        let mut trainer = Trainer::new(model, None, &Training::su2020()).unwrap();
        let labels: Vec<i64> = (0..17).map(|i| i % 5).collect();
        for _ in 0..12 {
            let loss = trainer.step_on(&pixels(&network, 17), &labels, 0.01);
            assert!(loss.unwrap().is_finite());
        }
        let bytes = trainer.model().state_dict().unwrap();
        println!("\n{DIGEST}{}", jackpot_store::Digest::of(&bytes));
    }
}
