//! How long an action will take and how much it will leave on disk, roughly.
//!
//! Only estimates read the rates below; no result depends on them.
use crate::{
    actions::allocate::AllocateRecipe,
    actions::check::CheckRecipe,
    actions::recipe::{Input, Recipe},
    actions::score::ScoreRecipe,
    actions::select::{By, SelectRecipe},
    actions::train::TrainRecipe,
    plan::graph::{Node, Plan},
};
use jackpot_net::{Compute, Engine, Precision};
use jackpot_net::{Network, Op, ScorePrecision, Training};
use std::collections::BTreeMap;

/// Multiply-adds a second of one core in training, forward and backward; measured on
/// ResNet-8 w16 at 14×14, rounded down.
const MULTIPLY_ADDS_A_SECOND: f64 = 5e10;

/// The same of one GPU: 367 images a second of ResNet-50, 4.09e9 multiply-adds forward and thrice
/// that in all, on one V100 in f32 (NVIDIA DeepLearningExamples, resnet50v1.5, 2021). Networks on
/// small images use a GPU less well than that.
const MULTIPLY_ADDS_A_SECOND_OF_A_GPU: f64 = 4.5e12;

/// Images of a class that a method differentiates on, once or twice over: SNIP's and GraSP's
/// published batches have 10.
const SCORED_A_CLASS: f64 = 20.0;

/// How many times as long derivatives take in f64 as in f32; processor time of SNIP on ResNet-20,
/// without what it takes to load libtorch.
const SCORES_IN_F64: f64 = 3.5;

/// A selection is linear in the weights.
const SECONDS_A_SELECTED_WEIGHT: f64 = 2e-8;

/// What a step costs in the sparse engine.
struct SparseRate {
    /// Multiply-adds with kept weights a second.
    multiply_adds: f64,
    /// Of one activation of one image in one step, whatever is kept: reading, normalising,
    /// rectifying, storing, there and back.
    seconds_an_activation: f64,
}

/// Of one core (an AMD EPYC of Zen 5): least squares of the relative errors over the medians of
/// `reports/speed/speed.csv`, four networks at 90 to 99 %; they are within a fifth of most of them.
fn sparse_rate(class: &str, precision: Precision) -> SparseRate {
    let (multiply_adds, seconds_an_activation) = match (class, precision) {
        ("native-avx512", Precision::F32) => (4.1e10, 1.17e-9),
        ("native-avx512", Precision::Bf16) => (6.1e10, 5.0e-10),
        _ => (2.6e10, 9.5e-10),
    };
    SparseRate {
        multiply_adds,
        seconds_an_activation,
    }
}

/// At equal sparsity masks of global selections, and allocations whose counts are not known
/// beforehand, leave about three times the multiply-adds of a uniform one: early layers, which
/// are used at many places, stay dense.
const UNEVEN: f64 = 3.0;

impl Plan {
    /// Seconds of one core, or of the GPU that the study asks for, and bytes.
    pub(crate) fn estimate(&self, setting: usize, recipe: &Recipe) -> (f64, u64) {
        let rate = self.libtorch_rate();
        let network = &self.networks[setting];
        let at = setting;
        let setting = &self.study.settings[at];
        let n = network.prunable_weights();
        let [c, h, w] = setting.data.image;
        let image = u64::from(c) * u64::from(h) * u64::from(w);
        match recipe {
            Recipe::Data(_) => {
                let rows = u64::from(setting.data.train_rows) + u64::from(setting.data.test_rows);
                (0.3, rows * (image + 8))
            }
            Recipe::Init(_) => (0.1, 4 * n),
            Recipe::Score(ScoreRecipe {
                platform, rounds, ..
            }) => {
                let calls = f64::from(rounds.as_ref().map_or(1, |r| r.count));
                let multiply_adds = network.multiply_adds() as f64;
                let seconds = match platform {
                    None => 0.1,
                    // A worker that loads libtorch, then images forward and backward.
                    Some(platform) => {
                        let images = SCORED_A_CLASS * f64::from(setting.architecture.classes);
                        let longer = match platform.precision {
                            ScorePrecision::F64 => SCORES_IN_F64,
                            ScorePrecision::F32 | ScorePrecision::F32Contiguous => 1.0,
                        };
                        1.0 + calls * 3.0 * images * multiply_adds * longer / rate
                    }
                };
                // Between rounds all weights are selected from.
                let selecting = (calls - 1.0) * n as f64 * SECONDS_A_SELECTED_WEIGHT;
                (seconds + selecting, 8 * n)
            }
            Recipe::Allocate(_) => (0.1, 4_096),
            Recipe::Select(_) => (0.05, n / 8 + 4_096),
            Recipe::Check(CheckRecipe { on: "data", .. }) => {
                (0.2, u64::from(setting.data.train_rows) * (image + 8))
            }
            Recipe::Check(CheckRecipe { on: "scores", .. }) => (0.1, 8 * n),
            Recipe::Check(CheckRecipe { on: "weights", .. }) => (0.1, 4 * n),
            Recipe::Check(_) => (0.1, n / 8 + 4_096),
            Recipe::Train(TrainRecipe {
                training,
                mask,
                platform,
                ..
            }) => {
                let compute = platform.compute();
                let seconds = self.training_seconds(at, training, mask.as_ref(), compute);
                (seconds, 16_384)
            }
            Recipe::Evaluate(_) => {
                let images = f64::from(setting.data.test_rows);
                let seconds = images * network.multiply_adds() as f64 / rate;
                (1.0 + seconds, 8_192)
            }
        }
    }

