//! The real process: a training killed with SIGKILL resumes to the same bytes, and every
//! failure leaves words.

#![allow(clippy::unwrap_used)] // the helpers of a test are a test

use jackpot_data::{Images, Normalisation};
use jackpot_net::{AdamSettings, Architecture, Augment, Engine, Optimizer, Schedule, Training};
use jackpot_protocol::{EvaluateJob, Job, Limits, Metrics, TrainJob};
use jackpot_prune::Mask;
use jackpot_rng::Key;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

fn architecture() -> Architecture {
    Architecture::resnet(8, 8, 3, [1, 8, 8])
}

fn noise(rows: usize, seed: u64) -> Images {
    let mut words = vec![0; rows * 64];
    jackpot_rng::bits(Key::from_seed(seed), &mut words);
    Images {
        channels: 1,
        height: 8,
        width: 8,
        pixels: words.iter().map(|word| (word >> 56) as u8).collect(),
        labels: (0..rows as i64).map(|row| row % 3).collect(),
    }
}

/// The inputs of a training in `folder`, every second weight pruned.
fn job(folder: &Path, epochs: u32) -> TrainJob {
    let network = architecture().build().unwrap();
    let mut mask = Mask::dense(&network);
    mask.layers
        .iter_mut()
        .for_each(|l| l.kept.iter_mut().step_by(2).for_each(|k| *k = false));
    let file = |name: &str, bytes: Vec<u8>| -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let weights = jackpot_net::init::initial_weights(&network, Key::from_seed(1)).unwrap();
    TrainJob {
        architecture: architecture(),
        training: Training {
            epochs,
            batch: 16,
            lr: 0.05,
            schedule: Schedule::Cosine,
            warmup_epochs: 1.0,
            momentum: 0.9,
            weight_decay: 1e-4,
            augment: Augment {
                crop_padding: 1,
                flip: true,
                crop: None,
                resized_crop: None,
            },
            published_gradient_mask: false,
            ..Training::su2020()
        },
        weights: file("weights", weights),
        mask: Some(file("mask", mask.to_bytes())),
        train: file("train", noise(600, 2).to_safetensors().unwrap()),
        test: file("test", noise(100, 3).to_safetensors().unwrap()),
        normalisation: Normalisation {
            mean: vec![0.5],
            std: vec![0.25],
        },
        order_key: Key::from_seed(4).to_hex(),
        augment_key: Key::from_seed(5).to_hex(),
        device: "cpu".to_string(),
        precision: jackpot_net::Precision::F32,
        engine: Engine::Libtorch,
        device_class: "cpu-avx2".to_string(),
        threads: 1,
        resume: folder.join("resume"),
        memory: u64::MAX,
        limits: Limits {
            plugin_seconds: 0.0,
            memory: 0,
            scratch: 0,
        },
    }
}

