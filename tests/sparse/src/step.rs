//! The loss, masks and optimisers.

use crate::backward::{Gradients, backward};
use crate::forward::{Pass, Statistics, forward};
use jackpot_net::{Network, Op, Optimizer, ParameterKind, Training};
use jackpot_prune::Mask;
use jackpot_rng::Key;

/// A network being trained, in f64.
pub struct Reference {
    network: Network,
    training: Training,
    /// One a parameter, running statistics among them, row-major.
    pub parameters: Vec<Vec<f64>>,
    /// The optimiser's buffers, the first of SGD and Nesterov the momentum, those of Adam the
    /// mean and the mean square.
    pub buffers: [Vec<Vec<f64>>; 2],
    /// Of the prunable parameters.
    kept: Vec<Option<Vec<bool>>>,
    steps: i32,
    /// Moves every value of the forward pass by what f32 could round away, as drawn from it:
    /// how far a result then goes is how far an engine in f32 may be from it.
    pub rounding: Option<Key>,
}

/// What one step saw.
pub struct Step {
    /// Mean loss of the batch before the step, label smoothing included.
    pub loss: f64,
    /// Images whose largest logit is their label's.
    pub correct: u64,
}

impl Reference {
    /// `parameters`: one of each of the network's, in its order. The mask is put on them.
    ///
    /// # Panics
    /// If a layer of the mask is none of the network.
    pub fn new(
        network: &Network,
        parameters: &[Vec<f32>],
        mask: &Mask,
        training: &Training,
    ) -> Reference {
        let kept = network.parameters.iter().map(|parameter| {
            let layer = mask.layers.iter().find(|l| l.name == parameter.name);
            layer.map(|layer| layer.kept.clone())
        });
        let wide = |values: &Vec<f32>| values.iter().map(|&x| x.into()).collect::<Vec<f64>>();
        let zeros: Vec<Vec<f64>> = parameters.iter().map(|p| vec![0.0; p.len()]).collect();
        let mut reference = Reference {
            network: network.clone(),
            training: training.clone(),
            parameters: parameters.iter().map(wide).collect(),
            buffers: [zeros.clone(), zeros],
            kept: kept.collect(),
            steps: 0,
            rounding: None,
        };
        assert_eq!(
            reference.kept.iter().flatten().count(),
            mask.layers.len(),
            "every layer of the mask is a parameter"
        );
        reference.prune();
        reference
    }

    fn prune(&mut self) {
        for (values, kept) in self.parameters.iter_mut().zip(&self.kept) {
            for (i, value) in values.iter_mut().enumerate() {
                if kept.as_ref().is_some_and(|kept| !kept[i]) {
                    *value = 0.0;
                }
            }
        }
    }

    /// Logits `[n][classes]` of images `[n][height][width][channels]` with running statistics.
    pub fn logits(&self, images: &[f32]) -> Vec<f64> {
        let mut pass = self.forward(images, Statistics::Running);
        pass.values.pop().expect("a network has nodes")
    }

    /// The smallest distance of any decision (a ReLU's, a max-pooling's, the largest logit's) in
    /// a training step on these images from going the other way.
    pub fn margin(&self, images: &[f32]) -> f64 {
        self.forward(images, Statistics::Batch).margin
    }

    /// Derivatives of the loss at the kept weights; 0 at pruned ones.
    pub fn gradients(&self, images: &[f32], labels: &[i64]) -> Gradients {
        self.derived(images, labels).2
    }

    /// The loss of a training step on these images.
    pub fn loss(&self, images: &[f32], labels: &[i64]) -> f64 {
        let pass = self.forward(images, Statistics::Batch);
        self.smoothed(&pass, labels).0
    }

    /// One step with learning rate `lr`.
    pub fn step(&mut self, images: &[f32], labels: &[i64], lr: f64) -> Step {
        let (pass, loss, mut gradients) = self.derived(images, labels);
        self.steps += 1;
        if self.training.published_gradient_mask {
            for (p, kept) in self.kept.iter().enumerate() {
                let places = self.parameters[p].iter().enumerate();
                let zeros = places.filter(|(_, w)| **w == 0.0 && kept.is_some());
                zeros.for_each(|(i, _)| gradients.values[p][i] = 0.0);
            }
        }
        for p in 0..self.parameters.len() {
            let kind = self.network.parameters[p].kind;
            if matches!(kind, ParameterKind::RunningMean | ParameterKind::RunningVar) {
                continue;
            }
            for i in 0..self.parameters[p].len() {
                self.move_weight(p, i, gradients.values[p][i], lr);
            }
        }
        self.prune();
        self.move_statistics(&pass);
        Step {
            loss,
            correct: correct(&pass, labels),
        }
    }

