//! Orders, prefixes, offsets, smoothing and validation against the loop written out by hand.
use crate::support::*;
use crate::training::invariants::{Setting, normalise, third};
use jackpot_data::epoch_order;
use jackpot_net::{Activation, Order, Schedule, Training};
use jackpot_nn::{
    Device, FloatPrecision, ImageSet, Model, Statistics, Trainer, TrainingEvent, evaluate,
};
use jackpot_rng::Key;
use safetensors::SafeTensors;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What one step of the loop by hand meets: the schedule's epoch, the pass within it, and
/// the batch's rows.
struct Meets {
    epoch: u32,
    pass: u64,
    rows: Vec<u32>,
}

/// The weights after steps that meet `meets`, with `lr` each.
fn by_hand(setting: &Setting, meets: &[Meets], lr: impl Fn(u64) -> f64) -> Vec<u8> {
    let (network, training) = (&setting.network, &setting.training);
    let input = network.architecture.input;
    let set = ImageSet::new(
        "rows",
        &setting.train,
        &normalisation(network),
        input,
        3,
        Device::Cpu,
    )
    .unwrap();
    let model = Model::load(network, &setting.weights, FloatPrecision::F32, Device::Cpu).unwrap();
    let mut trainer = Trainer::new(model, None, training).unwrap();
    for (step, met) in meets.iter().enumerate() {
        let mut key = Key::from_seed(2);
        if met.pass > 0 {
            key = key.fold(4_294_967_296 + met.pass);
        }
        let key = key.fold(met.epoch.into());
        let draws = set.draws(&training.augment, key, &met.rows).unwrap();
        let batch = set
            .batch(&met.rows, draws.as_ref(), FloatPrecision::F32)
            .unwrap();
        trainer.step(&batch, lr(step as u64)).unwrap();
    }
    trainer.model().state_dict().unwrap()
}

/// The batches of one pass over all fifty rows in this order.
fn batches(epoch: u32, pass: u64, order: &[u32]) -> Vec<Meets> {
    let batch = |rows: &[u32]| Meets {
        epoch,
        pass,
        rows: rows.to_vec(),
    };
    order.chunks(16).map(batch).collect()
}

fn shuffled(epoch: u32) -> Vec<Meets> {
    batches(epoch, 0, &epoch_order(Key::from_seed(1), epoch, 50))
}

#[test]
fn a_prefix_is_the_whole_trainings_state_at_that_step() {
    let mut setting = Setting::new();
    let whole = setting.plain(None);
    // Four steps an epoch: 6 ends within the second epoch, 8 with it.
    let meets: Vec<Meets> = (0..3).flat_map(shuffled).collect();
    let rates = setting.training.clone();
    let lr = |step| rates.lr_at(step, 4);
    assert_eq!(by_hand(&setting, &meets, lr), whole.checkpoint);
    for until in [1, 6, 8, 12] {
        setting.training.until = Some(until);
        let prefix = setting.plain(None);
        assert_eq!(
            prefix.checkpoint,
            by_hand(&setting, &meets[..until as usize], lr),
            "until {until}"
        );
        let full = until as usize / 4;
        assert_eq!(prefix.metrics.epochs[..full], whole.metrics.epochs[..full]);
        assert_eq!(prefix.metrics.epochs.len(), (until as usize).div_ceil(4));
        assert_eq!(prefix.checkpoint == whole.checkpoint, until == 12);
    }
    setting.training.until = Some(13);
    let refused = setting.job(None, None, |job| jackpot_nn::train(job, &mut |_| ()));
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("at most the 12 steps"), "{error}");
}

/// An offset goes on where the schedule is: without momentum, whose buffer starts at 0, a
/// prefix and its continuation are the whole training, bit for bit; with momentum they are not.
#[test]
fn an_offset_continues_the_schedule_the_orders_and_the_crops() {
    for (momentum, same) in [(0.0, true), (0.9, false)] {
        let mut setting = Setting::new();
        setting.training.momentum = momentum;
        let whole = setting.plain(None);
        setting.training.until = Some(4);
        setting.weights = setting.plain(None).checkpoint;
        setting.training.until = None;
        setting.training.offset_epochs = 1;
        setting.training.epochs = 2;
        let rest = setting.plain(None);
        assert_eq!(
            rest.checkpoint == whole.checkpoint,
            same,
            "momentum {momentum}"
        );
        let lr = |t: &jackpot_nn::TrainedModel, e: usize| t.metrics.epochs[e].lr;
        assert_eq!([lr(&rest, 0), lr(&rest, 1)], [lr(&whole, 1), lr(&whole, 2)]);
        // Replaying from the start is another training.
        setting.training.offset_epochs = 0;
        assert_ne!(setting.plain(None).checkpoint, whole.checkpoint);
    }
}

