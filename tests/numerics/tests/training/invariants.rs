//! What a training must hold to, whatever it learns.
use crate::support::*;
use jackpot_data::Images;
use jackpot_net::{Activation, Augment, Network, Op, Schedule, Training};
use jackpot_nn::{
    Device, FloatPrecision, Model, TrainedModel, Trainer, TrainingEvent, TrainingJob,
};
use jackpot_protocol::Metrics;
use jackpot_prune::Mask;
use jackpot_rng::Key;
use safetensors::SafeTensors;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// A small training: 50 rows in batches of 16 leave a ragged last batch of 2.
pub struct Setting {
    pub network: Network,
    pub training: Training,
    pub weights: Vec<u8>,
    pub order: u64,
    pub train: Images,
    pub precision: FloatPrecision,
}

impl Setting {
    pub fn new() -> Setting {
        one_thread();
        let network = small(Activation::Relu);
        let weights = first_weights(&network);
        let training = Training {
            epochs: 3,
            batch: 16,
            lr: 0.1,
            schedule: Schedule::Cosine,
            warmup_epochs: 1.0,
            momentum: 0.9,
            weight_decay: 1e-3,
            augment: Augment {
                crop_padding: 1,
                flip: true,
                crop: None,
                resized_crop: None,
            },
            published_gradient_mask: false,
            ..Training::su2020()
        };
        Setting {
            train: images(&network, 50, 1),
            precision: FloatPrecision::F32,
            network,
            training,
            weights,
            order: 1,
        }
    }

    pub fn job<T>(
        &self,
        mask: Option<&Mask>,
        resume: Option<&Path>,
        then: impl FnOnce(&TrainingJob) -> T,
    ) -> T {
        let test = images(&self.network, 21, 2);
        let job = TrainingJob {
            network: &self.network,
            training: &self.training,
            weights: &self.weights,
            mask,
            train: &self.train.clone().into(),
            test: &test.into(),
            normalisation: &normalisation(&self.network),
            order_key: Key::from_seed(self.order),
            augment_key: Key::from_seed(2),
            device: Device::Cpu,
            precision: self.precision,
            resume,
        };
        then(&job)
    }

    pub fn run(
        &self,
        mask: Option<&Mask>,
        resume: Option<&Path>,
        observe: &mut dyn FnMut(TrainingEvent),
    ) -> TrainedModel {
        self.job(mask, resume, |job| jackpot_nn::train(job, observe).unwrap())
    }

    pub fn plain(&self, mask: Option<&Mask>) -> TrainedModel {
        self.run(mask, None, &mut |_| ())
    }
}

/// Every third weight is kept.
pub fn third(network: &Network) -> Mask {
    let mut mask = Mask::dense(network);
    for layer in &mut mask.layers {
        layer
            .kept
            .iter_mut()
            .enumerate()
            .for_each(|(i, kept)| *kept = i % 3 == 0);
    }
    mask
}

#[test]
fn pruned_weights_are_exactly_zero_and_everything_else_learns() {
    let setting = Setting::new();
    let mask = third(&setting.network);
    let trained = setting.plain(Some(&mask));
    let before = layers(&setting.network, &setting.weights);
    let after = layers(&setting.network, &trained.checkpoint);
    for ((layer, before), after) in mask.layers.iter().zip(&before).zip(&after) {
        for (i, &kept) in layer.kept.iter().enumerate() {
            assert_eq!(after[i] != 0.0, kept, "{}[{i}]: {}", layer.name, after[i]);
            assert!(!kept || before[i] != after[i]);
        }
    }
    let metrics = &trained.metrics;
    assert!(
        metrics.epochs.iter().all(|epoch| epoch.kept == mask.kept()) && metrics.kept == mask.kept()
    );
    assert!(
        metrics.epochs[2].train_loss < metrics.epochs[0].train_loss,
        "{metrics:?}"
    );
    assert_eq!(metrics.kept, mask.kept());
}

#[test]
fn sparsity_zero_is_dense_and_the_same_job_the_same_bytes() {
    let mut setting = Setting::new();
    let dense = setting.plain(None);
    assert_eq!(dense, setting.plain(None));
    assert_eq!(dense, setting.plain(Some(&Mask::dense(&setting.network))));
    setting.order = 9;
    assert_ne!(dense.checkpoint, setting.plain(None).checkpoint);
}

