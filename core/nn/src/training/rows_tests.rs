//! A training from rows in memory and from rows in their file: the same bytes, and they learn.
use crate::{TrainedModel, TrainingJob, train};
use jackpot_data::{OpenOptions, Preparation, Rows, open_as, write_prepared};
use jackpot_net::{Architecture, Augment, Schedule, Training, init::initial_weights};
use jackpot_rng::Key;
use std::path::Path;
use tch::Device;

/// A CIFAR file whose picture is one colour a class, with noise.
fn cifar_file(path: &Path, rows: usize, seed: u64) {
    let mut bytes = Vec::new();
    for row in 0..rows {
        let class = row % 10;
        let mut words = vec![0; 3072];
        jackpot_rng::bits(Key::from_seed(seed).fold(row as u64), &mut words);
        bytes.push(class as u8);
        for (place, word) in words.iter().enumerate() {
            let colour = class * 80 % (97 * (1 + place / 1024));
            bytes.push((colour as u64 + (word >> 58)) as u8);
        }
    }
    std::fs::write(path, bytes).unwrap();
}

fn trained(folder: &Path, memory: u64, crop: Option<u32>) -> TrainedModel {
    let side = crop.unwrap_or(32);
    let network = Architecture::resnet(8, 4, 10, [3, side, side])
        .build()
        .unwrap();
    let training = Training {
        epochs: 1,
        batch: 32,
        lr: 0.05,
        schedule: Schedule::Constant,
        augment: Augment {
            crop_padding: 0,
            flip: true,
            crop,
            resized_crop: None,
        },
        ..Training::su2020()
    };
    let access = OpenOptions {
        folder: Some(folder),
        partial: true,
        ..OpenOptions::default()
    };
    let source = open_as("cifar-10", &access).unwrap();
    let (mut train_rows, mut test_rows) = (Vec::new(), Vec::new());
    let outputs: [&mut dyn std::io::Write; 2] = [&mut train_rows, &mut test_rows];
    let normalisation =
        write_prepared(&source, &Preparation::default(), outputs, &mut |_, _| ()).unwrap();
    let open = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        let rows = Rows::open(&path, memory).unwrap();
        assert_eq!(matches!(rows, Rows::Held(_)), memory > 0);
        rows
    };
    let job = TrainingJob {
        network: &network,
        training: &training,
        weights: &initial_weights(&network, Key::from_seed(1)).unwrap(),
        mask: None,
        train: &open("train", &train_rows),
        test: &open("test", &test_rows),
        normalisation: &normalisation,
        order_key: Key::from_seed(2),
        augment_key: Key::from_seed(3),
        device: Device::Cpu,
        precision: crate::FloatPrecision::F32,
        resume: None,
    };
    train(&job, &mut |_| ()).unwrap()
}

#[test]
fn an_epoch_from_a_file_is_an_epoch_from_memory() {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..=5 {
        let path = folder.path().join(format!("data_batch_{number}.bin"));
        cifar_file(&path, 100, number);
    }
    cifar_file(&folder.path().join("test_batch.bin"), 50, 9);
    let mut checkpoints = Vec::new();
    for crop in [None, Some(24)] {
        let held = trained(folder.path(), u64::MAX, crop);
        let stored = trained(folder.path(), 0, crop);
        assert_eq!(held, stored);
        // Ten classes: chance is 10 %.
        let epoch = &held.metrics.epochs[0];
        assert!(epoch.train_accuracy > 15.0, "{}", epoch.train_accuracy);
        checkpoints.push(held.checkpoint);
    }
    assert_ne!(checkpoints[0], checkpoints[1]);
}
