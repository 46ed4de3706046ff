//! What a cell of a run's manifest came to, read from the results that it names.
use super::{
    kept_metrics,
    pretraining::pretrained,
    run::{Before, RunOutcome, TestBits, TrainedRun},
};
use jackpot_store::{Digest, Store};
use jackpot_study::{Error, ManifestCell, RecordedMasks, outputs};

pub(super) fn outcome(
    store: &Store,
    masks: &RecordedMasks<'_>,
    cell: &ManifestCell,
) -> Result<RunOutcome, Error> {
    if let Some(because) = &cell.identical {
        return Ok(RunOutcome::Identical {
            because: because.clone(),
        });
    }
    if let Some(because) = &cell.not_applicable {
        return Ok(RunOutcome::NotApplicable {
            because: because.clone(),
        });
    }
    if let Some(why) = &cell.failed {
        return Ok(RunOutcome::Failed {
            why: why.clone(),
            diverged: false,
        });
    }
    if let Some(why) = &cell.collapsed {
        return Ok(RunOutcome::Collapsed { why: why.clone() });
    }
    let Some(key) = cell.action else {
        return Ok(RunOutcome::Missing);
    };
    let Some(action) = store.action(&key).map_err(Error::from_store)? else {
        return Ok(RunOutcome::Missing);
    };
    let metrics = *action.outputs.get("metrics").ok_or_else(|| {
        Error(format!(
            "action {key}: expected the output `metrics`, found none"
        ))
    })?;
    let mask_is_lost = |m: Digest| !store.has(&m) && !masks.knows(cell);
    if !store.has(&metrics) || cell.mask.is_some_and(mask_is_lost) {
        return Ok(RunOutcome::Missing);
    }
    let bytes = store.get(&metrics).map_err(Error::from_store)?;
    let numbers = match outputs::metrics(&bytes) {
        Ok(numbers) => numbers,
        Err(failure) if failure.kind == "diverged" => {
            return Ok(RunOutcome::Failed {
                why: failure.message,
                diverged: true,
            });
        }
        Err(failure) => return Err(Error(format!("action {key}: {failure}"))),
    };
    Ok(RunOutcome::Done(TrainedRun {
        key,
        metrics,
        mask: cell.mask,
        accuracy: numbers.accuracy,
        best_accuracy: numbers.best_accuracy,
        selected_accuracy: numbers.selected_accuracy,
        test_loss: numbers.test_loss,
        curve: numbers.curve,
        pretraining: match cell.pretraining {
            Some(key) => pretrained(store, key)?.map(Box::new),
            None => None,
        },
        before: match cell.before {
            Some(key) => before(store, key)?,
            None => None,
        },
        layers: masks.layers(cell, &key)?,
        bits: bits(store, action.outputs.get("bits"), numbers.rows)?,
        lineage: cell.lineage.clone().map(Box::new),
    }))
}

/// Reads the evaluation before training; `None` where the store does not have it any more.
fn before(store: &Store, key: Digest) -> Result<Option<Before>, Error> {
    let Some(metrics) = kept_metrics(store, &key)? else {
        return Ok(None);
    };
    let bytes = store.get(&metrics).map_err(Error::from_store)?;
    let numbers =
        outputs::metrics(&bytes).map_err(|failure| Error(format!("action {key}: {failure}")))?;
    Ok(Some(Before {
        key,
        metrics,
        accuracy: numbers.accuracy,
        test_loss: numbers.test_loss,
    }))
}

fn bits(store: &Store, digest: Option<&Digest>, rows: u64) -> Result<Option<TestBits>, Error> {
    let Some(digest) = digest.filter(|d| store.has(d)) else {
        return Ok(None);
    };
    let right = store.get(digest).map_err(Error::from_store)?;
    Ok(Some(TestBits { rows, right }))
}
