//! What the engine cannot do is refused by name, before anything is computed.
use crate::support::*;
use jackpot_net::{Activation, Architecture, Family, Precision, Stem};
use jackpot_sparse::{Isa, SparseEngine, check};

#[test]
fn networks_of_every_other_family_are_taken() {
    for architecture in [
        Architecture::resnet(8, 5, 10, [1, 28, 28]),
        Architecture::resnet(56, 4, 10, [3, 32, 32]),
        Architecture::vgg(19, 3, 10, [3, 32, 32]),
        Architecture::new(Family::ResnetImagenet, 50, 4, 10, [3, 64, 64]),
        Architecture::new(Family::Lenet300, 3, 300, 10, [1, 28, 28]),
        Architecture::new(Family::Lenet5, 4, 20, 10, [1, 28, 28]),
    ] {
        let network = architecture.build().unwrap();
        check(&network, &sgd(), Precision::F32).unwrap_or_else(|e| panic!("{architecture:?}: {e}"));
        check(&network, &sgd(), Precision::Bf16)
            .unwrap_or_else(|e| panic!("{architecture:?}: {e}"));
    }
}

/// The words that a refusal has: what it is, and what to use instead.
#[test]
fn a_network_that_cannot_be_lowered_is_refused_by_name() {
    let mobilenet = Architecture {
        stem: Stem::Small,
        ..Architecture::new(Family::MobilenetV2, 53, 8, 10, [3, 32, 32])
    };
    let wide = Architecture::new(Family::Wrn, 10, 16, 10, [3, 32, 32]);
    for (architecture, name) in [(mobilenet, "`mobilenetv2`"), (wide, "`wrn`")] {
        let network = architecture.build().unwrap();
        for storage in [Precision::F32, Precision::Bf16] {
            let refusal = check(&network, &sgd(), storage).unwrap_err().to_string();
            assert!(
                refusal.contains(name) && refusal.contains("libtorch"),
                "{refusal}"
            );
        }
        let parameters = jackpot_test_sparse::some_parameters(&network, 1);
        let mask = jackpot_prune::Mask::dense(&network);
        let isa = levels()[0];
        let engine = SparseEngine::new(&network, &parameters, &mask, &sgd(), Precision::F32, isa);
        assert!(engine.is_err(), "{name} is trained in silence");
    }
}

/// A smooth activation is either computed as the reference does, or refused by its name.
#[test]
fn an_activation_is_computed_or_refused() {
    for activation in [Activation::Tanh, Activation::Softplus] {
        let architecture = Architecture {
            activation,
            ..Architecture::resnet(8, 4, 3, [1, 8, 8])
        };
        let case = Case::new(&architecture, 0.5, 9, 1);
        match check(&case.network, &case.training, Precision::F32) {
            Ok(()) => {
                let (apart, name) = case.apart(Precision::F32, levels()[0]);
                assert!(apart < 3e-5, "{activation:?} `{name}`: {apart:e}");
            }
            Err(refusal) => {
                let name = format!("{activation:?}").to_lowercase();
                assert!(refusal.to_string().contains(&name), "{refusal}");
            }
        }
    }
}

#[test]
fn bf16_wants_a_cpu_that_has_it() {
    let refusal = Isa::Avx2.check(Precision::Bf16).unwrap_err().to_string();
    assert!(refusal.to_lowercase().contains("bf16"), "{refusal}");
}

/// Everything that does not fit is an error that names it, never a panic.
#[test]
fn wrong_input_is_named() {
    let case = Case::new(&Architecture::resnet(8, 4, 3, [1, 6, 6]), 0.5, 5, 1);
    let isa = levels()[0];
    let with = |edit: fn(&mut Case)| {
        let mut case = case.clone();
        edit(&mut case);
        SparseEngine::new(
            &case.network,
            &case.parameters,
            &case.mask,
            &case.training,
            Precision::F32,
            isa,
        )
        .err()
        .expect("it is refused")
        .to_string()
    };
    let missing = with(|case| drop(case.parameters.pop()));
    assert!(missing.contains("parameters"), "{missing}");
    let short = with(|case| case.parameters[0].truncate(1));
    assert!(short.contains("conv1.weight"), "{short}");
    let foreign = with(|case| case.mask.layers[1].name = "elsewhere".into());
    assert!(foreign.contains("elsewhere"), "{foreign}");
    let setting = with(|case| case.training.lr = -1.0);
    assert!(setting.contains("lr"), "{setting}");

    let mut engine = case.engine(Precision::F32, isa);
    let before = bits(&engine.parameters());
    let (images, labels) = (&case.images, &case.labels);
    let mut refused = |images: &[f32], labels: &[i64]| {
        engine
            .step(images, labels, 0.1)
            .expect_err("it is refused")
            .to_string()
    };
    let ragged = refused(&images[1..], labels);
    assert!(ragged.contains("images"), "{ragged}");
    let fewer = refused(images, &labels[1..]);
    assert!(fewer.contains("labels"), "{fewer}");
    assert!(!refused(&[], &[]).is_empty());
    for label in [3, -1, i64::MAX] {
        let foreign = refused(images, &[0, 1, 2, 0, label]);
        assert!(foreign.contains(&label.to_string()), "{foreign}");
    }
    assert!(engine.logits(&images[1..]).is_err());
    assert!(
        bits(&engine.parameters()) == before,
        "a refusal has moved something"
    );

    let good = engine.parameters();
    let buffers: Vec<Vec<f32>> = engine.buffers().into_iter().map(|b| b.2).collect();
    assert!(engine.restore(&good[1..], &buffers, 1).is_err());
    assert!(engine.restore(&good, &buffers[1..], 1).is_err());
    engine.restore(&good, &buffers, 1).unwrap();
}