#[test]
fn metrics_are_canonical_and_agree_with_the_bits() {
    let setting = Setting::new();
    let trained = setting.plain(None);
    let metrics = &trained.metrics;
    let json = metrics.to_json();
    jackpot_store::canonical::parse(&json).unwrap();
    assert_eq!(&serde_json::from_slice::<Metrics>(&json).unwrap(), metrics);
    assert_eq!(metrics.epochs.len(), 3);
    assert_eq!(metrics.test_rows, 21);
    assert_eq!(trained.bits.len(), 3);
    let ones: u32 = trained.bits.iter().map(|byte| byte.count_ones()).sum();
    assert_eq!(u64::from(ones), metrics.test_correct);
    assert_eq!(metrics.test_accuracy, 100.0 * f64::from(ones) / 21.0);
    assert_eq!(metrics.test_loss, Some(metrics.epochs[2].test_loss));
    let best = metrics
        .epochs
        .iter()
        .map(|e| e.test_accuracy)
        .fold(0.0, f64::max);
    assert_eq!(metrics.best_test_accuracy, best);
    assert_eq!(
        metrics.epochs[metrics.best_epoch as usize - 1].test_accuracy,
        best
    );
    // Four steps an epoch, warm-up in the first, half a cosine over the other eight.
    assert_eq!(metrics.epochs[0].lr, 0.1);
    assert_eq!(metrics.epochs[2].lr, setting.training.lr_at(11, 4));

    // The checkpoint is what was evaluated: its own logits say the same of each image.
    let test = images(&setting.network, 21, 2);
    let normalised = normalise(&setting.network, &test);
    let model = Model::load(
        &setting.network,
        &trained.checkpoint,
        FloatPrecision::F32,
        Device::Cpu,
    )
    .unwrap();
    let logits = model.logits(&normalised).unwrap();
    for (row, logits) in logits.chunks(3).enumerate() {
        let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let right = logits[test.labels[row] as usize] == largest;
        assert_eq!(
            trained.bits[row / 8] >> (row % 8) & 1 == 1,
            right,
            "row {row}"
        );
    }
}

/// (pixel/255 − mean)/std in f32, as torchvision computes it.
pub fn normalise(network: &Network, images: &Images) -> Vec<f32> {
    let normalisation = normalisation(network);
    let (mean, std) = (normalisation.mean[0] as f32, normalisation.std[0] as f32);
    images
        .pixels
        .iter()
        .map(|&p| (f32::from(p) / 255.0 - mean) / std)
        .collect()
}

#[test]
fn a_killed_training_resumes_to_the_same_bytes() {
    let setting = Setting::new();
    let mask = third(&setting.network);
    let undisturbed = setting.plain(Some(&mask));
    for stop in [1, 2, 3] {
        let folder = tempfile::tempdir().unwrap();
        let resume = folder.path().join("resume");
        let killed = catch_unwind(AssertUnwindSafe(|| {
            setting.run(Some(&mask), Some(&resume), &mut |event| {
                if event == TrainingEvent::Epoch(stop) {
                    std::panic::resume_unwind(Box::new("killed"));
                }
            })
        }));
        assert!(killed.is_err());
        let mut events = Vec::new();
        let resumed = setting.run(Some(&mask), Some(&resume), &mut |event| events.push(event));
        assert!(events.contains(&TrainingEvent::Resumed(stop)), "{events:?}");
        assert_eq!(resumed, undisturbed, "stopped after epoch {stop}");
        let left: Vec<_> = std::fs::read_dir(&resume)
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(left, ["state"]);
    }
}

/// A resume point with its entries changed, and sound for all that anybody can see.
fn forged(good: &[u8], change: fn(&str, &mut Vec<u8>)) -> Vec<u8> {
    let file = SafeTensors::deserialize(good).unwrap();
    let mut entries = Vec::new();
    for (name, view) in file.tensors().into_iter().filter(|(n, _)| n != "digest") {
        let mut bytes = view.data().to_vec();
        change(&name, &mut bytes);
        let mut shape = view.shape().to_vec();
        if name == "metrics" {
            shape = vec![bytes.len()];
        }
        entries.push((name, view.dtype(), shape, bytes));
    }
    let file = |entries: &[(String, safetensors::Dtype, Vec<usize>, Vec<u8>)]| {
        let views = entries.iter().map(|(name, dtype, shape, bytes)| {
            let view = safetensors::tensor::TensorView::new(*dtype, shape.clone(), bytes);
            (name.as_str(), view.unwrap())
        });
        safetensors::serialize(views, None).unwrap()
    };
    let digest = jackpot_store::Digest::of(&file(&entries)).0.to_vec();
    entries.push(("digest".into(), safetensors::Dtype::U8, vec![32], digest));
    file(&entries)
}

