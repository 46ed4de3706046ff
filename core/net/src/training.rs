//! Training as data: hyperparameters and the learning-rate schedule.
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule { /** lr × factor at each milestone (epochs). */ Step { milestones: Vec<u32>, factor: f64 }, /** Half a cosine down to 0 over the run. */ Cosine, Constant }

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Augment { /** Zero padding before a random crop; 0 = no crop. */ pub crop_padding: u32, pub flip: bool }

/// Everything a training is a function of, beside weights, mask, data and keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    pub epochs: u32,
    pub batch: u32,
    pub lr: f64,
    pub schedule: Schedule,
    /// Linear warm-up over this many epochs, part of `epochs`.
    pub warmup_epochs: f64,
    pub momentum: f64,
    pub weight_decay: f64,
    pub augment: Augment,
    /// As published: a kept weight that is exactly 0 loses that step's gradient.
    pub published_gradient_mask: bool,
}
impl Training {
    /// The published protocol (160 epochs, batch 64, 0.1 × 0.1 at 80 and 120, momentum 0.9, wd 1e-4, crop 4, flip).
    pub fn su2020() -> Training { todo!() }
    /// Learning rate of step `step` (from 0) where an epoch has `steps_per_epoch` steps.
    pub fn lr_at(&self, _step: u64, _steps_per_epoch: u64) -> f64 { todo!() }
    /// Names the field that does not fit.
    pub fn validate(&self) -> Result<(), crate::Error> { todo!() }
}
