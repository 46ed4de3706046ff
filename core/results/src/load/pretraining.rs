//! The result of the dense training that the mask or weights of a cell come from.
use super::{curves::epochs, kept_metrics};
use jackpot_store::{Digest, Store};
use jackpot_study::Error;

/// The result of the dense training before pruning.
#[derive(Clone, Debug, PartialEq)]
pub struct Pretrained {
    /// Key of the action that trained.
    pub key: Digest,
    /// Digest of its metrics.
    pub metrics: Digest,
    /// Number of finished epochs.
    pub epochs: u64,
    /// Accuracy over the last epoch, in percent of the training images as that training saw them:
    /// with changed labels or pixels where a check changes them.
    pub train_accuracy: f64,
    /// Accuracy on the clean test images after the last epoch, in percent.
    pub test_accuracy: f64,
}

/// Reads the training; `None` where the store does not have it, or where it diverged in its first
/// epoch.
pub(super) fn pretrained(store: &Store, key: Digest) -> Result<Option<Pretrained>, Error> {
    let Some(metrics) = kept_metrics(store, &key)? else {
        return Ok(None);
    };
    let epochs = epochs(store, metrics)?;
    let Some(last) = epochs.last() else {
        return Ok(None);
    };
    let (Some(train_accuracy), Some(test_accuracy)) =
        (last.get("train_accuracy"), last.get("test_accuracy"))
    else {
        return Err(Error(format!(
            "metrics {metrics}: expected `train_accuracy` and `test_accuracy` of every epoch"
        )));
    };
    Ok(Some(Pretrained {
        key,
        metrics,
        epochs: last.epoch,
        train_accuracy,
        test_accuracy,
    }))
}
