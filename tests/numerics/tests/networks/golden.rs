//! Parity with PyTorch, tolerances as ‖Δ‖/‖reference‖ of a tensor.
use crate::support::*;
use jackpot_data::BatchSpec;
use jackpot_net::{Augment, Loss, Network, Objective, ObjectiveInput, Schedule, Training};
use jackpot_nn::{Autodiff, BatchSource, Device, FloatPrecision, Model, Trainer};
use jackpot_rng::Key;
use safetensors::SafeTensors;

#[test]
fn logits_with_running_statistics() {
    one_thread();
    let (golden, network) = (Golden::f32(), golden_network());
    let (weights, x) = (golden.under("w/"), golden.f32s("x"));
    let logits = |weights: &[u8], precision| {
        Model::load(&network, weights, precision, Device::Cpu)
            .unwrap()
            .logits(&x)
            .unwrap()
    };
    let close = distance(
        &logits(&weights, FloatPrecision::F32),
        &golden.numbers("logits_eval"),
    );
    assert!(close < 1e-5, "f32: {close:e}");
    let expected = Golden::f64().numbers("logits_eval64");
    let close = distance(&logits(&weights, FloatPrecision::F64), &expected);
    assert!(close < 1e-9, "f64: {close:e}");
    // The trained weights are others, so the comparison can fail.
    let far = distance(
        &logits(&golden.under("trained/"), FloatPrecision::F64),
        &expected,
    );
    assert!(far > 0.1, "other weights: {far:e}");
}

/// |w·g| and −w·Hg on the golden batch: GraSP's is cut in two halves of its own.
struct Scores {
    snip_loss: f64,
    snip: Vec<Vec<f64>>,
    grasp: Vec<Vec<f64>>,
}

fn scores(network: &Network, golden: &Golden, precision: FloatPrecision, halves: u64) -> Scores {
    let weights = golden.under("w/");
    let mut autodiff = autodiff(
        network,
        &weights,
        None,
        Some(BatchSource::Given(golden.batch())),
    );
    let mut objective = Objective {
        loss: Loss::CrossEntropy,
        input: ObjectiveInput::Data,
        train_mode: true,
        compute_f64: precision == FloatPrecision::F64,
        temperature: 1.0,
        abs_rest: false,
    };
    let weights = layers(network, &weights);
    let whole = autodiff.batches(&spec(1)).unwrap();
    let snip_loss = autodiff.loss(&objective, whole, None).unwrap();
    let gradient = gradient(&autodiff, network, &objective, whole);
    let snip = product(&weights, &gradient, |w, g| (w * g).abs());

    objective.temperature = 200.0;
    let cut = autodiff.batches(&spec(halves)).unwrap();
    let g = self::gradient(&autodiff, network, &objective, cut);
    let hg = match precision {
        FloatPrecision::F64 => into_f64(network, |out| {
            autodiff.hvp(&objective, cut, None, &slices(&g), out)
        }),
        FloatPrecision::Bf16 => panic!("derivatives are taken in f32 or f64"),
        FloatPrecision::F32 => {
            let g: Vec<Vec<f32>> = g
                .iter()
                .map(|g| g.iter().map(|&x| x as f32).collect())
                .collect();
            let hg = into_f32(network, |out| {
                autodiff.hvp(&objective, cut, None, &slices32(&g), out)
            });
            hg.iter()
                .map(|h| h.iter().map(|&x| f64::from(x)).collect())
                .collect()
        }
    };
    let grasp = product(&weights, &hg, |w, hg| -w * hg);
    Scores {
        snip_loss,
        snip,
        grasp,
    }
}

fn spec(parts: u64) -> BatchSpec {
    let key = Key::from_seed(0);
    BatchSpec {
        key,
        n_batches: 1,
        batch_size: 0,
        per_class: 4,
        parts,
        augment: false,
        shuffle: false,
    }
}

fn gradient(
    autodiff: &Autodiff,
    network: &Network,
    objective: &Objective,
    handle: u64,
) -> Vec<Vec<f64>> {
    if objective.compute_f64 {
        return into_f64(network, |out| autodiff.grad(objective, handle, None, out));
    }
    let gradient = into_f32(network, |out| autodiff.grad(objective, handle, None, out));
    gradient
        .iter()
        .map(|g| g.iter().map(|&x| f64::from(x)).collect())
        .collect()
}

fn product(a: &[Vec<f64>], b: &[Vec<f64>], of: impl Fn(f64, f64) -> f64) -> Vec<Vec<f64>> {
    let layer = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(&a, &b)| of(a, b)).collect();
    a.iter().zip(b).map(layer).collect()
}

/// The largest distance over the layers.
fn worst(network: &Network, found: &[Vec<f64>], golden: &Golden, prefix: &str) -> f64 {
    let layers = network.layers.iter().zip(found).map(|(layer, found)| {
        let name = layer.name.strip_suffix(".weight").unwrap();
        distance(found, &golden.numbers(&format!("{prefix}/{name}")))
    });
    layers.fold(0.0, f64::max)
}

