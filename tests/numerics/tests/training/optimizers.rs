//! Every optimiser against PyTorch's documented update, written out in plain f64 loops. The
//! gradients of the loops come from steps of another kind: one of plain SGD with rate 1
//! moves a weight by exactly its gradient.
use crate::support::*;
use crate::training::invariants::{Setting, normalise, third};
use jackpot_net::{Activation, AdamSettings, Network, Optimizer, Training};
use jackpot_nn::{Device, FloatPrecision, Model, Trainer, TrainingEvent};
use jackpot_prune::Mask;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

const STEPS: u64 = 6;
const LR: f64 = 0.03;
const DECAY: f64 = 0.02;

/// A state_dict as numbers.
type Numbers = BTreeMap<String, Vec<f64>>;

fn read(weights: &[u8]) -> Numbers {
    let file = SafeTensors::deserialize(weights).unwrap();
    let names = file.names().into_iter();
    names
        .map(|name| (name.to_string(), numbers(&file, name)))
        .collect()
}

fn write(network: &Network, weights: &Numbers) -> Vec<u8> {
    let entries = network.parameters.iter().map(|p| {
        let bytes = weights[&p.name].iter().flat_map(|x| x.to_le_bytes());
        (p.name.clone(), p.shape.clone(), bytes.collect::<Vec<u8>>())
    });
    let entries: Vec<_> = entries.collect();
    let views = entries.iter().map(|(name, shape, bytes)| {
        (
            name,
            TensorView::new(Dtype::F64, shape.clone(), bytes).unwrap(),
        )
    });
    safetensors::serialize(views, None).unwrap()
}

fn trainer(network: &Network, weights: &[u8], mask: Option<&Mask>, training: &Training) -> Trainer {
    let model = Model::load(network, weights, FloatPrecision::F64, Device::Cpu).unwrap();
    Trainer::new(model, mask, training).unwrap()
}

fn settings(optimizer: Optimizer, momentum: f64, decay: f64) -> Training {
    Training {
        optimizer,
        momentum,
        weight_decay: decay,
        published_gradient_mask: false,
        ..Training::su2020()
    }
}

/// dL/dw of every trained parameter: w − w' of a plain step with rate 1.
fn gradients(network: &Network, weights: &Numbers, x: &[f32], y: &[i64]) -> Numbers {
    let plain = settings(Optimizer::Sgd, 0.0, 0.0);
    let mut trainer = trainer(network, &write(network, weights), None, &plain);
    trainer.step_on(x, y, 1.0).unwrap();
    let after = read(&trainer.model().state_dict().unwrap());
    let moved = weights.iter().map(|(name, before)| {
        let moved = before.iter().zip(&after[name]).map(|(a, b)| a - b);
        (name.clone(), moved.collect())
    });
    moved
        .filter(|(name, _): &(String, Vec<f64>)| !name.contains("running"))
        .collect()
}

/// One weight and its two buffers, moved as the documentation of `torch.optim` says.
type Rule = fn(t: i32, w: &mut f64, g: f64, a: &mut f64, b: &mut f64);

fn nesterov(_: i32, w: &mut f64, g: f64, v: &mut f64, _: &mut f64) {
    let g = g + DECAY * *w;
    *v = 0.9 * *v + g;
    *w -= LR * (g + 0.9 * *v);
}

fn sgd(_: i32, w: &mut f64, g: f64, v: &mut f64, _: &mut f64) {
    *v = 0.9 * *v + (g + DECAY * *w);
    *w -= LR * *v;
}

fn adam(t: i32, w: &mut f64, g: f64, m: &mut f64, s: &mut f64) {
    let g = g + DECAY * *w;
    *m = 0.8 * *m + 0.2 * g;
    *s = 0.95 * *s + 0.05 * g * g;
    let (m, s) = (*m / (1.0 - 0.8_f64.powi(t)), *s / (1.0 - 0.95_f64.powi(t)));
    *w -= LR * m / (s.sqrt() + 1e-6);
}

fn adamw(t: i32, w: &mut f64, g: f64, m: &mut f64, s: &mut f64) {
    *w -= LR * DECAY * *w;
    *m = 0.8 * *m + 0.2 * g;
    *s = 0.95 * *s + 0.05 * g * g;
    let (m, s) = (*m / (1.0 - 0.8_f64.powi(t)), *s / (1.0 - 0.95_f64.powi(t)));
    *w -= LR * m / (s.sqrt() + 1e-6);
}