/// Without any of its parts a training would not go on as if nothing had been: that the resumed
/// bytes are the same says that each was put back.
#[test]
fn every_part_of_a_resume_point_is_needed() {
    let setting = Setting::new();
    let undisturbed = setting.plain(None);
    let folder = tempfile::tempdir().unwrap();
    let killed = catch_unwind(AssertUnwindSafe(|| {
        setting.run(None, Some(folder.path()), &mut |event| {
            if event == TrainingEvent::Epoch(2) {
                std::panic::resume_unwind(Box::new("killed"));
            }
        })
    }));
    assert!(killed.is_err());
    let state = folder.path().join("state");
    let good = std::fs::read(&state).unwrap();
    type Change = fn(&str, &mut Vec<u8>);
    let parts: [(&str, u32, Change); 5] = [
        ("nothing", 2, |_, _| ()),
        ("momentum", 2, |name, bytes| {
            if name.starts_with("momentum.") {
                bytes.fill(0);
            }
        }),
        ("statistics of batch normalisation", 2, |name, bytes| {
            if name.ends_with(".running_mean") {
                bytes.fill(0);
            }
        }),
        ("weights", 2, |name, bytes| {
            if name == "weight.conv1.weight" {
                bytes[0] ^= 1;
            }
        }),
        // Where in the schedule, the orders and the crops it is.
        ("epochs", 1, |name, bytes| {
            if name == "metrics" {
                let mut epochs: Vec<serde_json::Value> = serde_json::from_slice(bytes).unwrap();
                epochs.pop();
                *bytes = serde_json::to_vec(&epochs).unwrap();
            }
        }),
    ];
    for (part, after, change) in parts {
        std::fs::write(&state, forged(&good, change)).unwrap();
        let mut events = Vec::new();
        let resumed = setting.run(None, Some(folder.path()), &mut |e| events.push(e));
        assert!(
            events.contains(&TrainingEvent::Resumed(after)),
            "{part}: {events:?}"
        );
        assert_eq!(resumed == undisturbed, part == "nothing", "{part}");
    }
}

/// Whatever may lie where a resume point should: a link is damage even if it leads to the right
/// bytes, and a pipe would keep its reader waiting for ever.
const IN_ITS_PLACE: [fn(&Path, &[u8]); 4] = [
    |state, good| {
        std::fs::create_dir(state).unwrap();
        std::fs::write(state.join("state"), good).unwrap();
    },
    |state, good| {
        let elsewhere = state.with_file_name("elsewhere");
        std::fs::write(&elsewhere, good).unwrap();
        std::os::unix::fs::symlink(elsewhere, state).unwrap();
    },
    |state, _| std::os::unix::fs::symlink("nowhere", state).unwrap(),
    |state, _| {
        let made = std::process::Command::new("mkfifo").arg(state).status();
        assert!(made.unwrap().success());
    },
];

fn assert_discards(setting: &Setting, folder: &Path, undisturbed: &TrainedModel) {
    let mut events = Vec::new();
    let again = setting.run(None, Some(folder), &mut |event| events.push(event));
    assert!(
        matches!(events[0], TrainingEvent::Discarded(_)),
        "{:?}",
        events[0]
    );
    assert!(
        !events
            .iter()
            .any(|e| matches!(e, TrainingEvent::Resumed(_)))
    );
    assert_eq!(&again, undisturbed);
}

#[test]
fn a_damaged_or_foreign_resume_point_is_discarded() {
    let mut setting = Setting::new();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let undisturbed = setting.run(None, Some(folder.path()), &mut |_| ());
    let good = std::fs::read(&state).unwrap();
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for bad in [
        &flipped,
        &good[..good.len() - 3].to_vec(),
        &Vec::new(),
        &b"nonsense".to_vec(),
    ] {
        std::fs::write(&state, bad).unwrap();
        assert_discards(&setting, folder.path(), &undisturbed);
    }
    for (at, in_its_place) in IN_ITS_PLACE.iter().enumerate() {
        std::fs::remove_file(&state).unwrap();
        in_its_place(&state, &good);
        assert_discards(&setting, folder.path(), &undisturbed);
        assert!(state.is_file() && !state.is_symlink(), "{at}");
    }
    // Absent, it is nothing to speak of.
    std::fs::remove_file(&state).unwrap();
    let mut events = Vec::new();
    let again = setting.run(None, Some(folder.path()), &mut |event| events.push(event));
    assert!(
        !events
            .iter()
            .any(|e| matches!(e, TrainingEvent::Discarded(_) | TrainingEvent::Resumed(_)))
    );
    assert_eq!(again, undisturbed);
    setting.training.weight_decay = 0.0;
    let mut events = Vec::new();
    let foreign = setting.run(None, Some(folder.path()), &mut |event| events.push(event));
    assert!(
        matches!(&events[0], TrainingEvent::Discarded(why) if why.contains("another training")),
        "{:?}",
        events[0]
    );
    assert_eq!(foreign, setting.plain(None));
    assert_ne!(foreign.checkpoint, undisturbed.checkpoint);
}

