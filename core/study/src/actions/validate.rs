//! Checks on what workers made, before it may enter the store, and on what is read back.
use jackpot_data::Normalisation;
use jackpot_net::Network;
use jackpot_protocol::Failure;
use jackpot_prune::Mask;
use jackpot_store::canonical;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use std::path::Path;

/// Outputs of a training, and the files that a worker writes them to.
pub(crate) const TRAINING_FILES: &[(&str, &str)] = &[
    ("metrics", "metrics.json"),
    ("bits", "bits"),
    ("checkpoint", "checkpoint.safetensors"),
];

/// The same of an evaluation.
pub(crate) const EVALUATION_FILES: &[(&str, &str)] =
    &[("metrics", "metrics.json"), ("bits", "bits")];

fn fail(what: &str, why: impl std::fmt::Display) -> Failure {
    Failure::new("invalid", format!("{what}: {why}"))
}

/// The end of a training, in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedMetrics {
    /// Percent, after the last epoch.
    pub accuracy: f64,
    /// Percent, after the best epoch.
    pub best_accuracy: f64,
    /// Percent, on the test rows after the epoch that is best on the rows held back for
    /// validation; none without such rows.
    pub selected_accuracy: Option<f64>,
    /// Mean cross-entropy over the test rows after the last epoch.
    pub test_loss: f64,
    /// Percent of the test rows, after each epoch.
    pub curve: Vec<f64>,
    /// Test rows that were right.
    pub correct: u64,
    /// Test rows.
    pub rows: u64,
    /// Prunable weights that are kept.
    pub kept: u64,
}

/// Reads `metrics.json`; a training that diverged is an error that says when.
pub fn metrics(bytes: &[u8]) -> Result<RecordedMetrics, Failure> {
    let what = "metrics.json";
    let value = canonical::parse(bytes).map_err(|e| fail(what, e))?;
    if let Some(epoch) = divergence(&value) {
        return Err(Failure::new(
            "diverged",
            format!("the training diverged in epoch {epoch}: the loss is not a number any more"),
        ));
    }
    let float = |name: &str| -> Result<f64, Failure> {
        let text = value[name].as_str().ok_or_else(|| {
            fail(
                what,
                format!("`{name}`: expected a number as text, found {}", value[name]),
            )
        })?;
        canonical::parse_float(text).map_err(|e| fail(what, format!("`{name}`: {e}")))
    };
    let count = |name: &str| -> Result<u64, Failure> {
        value[name].as_u64().ok_or_else(|| {
            fail(
                what,
                format!("`{name}`: expected a count, found {}", value[name]),
            )
        })
    };
    Ok(RecordedMetrics {
        accuracy: float("test_accuracy")?,
        best_accuracy: float("best_test_accuracy")?,
        selected_accuracy: match value.get("selected_test_accuracy") {
            None => None,
            Some(_) => Some(float("selected_test_accuracy")?),
        },
        test_loss: float("test_loss")?,
        curve: curve(&value).map_err(|e| fail(what, e))?,
        correct: count("test_correct")?,
        rows: count("test_rows")?,
        kept: count("kept")?,
    })
}

/// The test accuracies of the epochs, in percent.
fn curve(metrics: &Value) -> Result<Vec<f64>, String> {
    let epochs = metrics["epochs"].as_array().map(Vec::as_slice);
    let accuracy = |epoch: &Value| {
        let text = epoch["test_accuracy"].as_str().unwrap_or_default();
        let wrong = |e| format!("`epochs`: `test_accuracy`: {e}");
        canonical::parse_float(text).map_err(wrong)
    };
    epochs.unwrap_or_default().iter().map(accuracy).collect()
}

fn divergence(metrics: &Value) -> Option<&Value> {
    metrics.get("diverged_at_epoch").filter(|e| !e.is_null())
}

/// The epoch in which the training diverged, as its metrics say it.
pub(crate) fn diverged(bytes: &[u8]) -> Option<u64> {
    let value = canonical::parse(bytes).ok()?;
    divergence(&value)?.as_u64()
}

