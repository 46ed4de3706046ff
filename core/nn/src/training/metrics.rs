//! From the epochs of a training and its last evaluation to what it reports.
use crate::Evaluation;
use jackpot_protocol::{Epoch, Metrics};

/// What epochs came to, the last weights evaluated as `last`.
pub(crate) fn metrics_of(
    epochs: Vec<Epoch>,
    diverged: Option<u32>,
    last: &Evaluation,
    kept: u64,
) -> Metrics {
    let best = first_best(&epochs, |epoch| Some(epoch.test_accuracy));
    let selected = first_best(&epochs, |epoch| epoch.validation_accuracy);
    Metrics {
        best_epoch: best.map_or(0, |epoch| epoch.epoch),
        best_test_accuracy: best.map_or(last.accuracy(), |epoch| epoch.test_accuracy),
        diverged_at_epoch: diverged,
        kept,
        selected_epoch: selected.map(|epoch| epoch.epoch),
        selected_test_accuracy: selected.map(|epoch| epoch.test_accuracy),
        test_accuracy: last.accuracy(),
        test_correct: last.correct(),
        test_loss: Some(last.loss()).filter(|loss| loss.is_finite()),
        test_rows: last.right.len() as u64,
        epochs,
    }
}

/// The first epoch with the highest value, of those that have one.
fn first_best(epochs: &[Epoch], of: impl Fn(&Epoch) -> Option<f64>) -> Option<&Epoch> {
    let valued = epochs.iter().filter_map(|epoch| Some((epoch, of(epoch)?)));
    let best = valued.reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map(|(epoch, _)| epoch)
}

/// Percent of `correct` among `rows`.
pub(crate) fn percent(correct: u64, rows: u64) -> f64 {
    100.0 * correct as f64 / rows as f64
}
