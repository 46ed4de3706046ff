//! Batches of many tiles: small maps are computed several tiles at a time.

#![allow(clippy::unwrap_used)] // the helpers of a test are a test

use jackpot_net::{Activation, Architecture, Family, Network, Precision, Training};
use jackpot_prune::Mask;
use jackpot_rng::Key;
use jackpot_sparse::{Isa, SparseEngine};

fn normal(key: Key, count: usize, deviation: f32) -> Vec<f32> {
    let mut numbers = vec![0.0; count];
    jackpot_rng::normal(key, &mut numbers);
    numbers.iter_mut().for_each(|x| *x *= deviation);
    numbers
}

struct Case {
    network: Network,
    parameters: Vec<Vec<f32>>,
    mask: Mask,
    images: Vec<f32>,
    labels: Vec<i64>,
}

fn case(architecture: Architecture, images: usize) -> Case {
    let key = Key::from_seed(1);
    let network = architecture.build().unwrap();
    let mut mask = Mask::dense(&network);
    for layer in &mut mask.layers {
        layer
            .kept
            .iter_mut()
            .skip(1)
            .step_by(3)
            .for_each(|kept| *kept = false);
    }
    let parameter = |(i, p): (usize, &jackpot_net::Parameter)| {
        let inputs: usize = p.shape[1..].iter().product();
        let numbers = normal(key.fold(i as u64), p.shape.iter().product(), 1.0);
        match p.shape.len() {
            1 => numbers.iter().map(|x| 1.0 + 0.1 * x).collect(),
            _ => numbers
                .iter()
                .map(|x| x * (2.0 / inputs as f32).sqrt())
                .collect(),
        }
    };
    let parameters = network
        .parameters
        .iter()
        .enumerate()
        .map(parameter)
        .collect();
    let size: u32 = architecture.input.iter().product();
    Case {
        network,
        parameters,
        mask,
        images: normal(key.fold(99), images * size as usize, 1.0),
        labels: (0..images as i64).map(|i| i * 7 % 3).collect(),
    }
}

impl Case {
    fn engine(&self, storage: Precision, isa: Isa) -> SparseEngine {
        let training = Training::su2020();
        SparseEngine::new(
            &self.network,
            &self.parameters,
            &self.mask,
            &training,
            storage,
            isa,
        )
        .unwrap()
    }
}

fn smooth(family: Family, depth: u32, width: u32, input: [u32; 3]) -> Architecture {
    Architecture {
        activation: Activation::Tanh,
        ..Architecture::new(family, depth, width, 3, input)
    }
}

fn isas() -> Vec<Isa> {
    let isas = [Isa::Avx2, Isa::Avx512].into_iter();
    isas.filter(|isa| isa.check(Precision::F32).is_ok())
        .collect()
}

/// ‖a − b‖ / ‖b‖ over all parameters.
fn apart(a: &[Vec<f32>], b: &[Vec<f32>]) -> f64 {
    let pairs = || a.iter().flatten().zip(b.iter().flatten());
    let square = |x: f32| f64::from(x) * f64::from(x);
    let off: f64 = pairs().map(|(a, b)| square(a - b)).sum();
    let size: f64 = pairs().map(|(_, b)| square(*b)).sum();
    (off / size).sqrt()
}

/// Without normalisation a batch's gradient is the mean of its images' gradients.
#[test]
fn a_batch_is_the_mean_of_its_parts() {
    for architecture in [
        smooth(Family::Lenet5, 4, 3, [1, 16, 16]),
        smooth(Family::Lenet300, 3, 11, [1, 5, 4]),
    ] {
        let (images, part) = (230, 46);
        let case = case(architecture, images);
        let size = case.images.len() / images;
        let storages = [(Precision::F32, 1e-5), (Precision::Bf16, 5e-3)];
        let all = isas()
            .into_iter()
            .flat_map(|isa| storages.map(|s| (isa, s)));
        for (isa, (storage, tolerance)) in all {
            if isa.check(storage).is_err() {
                continue;
            }
            let mut engine = case.engine(storage, isa);
            let whole = engine.gradients(&case.images, &case.labels).unwrap();
            let mut mean: Vec<Vec<f32>> = whole.iter().map(|g| vec![0.0; g.len()]).collect();
            let batches = case
                .images
                .chunks(part * size)
                .zip(case.labels.chunks(part));
            for (images, labels) in batches.take(images / part) {
                let gradients = engine.gradients(images, labels).unwrap();
                for (sum, x) in mean.iter_mut().flatten().zip(gradients.iter().flatten()) {
                    *sum += x * part as f32 / 230.0;
                }
            }
            let distance = apart(&whole, &mean);
            assert!(distance < tolerance, "{isa:?}, {storage:?}: {distance:e}");
            // All but the last part: the comparison sees a tile that is missing.
            let less = &case.images[..(images - part) * size];
            let less = engine
                .gradients(less, &case.labels[..images - part])
                .unwrap();
            let distance = apart(&less, &mean);
            assert!(
                distance > 2.0 * tolerance,
                "{isa:?}, {storage:?}: {distance:e}"
            );
        }
    }
}

/// The two levels compute other tiles and other numbers of them at a time.
#[test]
fn both_instruction_sets_agree_on_many_tiles() {
    if isas().len() < 2 {
        println!("this CPU has one instruction set of the two");
        return;
    }
    for architecture in [
        smooth(Family::Resnet, 8, 5, [2, 8, 8]),
        smooth(Family::Vgg, 11, 2, [1, 32, 32]),
    ] {
        for images in [128, 150, 75] {
            let case = case(architecture.clone(), images);
            let gradients = |isa| {
                let mut engine = case.engine(Precision::F32, isa);
                engine.gradients(&case.images, &case.labels).unwrap()
            };
            let narrow = gradients(Isa::Avx2);
            let distance = apart(&narrow, &gradients(Isa::Avx512));
            assert!(distance < 1e-4, "{images}: {distance:e}");
        }
    }
}
