//! The f64 reference that other engines are held against, held against libtorch in f64: every
//! family, optimiser and option of a training step.
use crate::support::*;
use jackpot_net::{
    Activation, AdamSettings, Architecture, Block, Family, Network, Op, Optimizer, Stem, Training,
};
use jackpot_nn::{Device, FloatPrecision, Model, Trainer};
use jackpot_prune::Mask;
use jackpot_test_sparse::{Reference, labels, mask, normal_images, some_parameters};
use safetensors::SafeTensors;

const STEPS: usize = 3;
const LR: f64 = 0.05;

/// A setting of the trainings that are compared.
#[derive(Clone)]
struct Setting {
    network: Network,
    training: Training,
    mask: Mask,
    images: Vec<f32>,
    labels: Vec<i64>,
}

impl Setting {
    fn new(architecture: Architecture, training: Training, n: usize) -> Setting {
        let network = architecture.build().unwrap();
        Setting {
            mask: mask(&network, 0.4, 1),
            images: normal_images(&network, n, 2),
            labels: labels(&network, n, 2),
            training,
            network,
        }
    }

    /// The losses, and after them the parameters.
    fn reference(&self) -> Vec<Vec<f64>> {
        let parameters = some_parameters(&self.network, 3);
        let mut reference = Reference::new(&self.network, &parameters, &self.mask, &self.training);
        let mut step = || reference.step(&self.images, &self.labels, LR).loss;
        let losses = (0..STEPS).map(|_| step()).collect();
        [vec![losses], reference.parameters].concat()
    }

    fn libtorch(&self) -> Vec<Vec<f64>> {
        one_thread();
        let weights = state_dict(&self.network, &some_parameters(&self.network, 3));
        let model = Model::load(&self.network, &weights, FloatPrecision::F64, Device::Cpu).unwrap();
        let mut trainer = Trainer::new(model, Some(&self.mask), &self.training).unwrap();
        let images = channels_first(&self.network, &self.images);
        let mut step = || trainer.step_on(&images, &self.labels, LR).unwrap();
        let losses = (0..STEPS).map(|_| step()).collect();
        let after = trainer.model().state_dict().unwrap();
        let file = SafeTensors::deserialize(&after).unwrap();
        let parameters = self.network.parameters.iter();
        let parameters = parameters.map(|p| numbers(&file, &p.name));
        [vec![losses]]
            .into_iter()
            .flatten()
            .chain(parameters)
            .collect()
    }

    /// The largest distance of a tensor of the two.
    fn apart(&self, reference: &Setting) -> f64 {
        let (ours, theirs) = (reference.reference(), self.libtorch());
        let tensors = ours.iter().zip(&theirs);
        // A layer without a kept weight is 0 in both.
        let tensors = tensors.filter(|(_, theirs)| theirs.iter().any(|&x| x != 0.0));
        let apart = tensors.map(|(a, b)| distance(a, b));
        // NaN is further than anything.
        apart.fold(0.0, |worst, x| if x <= worst { worst } else { x })
    }
}

fn sgd() -> Training {
    Training {
        weight_decay: 0.01,
        published_gradient_mask: false,
        ..Training::su2020()
    }
}

fn of(family: Family, depth: u32, width: u32, input: [u32; 3]) -> Architecture {
    Architecture::new(family, depth, width, 5, input)
}

#[test]
fn three_steps_of_every_family_are_libtorch_s() {
    let bottleneck = Architecture {
        block: Block::Bottleneck,
        ..of(Family::Resnet, 8, 3, [2, 9, 7])
    };
    let small = |family, depth, width| Architecture {
        stem: Stem::Small,
        ..of(family, depth, width, [1, 17, 18])
    };
    let smooth = Architecture {
        activation: Activation::Softplus,
        ..of(Family::Resnet, 8, 5, [3, 8, 8])
    };
    for architecture in [
        of(Family::Resnet, 8, 5, [1, 9, 10]),
        bottleneck,
        smooth,
        of(Family::Vgg, 11, 3, [2, 33, 35]),
        of(Family::Wrn, 10, 6, [3, 7, 8]),
        of(Family::ResnetImagenet, 18, 3, [2, 35, 34]),
        small(Family::ResnetImagenet, 18, 3),
        small(Family::MobilenetV2, 53, 8),
        of(Family::Lenet300, 3, 9, [2, 4, 5]),
        of(Family::Lenet5, 4, 3, [1, 17, 18]),
    ] {
        let title = format!("{architecture:?}");
        let setting = Setting::new(architecture, sgd(), 5);
        let apart = setting.apart(&setting);
        assert!(apart < 1e-9, "{title}: {apart:e}");
    }
}