fn worker(folder: &Path, job: &Job) -> Command {
    std::fs::write(folder.join("job.json"), serde_json::to_vec(job).unwrap()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_jackpot-worker"));
    // The run path alone must find libtorch.
    command
        .arg(folder)
        .env("OMP_NUM_THREADS", "1")
        .env_remove("LD_LIBRARY_PATH");
    command
}

fn train(folder: &Path, job: &TrainJob) -> Output {
    worker(folder, &Job::Train(Box::new(job.clone())))
        .output()
        .unwrap()
}

fn outputs(folder: &Path) -> Vec<Vec<u8>> {
    ["metrics.json", "bits", "checkpoint.safetensors"]
        .map(|name| std::fs::read(folder.join("out").join(name)).unwrap())
        .into()
}

/// Waits until the process has written a resume point after `since`, then kills it.
fn kill_after_an_epoch(child: &mut Child, state: &Path, last: &[u8]) -> Vec<u8> {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        assert!(Instant::now() < deadline, "no epoch ended in two minutes");
        assert!(
            child.try_wait().unwrap().is_none(),
            "the training ended before it was killed"
        );
        match std::fs::read(state) {
            Ok(bytes) if bytes != last => {
                child.kill().unwrap();
                child.wait().unwrap();
                return bytes;
            }
            _ => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

#[test]
fn a_training_killed_twice_ends_in_the_same_bytes() {
    killed_twice(12, &|_| ());
}

#[test]
fn a_training_of_the_sparse_engine_killed_twice_ends_in_the_same_bytes() {
    killed_twice(60, &|job| {
        job.engine = Engine::Sparse;
        job.training.optimizer = Optimizer::Adam(AdamSettings::default());
        job.training.momentum = 0.0;
        job.training.lr = 0.005;
        job.training.validation_rows = 60;
    });
}

fn killed_twice(all: u32, change: &dyn Fn(&mut TrainJob)) {
    let (calm, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let job = |folder: &Path| {
        let mut job = job(folder, all);
        change(&mut job);
        job
    };
    let undisturbed = train(calm.path(), &job(calm.path()));
    assert!(undisturbed.status.success(), "{undisturbed:?}");

    let job = job(killed.path());
    let state = job.resume.join("state");
    let mut last = Vec::new();
    for _ in 0..2 {
        let mut child = worker(killed.path(), &Job::Train(Box::new(job.clone())))
            .spawn()
            .unwrap();
        last = kill_after_an_epoch(&mut child, &state, &last);
        assert!(!killed.path().join("done.json").exists());
    }
    let resumed = train(killed.path(), &job);
    assert!(resumed.status.success(), "{resumed:?}");
    let log = String::from_utf8(resumed.stderr).unwrap();
    assert!(log.contains("resumed after epoch"), "{log}");
    assert_eq!(outputs(killed.path()), outputs(calm.path()));
    let record = std::fs::read(killed.path().join("done.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
    let epochs = record["seconds_per_epoch"].as_array().unwrap().len() as u32;
    assert!((1..all - 1).contains(&epochs), "{record}");
}

/// Metrics of these weights under this mask, and which test images were right.
fn evaluate(folder: &Path, trained: &TrainJob, mask: &Mask) -> (Metrics, Vec<u8>) {
    let file = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let job = EvaluateJob {
        architecture: architecture(),
        weights: file("trained", &outputs(folder)[2]),
        mask: file("another mask", &mask.to_bytes()),
        test: trained.test.clone(),
        normalisation: trained.normalisation.clone(),
        device: "cpu".to_string(),
        precision: jackpot_net::Precision::F32,
        threads: 1,
        memory: u64::MAX,
    };
    let place = tempfile::tempdir().unwrap();
    let job = Job::Evaluate(Box::new(job));
    let done = worker(place.path(), &job).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    assert!(place.path().join("done.json").is_file());
    let out = |name: &str| std::fs::read(place.path().join("out").join(name)).unwrap();
    assert!(!place.path().join("out/checkpoint.safetensors").exists());
    (
        serde_json::from_slice(&out("metrics.json")).unwrap(),
        out("bits"),
    )
}

/// An untouched network is what its training measured last, to the last bit; a pruned one is not.
#[test]
fn an_evaluation_is_the_last_one_of_the_training_until_something_is_pruned() {
    let network = architecture().build().unwrap();
    let dense = Mask::dense(&network);
    let half = |first: usize| {
        let mut mask = dense.clone();
        for layer in &mut mask.layers {
            layer
                .kept
                .iter_mut()
                .skip(first)
                .step_by(2)
                .for_each(|k| *k = false);
        }
        mask
    };
    // `job` prunes the even places: of those weights nothing is left to prune.
    for (masked, same, other) in [(false, dense.clone(), half(0)), (true, half(0), half(1))] {
        let folder = tempfile::tempdir().unwrap();
        let mut job = job(folder.path(), 3);
        job.mask = job.mask.filter(|_| masked);
        let done = train(folder.path(), &job);
        assert!(done.status.success(), "{done:?}");
        let trained: Metrics = serde_json::from_slice(&outputs(folder.path())[0]).unwrap();
        let (metrics, bits) = evaluate(folder.path(), &job, &same);
        assert_eq!(bits, outputs(folder.path())[1]);
        let wanted = Metrics {
            best_epoch: 0,
            best_test_accuracy: trained.test_accuracy,
            epochs: Vec::new(),
            ..trained.clone()
        };
        assert_eq!(metrics, wanted);
        let (pruned, _) = evaluate(folder.path(), &job, &other);
        assert_ne!(pruned.test_loss, trained.test_loss);
        assert_eq!(pruned.kept, other.kept());
    }
}

/// The job's options reach the training: other bytes, and an epoch chosen on validation rows.
#[test]
fn precision_and_validation_are_the_jobs() {
    let run = |change: &dyn Fn(&mut TrainJob)| {
        let folder = tempfile::tempdir().unwrap();
        let mut job = job(folder.path(), 2);
        change(&mut job);
        let done = train(folder.path(), &job);
        assert!(done.status.success(), "{done:?}");
        outputs(folder.path())
    };
    let plain = run(&|_| ());
    let mixed = run(&|job| job.precision = jackpot_net::Precision::Bf16);
    assert_ne!(plain[2], mixed[2]);
    // Another engine is other sums: other bytes, the same training.
    let sparse = run(&|job| job.engine = Engine::Sparse);
    assert_ne!(plain[2], sparse[2]);
    let first_loss = |outputs: &[Vec<u8>]| -> f64 {
        let metrics: serde_json::Value = serde_json::from_slice(&outputs[0]).unwrap();
        let loss = metrics["epochs"][0]["train_loss"].as_str().unwrap();
        loss.parse().unwrap()
    };
    let (theirs, ours) = (first_loss(&plain), first_loss(&sparse));
    assert!((theirs - ours).abs() < 0.01 * theirs, "{theirs} and {ours}");
    let validated = run(&|job| job.training.validation_rows = 60);
    assert_ne!(plain[2], validated[2]);
    let selected = |outputs: &[Vec<u8>]| {
        let metrics: serde_json::Value = serde_json::from_slice(&outputs[0]).unwrap();
        metrics["selected_epoch"].as_u64()
    };
    assert_eq!(selected(&plain), None);
    assert!(matches!(selected(&validated), Some(1 | 2)));
}

#[test]
fn what_does_not_fit_is_told_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let good = job(folder.path(), 1);
    let cases: [(TrainJob, &str); 6] = [
        (
            TrainJob {
                weights: folder.path().join("nowhere"),
                ..good.clone()
            },
            "nowhere",
        ),
        (
            TrainJob {
                mask: Some(folder.path().join("train")),
                ..good.clone()
            },
            "train",
        ),
        (
            TrainJob {
                order_key: "12".to_string(),
                ..good.clone()
            },
            "`order_key`",
        ),
        (
            TrainJob {
                device: "cuda:7".to_string(),
                ..good.clone()
            },
            "cuda:7",
        ),
        (
            TrainJob {
                threads: 0,
                ..good.clone()
            },
            "threads",
        ),
        (
            TrainJob {
                architecture: Architecture {
                    width: 16,
                    ..architecture()
                },
                mask: None,
                ..good.clone()
            },
            "`conv1.weight`",
        ),
    ];
    for (bad, word) in cases {
        let output = train(folder.path(), &bad);
        assert_eq!(output.status.code(), Some(1), "{word}");
        let told = std::fs::read_to_string(folder.path().join("error.json")).unwrap();
        let message: serde_json::Value = serde_json::from_str(&told).unwrap();
        let message = message["message"].as_str().unwrap();
        assert!(message.contains(word), "{word}: {message}");
        assert!(String::from_utf8(output.stderr).unwrap().contains(message));
        assert!(!folder.path().join("done.json").exists() && !folder.path().join("out").exists());
    }
    assert!(train(folder.path(), &good).status.success());
}

#[test]
fn it_says_which_libtorch_it_was_built_with() {
    let describe = |argument: &str| {
        Command::new(env!("CARGO_BIN_EXE_jackpot-worker"))
            .arg(argument)
            .output()
            .unwrap()
    };
    let output = describe("--describe");
    assert!(output.status.success());
    let description: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(description["libtorch"], "2.13.0");
    assert_eq!(description["build"].as_str().unwrap().len(), 16);
    let output = describe("/nowhere/at/all");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("no folder")
    );
}
