//! The same bits: run to run, thread beside thread, after a restore, whatever was computed
//! before.
use crate::support::*;
use jackpot_net::{Activation, AdamSettings, Architecture, Family, Optimizer, Precision, Training};
use jackpot_sparse::{Isa, SparseEngine};

fn case() -> Case {
    let architecture = Architecture::new(Family::Resnet, 8, 6, 5, [3, 9, 8]);
    Case::new(&architecture, 0.2, 21, 1)
}

/// Every way to compute that this CPU has.
fn ways() -> Vec<(Precision, Isa)> {
    let wide = levels().into_iter().map(|isa| (Precision::F32, isa));
    let half = levels_of_bf16()
        .into_iter()
        .map(|isa| (Precision::Bf16, isa));
    wide.chain(half).collect()
}

/// All that the next step is a function of.
fn state(engine: &SparseEngine) -> Vec<Vec<u32>> {
    let buffers: Vec<Vec<f32>> = engine.buffers().into_iter().map(|b| b.2).collect();
    [bits(&engine.parameters()), bits(&buffers)].concat()
}

fn run(case: &Case, storage: Precision, isa: Isa) -> Vec<Vec<u32>> {
    let mut engine = case.engine(storage, isa);
    let size = case.images.len() / case.labels.len();
    for n in [21, 4, 17] {
        let images = &case.images[..n * size];
        let step = engine.step(images, &case.labels[..n], 0.1).unwrap();
        assert!(step.loss.is_finite());
    }
    let logits = bits(&[engine.logits(&case.images).unwrap()]);
    [state(&engine), logits].concat()
}

#[test]
fn two_runs_and_five_threads_give_the_same_bits() {
    let case = case();
    for (storage, isa) in ways() {
        let first = run(&case, storage, isa);
        let results: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..5)
                .map(|_| scope.spawn(|| run(&case, storage, isa)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        for again in results {
            assert!(again == first, "{isa:?}");
        }
        // Bits that depend on nothing would be the same, too.
        let mut other = case.clone();
        other.images[100] += 1.0;
        assert!(run(&other, storage, isa) != first, "{isa:?}");
    }
}

/// The memory test's hook trains the same network, not another one.
#[test]
fn it_does_not_matter_where_maps_lie() {
    let case = case();
    for (storage, isa) in ways() {
        let [together, apart] = [false, true].map(|apart| {
            let mut engine = case.engine(storage, isa);
            if apart {
                engine.separate_maps();
            }
            engine.step(&case.images, &case.labels, 0.1).unwrap();
            state(&engine)
        });
        assert!(together == apart, "{isa:?}");
    }
}

/// Outputs that are made again on the way back are those that would have been held.
#[test]
fn what_is_made_again_is_what_would_be_held() {
    let of = |family, depth, input| Architecture::new(family, depth, 8, 5, input);
    for architecture in [
        of(Family::Resnet, 20, [1, 11, 9]),
        of(Family::Vgg, 13, [3, 32, 32]),
        Architecture {
            activation: Activation::Tanh,
            ..of(Family::Resnet, 8, [2, 8, 8])
        },
    ] {
        // The last tile lacks one image.
        let case = Case::new(&architecture, 0.66, 63, 3);
        for (storage, isa) in ways() {
            let [again, held] = [false, true].map(|hold| {
                let mut engine = case.engine(storage, isa);
                if hold {
                    assert!(engine.hold_outputs() > 0, "{architecture:?}");
                }
                for _ in 0..3 {
                    let step = engine.step(&case.images, &case.labels, 0.1).unwrap();
                    assert!(step.loss.is_finite());
                }
                assert!(engine.parameters().iter().flatten().all(|x| x.is_finite()));
                state(&engine)
            });
            assert!(again == held, "{isa:?}, {architecture:?}");
        }
    }
}

/// A step of few images after one of many: what the lanes held before must not count.
#[test]
fn a_step_depends_on_no_earlier_batch() {
    let case = case();
    let size = case.images.len() / case.labels.len();
    for (storage, isa) in ways() {
        let mut used = case.engine(storage, isa);
        for n in [21, 3] {
            used.gradients(&case.images[..n * size], &case.labels[..n])
                .unwrap();
            used.logits(&case.images[..n * size]).unwrap();
        }
        let untouched = case.engine(storage, isa);
        assert!(
            state(&used) == state(&untouched),
            "{isa:?}: a look has moved something"
        );
        let mut fresh = untouched;
        for n in [2, 19, 1] {
            let (images, labels) = (&case.images[..n * size], &case.labels[..n]);
            let steps = [&mut used, &mut fresh].map(|engine| {
                let step = engine.step(images, labels, 0.1).unwrap();
                (step.loss.to_bits(), step.correct)
            });
            assert_eq!(steps[0], steps[1], "{isa:?}, {n} images");
            assert!(state(&used) == state(&fresh), "{isa:?}, {n} images");
        }
    }
}

#[test]
fn logits_of_an_image_do_not_depend_on_its_neighbours() {
    let case = case();
    let size = case.images.len() / case.labels.len();
    for (storage, isa) in ways() {
        let mut engine = case.engine(storage, isa);
        let all = engine.logits(&case.images).unwrap();
        for (image, expected) in case.images.chunks(size).zip(all.chunks(5)) {
            let one = engine.logits(image).unwrap();
            assert_eq!(bits(&[one]), bits(&[expected.to_vec()]), "{isa:?}");
        }
    }
}

#[test]
fn a_restored_engine_goes_on_bit_for_bit() {
    let adam = AdamSettings::default();
    let with = |optimizer, momentum| Training {
        optimizer,
        momentum,
        ..sgd()
    };
    for training in [
        sgd(),
        with(Optimizer::Nesterov, 0.9),
        with(Optimizer::Adam(adam), 0.0),
        with(Optimizer::AdamW(adam), 0.0),
    ] {
        let case = Case { training, ..case() };
        for (storage, isa) in ways() {
            let mut engine = case.engine(storage, isa);
            let go =
                |engine: &mut SparseEngine| engine.step(&case.images, &case.labels, 0.03).unwrap();
            go(&mut engine);
            go(&mut engine);
            let buffers: Vec<Vec<f32>> = engine.buffers().into_iter().map(|b| b.2).collect();
            let saved = (engine.parameters(), engine.steps());
            let mut restored = case.engine(storage, isa);
            restored.restore(&saved.0, &buffers, saved.1).unwrap();
            assert!(state(&restored) == state(&engine));
            let (ours, theirs) = (go(&mut restored), go(&mut engine));
            assert_eq!(ours.loss.to_bits(), theirs.loss.to_bits());
            assert!(
                state(&restored) == state(&engine),
                "{:?}",
                case.training.optimizer
            );
            // Without the buffers it goes elsewhere: they are part of the state.
            let mut forgetful = case.engine(storage, isa);
            let zeros: Vec<Vec<f32>> = buffers.iter().map(|b| vec![0.0; b.len()]).collect();
            forgetful.restore(&saved.0, &zeros, saved.1).unwrap();
            go(&mut forgetful);
            assert!(state(&forgetful) != state(&engine));
        }
    }
}
