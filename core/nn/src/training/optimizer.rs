//! From gradients to steps: SGD, Nesterov, Adam and AdamW as `torch.optim` defines them, in
//! a few in-place operations.
//!
//! For each trained tensor w with gradient g, learning rate η, weight decay λ and every
//! buffer 0 before the first step:
//!
//! - SGD with momentum μ: d = g + λw; v ← μv + d; w ← w − ηv.
//! - Nesterov (Sutskever et al. 2013): the same v, then w ← w − η(d + μv).
//! - Adam (Kingma & Ba 2015), step t from 1: d = g + λw; m ← m + (1−β₁)(d − m);
//!   s ← s + (1−β₂)(d² − s); w ← w − η/(1−β₁ᵗ) · m / (√s / √(1−β₂ᵗ) + ε).
//! - AdamW (Loshchilov & Hutter 2019): w ← (1 − ηλ)w first, then Adam with d = g.
use crate::Error;
use jackpot_net::{AdamSettings, Training};
use tch::{Kind, Tensor};

/// The buffers of a training, and the rule that moves them.
pub(crate) struct Optimizer {
    rule: Rule,
    /// Names of the buffers of each trained tensor, for the resume point.
    names: &'static [&'static str],
    /// `buffers[k][i]` is buffer k of the i-th trained tensor.
    buffers: Vec<Vec<Tensor>>,
    /// λ, −η (or Adam's −η/(1−β₁ᵗ)) and μ as numbers of the weights' precision and device.
    weight_decay: Tensor,
    minus_rate: Tensor,
    momentum: Tensor,
    /// Steps taken.
    steps: u64,
}

enum Rule {
    Sgd { momentum: f64 },
    Nesterov { momentum: f64 },
    Adam(AdamSettings),
    AdamW { adam: AdamSettings, decay: f64 },
}

impl Optimizer {
    /// With buffers of zeros for the tensors `trained`.
    pub fn new(settings: &Training, trained: &[&Tensor]) -> Result<Optimizer, Error> {
        let momentum = settings.momentum;
        let rule = match &settings.optimizer {
            jackpot_net::Optimizer::Sgd => Rule::Sgd { momentum },
            jackpot_net::Optimizer::Nesterov => Rule::Nesterov { momentum },
            jackpot_net::Optimizer::Adam(adam) => Rule::Adam(*adam),
            jackpot_net::Optimizer::AdamW(adam) => Rule::AdamW {
                adam: *adam,
                decay: settings.weight_decay,
            },
        };
        let names: &[&str] = match rule {
            Rule::Sgd { .. } | Rule::Nesterov { .. } => &["momentum"],
            Rule::Adam(_) | Rule::AdamW { .. } => &["mean", "square"],
        };
        let zeros = || {
            let zeros = trained.iter().map(|t| Ok(t.f_zeros_like()?));
            zeros.collect::<Result<Vec<_>, Error>>()
        };
        let buffers = names.iter().map(|_| zeros()).collect::<Result<_, _>>()?;
        let first = trained.first();
        let options = first.map_or((Kind::Float, tch::Device::Cpu), |t| (t.kind(), t.device()));
        let number = |x: f64| Tensor::f_full([0_i64; 0], x, options);
        Ok(Optimizer {
            rule,
            names,
            buffers,
            weight_decay: number(settings.weight_decay)?,
            minus_rate: number(0.0)?,
            momentum: number(momentum)?,
            steps: 0,
        })
    }

    /// Begins a step with learning rate `lr`.
    pub fn begin(&mut self, lr: f64) -> Result<(), Error> {
        self.steps += 1;
        let rate = match &self.rule {
            Rule::Sgd { .. } | Rule::Nesterov { .. } => lr,
            Rule::Adam(adam) | Rule::AdamW { adam, .. } => {
                lr / (1.0 - power(adam.beta1, self.steps))
            }
        };
        let _ = self.minus_rate.f_fill_(-rate)?;
        Ok(())
    }

    /// Moves the trained tensor at `place` against its gradient, which is used up.
    pub fn step(
        &mut self,
        place: usize,
        weight: &mut Tensor,
        gradient: &mut Tensor,
        lr: f64,
    ) -> Result<(), Error> {
        match &self.rule {
            Rule::Sgd { momentum } => {
                let direction = gradient.f_addcmul_(weight, &self.weight_decay)?;
                let v = &mut self.buffers[0][place];
                let _ = v.f_mul_scalar_(*momentum)?.f_add_(&direction)?;
                let _ = weight.f_addcmul_(v, &self.minus_rate)?;
            }
            Rule::Nesterov { momentum } => {
                let mut direction = gradient.f_addcmul_(weight, &self.weight_decay)?;
                let v = &mut self.buffers[0][place];
                let _ = v.f_mul_scalar_(*momentum)?.f_add_(&direction)?;
                let ahead = direction.f_addcmul_(v, &self.momentum)?;
                let _ = weight.f_addcmul_(&ahead, &self.minus_rate)?;
            }
            Rule::Adam(adam) => {
                let _ = gradient.f_addcmul_(weight, &self.weight_decay)?;
                let adam = *adam;
                self.adam(adam, place, weight, gradient)?;
            }
            Rule::AdamW { adam, decay } => {
                let _ = weight.f_mul_scalar_(1.0 - lr * decay)?;
                let adam = *adam;
                self.adam(adam, place, weight, gradient)?;
            }
        }
        Ok(())
    }

    fn adam(
        &mut self,
        adam: AdamSettings,
        place: usize,
        weight: &mut Tensor,
        gradient: &mut Tensor,
    ) -> Result<(), Error> {
        let [means, squares] = &mut self.buffers[..] else {
            unreachable!("Adam has two buffers");
        };
        let (mean, square) = (&mut means[place], &mut squares[place]);
        let _ = mean.f_lerp_(gradient, 1.0 - adam.beta1)?;
        let _ = square.f_lerp_(&gradient.f_square_()?, 1.0 - adam.beta2)?;
        let scale = (1.0 - power(adam.beta2, self.steps)).sqrt();
        let mut root = square.f_sqrt()?;
        let root = root.f_div_scalar_(scale)?.f_add_scalar_(adam.epsilon)?;
        let _ = weight.f_addcmul_(&mean.f_div(&root)?, &self.minus_rate)?;
        Ok(())
    }

    /// Every buffer with its name, buffer by buffer.
    pub fn state(&self) -> impl Iterator<Item = (&'static str, usize, &Tensor)> {
        let named = self.names.iter().zip(&self.buffers);
        named.flat_map(|(name, buffer)| {
            let numbered = buffer.iter().enumerate();
            numbered.map(move |(place, tensor)| (*name, place, tensor))
        })
    }

    /// The same buffers in the same order, to put saved ones back.
    pub fn state_mut(&mut self) -> impl Iterator<Item = &mut Tensor> {
        self.buffers.iter_mut().flatten()
    }

    /// Steps taken since the buffers were 0.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    pub fn set_steps(&mut self, steps: u64) {
        self.steps = steps;
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

#[cfg(test)]
mod tests {
    use super::power;

    #[test]
    fn a_power_is_the_product_of_its_factors() {
        for (base, exponent) in [(0.9, 0), (0.9, 1), (0.999, 1000), (0.5, 60), (0.0, 3)] {
            let product = (0..exponent).fold(1.0, |p, _| p * base);
            let got: f64 = power(base, exponent);
            assert!(
                (got - product).abs() <= 1e-13 * product,
                "{base}^{exponent}: {got}"
            );
        }
    }
}
