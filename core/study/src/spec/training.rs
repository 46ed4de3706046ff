//! `[training]`: the hyperparameters of a study, and what a ticket changes of them.
use crate::{
    Error,
    messages::{epochs, hint, steps},
};
use jackpot_net::{Augment, Compute, Engine, Optimizer, Order, Precision, Schedule, Training};
use serde::Deserialize;

/// Hyperparameters as they are written: all of them are optional, because a preset, or the
/// study's own section, may have them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TrainingSection {
    pub preset: Option<String>,
    pub engine: Option<Engine>,
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
    pub resized_crop: Option<f64>,
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

    /// The rate that is written, or that of the preset.
    pub fn learning_rate(&self) -> Option<f64> {
        self.lr.or_else(|| self.whole().ok().map(|t| t.lr))
    }

    /// This section with what `own` writes otherwise; a preset of its own starts anew.
    pub fn with(self, own: TrainingSection) -> TrainingSection {
        if own.preset.is_some() {
            return own;
        }
        let augment = match (self.augment, own.augment) {
            (Some(base), Some(own)) => Some(AugmentSection {
                crop_padding: own.crop_padding.or(base.crop_padding),
                flip: own.flip.or(base.flip),
                crop: own.crop.or(base.crop),
                resized_crop: own.resized_crop.or(base.resized_crop),
            }),
            (base, own) => own.or(base),
        };
        TrainingSection {
            preset: self.preset,
            engine: own.engine.or(self.engine),
            precision: own.precision.or(self.precision),
            epochs: own.epochs.or(self.epochs),
            batch: own.batch.or(self.batch),
            lr: own.lr.or(self.lr),
            schedule: own.schedule.or(self.schedule),
            warmup_epochs: own.warmup_epochs.or(self.warmup_epochs),
            optimizer: own.optimizer.or(self.optimizer),
            momentum: own.momentum.or(self.momentum),
            weight_decay: own.weight_decay.or(self.weight_decay),
            label_smoothing: own.label_smoothing.or(self.label_smoothing),
            augment,
            published_gradient_mask: own.published_gradient_mask.or(self.published_gradient_mask),
            order: own.order.or(self.order),
            steps_per_epoch: own.steps_per_epoch.or(self.steps_per_epoch),
            offset_epochs: own.offset_epochs.or(self.offset_epochs),
            validation_rows: own.validation_rows.or(self.validation_rows),
        }
    }

    /// `base` with what this section changes of it; `field` names the section in messages.
    pub fn apply(&self, base: &Training, field: &str) -> Result<Training, Error> {
        if self.preset.is_some() {
            return Err(Error(format!(
                "{field}: `preset` is the whole study's: write it in `[training]`"
            )));
        }
        self.changed(base)
            .map_err(|e| Error(format!("{field}: {e}")))
    }

    /// `base` with what this section says of engine and precision.
    pub fn compute(&self, base: Compute) -> Compute {
        Compute {
            engine: self.engine.unwrap_or(base.engine),
            precision: self.precision.unwrap_or(base.precision),
        }
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
        if self.resized_crop.is_some() {
            augment.resized_crop = self.resized_crop;
        }
    }
}

fn set<T: Clone>(field: &mut T, given: &Option<T>) {
    if let Some(value) = given {
        *field = value.clone();
    }
}

/// Whether data of `train_rows` images (channels, height, width) can be trained on in this
/// way; what the network then takes. `section` begins the name of a field in a message.
pub(crate) fn fits(
    training: &Training,
    [channels, h, w]: [u32; 3],
    train_rows: u32,
    section: &str,
) -> Result<[u32; 3], Error> {
    if training.validation_rows >= train_rows {
        return Err(Error(format!(
            "{section}.validation_rows`: expected fewer than the {train_rows} training rows, found {}",
            training.validation_rows
        )));
    }
    batch_fits(training, train_rows.into(), section)?;
    let shown = training.augment.crop.map_or([h, w], |side| [side; 2]);
    if shown.contains(&0) || shown[0] > h || shown[1] > w {
        return Err(Error(format!(
            "{section}.augment.crop`: expected 1 to the side of the stored images, {h}×{w}, found {}",
            shown[0]
        )));
    }
    let (crop, side) = (training.augment.crop_padding, shown[0].min(shown[1]));
    if crop >= side {
        return Err(Error(format!(
            "{section}.augment.crop_padding`: expected less than the side of the images, {side}, found {crop}: crops would show padding only"
        )));
    }
    Ok([channels, shown[0], shown[1]])
}

