//! How long an action will take and how much it will leave on disk, roughly.
use crate::{grid::Builder, recipe::Recipe};

/// Multiply-adds a second of one core in training, forward and backward; measured on
/// ResNet-8 w16 at 14×14, rounded down. Only estimates read it.
const MULTIPLY_ADDS_A_SECOND: f64 = 5e10;

/// The same of one GPU: 367 images a second of ResNet-50, 4.09e9 multiply-adds forward and thrice
/// that in all, on one V100 in f32 (NVIDIA DeepLearningExamples, resnet50v1.5, 2021). Networks on
/// small images use a GPU less well than that.
const MULTIPLY_ADDS_A_SECOND_OF_A_GPU: f64 = 4.5e12;

/// Images of a class that a method differentiates on, once or twice over: SNIP's and GraSP's
/// published batches have 10.
const SCORED_A_CLASS: f64 = 20.0;

/// A selection is linear in the weights.
const SECONDS_A_SELECTED_WEIGHT: f64 = 2e-8;

impl Builder {
    /// Seconds of one core, or of the GPU that the study asks for, and bytes.
    pub(crate) fn estimate(&self, recipe: &Recipe) -> (f64, u64) {
        let rate = match self.plan.study.run.is_gpu() {
            true => MULTIPLY_ADDS_A_SECOND_OF_A_GPU,
            false => MULTIPLY_ADDS_A_SECOND,
        };
        let setting = self.setting();
        let network = &self.plan.networks[self.setting];
        let n = network.prunable_weights();
        let [c, h, w] = setting.data.image;
        let image = u64::from(c) * u64::from(h) * u64::from(w);
        match recipe {
            Recipe::Data { .. } => {
                let rows = u64::from(setting.data.train_rows) + u64::from(setting.data.test_rows);
                (0.3, rows * (image + 8))
            }
            Recipe::Init { .. } => (0.1, 4 * n),
            Recipe::Score {
                platform, rounds, ..
            } => {
                let calls = f64::from(rounds.as_ref().map_or(1, |r| r.count));
                let multiply_adds = network.multiply_adds() as f64;
                let seconds = match platform {
                    None => 0.1,
                    // A worker that loads libtorch, then images forward and backward, in f32.
                    Some(_) => {
                        let images = SCORED_A_CLASS * f64::from(setting.architecture.classes);
                        1.0 + calls * 3.0 * images * multiply_adds / rate
                    }
                };
                // Between rounds all weights are selected from.
                let selecting = (calls - 1.0) * n as f64 * SECONDS_A_SELECTED_WEIGHT;
                (seconds + selecting, 8 * n)
            }
            Recipe::Allocate { .. } => (0.1, 4_096),
            Recipe::Select { .. } => (0.05, n / 8 + 4_096),
            Recipe::Check { on: "data", .. } => {
                (0.2, u64::from(setting.data.train_rows) * (image + 8))
            }
            Recipe::Check { on: "scores", .. } => (0.1, 8 * n),
            Recipe::Check { on: "weights", .. } => (0.1, 4 * n),
            Recipe::Check { .. } => (0.1, n / 8 + 4_096),
            Recipe::Train { training, .. } => {
                let rows = u64::from(setting.data.train_rows);
                let epochs =
                    training.steps(rows) as f64 / training.steps_in_epoch(rows).max(1) as f64;
                let trained = training.steps(rows) as f64 * f64::from(training.batch);
                let images = 3.0 * trained + epochs * f64::from(setting.data.test_rows);
                let seconds = images * network.multiply_adds() as f64 / rate;
                (1.0 + seconds, 16_384)
            }
        }
    }
}
