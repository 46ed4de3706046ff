//! Mixed precision: other bytes, the same accuracy.
use crate::support::*;
use jackpot_data::{Images, Preparation};
use jackpot_net::{Activation, Augment, Family, Schedule, Training};
use jackpot_nn::{Device, FloatPrecision, Model, TrainedModel, TrainingJob};
use jackpot_rng::Key;
use safetensors::{Dtype, SafeTensors};

/// A ResNet-8 on real images of 14×14, two epochs.
fn trained(precision: FloatPrecision, order: u64) -> TrainedModel {
    one_thread();
    let source = jackpot_data::open("fashion-mnist-10k", None).unwrap();
    let preparation = Preparation {
        resize: Some(14),
        train_subset: Some(2_000),
        ..Preparation::default()
    };
    let prepared = jackpot_data::prepare(&source, &preparation).unwrap();
    let network = network(Family::Resnet, 8, 8, 10, [1, 14, 14], Activation::Relu);
    let training = Training {
        epochs: 2,
        batch: 32,
        schedule: Schedule::Cosine,
        augment: Augment {
            crop_padding: 0,
            flip: true,
            crop: None,
            resized_crop: None,
        },
        ..Training::su2020()
    };
    let test = first(&prepared.test, 1_000);
    let job = TrainingJob {
        network: &network,
        training: &training,
        weights: &first_weights(&network),
        mask: None,
        train: &prepared.train.into(),
        test: &test.into(),
        normalisation: &prepared.normalisation,
        order_key: Key::from_seed(order),
        augment_key: Key::from_seed(2),
        device: Device::Cpu,
        precision,
        resume: None,
    };
    jackpot_nn::train(&job, &mut |_| ()).unwrap()
}

fn first(images: &Images, rows: usize) -> Images {
    let size = (images.channels * images.height * images.width) as usize;
    Images {
        pixels: images.pixels[..rows * size].to_vec(),
        labels: images.labels[..rows].to_vec(),
        ..images.clone()
    }
}

/// The tolerance is what another order of the rows does to the same training: on 1,000 test
/// images after two epochs, several points.
#[test]
fn bf16_changes_the_bytes_and_not_the_accuracy() {
    let single = trained(FloatPrecision::F32, 1);
    let mixed = trained(FloatPrecision::Bf16, 1);
    assert_ne!(single.checkpoint, mixed.checkpoint);
    assert_eq!(
        mixed.checkpoint,
        trained(FloatPrecision::Bf16, 1).checkpoint
    );
    let accuracy = |t: &TrainedModel| t.metrics.test_accuracy;
    let apart = (accuracy(&single) - accuracy(&mixed)).abs();
    assert!(accuracy(&single) > 60.0, "{}", accuracy(&single));
    assert!(
        apart <= 4.0,
        "{} against {}",
        accuracy(&single),
        accuracy(&mixed)
    );

    // The weights stay in 32 bits: most are no bfloat16 number, whose lower half is 0.
    let file = SafeTensors::deserialize(&mixed.checkpoint).unwrap();
    for (name, tensor) in file.tensors() {
        assert_eq!(tensor.dtype(), Dtype::F32, "{name}");
    }
    let (weights, _) = file
        .tensor("layer2.0.conv1.weight")
        .unwrap()
        .data()
        .as_chunks::<4>();
    let whole = weights.iter().filter(|bytes| bytes[..2] != [0, 0]).count();
    assert!(whole * 10 > weights.len() * 9);
}

/// One forward pass differs by about the rounding of bfloat16, 2⁻⁸, and not by nothing.
#[test]
fn bf16_rounds_the_factors_and_nothing_worse() {
    one_thread();
    let network = small(Activation::Relu);
    let set = images(&network, 32, 1);
    let x = crate::training::invariants::normalise(&network, &set);
    let logits = |precision| {
        let weights = first_weights(&network);
        let model = Model::load(&network, &weights, precision, Device::Cpu).unwrap();
        model.logits(&x).unwrap()
    };
    let single = logits(FloatPrecision::F32);
    let apart = distance(&logits(FloatPrecision::Bf16), &single);
    assert!(apart > 1e-4 && apart < 3e-2, "{apart:e}");
    assert!(distance(&logits(FloatPrecision::F64), &single) < 1e-5);
    let model = Model::load(
        &network,
        &first_weights(&network),
        FloatPrecision::Bf16,
        Device::Cpu,
    );
    let tensor = model.unwrap().state_dict().unwrap();
    assert_eq!(tensor, first_weights(&network));
}