/// One that differs from SGD in one thing each.
fn options() -> Vec<Training> {
    // A large ε: noise over noise is no direction to compare.
    let adam = AdamSettings {
        beta1: 0.8,
        beta2: 0.95,
        epsilon: 1e-3,
    };
    let with = |optimizer| Training {
        momentum: 0.0,
        optimizer,
        ..sgd()
    };
    vec![
        sgd(),
        Training {
            optimizer: Optimizer::Nesterov,
            ..sgd()
        },
        with(Optimizer::Adam(adam)),
        with(Optimizer::AdamW(adam)),
        Training {
            label_smoothing: 0.2,
            ..sgd()
        },
        Training {
            momentum: 0.5,
            ..sgd()
        },
        Training {
            weight_decay: 0.0,
            ..sgd()
        },
    ]
}

#[test]
fn every_option_is_libtorch_s_and_no_other_is() {
    let small = of(Family::Resnet, 8, 4, [1, 8, 7]);
    let settings: Vec<Setting> = options()
        .into_iter()
        .map(|training| Setting::new(small.clone(), training, 6))
        .collect();
    for (place, setting) in settings.iter().enumerate() {
        let title = &setting.training;
        let apart = setting.apart(setting);
        assert!(apart < 1e-9, "{title:?}: {apart:e}");
        let next = &settings[(place + 1) % settings.len()];
        let apart = setting.apart(next);
        assert!(apart > 1e-4, "{title:?} fits its neighbour: {apart:e}");
    }
}

#[test]
fn a_kept_zero_loses_its_gradient_only_as_published() {
    let published = |published_gradient_mask| {
        let training = Training {
            published_gradient_mask,
            momentum: 0.0,
            ..sgd()
        };
        let mut setting = Setting::new(of(Family::Resnet, 8, 4, [1, 8, 7]), training, 6);
        // Weights that are 0 and kept: none is pruned, and none but the biases is not 0.
        setting.mask = Mask::dense(&setting.network);
        setting
    };
    let zeroed = |setting: &Setting| {
        let mut parameters = some_parameters(&setting.network, 3);
        let first = &mut parameters[0];
        first.iter_mut().step_by(2).for_each(|w| *w = 0.0);
        let mut reference = Reference::new(
            &setting.network,
            &parameters,
            &setting.mask,
            &setting.training,
        );
        reference.step(&setting.images, &setting.labels, LR);
        let weights = state_dict(&setting.network, &parameters);
        let model =
            Model::load(&setting.network, &weights, FloatPrecision::F64, Device::Cpu).unwrap();
        let mut trainer = Trainer::new(model, Some(&setting.mask), &setting.training).unwrap();
        let images = channels_first(&setting.network, &setting.images);
        trainer.step_on(&images, &setting.labels, LR).unwrap();
        let after = layers(&setting.network, &trainer.model().state_dict().unwrap());
        (reference.parameters[0].clone(), after[0].clone())
    };
    one_thread();
    let (kept, dropped) = (zeroed(&published(false)), zeroed(&published(true)));
    for (ours, theirs) in [&kept, &dropped] {
        assert!(distance(ours, theirs) < 1e-9);
    }
    assert!(kept.0[0] != 0.0 && dropped.0[0] == 0.0);
    assert!(distance(&kept.0, &dropped.0) > 1e-4);
}

#[test]
fn another_network_mask_or_batch_is_told_apart() {
    let right = Setting::new(of(Family::Resnet, 8, 4, [1, 8, 7]), sgd(), 6);
    let twin = |edit: fn(&mut Setting)| {
        let mut setting = right.clone();
        edit(&mut setting);
        right.apart(&setting)
    };
    type Damage = fn(&mut Setting);
    let twins: [(&str, Damage); 5] = [
        ("a mask shifted by one", |s| {
            s.mask.layers[2].kept.rotate_right(1)
        }),
        ("labels of other images", |s| s.labels.rotate_right(1)),
        ("one image less", |s| {
            s.labels.truncate(5);
            s.images.truncate(5 * 56);
        }),
        ("no shortcut", |s| {
            let sum = s.network.nodes.iter_mut().find(|n| matches!(n.op, Op::Add));
            sum.unwrap().inputs.truncate(1);
        }),
        ("a pixel moved", |s| s.images.rotate_right(1)),
    ];
    for (name, edit) in twins {
        let apart = twin(edit);
        assert!(apart > 1e-4, "{name}: {apart:e}");
    }
}