#[test]
fn orders_and_the_length_of_an_epoch_are_what_they_say() {
    let mut setting = Setting::new();
    setting.training.epochs = 2;
    setting.training.schedule = Schedule::Constant;
    setting.training.warmup_epochs = 0.0;
    let lr = |_| 0.1;
    let stored: Vec<u32> = (0..50).collect();

    setting.training.order = Order::Stored;
    let meets: Vec<Meets> = (0..2).flat_map(|e| batches(e, 0, &stored)).collect();
    let in_order = setting.plain(None).checkpoint;
    assert_eq!(in_order, by_hand(&setting, &meets, lr));

    setting.training.order = Order::Shuffled;
    assert_ne!(in_order, setting.plain(None).checkpoint);
    setting.training.steps_per_epoch = Some(2);
    let meets: Vec<Meets> = (0..2)
        .flat_map(|e| shuffled(e).into_iter().take(2))
        .collect();
    assert_eq!(
        setting.plain(None).checkpoint,
        by_hand(&setting, &meets, lr)
    );

    // Six steps: a pass of four, then the first two of another permutation with crops of its own.
    setting.training.steps_per_epoch = Some(6);
    let second = |epoch| epoch_order(Key::from_seed(1).fold(4_294_967_297), epoch, 50);
    let meets: Vec<Meets> = (0..2)
        .flat_map(|e| {
            let more = batches(e, 1, &second(e)).into_iter().take(2);
            shuffled(e).into_iter().chain(more)
        })
        .collect();
    let long = setting.plain(None);
    assert_eq!(long.checkpoint, by_hand(&setting, &meets, lr));
    assert_eq!(setting.training.steps(50), meets.len() as u64);
}

#[test]
fn rows_held_back_choose_an_epoch_and_are_never_trained_on() {
    let mut setting = Setting::new();
    let without = setting.plain(None);
    assert!(
        !String::from_utf8(without.metrics.to_json())
            .unwrap()
            .contains("validation")
    );
    assert_eq!(without.metrics.selected_epoch, None);

    setting.training.validation_rows = 10;
    setting.training.epochs = 4;
    let trained = setting.plain(None);
    // Class c of three has the rows whose label it is, each gives every few of them.
    let mut held = Vec::new();
    for (class, count) in [(0, 4), (1, 3), (2, 3)] {
        let labels = &setting.train.labels;
        let rows: Vec<usize> = (0..50).filter(|&row| labels[row] == class).collect();
        for part in 0..count {
            let middle = (part as f64 + 0.5) * rows.len() as f64 / f64::from(count);
            held.push(rows[middle as usize]);
        }
    }
    held.sort_unstable();

    // The last epoch's validation numbers are those of the checkpoint on these rows.
    let network = &setting.network;
    let size = network.architecture.input.iter().product::<u32>() as usize;
    let mut validation = setting.train.clone();
    let pixels = |row: &usize| setting.train.pixels[row * size..(row + 1) * size].to_vec();
    validation.pixels = held.iter().flat_map(pixels).collect();
    validation.labels = held.iter().map(|&row| setting.train.labels[row]).collect();
    let set = |images: &_| {
        let input = network.architecture.input;
        ImageSet::new(
            "held",
            images,
            &normalisation(network),
            input,
            3,
            Device::Cpu,
        )
        .unwrap()
    };
    let model = Model::load(
        network,
        &trained.checkpoint,
        FloatPrecision::F32,
        Device::Cpu,
    )
    .unwrap();
    let own = evaluate(&model, &set(&validation)).unwrap();
    let epochs = &trained.metrics.epochs;
    assert_eq!(epochs[3].validation_accuracy, Some(own.accuracy()));
    assert!((epochs[3].validation_loss.unwrap() - own.loss()).abs() < 1e-12);
    let best = epochs
        .iter()
        .map(|e| e.validation_accuracy.unwrap())
        .fold(0.0, f64::max);
    let first = epochs
        .iter()
        .find(|e| e.validation_accuracy == Some(best))
        .unwrap();
    assert_eq!(trained.metrics.selected_epoch, Some(first.epoch));
    assert_eq!(
        trained.metrics.selected_test_accuracy,
        Some(first.test_accuracy)
    );

    // Other pixels in these rows: other validation, the same weights; in another row: others.
    let repaint = |row: usize| {
        let mut setting = Setting::new();
        setting.training = trained_with(&setting.training);
        setting.train.pixels[row * size..(row + 1) * size].fill(255);
        setting.plain(None)
    };
    let elsewhere = repaint(held[4]);
    assert_eq!(elsewhere.checkpoint, trained.checkpoint);
    assert_ne!(elsewhere.metrics.epochs, trained.metrics.epochs);
    let other = (0..50).find(|row| !held.contains(row)).unwrap();
    assert_ne!(repaint(other).checkpoint, trained.checkpoint);
}

