//! From gradients to steps, on kept weights only: the formulas of `jackpot_nn`'s optimiser.
//!
//! For each trained number w with gradient g, learning rate η, weight decay λ and every
//! buffer 0 before the first step:
//!
//! - SGD with momentum μ: d = g + λw; v ← μv + d; w ← w − ηv.
//! - Nesterov (Sutskever et al. 2013): the same v, then w ← w − η(d + μv).
//! - Adam (Kingma & Ba 2015), step t from 1: d = g + λw; m ← m + (1−β₁)(d − m);
//!   s ← s + (1−β₂)(d² − s); w ← w − η/(1−β₁ᵗ) · m / (√s / √(1−β₂ᵗ) + ε).
//! - AdamW (Loshchilov & Hutter 2019): w ← (1 − ηλ)w first, then Adam with d = g.
use jackpot_net::{AdamSettings, Training};

pub(crate) struct Optimizer {
    rule: Rule,
    decay: f64,
    /// Names of the buffers.
    pub names: &'static [&'static str],
    /// `buffers[k][i]` is buffer k of parameter i; empty for what is not trained.
    pub buffers: Vec<Vec<Vec<f32>>>,
    /// Steps taken.
    pub steps: u64,
}

#[derive(Clone, Copy)]
enum Rule {
    Sgd { momentum: f32, nesterov: bool },
    Adam { adam: AdamSettings, decoupled: bool },
}

impl Optimizer {
    /// With buffers of zeros, `sizes` numbers for each parameter.
    pub fn new(settings: &Training, sizes: &[usize]) -> Optimizer {
        use jackpot_net::Optimizer as Choice;
        let sgd = |nesterov| Rule::Sgd {
            momentum: settings.momentum as f32,
            nesterov,
        };
        let adam = |adam: &AdamSettings, decoupled| Rule::Adam {
            adam: *adam,
            decoupled,
        };
        let rule = match &settings.optimizer {
            Choice::Sgd => sgd(false),
            Choice::Nesterov => sgd(true),
            Choice::Adam(settings) => adam(settings, false),
            Choice::AdamW(settings) => adam(settings, true),
        };
        let names: &[&str] = match rule {
            Rule::Sgd { .. } => &["momentum"],
            Rule::Adam { .. } => &["mean", "square"],
        };
        let zeros = || sizes.iter().map(|&size| vec![0.0; size]).collect();
        Optimizer {
            rule,
            decay: settings.weight_decay,
            names,
            buffers: names.iter().map(|_| zeros()).collect(),
            steps: 0,
        }
    }

    /// Moves all parameters against their gradients, which are empty for what is not trained.
    pub fn step(&mut self, values: &mut [Vec<f32>], gradients: &[Vec<f32>], lr: f64) {
        self.steps += 1;
        match self.rule {
            Rule::Sgd { momentum, nesterov } => {
                let (decay, rate) = (self.decay as f32, lr as f32);
                for ((w, g), v) in values.iter_mut().zip(gradients).zip(&mut self.buffers[0]) {
                    for ((w, g), v) in w.iter_mut().zip(g).zip(v) {
                        let d = g + decay * *w;
                        *v = momentum * *v + d;
                        let along = if nesterov { d + momentum * *v } else { *v };
                        *w -= rate * along;
                    }
                }
            }
            Rule::Adam { adam, decoupled } => {
                let rate = (lr / (1.0 - power(adam.beta1, self.steps))) as f32;
                let scale = (1.0 - power(adam.beta2, self.steps)).sqrt() as f32;
                let first = (1.0 - adam.beta1) as f32;
                let second = (1.0 - adam.beta2) as f32;
                let epsilon = adam.epsilon as f32;
                let decay = self.decay as f32;
                let shrink = (1.0 - lr * self.decay) as f32;
                let [means, squares] = &mut self.buffers[..] else {
                    unreachable!("Adam has two buffers");
                };
                let buffers = means.iter_mut().zip(squares);
                for ((w, g), (m, s)) in values.iter_mut().zip(gradients).zip(buffers) {
                    for ((w, g), (m, s)) in w.iter_mut().zip(g).zip(m.iter_mut().zip(s)) {
                        let mut d = *g;
                        if decoupled {
                            *w *= shrink;
                        } else {
                            d += decay * *w;
                        }
                        *m += first * (d - *m);
                        *s += second * (d * d - *s);
                        *w -= rate * (*m / (s.sqrt() / scale + epsilon));
                    }
                }
            }
        }
    }
}

/// base^exponent by products alone: the same bits on every machine.
fn power(base: f64, mut exponent: u64) -> f64 {
    let (mut square, mut product) = (base, 1.0);
    while exponent > 0 {
        if exponent & 1 == 1 {
            product *= square;
        }
        square *= square;
        exponent >>= 1;
    }
    product
}