fn cases() -> [(Optimizer, f64, Rule); 4] {
    let settings = AdamSettings {
        beta1: 0.8,
        beta2: 0.95,
        epsilon: 1e-6,
    };
    [
        (Optimizer::Sgd, 0.9, sgd),
        (Optimizer::Nesterov, 0.9, nesterov),
        (Optimizer::Adam(settings), 0.0, adam),
        (Optimizer::AdamW(settings), 0.0, adamw),
    ]
}

/// How far the optimiser's weights are from the naive loop's, the largest of all layers.
fn apart(optimizer: Optimizer, momentum: f64, rule: Rule) -> f64 {
    one_thread();
    // A smooth network: on kinks, last-digit differences would become first-digit ones.
    let network = small(Activation::Softplus);
    let train = images(&network, 24, 1);
    let (x, y) = (normalise(&network, &train), &train.labels);
    let mask = third(&network);
    let kept: BTreeMap<_, _> = mask.layers.iter().map(|l| (&l.name, &l.kept)).collect();
    let first = first_weights(&network);
    let mut ours = trainer(
        &network,
        &first,
        Some(&mask),
        &settings(optimizer, momentum, DECAY),
    );
    let mut naive = read(&ours.model().state_dict().unwrap());
    let zeros = |n: &Numbers| -> Numbers {
        n.iter()
            .map(|(k, v)| (k.clone(), vec![0.0; v.len()]))
            .collect()
    };
    let (mut a, mut b) = (zeros(&naive), zeros(&naive));
    for t in 1..=STEPS {
        let gradients = gradients(&network, &naive, &x, y);
        for (name, gradient) in &gradients {
            let (w, a, b) = (
                naive.get_mut(name).unwrap(),
                a.get_mut(name).unwrap(),
                b.get_mut(name).unwrap(),
            );
            for (i, &g) in gradient.iter().enumerate() {
                rule(t as i32, &mut w[i], g, &mut a[i], &mut b[i]);
                if kept.get(name).is_some_and(|kept| !kept[i]) {
                    w[i] = 0.0;
                }
            }
        }
        ours.step_on(&x, y, LR).unwrap();
    }
    let ours = read(&ours.model().state_dict().unwrap());
    let trained = naive.iter().filter(|(name, _)| !name.contains("running"));
    let apart = trained.map(|(name, naive)| distance(&ours[name], naive));
    apart.fold(0.0, f64::max)
}

#[test]
fn every_optimizer_is_the_documented_update_and_no_other() {
    for (place, (optimizer, momentum, _)) in cases().into_iter().enumerate() {
        for (other, (_, _, rule)) in cases().into_iter().enumerate() {
            // The twin test of each: its neighbour's rule does not fit.
            if other != place && other != (place + 1) % 4 {
                continue;
            }
            let apart = apart(optimizer.clone(), momentum, rule);
            if other == place {
                assert!(apart < 1e-10, "{optimizer:?}: {apart:e}");
            } else {
                assert!(apart > 1e-4, "{optimizer:?} fits rule {other}: {apart:e}");
            }
        }
    }
}

#[test]
fn every_optimizer_resumes_to_the_same_bytes() {
    for (optimizer, momentum, _) in cases() {
        let mut setting = Setting::new();
        setting.training.optimizer = optimizer;
        setting.training.momentum = momentum;
        setting.training.lr = 0.01;
        let mask = third(&setting.network);
        let undisturbed = setting.plain(Some(&mask));
        let folder = tempfile::tempdir().unwrap();
        let killed = catch_unwind(AssertUnwindSafe(|| {
            setting.run(Some(&mask), Some(folder.path()), &mut |event| {
                if event == TrainingEvent::Epoch(2) {
                    std::panic::resume_unwind(Box::new("killed"));
                }
            })
        }));
        assert!(killed.is_err());
        let mut resumed_after = None;
        let resumed = setting.run(Some(&mask), Some(folder.path()), &mut |event| {
            if let TrainingEvent::Resumed(epochs) = event {
                resumed_after = Some(epochs);
            }
        });
        assert_eq!(resumed_after, Some(2));
        assert_eq!(resumed, undisturbed, "{:?}", setting.training.optimizer);
    }
}
