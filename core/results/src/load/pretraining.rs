//! What the dense training that a cell's mask or weights come from came to.
use super::curves::epochs;
use jackpot_store::{Digest, Store};
use jackpot_study::Error;

/// What a training before pruning came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Pretrained {
    /// Of the action.
    pub key: Digest,
    /// Its metrics object.
    pub metrics: Digest,
    /// Finished epochs.
    pub epochs: u64,
    /// Percent of the training images as that training saw them, labels and pixels changed where a
    /// check changes them, over its last epoch.
    pub train_accuracy: f64,
    /// Percent of the clean test images, after its last epoch.
    pub test_accuracy: f64,
}

/// None where the store does not have it, or it diverged in its first epoch.
pub(super) fn pretrained(store: &Store, key: Digest) -> Result<Option<Pretrained>, Error> {
    let action = store.action(&key).map_err(Error::from_store)?;
    let metrics = action.and_then(|a| a.outputs.get("metrics").copied());
    let Some(metrics) = metrics.filter(|m| store.has(m)) else {
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
