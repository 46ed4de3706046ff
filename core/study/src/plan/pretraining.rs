//! The dense training that a cell's mask or weights come from.
use crate::{
    Error,
    plan::graph::{Cell, Content, Plan},
    results::curves::epochs,
};
use jackpot_store::{Digest, Store};

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

impl Plan {
    /// The longest dense training that the cell needs beside its own; none: it needs none.
    pub(crate) fn pretraining(&self, cell: &Cell) -> Option<usize> {
        let Content::Run { train, .. } = cell.content else {
            return None;
        };
        let dense = self.ancestors(train).into_iter().filter_map(|node| {
            let recipe = self.nodes[node].recipe.as_train();
            let dense = recipe.filter(|train| train.mask.is_none())?;
            // A training without an end of its own runs to the end of its schedule.
            let end = dense.training.until.unwrap_or(u64::MAX);
            (node != train).then_some((end, node))
        });
        dense.max().map(|(_, node)| node)
    }
}

/// None where the store does not have it, or it diverged in its first epoch.
pub(crate) fn pretrained(store: &Store, key: Digest) -> Result<Option<Pretrained>, Error> {
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
