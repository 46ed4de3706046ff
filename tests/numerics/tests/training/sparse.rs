//! The sparse engine against libtorch, step by step from the same weights, mask and batch, in
//! both precisions; the f64 reference says how far each is from the truth.
use crate::support::*;
use jackpot_net::{Architecture, Family, Network, Precision, Training};
use jackpot_nn::{Device, FloatPrecision, Model, Trainer};
use jackpot_prune::Mask;
use jackpot_sparse::{Isa, SparseEngine};
use jackpot_test_sparse::{Reference, labels, mask, normal_images, some_parameters};
use safetensors::SafeTensors;

const STEPS: usize = 3;

struct Setting {
    network: Network,
    parameters: Vec<Vec<f32>>,
    mask: Mask,
    training: Training,
    images: Vec<f32>,
    labels: Vec<i64>,
}

impl Setting {
    /// On images in whose steps no ReLU and no pooling hangs on what f32 rounds away.
    fn new(architecture: &Architecture, n: usize, lr: f64) -> Setting {
        let network = architecture.build().unwrap();
        let training = Training {
            lr,
            weight_decay: 0.01,
            label_smoothing: 0.1,
            published_gradient_mask: false,
            ..Training::su2020()
        };
        let mut setting = Setting {
            parameters: some_parameters(&network, 1),
            mask: mask(&network, 0.3, 1),
            images: Vec::new(),
            labels: labels(&network, n, 1),
            network,
            training,
        };
        let seed = (0..40).find(|&seed| {
            setting.images = normal_images(&setting.network, n, seed);
            let mut reference = setting.reference();
            (0..STEPS).all(|_| {
                let decided = reference.margin(&setting.images) > 1e-5;
                reference.step(&setting.images, &setting.labels, lr);
                decided
            })
        });
        seed.unwrap_or_else(|| panic!("{architecture:?}: no images without a near decision"));
        setting
    }

    fn reference(&self) -> Reference {
        Reference::new(&self.network, &self.parameters, &self.mask, &self.training)
    }

    /// Losses and parameters after some steps of libtorch.
    fn libtorch(&self, precision: FloatPrecision, steps: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
        one_thread();
        let weights = state_dict(&self.network, &self.parameters);
        let model = Model::load(&self.network, &weights, precision, Device::Cpu).unwrap();
        let mut trainer = Trainer::new(model, Some(&self.mask), &self.training).unwrap();
        let images = channels_first(&self.network, &self.images);
        let lr = self.training.lr;
        let mut step = || trainer.step_on(&images, &self.labels, lr).unwrap();
        let losses = (0..steps).map(|_| step()).collect();
        let after = trainer.model().state_dict().unwrap();
        let file = SafeTensors::deserialize(&after).unwrap();
        let parameters = self.network.parameters.iter();
        (
            losses,
            parameters.map(|p| numbers(&file, &p.name)).collect(),
        )
    }

    /// The same of the sparse engine.
    fn sparse(&self, storage: Precision, steps: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
        let isa = Isa::best().unwrap();
        let mut engine = SparseEngine::new(
            &self.network,
            &self.parameters,
            &self.mask,
            &self.training,
            storage,
            isa,
        )
        .unwrap();
        let lr = self.training.lr;
        let mut step = || engine.step(&self.images, &self.labels, lr).unwrap().loss;
        let losses = (0..steps).map(|_| step()).collect();
        let wide = |values: &Vec<f32>| values.iter().map(|&x| x.into()).collect();
        (losses, engine.parameters().iter().map(wide).collect())
    }
}

fn settings(lr: f64) -> Vec<Setting> {
    let of = |family, depth, width, input| Architecture::new(family, depth, width, 5, input);
    [
        of(Family::Resnet, 8, 8, [1, 9, 9]),
        of(Family::Resnet, 14, 3, [3, 7, 6]),
        of(Family::Vgg, 11, 2, [1, 32, 32]),
        of(Family::ResnetImagenet, 18, 2, [1, 33, 35]),
        of(Family::Lenet5, 4, 5, [1, 16, 18]),
        of(Family::Lenet300, 3, 20, [1, 8, 7]),
    ]
    .iter()
    .map(|architecture| Setting::new(architecture, 7, lr))
    .collect()
}

#[test]
fn three_steps_are_libtorch_s() {
    for setting in settings(0.05) {
        let title = &setting.network.architecture;
        let ours = setting.sparse(Precision::F32, STEPS);
        let theirs = setting.libtorch(FloatPrecision::F32, STEPS);
        assert!(
            distance(&ours.0, &theirs.0) < 1e-5,
            "{title:?}: {:?} and {:?}",
            ours.0,
            theirs.0
        );
        for (p, parameter) in setting.network.parameters.iter().enumerate() {
            if theirs.1[p].iter().all(|&x| x == 0.0) {
                continue;
            }
            let apart = distance(&ours.1[p], &theirs.1[p]);
            assert!(apart < 1e-4, "{title:?} `{}`: {apart:e}", parameter.name);
        }
    }
}

/// How far a step of rate 1 from the same weights goes elsewhere than the true gradient, over
/// all parameters.
fn error(setting: &Setting, after: &[Vec<f64>]) -> f64 {
    let mut reference = setting.reference();
    let before: Vec<f64> = reference.parameters.concat();
    reference.step(&setting.images, &setting.labels, setting.training.lr);
    let moved =
        |after: Vec<f64>| -> Vec<f64> { after.iter().zip(&before).map(|(a, b)| a - b).collect() };
    distance(
        &moved(after.concat()),
        &moved(reference.parameters.concat()),
    )
}

#[test]
fn bf16_is_no_further_from_the_truth_than_libtorch_s() {
    if let Err(error) = Isa::best().unwrap().check(Precision::Bf16) {
        // libtorch emulates it there, and the engine says what it lacks.
        assert!(error.to_string().to_lowercase().contains("bf16"), "{error}");
        return;
    }
    for setting in settings(1.0) {
        let title = &setting.network.architecture;
        let wide = error(&setting, &setting.sparse(Precision::F32, 1).1);
        let ours = error(&setting, &setting.sparse(Precision::Bf16, 1).1);
        let theirs = error(&setting, &setting.libtorch(FloatPrecision::Bf16, 1).1);
        assert!(wide < 1e-4, "{title:?}: f32 {wide}");
        assert!(ours > 10.0 * wide, "{title:?}: {ours} is f32's");
        assert!(
            ours < 1.5 * theirs + 0.01,
            "{title:?}: {ours} against {theirs}"
        );
    }
}
