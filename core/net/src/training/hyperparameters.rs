//! Training as data: hyperparameters and the learning-rate schedule.

use crate::{Error, Optimizer};
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

/// What is done to a training image before the network sees it; nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Augment {
    /// Zero padding before a random crop; 0 = no crop.
    pub crop_padding: u32,
    /// Mirror left and right, every other time.
    pub flip: bool,
    /// Show a square window of this side, at a random place of a larger stored image; in a
    /// test the window is in the middle. `None`: the stored image is what the network takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop: Option<u32>,
    /// Show a window of random size, place and shape, resized to what the network takes, as
    /// torchvision's `RandomResizedCrop`: the least share of the stored image's area, above 0
    /// and at most 1 (usual for ImageNet: 0.08). In a test the window is as without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resized_crop: Option<f64>,
}

impl Augment {
    fn validate(&self) -> Result<(), Error> {
        let Some(share) = self.resized_crop else {
            return Ok(());
        };
        let range = |x| x > 0.0 && x <= 1.0;
        expect("augment.resized_crop", share, "above 0, at most 1", range)?;
        if self.crop_padding != 0 {
            return Error::invalid(format!(
                "training `augment.crop_padding`: expected 0 beside `resized_crop`, which draws windows of its own, found {}",
                self.crop_padding
            ));
        }
        Ok(())
    }
}

/// The order in which an epoch meets the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// A new permutation every epoch, drawn from the training's order key.
    #[default]
    Shuffled,
    /// As the data object holds them, the same every epoch.
    Stored,
}

/// Everything a training is a function of, beside weights, mask, data and keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Passes over the training rows, or `steps_per_epoch` steps each.
    pub epochs: u32,
    /// Images per step.
    pub batch: u32,
    /// Peak learning rate.
    pub lr: f64,
    /// How it falls.
    pub schedule: Schedule,
    /// Linear warm-up over this many epochs, part of `epochs`.
    pub warmup_epochs: f64,
    /// Momentum of SGD and Nesterov; 0 with Adam and AdamW, which have rates of their own.
    pub momentum: f64,
    /// Decay of all trained parameters: it is added to the gradient; AdamW shrinks them directly.
    pub weight_decay: f64,
    /// How training images are augmented; test images are never changed.
    pub augment: Augment,
    /// As published: a kept weight that is exactly 0 loses that step's gradient.
    pub published_gradient_mask: bool,
    /// How a gradient becomes a step.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optimizer: Optimizer,
    /// ε: the loss is (1 − ε) times the cross-entropy with the label plus ε times the mean
    /// cross-entropy with every class (Szegedy et al. 2016, as PyTorch computes it).
    #[serde(default, skip_serializing_if = "is_default")]
    pub label_smoothing: f64,
    /// The order of the rows in an epoch.
    #[serde(default, skip_serializing_if = "is_default")]
    pub order: Order,
    /// Steps of an epoch; one pass over the rows if `None`. Fewer steps end the epoch before all
    /// rows were met; more go on with further passes, each in an order and with crops of its own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub steps_per_epoch: Option<u32>,
    /// The training begins as if this many epochs had gone by: its learning rates, its orders
    /// of the rows and its crops are those of the epochs `offset_epochs` to
    /// `offset_epochs + epochs` of a schedule that ends there. 0 replays from the start.
    #[serde(default, skip_serializing_if = "is_default")]
    pub offset_epochs: u32,
    /// Ends the training after this many steps, in the state that the whole training has there.
    #[serde(default, skip_serializing_if = "is_default")]
    pub until: Option<u64>,
    /// Rows, as many of each class as can be, that are taken out of the training rows and
    /// never trained on: the epoch to report is chosen on them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub validation_rows: u32,
}

