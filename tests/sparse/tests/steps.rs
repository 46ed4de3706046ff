//! Whole steps against the reference: optimisers, options, running statistics, evaluation.
use crate::support::*;
use jackpot_net::{AdamSettings, Architecture, Family, Optimizer, Precision, Training};
use jackpot_sparse::Isa;

const STEPS: usize = 3;
const LR: f64 = 0.05;
/// Of parameters after three steps: they move by a hundredth of their size, and each step is
/// as exact as its gradient.
const TOLERANCE: f64 = 2e-5;
const MARGIN: f64 = 2e-5;

fn options() -> Vec<(&'static str, Training)> {
    // A large ε: noise over noise is no direction to compare.
    let adam = AdamSettings {
        beta1: 0.8,
        beta2: 0.95,
        epsilon: 1e-2,
    };
    let with = |optimizer| Training {
        momentum: 0.0,
        optimizer,
        ..sgd()
    };
    let nesterov = Training {
        optimizer: Optimizer::Nesterov,
        ..sgd()
    };
    let smoothed = Training {
        label_smoothing: 0.2,
        ..sgd()
    };
    let slower = Training {
        momentum: 0.5,
        ..sgd()
    };
    let free = Training {
        weight_decay: 0.0,
        ..sgd()
    };
    vec![
        ("sgd", sgd()),
        ("nesterov", nesterov),
        ("adam", with(Optimizer::Adam(adam))),
        ("adamw", with(Optimizer::AdamW(adam))),
        ("label smoothing", smoothed),
        ("momentum 0.5", slower),
        ("no weight decay", free),
    ]
}

/// All steps but the first one's images are decided too.
fn cases(training: &Training) -> Vec<Case> {
    let architectures = [
        Architecture::new(Family::Resnet, 8, 5, 4, [1, 6, 7]),
        Architecture::new(Family::Vgg, 11, 1, 4, [2, 32, 33]),
        Architecture::new(Family::Lenet5, 4, 3, 4, [1, 16, 17]),
    ];
    let case = |architecture: &Architecture| {
        let case = (0..30).find_map(|seed| {
            let mut case = Case::new(architecture, 0.4, 11, seed);
            case.training = training.clone();
            let mut reference = case.reference();
            let decided = (0..STEPS).all(|_| {
                let decided = reference.margin(&case.images) > MARGIN;
                reference.step(&case.images, &case.labels, LR);
                decided
            });
            decided.then_some(case)
        });
        case.unwrap_or_else(|| panic!("{architecture:?}: no seed without a near decision"))
    };
    architectures.iter().map(case).collect()
}

/// The largest distance of losses, parameters, buffers and logits after three steps.
fn apart(case: &Case, reference: &Case, isa: Isa) -> f64 {
    let mut engine = case.engine(Precision::F32, isa);
    let mut reference = reference.reference();
    let mut worst = 0.0f64;
    for step in 1..=STEPS {
        let ours = engine.step(&case.images, &case.labels, LR).unwrap();
        let theirs = reference.step(&case.images, &case.labels, LR);
        worst = further(worst, (ours.loss - theirs.loss).abs() / theirs.loss);
        assert_eq!(engine.steps(), step as u64);
        if worst < TOLERANCE {
            assert_eq!(ours.correct, theirs.correct);
        }
    }
    let wide = |values: &[f32]| values.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
    for (ours, theirs) in engine.parameters().iter().zip(&reference.parameters) {
        if theirs.iter().any(|&x| x != 0.0) {
            let ours = wide(ours);
            worst = further(worst, distance(ours.into_iter(), theirs.iter().copied()));
        }
    }
    // All of a buffer at once: one tensor's may be a sum that is 0.
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for (name, parameter, values) in engine.buffers() {
        let buffer = usize::from(name == "square");
        let scale = norm(reference.buffers[buffer].iter().flatten().copied());
        ours.extend(wide(&values).iter().map(|x| x / scale));
        theirs.extend(
            reference.buffers[buffer][parameter]
                .iter()
                .map(|x| x / scale),
        );
    }
    worst = further(worst, distance(ours.into_iter(), theirs.iter().copied()));
    let logits = wide(&engine.logits(&case.images).unwrap());
    let expected = reference.logits(&case.images);
    further(
        worst,
        distance(logits.into_iter(), expected.iter().copied()),
    )
}

#[test]
fn three_steps_of_every_option_are_the_reference_s_and_no_other_s() {
    let options = options();
    for (place, (name, training)) in options.iter().enumerate() {
        let (other, next) = &options[(place + 1) % options.len()];
        for case in cases(training) {
            for isa in levels() {
                let title = &case.network.architecture;
                let same = apart(&case, &case, isa);
                assert!(same < TOLERANCE, "{name}, {isa:?}, {title:?}: {same:e}");
                let mut twin = case.clone();
                twin.training = next.clone();
                let twin = apart(&case, &twin, isa);
                assert!(twin > 20.0 * TOLERANCE, "{name} fits {other}: {twin:e}");
            }
        }
    }
}

#[test]
fn kept_weights_move_and_pruned_ones_do_not_exist() {
    for case in cases(&sgd()) {
        for isa in levels() {
            let mut engine = case.engine(Precision::F32, isa);
            assert_eq!(engine.kept(), case.mask.kept());
            for _ in 0..STEPS {
                engine.step(&case.images, &case.labels, LR).unwrap();
            }
            let after = engine.parameters();
            let buffers = engine.buffers();
            for (p, kept) in case.kept().into_iter().enumerate() {
                let Some(kept) = kept else { continue };
                let name = &case.network.parameters[p].name;
                let momentum = buffers.iter().find(|(_, parameter, _)| *parameter == p);
                let momentum = &momentum.unwrap().2;
                for (i, &kept) in kept.iter().enumerate() {
                    let (before, after) = (case.parameters[p][i], after[p][i]);
                    if kept {
                        assert!(before != after, "{name}[{i}] has not moved");
                    } else {
                        assert_eq!(
                            (after.to_bits(), momentum[i].to_bits()),
                            (0, 0),
                            "{name}[{i}] is pruned"
                        )
                    }
                }
            }
        }
    }
}

/// As published, a kept weight that is exactly 0 gets no gradient in that step.
#[test]
fn a_kept_zero_learns_unless_published() {
    let case = |published_gradient_mask| {
        let mut case = cases(&sgd()).remove(0);
        case.training.published_gradient_mask = published_gradient_mask;
        case.training.momentum = 0.0;
        let kept = case.mask.layers[0]
            .kept
            .iter()
            .position(|&kept| kept)
            .unwrap();
        case.parameters[0][kept] = 0.0;
        (case, kept)
    };
    for isa in levels() {
        for published in [false, true] {
            let (case, zero) = case(published);
            let mut engine = case.engine(Precision::F32, isa);
            engine.step(&case.images, &case.labels, LR).unwrap();
            assert_eq!(engine.parameters()[0][zero] == 0.0, published);
            let mut reference = case.reference();
            reference.step(&case.images, &case.labels, LR);
            assert_eq!(reference.parameters[0][zero] == 0.0, published);
            let ours = engine.parameters();
            let ours = ours[0].iter().map(|&x| f64::from(x));
            let apart = distance(ours, reference.parameters[0].iter().copied());
            assert!(apart < TOLERANCE, "{isa:?}: {apart:e}");
        }
    }
}