    fn libtorch_rate(&self) -> f64 {
        match self.study.run.is_gpu() {
            true => MULTIPLY_ADDS_A_SECOND_OF_A_GPU,
            false => MULTIPLY_ADDS_A_SECOND,
        }
    }

    /// Seconds of a training in a setting, if it were computed so.
    pub(crate) fn training_seconds(
        &self,
        setting: usize,
        training: &Training,
        mask: Option<&Input>,
        compute: Compute,
    ) -> f64 {
        let network = &self.networks[setting];
        let data = &self.study.settings[setting].data;
        let rows = u64::from(data.train_rows);
        let epochs = training.steps(rows) as f64 / training.steps_in_epoch(rows).max(1) as f64;
        let trained = training.steps(rows) as f64 * f64::from(training.batch);
        // A step is three forward passes' worth.
        let images = 3.0 * trained + epochs * f64::from(data.test_rows);
        let multiply_adds = network.multiply_adds() as f64;
        let an_image = match compute.engine {
            Engine::Libtorch => multiply_adds / self.libtorch_rate(),
            Engine::Sparse => {
                let left = mask.map_or(1.0, |mask| self.multiply_adds_left(mask));
                let rate = sparse_rate(&self.device.class, compute.precision);
                multiply_adds * left / rate.multiply_adds
                    + activations(network) * rate.seconds_an_activation / 3.0
            }
        };
        1.0 + images * an_image
    }

    /// Estimates trainings again, with the share of the multiply-adds that allocations leave.
    pub(crate) fn expect(&mut self, foreseen: BTreeMap<usize, f64>) {
        self.foreseen = foreseen;
        for at in 0..self.nodes.len() {
            let Node {
                setting, recipe, ..
            } = &self.nodes[at];
            if matches!(recipe, Recipe::Train(_)) {
                self.nodes[at].seconds = self.estimate(*setting, recipe).0;
            }
        }
    }

    /// About which share of the multiply-adds a mask leaves; 1 where it is not known.
    fn multiply_adds_left(&self, mask: &Input) -> f64 {
        let Input::Node(r) = mask else {
            return 1.0;
        };
        if let Some(&share) = self.foreseen.get(&r.node) {
            return share;
        }
        let uneven = |density: f64| (UNEVEN * density).min(1.0);
        match &self.nodes[r.node].recipe {
            Recipe::Check(CheckRecipe { input, .. }) => self.multiply_adds_left(input),
            Recipe::Score(ScoreRecipe {
                rounds: Some(rounds),
                ..
            }) => uneven(rounds.sparsity.density()),
            Recipe::Score(ScoreRecipe {
                sparsity: Some(sparsity),
                ..
            }) => uneven(sparsity.density()),
            Recipe::Select(SelectRecipe { by, .. }) => match by {
                By::Global { sparsity, .. } | By::Table { sparsity, .. } => {
                    uneven(sparsity.density())
                }
                By::Mask(other) | By::Counts(other) => self.multiply_adds_left(other),
            },
            Recipe::Allocate(AllocateRecipe { item, sparsity, .. }) => match item.item.as_str() {
                "uniform" => sparsity.density(),
                _ => uneven(sparsity.density()),
            },
            _ => 1.0,
        }
    }
}

/// Values that the convolutions of a network give for one image.
fn activations(network: &Network) -> f64 {
    let convolutions = network
        .nodes
        .iter()
        .filter(|node| matches!(node.op, Op::Conv { .. }));
    let values = convolutions.map(|node| node.output.iter().product::<usize>());
    values.sum::<usize>() as f64
}
