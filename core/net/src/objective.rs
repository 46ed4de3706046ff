//! What to differentiate: a scalar function of a network's weights.

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
pub enum Input {
    /// Images of a batch.
    Data,
    /// One image of ones; no data are read.
    Ones,
}

/// A scalar function of the prunable weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// The scalar.
    pub loss: Loss,
    /// Its input.
    pub input: Input,
    /// Batch statistics in normalisation layers; running statistics never change.
    pub train_mode: bool,
    /// Everything in f64; otherwise in f32.
    pub compute_f64: bool,
    /// Logits are divided by it; 1 = off.
    pub temperature: f64,
    /// Parameters outside `point` by absolute value.
    pub abs_rest: bool,
}