fn trained_with(training: &Training) -> Training {
    Training {
        validation_rows: 10,
        epochs: 4,
        ..training.clone()
    }
}

/// −Σ q·ln p with q = (1 − ε) on the label plus ε/C on every class, and its gradient by the
/// classifier's bias, the mean of p − q.
#[test]
fn label_smoothing_is_the_cross_entropy_with_smoothed_targets() {
    one_thread();
    let network = small(Activation::Relu);
    let train = images(&network, 16, 1);
    let x = normalise(&network, &train);
    let weights = first_weights(&network);
    let step = |epsilon: f64| {
        let training = Training {
            label_smoothing: epsilon,
            momentum: 0.0,
            weight_decay: 0.0,
            ..Training::su2020()
        };
        let model = Model::load(&network, &weights, FloatPrecision::F64, Device::Cpu).unwrap();
        let mut trainer = Trainer::new(model, None, &training).unwrap();
        let loss = trainer.step_on(&x, &train.labels, 1.0).unwrap();
        let after = trainer.model().state_dict().unwrap();
        let bias = |bytes: &[u8]| numbers(&SafeTensors::deserialize(bytes).unwrap(), "fc.bias");
        let moved = bias(&weights)
            .into_iter()
            .zip(bias(&after))
            .map(|(a, b)| a - b);
        (loss, moved.collect::<Vec<f64>>())
    };
    let model = Model::load(&network, &weights, FloatPrecision::F64, Device::Cpu).unwrap();
    let set = ImageSet::new(
        "rows",
        &train,
        &normalisation(&network),
        network.architecture.input,
        3,
        Device::Cpu,
    )
    .unwrap();
    let rows: Vec<u32> = (0..16).collect();
    let batch = set.batch(&rows, None, FloatPrecision::F64).unwrap();
    let logits = model.forward(&batch.x, Statistics::Batch).unwrap();
    for epsilon in [0.0, 0.1, 0.5] {
        let (mut loss, mut gradient) = (0.0, vec![0.0; 3]);
        for row in 0..16 {
            let of = |class: i64| logits.double_value(&[row, class]).exp();
            let sum: f64 = (0..3).map(of).sum();
            for class in 0..3 {
                let p = of(class) / sum;
                let label = train.labels[row as usize] == class;
                let q = epsilon / 3.0 + if label { 1.0 - epsilon } else { 0.0 };
                loss -= q * p.ln() / 16.0;
                gradient[class as usize] += (p - q) / 16.0;
            }
        }
        let (ours, moved) = step(epsilon);
        assert!(
            (ours - loss).abs() < 1e-6,
            "{epsilon}: {ours} against {loss}"
        );
        assert!(distance(&moved, &gradient) < 1e-5, "{epsilon}: {moved:?}");
        assert!(epsilon == 0.0 || distance(&step(0.0).1, &gradient) > 1e-2);
    }
}

#[test]
fn every_option_together_resumes_to_the_same_bytes() {
    let mut setting = Setting::new();
    setting.training.order = Order::Stored;
    setting.training.steps_per_epoch = Some(5);
    setting.training.validation_rows = 6;
    setting.training.label_smoothing = 0.1;
    setting.training.offset_epochs = 2;
    setting.training.until = Some(13);
    let mask = third(&setting.network);
    let undisturbed = setting.plain(Some(&mask));
    assert_eq!(undisturbed.metrics.epochs.len(), 3);
    for stop in [1, 3] {
        let folder = tempfile::tempdir().unwrap();
        let killed = catch_unwind(AssertUnwindSafe(|| {
            setting.run(Some(&mask), Some(folder.path()), &mut |event| {
                if event == TrainingEvent::Epoch(stop) {
                    std::panic::resume_unwind(Box::new("killed"));
                }
            })
        }));
        assert!(killed.is_err());
        let mut events = Vec::new();
        let resumed = setting.run(Some(&mask), Some(folder.path()), &mut |e| events.push(e));
        assert!(events.contains(&TrainingEvent::Resumed(stop)), "{events:?}");
        assert_eq!(resumed, undisturbed, "stopped after epoch {stop}");
    }
}