    /// As the documentation of `torch.optim` says.
    fn move_weight(&mut self, p: usize, i: usize, mut g: f64, lr: f64) {
        let (decay, momentum) = (self.training.weight_decay, self.training.momentum);
        let w = &mut self.parameters[p][i];
        let [first, second] = &mut self.buffers;
        let (v, s) = (&mut first[p][i], &mut second[p][i]);
        match &self.training.optimizer {
            Optimizer::Sgd => {
                *v = momentum * *v + (g + decay * *w);
                *w -= lr * *v;
            }
            Optimizer::Nesterov => {
                g += decay * *w;
                *v = momentum * *v + g;
                *w -= lr * (g + momentum * *v);
            }
            Optimizer::Adam(adam) | Optimizer::AdamW(adam) => {
                match self.training.optimizer {
                    Optimizer::AdamW(_) => *w -= lr * decay * *w,
                    _ => g += decay * *w,
                }
                *v = adam.beta1 * *v + (1.0 - adam.beta1) * g;
                *s = adam.beta2 * *s + (1.0 - adam.beta2) * g * g;
                let mean = *v / (1.0 - adam.beta1.powi(self.steps));
                let square = *s / (1.0 - adam.beta2.powi(self.steps));
                *w -= lr * mean / (square.sqrt() + adam.epsilon);
            }
        }
    }

    /// A tenth of the way to the batch's mean and unbiased variance.
    fn move_statistics(&mut self, pass: &Pass) {
        for (node, moments) in self.network.nodes.iter().zip(&pass.moments) {
            let (Op::BatchNorm { mean, var, .. }, Some(moments)) = (&node.op, moments) else {
                continue;
            };
            let unbiased = moments.count as f64 / (moments.count as f64 - 1.0);
            for c in 0..moments.mean.len() {
                let (mean, var) = (*mean, *var);
                self.parameters[mean][c] += 0.1 * (moments.mean[c] - self.parameters[mean][c]);
                let target = moments.var[c] * unbiased;
                self.parameters[var][c] += 0.1 * (target - self.parameters[var][c]);
            }
        }
    }

    fn forward(&self, images: &[f32], statistics: Statistics) -> Pass {
        let [channels, height, width] = self.network.nodes[0].output;
        let area = height * width;
        let rows = images.chunks(channels * area).flat_map(|image| {
            let value = move |i: usize| f64::from(image[i % area * channels + i / area]);
            (0..channels * area).map(value)
        });
        forward(
            &self.network,
            &self.parameters,
            rows.collect(),
            statistics,
            self.rounding,
        )
    }

    fn derived(&self, images: &[f32], labels: &[i64]) -> (Pass, f64, Gradients) {
        let pass = self.forward(images, Statistics::Batch);
        let (loss, logits) = self.smoothed(&pass, labels);
        let mut gradients = backward(&self.network, &self.parameters, &pass, &logits);
        for (p, kept) in self.kept.iter().enumerate() {
            for (i, kept) in kept.iter().flatten().enumerate() {
                if !kept {
                    gradients.values[p][i] = 0.0;
                    gradients.sizes[p][i] = 0.0;
                }
            }
        }
        (pass, loss, gradients)
    }

    /// (1 − ε) times the mean cross-entropy with the labels plus ε times that with every
    /// class, and its derivatives by the logits.
    fn smoothed(&self, pass: &Pass, labels: &[i64]) -> (f64, Vec<f64>) {
        let logits = pass.values.last().expect("a network has nodes");
        let classes = logits.len() / labels.len();
        let (n, epsilon) = (labels.len() as f64, self.training.label_smoothing);
        let (mut loss, mut gradient) = (0.0, Vec::with_capacity(logits.len()));
        for (row, &label) in logits.chunks(classes).zip(labels) {
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = row.iter().map(|x| (x - largest).exp()).sum();
            for (class, x) in row.iter().enumerate() {
                let log = x - largest - sum.ln();
                let hit = if class as i64 == label { 1.0 } else { 0.0 };
                let target = (1.0 - epsilon) * hit + epsilon / classes as f64;
                loss -= target * log / n;
                gradient.push((log.exp() - target) / n);
            }
        }
        (loss, gradient)
    }
}

/// Images whose largest logit, the first of equal ones, is their label's.
fn correct(pass: &Pass, labels: &[i64]) -> u64 {
    let logits = pass.values.last().expect("a network has nodes");
    let rows = logits.chunks(logits.len() / labels.len()).zip(labels);
    let right = rows.filter(|(row, label)| {
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        row.iter().position(|&x| x == largest) == usize::try_from(**label).ok()
    });
    right.count() as u64
}