#[test]
fn a_diverged_training_is_a_result() {
    let mut setting = Setting::new();
    setting.training.lr = 1e30;
    setting.training.schedule = Schedule::Constant;
    setting.training.warmup_epochs = 0.0;
    // Under a mask the pruned weights end as infinity times 0.
    for mask in [None, Some(third(&setting.network))] {
        let metrics = setting.plain(mask.as_ref()).metrics;
        assert_eq!(metrics.diverged_at_epoch, Some(1));
        assert_eq!(
            (metrics.epochs.len(), metrics.best_epoch, metrics.test_loss),
            (0, 0, None)
        );
        assert_eq!(metrics.best_test_accuracy, metrics.test_accuracy);
        jackpot_store::canonical::parse(&metrics.to_json()).unwrap();
    }
    assert_eq!(Setting::new().plain(None).metrics.diverged_at_epoch, None);
}

/// A kept weight that starts at exactly 0: ours is trained on from the first step; the
/// published loop drops its gradient in that step. Without momentum and weight decay it
/// then stays 0 for ever; with momentum, steps after its gradient came through move it.
#[test]
fn a_kept_weight_that_is_zero_is_not_lost() {
    let setting = Setting::new();
    let network = &setting.network;
    let file = SafeTensors::deserialize(&setting.weights).unwrap();
    let mut bytes = file.tensor("conv1.weight").unwrap().data().to_vec();
    bytes[..4].fill(0);
    let views = file.tensors().into_iter().map(|(name, view)| {
        let data = if name == "conv1.weight" {
            &bytes[..]
        } else {
            view.data()
        };
        (
            name,
            safetensors::tensor::TensorView::new(view.dtype(), view.shape().to_vec(), data)
                .unwrap(),
        )
    });
    let weights = safetensors::serialize(views, None).unwrap();
    let first = |published: bool, momentum: f64, later: bool| {
        let mut training = setting.training.clone();
        training.published_gradient_mask = published;
        training.momentum = momentum;
        let start = if later { &setting.weights } else { &weights };
        let model = Model::load(network, start, FloatPrecision::F64, Device::Cpu).unwrap();
        let mut trainer = Trainer::new(model, None, &training).unwrap();
        let train = images(network, 16, 1);
        let x = normalise(network, &train);
        for _ in 0..3 {
            trainer.step_on(&x, &train.labels, 0.1).unwrap();
        }
        layers(network, &trainer.model().state_dict().unwrap())[0][0]
    };
    assert_ne!(first(false, 0.9, false), 0.0);
    assert_ne!(first(false, 0.0, false), 0.0);
    assert_eq!(first(true, 0.9, false), 0.0);
    assert_eq!(first(true, 0.0, false), 0.0);
    // The rule touches no other weight: from weights without zeros both loops agree.
    assert_eq!(first(true, 0.9, true), first(false, 0.9, true));
}

#[test]
fn a_last_batch_of_one_value_is_refused_with_the_layer() {
    let mut setting = Setting::new();
    setting.training.batch = 7;
    setting.training.epochs = 1;
    // 50 = 7·7 + 1: the last image's maps of 2×2 still give four values a channel.
    assert_eq!(setting.plain(None).metrics.epochs.len(), 1);
    // No published network ends in maps of 1×1; one described so is refused.
    let last = setting
        .network
        .nodes
        .iter_mut()
        .rev()
        .find(|node| matches!(node.op, Op::BatchNorm { .. }));
    last.unwrap().output[1..].fill(1);
    let error = catch_unwind(AssertUnwindSafe(|| setting.plain(None))).unwrap_err();
    let error = error.downcast_ref::<String>().unwrap();
    assert!(
        error.contains("layer3.0") && error.contains("50 training rows"),
        "{error}"
    );
    setting.training.batch = 8;
    setting.plain(None);
}
