//! The scalars that are differentiated.
use crate::Error;
use tch::{Kind, Reduction, Tensor};

/// Mean cross-entropy of logits `[n, classes]` for labels `[n]`, in the logits' own
/// precision (tch's `cross_entropy_for_logits` would round to f32).
pub(crate) fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor, Error> {
    nll(logits, labels, Reduction::Mean)
}

/// (1 − ε) times the mean cross-entropy with the labels plus ε times the mean cross-entropy
/// with every class, as PyTorch's `label_smoothing` = ε.
pub(crate) fn smoothed(logits: &Tensor, labels: &Tensor, epsilon: f64) -> Result<Tensor, Error> {
    let hard = cross_entropy(logits, labels)?;
    if epsilon == 0.0 {
        return Ok(hard);
    }
    let log_probabilities = logits.f_log_softmax(-1, logits.f_kind()?)?;
    let every = log_probabilities.f_mean(logits.f_kind()?)?;
    Ok(hard
        .f_mul_scalar(1.0 - epsilon)?
        .f_sub(&every.f_mul_scalar(epsilon)?)?)
}

/// Sum of the cross-entropies in f64, whatever the logits are in.
pub(crate) fn cross_entropy_sum(logits: &Tensor, labels: &Tensor) -> Result<Tensor, Error> {
    nll(&logits.f_to_kind(Kind::Double)?, labels, Reduction::Sum)
}

fn nll(logits: &Tensor, labels: &Tensor, reduction: Reduction) -> Result<Tensor, Error> {
    let log_probabilities = logits.f_log_softmax(-1, logits.f_kind()?)?;
    Ok(log_probabilities.f_nll_loss::<Tensor>(labels, None, reduction, -100)?)
}

/// Which images have their largest logit at their label, bool `[n]`; never one whose
/// logits are not all finite.
pub(crate) fn right(logits: &Tensor, labels: &Tensor) -> Result<Tensor, Error> {
    let finite = logits.f_isfinite()?.f_all_dim(-1, false)?;
    Ok(logits
        .f_argmax(-1, false)?
        .f_eq_tensor(labels)?
        .f_logical_and(&finite)?)
}
