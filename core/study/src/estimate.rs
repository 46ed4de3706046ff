//! How long an action will take and how much it will leave on disk, roughly.
use crate::{grid::Builder, recipe::Recipe};

/// Multiply-adds a second of one core in training, forward and backward; measured on
/// ResNet-8 w16 at 14×14, rounded down. Only estimates read it.
const MULTIPLY_ADDS_A_SECOND: f64 = 5e10;

impl Builder {
    /// Seconds of one core, and bytes.
    pub(crate) fn estimate(&self, recipe: &Recipe) -> (f64, u64) {
        let study = &self.plan.study;
        let n = self.plan.network.prunable_weights();
        let [c, h, w] = study.data.image;
        let image = u64::from(c) * u64::from(h) * u64::from(w);
        match recipe {
            Recipe::Data { .. } => {
                let rows = u64::from(study.data.train_rows) + u64::from(study.data.test_rows);
                (0.3, rows * (image + 8))
            }
            Recipe::Init { .. } => (0.1, 4 * n),
            Recipe::Score { platform, .. } => (if platform.is_some() { 1.5 } else { 0.1 }, 8 * n),
            Recipe::Allocate { .. } => (0.1, 4_096),
            Recipe::Select { .. } => (0.05, n / 8 + 4_096),
            Recipe::Check { on: "data", .. } => {
                (0.2, u64::from(study.data.train_rows) * (image + 8))
            }
            Recipe::Check { .. } => (0.1, n / 8 + 4_096),
            Recipe::Train { .. } => {
                let images =
                    3.0 * f64::from(study.data.train_rows) + f64::from(study.data.test_rows);
                let work = images * f64::from(study.training.epochs);
                let seconds =
                    work * self.plan.network.multiply_adds() as f64 / MULTIPLY_ADDS_A_SECOND;
                (1.0 + seconds, 16_384)
            }
        }
    }
}