/// The files of a finished training agree with each other, with the mask and the network.
pub(crate) fn training(
    folder: &Path,
    network: &Network,
    mask: Option<&Mask>,
    test_rows: u64,
) -> Result<(), Failure> {
    let read = |name: &str| std::fs::read(folder.join(name)).map_err(|e| fail(name, e));
    let bytes = read("metrics.json")?;
    let checkpoint = read("checkpoint.safetensors")?;
    // A divergence is a result too: it is kept, and a report names it. Its weights may be
    // infinite, and infinity times a mask's 0 is not a number: they prove nothing of the mask.
    if diverged(&bytes).is_some() {
        return state_dict(&checkpoint, network, None);
    }
    let kept = mask.map_or(network.prunable_weights(), Mask::kept);
    evaluation(folder, kept, test_rows)?;
    state_dict(&checkpoint, network, mask)
}

/// Metrics and the rows that were right agree with each other, the mask and the test rows.
pub(crate) fn evaluation(folder: &Path, kept: u64, test_rows: u64) -> Result<(), Failure> {
    let read = |name: &str| std::fs::read(folder.join(name)).map_err(|e| fail(name, e));
    let m = metrics(&read("metrics.json")?)?;
    expect("metrics.json: `test_rows`", test_rows, m.rows)?;
    expect("metrics.json: `kept`", kept, m.kept)?;
    bits(&read("bits")?, test_rows, m.correct)
}

/// Metrics against the rows that were right, the mask and the test rows, where these are known;
/// none: they agree.
pub fn agreement(
    bytes: &[u8],
    right: &[u8],
    kept: Option<u64>,
    rows: Option<u64>,
) -> Option<Failure> {
    if diverged(bytes).is_some() {
        return None;
    }
    let agree = || -> Result<(), Failure> {
        let m = metrics(bytes)?;
        expect("metrics: `kept`", kept.unwrap_or(m.kept), m.kept)?;
        expect("metrics: `test_rows`", rows.unwrap_or(m.rows), m.rows)?;
        bits(right, m.rows, m.correct)
    };
    agree().err()
}

fn expect(what: &str, expected: u64, found: u64) -> Result<(), Failure> {
    if expected == found {
        return Ok(());
    }
    Err(fail(what, format!("expected {expected}, found {found}")))
}

fn bits(bytes: &[u8], rows: u64, correct: u64) -> Result<(), Failure> {
    expect("bits: bytes", rows.div_ceil(8), bytes.len() as u64)?;
    let ones: u64 = bytes.iter().map(|b| u64::from(b.count_ones())).sum();
    expect("bits: rows that are right", correct, ones)?;
    let spare = bytes.last().filter(|_| !rows.is_multiple_of(8));
    if spare.is_some_and(|last| last >> (rows % 8) != 0) {
        return Err(fail(
            "bits",
            "expected the spare bits of the last byte to be 0",
        ));
    }
    Ok(())
}

/// A state_dict of this network.
pub fn weights(bytes: &[u8], network: &Network) -> Result<(), Failure> {
    state_dict(bytes, network, None)
}

/// Names and shapes are the network's, and what is pruned is exactly 0.
fn state_dict(bytes: &[u8], network: &Network, mask: Option<&Mask>) -> Result<(), Failure> {
    let what = "checkpoint.safetensors";
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| fail(what, e))?;
    expect(
        "checkpoint.safetensors: tensors",
        network.parameters.len() as u64,
        tensors.len() as u64,
    )?;
    for p in &network.parameters {
        let tensor = tensors.tensor(&p.name).map_err(|e| fail(what, e))?;
        if tensor.shape() != p.shape.as_slice() || tensor.dtype() != Dtype::F32 {
            return Err(fail(
                what,
                format!(
                    "`{}`: expected f32 {:?}, found {:?} {:?}",
                    p.name,
                    p.shape,
                    tensor.dtype(),
                    tensor.shape()
                ),
            ));
        }
    }
    for layer in mask.iter().flat_map(|m| &m.layers) {
        let tensor = tensors.tensor(&layer.name).map_err(|e| fail(what, e))?;
        let values = tensor.data().as_chunks::<4>().0;
        let alive = values.iter().zip(&layer.kept);
        let wrong = alive.filter(|(v, kept)| !**kept && f32::from_le_bytes(**v) != 0.0);
        expect(
            &format!("{what}: `{}`: pruned weights that are not 0", layer.name),
            0,
            wrong.count() as u64,
        )?;
    }
    Ok(())
}