/// A batch is never larger than the rows that are trained on: of `rows`, those that are not
/// held back.
pub(crate) fn batch_fits(training: &Training, rows: u64, section: &str) -> Result<(), Error> {
    let held = training.validation_rows;
    let trained = rows.saturating_sub(held.into());
    if u64::from(training.batch) <= trained {
        return Ok(());
    }
    let of = match held {
        0 => format!("{rows} training rows"),
        _ => format!("{trained} training rows that `validation_rows` = {held} leaves"),
    };
    Err(Error(format!(
        "{section}.batch`: expected at most the {of}, found {}",
        training.batch
    )))
}

/// A training as a report's facts tell it; what is as usual is not told.
pub(crate) fn describe(t: &Training, compute: Compute) -> String {
    let schedule = match &t.schedule {
        Schedule::Cosine => "cosine".to_owned(),
        Schedule::Constant => "constant".to_owned(),
        Schedule::Step { milestones, factor } => {
            let at: Vec<String> = milestones.iter().map(u32::to_string).collect();
            format!("times {factor} after epochs {}", at.join(", "))
        }
    };
    let crop = match (t.augment.crop, t.augment.crop_padding) {
        (None, 0) => "no crop".to_owned(),
        (None, n) => format!("crop with padding {n}"),
        (Some(side), 0) => format!("crop of {side}×{side}"),
        (Some(side), n) => format!("crop of {side}×{side} with padding {n}"),
    };
    let crop = match t.augment.resized_crop {
        None => crop,
        Some(least) => format!("{crop}, resized from {least} to 1 of the stored image's area"),
    };
    let flip = if t.augment.flip { "flip" } else { "no flip" };
    let momentum = match &t.optimizer {
        Optimizer::Sgd => format!("momentum {}", t.momentum),
        Optimizer::Nesterov => format!("Nesterov momentum {}", t.momentum),
        Optimizer::Adam(a) | Optimizer::AdamW(a) => {
            let name = if matches!(t.optimizer, Optimizer::Adam(_)) {
                "Adam"
            } else {
                "AdamW"
            };
            format!("{name} (β {}, {}, ε {:e})", a.beta1, a.beta2, a.epsilon)
        }
    };
    let mut words = vec![
        epochs(f64::from(t.epochs)),
        format!("batch {}", t.batch),
        format!(
            "learning rate {} ({schedule}, warm-up {})",
            t.lr,
            epochs(t.warmup_epochs)
        ),
        momentum,
        format!("weight decay {}", t.weight_decay),
        flip.to_owned(),
        crop,
    ];
    if t.label_smoothing > 0.0 {
        words.push(format!("label smoothing {}", t.label_smoothing));
    }
    if t.order == Order::Stored {
        words.push("rows in stored order".into());
    }
    if let Some(n) = t.steps_per_epoch {
        words.push(steps(n));
    }
    if t.offset_epochs > 0 {
        words.push(format!(
            "starting as after {}",
            epochs(f64::from(t.offset_epochs))
        ));
    }
    if t.validation_rows > 0 {
        words.push(format!(
            "{} training rows held back for validation",
            t.validation_rows
        ));
    }
    match (compute.engine, compute.precision) {
        (Engine::Libtorch, Precision::F32) => {}
        (Engine::Libtorch, Precision::Bf16) => {
            words.push("convolutions and linear layers in bfloat16".into());
        }
        (Engine::Sparse, Precision::F32) => words.push("tickets by the sparse engine".into()),
        (Engine::Sparse, Precision::Bf16) => {
            words.push("dense trainings with convolutions and linear layers in bfloat16".into());
            words.push("tickets by the sparse engine with activations in bfloat16".into());
        }
    }
    words.join(", ")
}