#[test]
fn snip_and_grasp_scores_in_f64() {
    let (golden, golden64, network) = (Golden::f32(), Golden::f64(), golden_network());
    let found = scores(&network, &golden, FloatPrecision::F64, 2);
    let snip = worst(&network, &found.snip, &golden64, "snip64");
    let grasp = worst(&network, &found.grasp, &golden64, "grasp64");
    assert!(
        snip < 1e-9 && grasp < 1e-9,
        "snip {snip:e}, grasp {grasp:e}"
    );
    assert!((found.snip_loss - golden.numbers("snip_loss")[0]).abs() < 1e-5);
    // One part instead of two halves is another score.
    let uncut = scores(&network, &golden, FloatPrecision::F64, 1);
    let grasp = worst(&network, &uncut.grasp, &golden64, "grasp64");
    assert!(grasp > 0.1, "grasp of an uncut batch: {grasp:e}");
}

#[test]
fn snip_and_grasp_scores_in_f32() {
    let (golden, network) = (Golden::f32(), golden_network());
    let found = scores(&network, &golden, FloatPrecision::F32, 2);
    let snip = worst(&network, &found.snip, &golden, "snip");
    let grasp = worst(&network, &found.grasp, &golden, "grasp");
    assert!(
        snip < 3e-2 && grasp < 3e-2,
        "snip {snip:e}, grasp {grasp:e}"
    );
}

/// Three full-batch steps under the golden SNIP mask: losses and the state_dict after.
fn three_steps(
    golden: &Golden,
    network: &Network,
    precision: FloatPrecision,
    momentum: f64,
) -> (Vec<f64>, Vec<u8>) {
    one_thread();
    let training = Training {
        epochs: 3,
        batch: 40,
        lr: 0.1,
        schedule: Schedule::Constant,
        warmup_epochs: 0.0,
        momentum,
        weight_decay: 1e-4,
        augment: Augment::default(),
        published_gradient_mask: true,
        ..Training::su2020()
    };
    let mask = golden.mask("snip_mask_0.9", network);
    let model = Model::load(network, &golden.under("w/"), precision, Device::Cpu).unwrap();
    let mut trainer = Trainer::new(model, Some(&mask), &training).unwrap();
    let (x, y) = (golden.f32s("x"), golden.labels());
    let losses = (0..3)
        .map(|_| trainer.step_on(&x, &y, 0.1).unwrap())
        .collect();
    assert_eq!(trainer.kept().unwrap(), mask.kept());
    (losses, trainer.model().state_dict().unwrap())
}

/// The largest distance over all parameters and running statistics.
fn worst_parameter(network: &Network, trained: &[u8], golden: &Golden, prefix: &str) -> f64 {
    let file = SafeTensors::deserialize(trained).unwrap();
    let parameters = network.parameters.iter().map(|p| {
        let expected = golden.numbers(&format!("{prefix}/{}", p.name));
        distance(&numbers(&file, &p.name), &expected)
    });
    parameters.fold(0.0, f64::max)
}

#[test]
fn three_training_steps_in_f64() {
    let (golden, golden64, network) = (Golden::f32(), Golden::f64(), golden_network());
    let (losses, trained) = three_steps(&golden, &network, FloatPrecision::F64, 0.9);
    let close = distance(&losses, &golden64.numbers("train_losses64"));
    assert!(close < 1e-9, "losses: {close:e}");
    let close = worst_parameter(&network, &trained, &golden64, "trained64");
    assert!(close < 1e-9, "weights: {close:e}");
    let (_, other) = three_steps(&golden, &network, FloatPrecision::F64, 0.5);
    let far = worst_parameter(&network, &other, &golden64, "trained64");
    assert!(far > 1e-3, "another momentum: {far:e}");
}

#[test]
fn three_training_steps_in_f32() {
    let (golden, network) = (Golden::f32(), golden_network());
    let (losses, trained) = three_steps(&golden, &network, FloatPrecision::F32, 0.9);
    for (found, expected) in losses.iter().zip(golden.numbers("train_losses")) {
        assert!(
            (found - expected).abs() < 1e-5 * expected,
            "{found} against {expected}"
        );
    }
    let close = worst_parameter(&network, &trained, &golden, "trained");
    assert!(close < 1e-2, "weights: {close:e}");
}

#[test]
fn a_state_dict_of_another_network_names_the_tensor() {
    let (golden, network) = (Golden::f32(), golden_network());
    let load = |network: &Network, bytes: &[u8]| {
        Model::load(network, bytes, FloatPrecision::F32, Device::Cpu)
            .err()
            .unwrap()
            .to_string()
    };
    let wide = crate::support::network(
        jackpot_net::Family::Resnet,
        8,
        16,
        10,
        [3, 32, 32],
        Default::default(),
    );
    let error = load(&wide, &golden.under("w/"));
    assert!(
        error.contains("`conv1.weight`") && error.contains("[16, 3, 3, 3]"),
        "{error}"
    );
    let error = load(&network, &golden.under("w/layer1."));
    assert!(error.contains("does not have"), "{error}");
    let file = golden.file();
    let some: Vec<_> = file
        .tensors()
        .into_iter()
        .filter_map(|(name, view)| {
            let name = name.strip_prefix("w/")?;
            (name != "fc.bias").then(|| (name.to_string(), view))
        })
        .collect();
    let error = load(&network, &safetensors::serialize(some, None).unwrap());
    assert!(
        error.contains("lack") && error.contains("`fc.bias`"),
        "{error}"
    );
    assert!(load(&network, b"not a file").contains("safetensors"));
}
