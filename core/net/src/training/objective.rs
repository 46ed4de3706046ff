//! What to differentiate: a scalar function of a network's weights, and in what precision.
use serde::{Deserialize, Serialize};

/// The scalar at the end of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The mean over images of the cross-entropy of the softmax, in nats.
    CrossEntropy,
    /// The sum of all logits of all images; labels are not read.
    SumLogits,
}

/// What the network is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectiveInput {
    /// Images of a batch.
    Data,
    /// One image of ones; no data are read.
    Ones,
}

/// What the derivatives behind scores are computed in; part of a score's recipe. A method that
/// asks for f64 itself gets f64 whatever is written here.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum ScorePrecision {
    /// 32 bits, channels last, as trainings are computed: what recipes mean that say nothing else.
    #[default]
    F32,
    /// 32 bits, every tensor row-major (`[n, c, h, w]`), as PyTorch computes by default.
    F32Contiguous,
    /// 64 bits.
    F64,
}

impl ScorePrecision {
    /// Every one, the most precise first.
    pub const ALL: [ScorePrecision; 3] = [
        ScorePrecision::F64,
        ScorePrecision::F32Contiguous,
        ScorePrecision::F32,
    ];

    /// As recipes, study files and the command line spell it.
    pub fn name(self) -> &'static str {
        match self {
            ScorePrecision::F32 => "f32",
            ScorePrecision::F32Contiguous => "f32-contiguous",
            ScorePrecision::F64 => "f64",
        }
    }

    /// "f32, channels last": the precision and, where it counts, the layout.
    pub fn in_words(self) -> &'static str {
        match self {
            ScorePrecision::F32 => "f32, channels last",
            ScorePrecision::F32Contiguous => "f32, contiguous",
            ScorePrecision::F64 => "f64",
        }
    }
}

/// A scalar function of the prunable weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// The scalar.
    pub loss: Loss,
    /// Its input.
    pub input: ObjectiveInput,
    /// Batch statistics in normalisation layers; running statistics never change.
    pub train_mode: bool,
    /// Everything in f64; otherwise in f32.
    pub compute_f64: bool,
    /// Logits are divided by it; 1 = off.
    pub temperature: f64,
    /// Parameters outside `point` by absolute value.
    pub abs_rest: bool,
}
