//! `[training]`: the hyperparameters of a study, and what a ticket changes of them.
use crate::{Error, file::hint};
use jackpot_net::{Augment, Optimizer, Order, Schedule, Training};
use serde::{Deserialize, Serialize};

/// What a training computes in; part of its recipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// Convolutions and linear layers in bfloat16, everything else and the weights in 32 bits.
    Bf16,
}

/// Hyperparameters as they are written: all of them are optional, because a preset, or the
/// study's own section, may have them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TrainingSection {
    pub preset: Option<String>,
    pub precision: Option<Precision>,
    pub epochs: Option<u32>,
    pub batch: Option<u32>,
    pub lr: Option<f64>,
    pub schedule: Option<Schedule>,
    pub warmup_epochs: Option<f64>,
    pub optimizer: Option<Optimizer>,
    pub momentum: Option<f64>,
    pub weight_decay: Option<f64>,
    pub label_smoothing: Option<f64>,
    pub augment: Option<AugmentSection>,
    pub published_gradient_mask: Option<bool>,
    pub order: Option<Order>,
    pub steps_per_epoch: Option<u32>,
    pub offset_epochs: Option<u32>,
    pub validation_rows: Option<u32>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AugmentSection {
    pub crop_padding: Option<u32>,
    pub flip: Option<bool>,
    pub crop: Option<u32>,
}

impl TrainingSection {
    /// The whole of a study's `[training]`.
    pub fn whole(&self) -> Result<Training, Error> {
        let base = match self.preset.as_deref() {
            None => {
                self.require_all()?;
                Training {
                    published_gradient_mask: false,
                    ..Training::su2020()
                }
            }
            Some("su2020") => Training::su2020(),
            Some(other) => {
                return Err(Error(format!(
                    "`training.preset`: expected `su2020`, found `{other}`{}",
                    hint(other, ["su2020"])
                )));
            }
        };
        // The message names the section itself.
        self.changed(&base).map_err(|e| Error(e.to_string()))
    }

    /// `base` with what this section changes of it; `field` names the section in messages.
    pub fn apply(&self, base: &Training, field: &str) -> Result<Training, Error> {
        for (name, given) in [
            ("preset", self.preset.is_some()),
            ("precision", self.precision.is_some()),
        ] {
            if given {
                return Err(Error(format!(
                    "{field}: `{name}` is the whole study's: write it in `[training]`"
                )));
            }
        }
        self.changed(base)
            .map_err(|e| Error(format!("{field}: {e}")))
    }

    fn changed(&self, base: &Training) -> Result<Training, jackpot_net::Error> {
        let mut t = base.clone();
        set(&mut t.epochs, &self.epochs);
        set(&mut t.batch, &self.batch);
        set(&mut t.lr, &self.lr);
        set(&mut t.schedule, &self.schedule);
        set(&mut t.warmup_epochs, &self.warmup_epochs);
        set(&mut t.optimizer, &self.optimizer);
        if t.optimizer.adam().is_some() {
            // A preset's momentum is SGD's.
            t.momentum = 0.0;
        }
        set(&mut t.momentum, &self.momentum);
        set(&mut t.weight_decay, &self.weight_decay);
        set(&mut t.label_smoothing, &self.label_smoothing);
        if let Some(augment) = &self.augment {
            augment.change(&mut t.augment);
        }
        set(
            &mut t.published_gradient_mask,
            &self.published_gradient_mask,
        );
        set(&mut t.order, &self.order);
        if self.steps_per_epoch.is_some() {
            t.steps_per_epoch = self.steps_per_epoch;
        }
        set(&mut t.offset_epochs, &self.offset_epochs);
        set(&mut t.validation_rows, &self.validation_rows);
        t.validate()?;
        Ok(t)
    }

    /// Without a preset there is nothing to take these from.
    fn require_all(&self) -> Result<(), Error> {
        let augment = self.augment.as_ref();
        let adam = self.optimizer.as_ref().is_some_and(|o| o.adam().is_some());
        for (field, given) in [
            ("epochs", self.epochs.is_some()),
            ("batch", self.batch.is_some()),
            ("lr", self.lr.is_some()),
            ("schedule", self.schedule.is_some()),
            ("momentum", self.momentum.is_some() || adam),
            ("weight_decay", self.weight_decay.is_some()),
            (
                "augment.crop_padding",
                augment.is_some_and(|a| a.crop_padding.is_some()),
            ),
            ("augment.flip", augment.is_some_and(|a| a.flip.is_some())),
        ] {
            if !given {
                return Err(Error(format!(
                    "`training.{field}`: expected a value (there is no `preset` to take it from), found nothing"
                )));
            }
        }
        Ok(())
    }
}

impl AugmentSection {
    fn change(&self, augment: &mut Augment) {
        set(&mut augment.crop_padding, &self.crop_padding);
        set(&mut augment.flip, &self.flip);
        if self.crop.is_some() {
            augment.crop = self.crop;
        }
    }
}

fn set<T: Clone>(field: &mut T, given: &Option<T>) {
    if let Some(value) = given {
        *field = value.clone();
    }
}