/// A mask of this network.
pub fn mask(bytes: &[u8], network: &Network) -> Result<Mask, Failure> {
    let mask = Mask::from_bytes(bytes).map_err(|e| fail("mask", e))?;
    mask.check(network).map_err(|e| fail("mask", e))?;
    Ok(mask)
}

/// `[["conv1.weight", 123], ...]` in the network's order.
pub fn counts(bytes: &[u8], network: &Network) -> Result<Vec<u64>, Failure> {
    let value = canonical::parse(bytes).map_err(|e| fail("counts", e))?;
    let rows: Vec<(String, u64)> = serde_json::from_value(value).map_err(|e| fail("counts", e))?;
    expect(
        "counts: layers",
        network.layers.len() as u64,
        rows.len() as u64,
    )?;
    for (layer, (name, _)) in network.layers.iter().zip(&rows) {
        if layer.name != *name {
            return Err(fail(
                "counts",
                format!("expected the layer `{}`, found `{name}`", layer.name),
            ));
        }
    }
    Ok(rows.into_iter().map(|(_, n)| n).collect())
}

/// `{"mean": [...], "std": [...]}` with numbers as text.
pub fn normalisation(bytes: &[u8]) -> Result<Normalisation, Failure> {
    let value = canonical::parse(bytes).map_err(|e| fail("normalisation", e))?;
    let floats = |name: &str| -> Result<Vec<f64>, Failure> {
        let list = value[name]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let parse = |v: &Value| {
            canonical::parse_float(v.as_str().unwrap_or_default())
                .map_err(|e| fail("normalisation", e))
        };
        list.iter().map(parse).collect()
    };
    Ok(Normalisation {
        mean: floats("mean")?,
        std: floats("std")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jackpot_net::{Architecture, init::initial_weights};
    use jackpot_rng::Key;

    fn network() -> Network {
        let architecture = Architecture::resnet(8, 8, 10, [1, 8, 8]);
        architecture.build().unwrap()
    }

    /// Three rows of which two were right, and weights that are not a number where the mask
    /// prunes the first one: what one step to infinity leaves.
    fn files(folder: &Path, network: &Network, more: &str, pruned: f32) {
        let weights = initial_weights(network, Key::from_seed(1)).unwrap();
        let tensors = SafeTensors::deserialize(&weights).unwrap();
        let first = &network.layers[0].name;
        let start = tensors.tensor(first).unwrap().data().as_ptr() as usize;
        let place = start - weights.as_ptr() as usize;
        let mut weights = weights.clone();
        weights[place..place + 4].copy_from_slice(&pruned.to_le_bytes());
        let kept = network.prunable_weights() - 1;
        let metrics = format!(
            r#"{{"best_epoch":1,"best_test_accuracy":"6e1",{more}"epochs":[],"kept":{kept},"test_accuracy":"6e1","test_correct":2,"test_loss":"1e0","test_rows":3}}"#
        );
        std::fs::write(folder.join("metrics.json"), metrics).unwrap();
        std::fs::write(folder.join("bits"), [0b101]).unwrap();
        std::fs::write(folder.join("checkpoint.safetensors"), weights).unwrap();
    }

    #[test]
    fn a_sparse_training_that_diverged_is_a_result_and_a_broken_mask_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let network = network();
        let mut mask = Mask::dense(&network);
        mask.layers[0].kept[0] = false;
        let check = |more: &str, pruned: f32| {
            files(folder.path(), &network, more, pruned);
            training(folder.path(), &network, Some(&mask), 3)
        };
        check("", 0.0).unwrap();
        check("\"diverged_at_epoch\":1,", f32::NAN).unwrap();
        for pruned in [f32::NAN, 0.5] {
            let failure = check("", pruned).unwrap_err();
            assert!(
                failure.message.contains("pruned weights that are not 0"),
                "{failure}"
            );
        }
    }
}