/// How many rows of each class are held back where `validation` are in all, given how many each
/// class has: as many of every class that has any, the first ones one more where it does not
/// divide.
///
/// # Errors
/// A class that would have no row left to train on.
pub fn held_back(validation: u32, by_class: &[u64]) -> Result<Vec<u64>, Error> {
    let present = by_class.iter().filter(|&&rows| rows > 0).count().max(1) as u64;
    let (each, more) = (
        u64::from(validation) / present,
        u64::from(validation) % present,
    );
    let mut held = vec![0; by_class.len()];
    let with_rows = by_class.iter().enumerate().filter(|(_, rows)| **rows > 0);
    for (place, (class, &rows)) in (0..).zip(with_rows) {
        held[class] = each + u64::from(place < more);
        if held[class] >= rows {
            return Error::invalid(format!(
                "`validation_rows` = {validation}: class {class} would give {} of its {rows} training rows and keep none; choose fewer",
                held[class]
            ));
        }
    }
    Ok(held)
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
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
                crop: None,
                resized_crop: None,
            },
            published_gradient_mask: true,
            optimizer: Optimizer::Sgd,
            label_smoothing: 0.0,
            order: Order::Shuffled,
            steps_per_epoch: None,
            offset_epochs: 0,
            until: None,
            validation_rows: 0,
        }
    }

    /// Steps of one epoch over `rows` rows, those for validation among them.
    pub fn steps_in_epoch(&self, rows: u64) -> u64 {
        let trained = rows.saturating_sub(u64::from(self.validation_rows));
        let pass = trained.div_ceil(u64::from(self.batch.max(1)));
        self.steps_per_epoch.map_or(pass, u64::from)
    }

    /// Steps of the whole training over `rows` rows, those for validation among them.
    pub fn steps(&self, rows: u64) -> u64 {
        let all = u64::from(self.epochs) * self.steps_in_epoch(rows);
        self.until.map_or(all, |until| until.min(all))
    }

    /// Images of the smallest batch of a training on so many rows, those for validation not
    /// among them: the last of a pass, unless every epoch ends before it.
    pub fn smallest_batch(&self, trained: u64) -> u64 {
        let batch = u64::from(self.batch.max(1));
        let pass = trained.div_ceil(batch);
        let ragged = trained % batch;
        let met = self.steps_per_epoch.is_none_or(|n| u64::from(n) >= pass);
        if ragged > 0 && met { ragged } else { batch }
    }

    /// Learning rate of the training's step `step` (from 0) where an epoch has
    /// `steps_per_epoch` steps.
    ///
    /// The schedule's own step is s = `step` + `offset_epochs` × `steps_per_epoch`, and it has
    /// T steps, those of `offset_epochs` + `epochs` epochs. Warm-up takes
    /// W = `warmup_epochs` × `steps_per_epoch` steps, rounded; its step s has lr·(s+1)/W. The
    /// cosine of the T − W steps after it is lr·½(1 + cos π(s−W)/(T−W)).
    pub fn lr_at(&self, step: u64, steps_per_epoch: u64) -> f64 {
        let offset = u64::from(self.offset_epochs).saturating_mul(steps_per_epoch);
        let step = step.saturating_add(offset);
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
                let total = self.schedule_epochs() * steps_per_epoch;
                let rest = total.saturating_sub(warmup).max(1);
                let done = ((step - warmup) as f64 / rest as f64).min(1.0);
                // libm's cosine is plain Rust: the same bits on every machine.
                self.lr * (0.5 * (1.0 + libm::cos(std::f64::consts::PI * done)))
            }
        }
    }

    /// Epochs of the schedule, those that the training starts after among them.
    fn schedule_epochs(&self) -> u64 {
        u64::from(self.offset_epochs) + u64::from(self.epochs)
    }

    /// Names the field that does not fit.
    pub fn validate(&self) -> Result<(), Error> {
        let at_least_one = |field: &str, value: u32| match value {
            0 => Error::invalid(format!("training `{field}`: expected at least 1, found 0")),
            _ => Ok(()),
        };
        at_least_one("epochs", self.epochs)?;
        at_least_one("batch", self.batch)?;
        for (field, value, most) in [
            ("epochs", self.epochs, MOST_EPOCHS),
            ("offset_epochs", self.offset_epochs, MOST_EPOCHS),
            ("batch", self.batch, MOST_IMAGES),
            (
                "steps_per_epoch",
                self.steps_per_epoch.unwrap_or(1),
                MOST_STEPS,
            ),
        ] {
            if value > most {
                return Error::invalid(format!(
                    "training `{field}`: expected at most {most}, found {value}"
                ));
            }
        }
        let range = |x| x > 0.0 && x <= LARGEST;
        expect("lr", self.lr, "a number above 0, at most 3.4e38", range)?;
        let epochs = self.schedule_epochs() as f64;
        let warmup = match self.offset_epochs {
            0 => format!("0 to `epochs` = {epochs}"),
            _ => format!("0 to `offset_epochs` + `epochs` = {epochs}"),
        };
        let range = |x| (0.0..=epochs).contains(&x);
        expect("warmup_epochs", self.warmup_epochs, &warmup, range)?;
        let range = |x| (0.0..1.0).contains(&x);
        expect("momentum", self.momentum, "0 to below 1", range)?;
        expect(
            "weight_decay",
            self.weight_decay,
            "0 to at most 3.4e38",
            |x| (0.0..=LARGEST).contains(&x),
        )?;
        let range = |x| (0.0..1.0).contains(&x);
        expect(
            "label_smoothing",
            self.label_smoothing,
            "0 to below 1",
            range,
        )?;
        self.validate_optimizer()?;
        self.augment.validate()?;
        at_least_one("steps_per_epoch", self.steps_per_epoch.unwrap_or(1))?;
        if self.until == Some(0) {
            return Error::invalid(
                "training `until`: expected at least 1 step, found 0: that is the first weights",
            );
        }
        if let Schedule::Step { milestones, factor } = &self.schedule {
            let range = |x| x > 0.0 && x <= LARGEST;
            let expected = "a number above 0, at most 3.4e38";
            expect("schedule.factor", *factor, expected, range)?;
            self.validate_milestones(milestones)?;
        }
        self.validate_rates()
    }

    /// What is computed from two fields or more must be a number of 32 bits as well.
    fn validate_rates(&self) -> Result<(), Error> {
        let mut highest = self.lr;
        if let Schedule::Step { milestones, factor } = &self.schedule {
            let mut lr = self.lr;
            for milestone in milestones {
                lr *= factor;
                if lr > LARGEST {
                    return Error::invalid(format!(
                        "training `schedule.factor`: {factor} makes the learning rate {lr:e} at epoch {milestone}, expected at most 3.4e38"
                    ));
                }
                highest = highest.max(lr);
            }
        }
        let Some(adam) = self.optimizer.adam() else {
            return Ok(());
        };
        let name = self.optimizer.name();
        // Adam's first step is divided by 1 - beta1.
        if highest / (1.0 - adam.beta1) > LARGEST {
            return Error::invalid(format!(
                "training `optimizer.{name}.beta1`: {} makes the first step's rate {:e}, expected at most 3.4e38",
                adam.beta1,
                highest / (1.0 - adam.beta1)
            ));
        }
        // AdamW shrinks weights by the product.
        if highest * self.weight_decay > LARGEST {
            return Error::invalid(format!(
                "training `weight_decay`: {:e} times the learning rate {highest:e} is more than 3.4e38",
                self.weight_decay
            ));
        }
        Ok(())
    }

    fn validate_optimizer(&self) -> Result<(), Error> {
        let Some(adam) = self.optimizer.adam() else {
            if self.optimizer == Optimizer::Nesterov && self.momentum == 0.0 {
                return Error::invalid(
                    "training `momentum`: expected above 0 with the optimizer `nesterov`, found 0",
                );
            }
            return Ok(());
        };
        let name = self.optimizer.name();
        if self.momentum != 0.0 {
            return Error::invalid(format!(
                "training `momentum`: expected 0 with the optimizer `{name}`, which has `beta1` in its place, found {}",
                self.momentum
            ));
        }
        let rate = |x| (0.0..1.0).contains(&x);
        let field = |which: &str| format!("optimizer.{name}.{which}");
        expect(&field("beta1"), adam.beta1, "0 to below 1", rate)?;
        expect(&field("beta2"), adam.beta2, "0 to below 1", rate)?;
        // A smaller one is 0 in 32 bits, and 0 / 0 where a gradient is 0.
        let range = |x| (f64::from(f32::MIN_POSITIVE)..=LARGEST).contains(&x);
        expect(&field("epsilon"), adam.epsilon, "1.2e-38 to 3.4e38", range)
    }

    fn validate_milestones(&self, milestones: &[u32]) -> Result<(), Error> {
        let mut last = 0;
        for &milestone in milestones {
            if milestone <= last {
                return Error::invalid(format!(
                    "training `schedule.milestones`: expected increasing epochs from 1, found {milestone} after {last}"
                ));
            }
            if u64::from(milestone) >= self.schedule_epochs() {
                let last = match self.offset_epochs {
                    0 => format!("`epochs` is {}", self.epochs),
                    n => format!("`offset_epochs` + `epochs` is {n} + {}", self.epochs),
                };
                return Error::invalid(format!(
                    "training `schedule.milestones`: {milestone} is never reached: {last}"
                ));
            }
            last = milestone;
        }
        Ok(())
    }
}

/// More epochs are a typing error.
const MOST_EPOCHS: u32 = 100_000;
/// More images per step are a typing error.
const MOST_IMAGES: u32 = 1 << 24;
/// More steps per epoch are a typing error. With the bounds above, the images that a training
/// sees can be counted in 64 bits.
const MOST_STEPS: u32 = 10_000_000;
/// Weights and what moves them have 32 bits.
const LARGEST: f64 = f32::MAX as f64;

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
