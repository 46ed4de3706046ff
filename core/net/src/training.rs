//! Training as data: hyperparameters and the learning-rate schedule.

use crate::Error;
use serde::{Deserialize, Serialize};

/// How the learning rate falls after warm-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// lr × factor at each milestone.
    Step {
        /// Epochs, counted from 0, at whose first step the rate falls; increasing.
        milestones: Vec<u32>,
        /// What the rate is multiplied by.
        factor: f64,
    },
    /// Half a cosine, step by step, from the end of warm-up down to 0 at the end of the run.
    Cosine,
    /// Always `lr`.
    Constant,
}

/// What is done to a training image before the network sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Augment {
    /// Zero padding before a random crop; 0 = no crop.
    pub crop_padding: u32,
    /// Mirror left and right, every other time.
    pub flip: bool,
}

/// Everything a training is a function of, beside weights, mask, data and keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Passes over the training rows.
    pub epochs: u32,
    /// Images a step.
    pub batch: u32,
    /// Peak learning rate.
    pub lr: f64,
    /// How it falls.
    pub schedule: Schedule,
    /// Linear warm-up over this many epochs, part of `epochs`.
    pub warmup_epochs: f64,
    /// Of SGD, without Nesterov and without dampening.
    pub momentum: f64,
    /// Of all trained parameters, added to the gradient.
    pub weight_decay: f64,
    /// Of training images; test images are never changed.
    pub augment: Augment,
    /// As published: a kept weight that is exactly 0 loses that step's gradient.
    pub published_gradient_mask: bool,
}

impl Training {
    /// The published protocol (160 epochs, batch 64, 0.1 × 0.1 at 80 and 120, momentum 0.9, wd 1e-4, crop 4, flip).
    pub fn su2020() -> Training {
        Training {
            epochs: 160,
            batch: 64,
            lr: 0.1,
            schedule: Schedule::Step {
                milestones: vec![80, 120],
                factor: 0.1,
            },
            warmup_epochs: 0.0,
            momentum: 0.9,
            weight_decay: 1e-4,
            augment: Augment {
                crop_padding: 4,
                flip: true,
            },
            published_gradient_mask: true,
        }
    }

    /// Learning rate of step `step` (from 0) where an epoch has `steps_per_epoch` steps.
    ///
    /// Warm-up takes W = `warmup_epochs` × `steps_per_epoch` steps, rounded; its step s has
    /// lr·(s+1)/W. The cosine of the T − W steps after it is lr·½(1 + cos π(s−W)/(T−W)).
    pub fn lr_at(&self, step: u64, steps_per_epoch: u64) -> f64 {
        let warmup = (self.warmup_epochs * steps_per_epoch as f64).round() as u64;
        if step < warmup {
            return self.lr * ((step + 1) as f64 / warmup as f64);
        }
        match &self.schedule {
            Schedule::Constant => self.lr,
            Schedule::Step { milestones, factor } => {
                let epoch = step / steps_per_epoch.max(1);
                let passed = milestones.iter().filter(|&&at| epoch >= u64::from(at));
                passed.fold(self.lr, |lr, _| lr * factor)
            }
            Schedule::Cosine => {
                let total = u64::from(self.epochs) * steps_per_epoch;
                let rest = total.saturating_sub(warmup).max(1);
                let done = ((step - warmup) as f64 / rest as f64).min(1.0);
                // libm's cosine is plain Rust: the same bits on every machine.
                self.lr * (0.5 * (1.0 + libm::cos(std::f64::consts::PI * done)))
            }
        }
    }

    /// Names the field that does not fit.
    pub fn validate(&self) -> Result<(), Error> {
        let at_least_one = |field: &str, value: u32| match value {
            0 => Error::invalid(format!("training `{field}`: expected at least 1, found 0")),
            _ => Ok(()),
        };
        at_least_one("epochs", self.epochs)?;
        at_least_one("batch", self.batch)?;
        expect("lr", self.lr, "a number above 0", |x| x > 0.0)?;
        let epochs = f64::from(self.epochs);
        let warmup = format!("0 to `epochs` = {epochs}");
        let range = |x| (0.0..=epochs).contains(&x);
        expect("warmup_epochs", self.warmup_epochs, &warmup, range)?;
        let range = |x| (0.0..1.0).contains(&x);
        expect("momentum", self.momentum, "0 to below 1", range)?;
        expect("weight_decay", self.weight_decay, "0 or more", |x| x >= 0.0)?;
        if let Schedule::Step { milestones, factor } = &self.schedule {
            expect("schedule.factor", *factor, "a number above 0", |x| x > 0.0)?;
            self.validate_milestones(milestones)?;
        }
        Ok(())
    }

    fn validate_milestones(&self, milestones: &[u32]) -> Result<(), Error> {
        let mut last = 0;
        for &milestone in milestones {
            if milestone <= last {
                return Error::invalid(format!(
                    "training `schedule.milestones`: expected increasing epochs from 1, found {milestone} after {last}"
                ));
            }
            if milestone >= self.epochs {
                return Error::invalid(format!(
                    "training `schedule.milestones`: {milestone} is never reached: `epochs` is {}",
                    self.epochs
                ));
            }
            last = milestone;
        }
        Ok(())
    }
}

/// Refuses infinities, NaN and -0 (which has no spelling in a recipe) besides what `fits` refuses.
fn expect(
    field: &str,
    value: f64,
    expected: &str,
    fits: impl Fn(f64) -> bool,
) -> Result<(), Error> {
    if value.is_finite() && value.is_sign_positive() && fits(value) {
        return Ok(());
    }
    Error::invalid(format!(
        "training `{field}`: expected {expected}, found {value}"
    ))
}
