//! What to differentiate: a scalar function of a network's weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss { CrossEntropy, SumLogits }
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input { Data, Ones }
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    pub loss: Loss,
    pub input: Input,
    /// Batch statistics in normalisation layers; running statistics never change.
    pub train_mode: bool,
    pub compute_f64: bool,
    /// Logits are divided by it; 1 = off.
    pub temperature: f64,
    /// Parameters outside `point` by absolute value.
    pub abs_rest: bool,
}
