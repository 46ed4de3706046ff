//! Checks on what workers made, before it may enter the store, and on what is read back.
use crate::floats::floats_to_text;
use jackpot_data::Normalisation;
use jackpot_net::Network;
use jackpot_protocol::Failure;
use jackpot_prune::Mask;
use jackpot_store::canonical;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};

/// A failure of something that is not as it must be: `what: why`.
pub(crate) fn invalid(what: &str, why: impl std::fmt::Display) -> Failure {
    Failure::new("invalid", format!("{what}: {why}"))
}

/// The end of a training, in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedMetrics {
    /// Percent of the test rows that are right, after the last epoch.
    pub accuracy: f64,
    /// The same after the best epoch.
    pub best_accuracy: f64,
    /// The same after the epoch that is best on the rows held back for validation, if there are such
    /// rows.
    pub selected_accuracy: Option<f64>,
    /// Mean cross-entropy over the test rows after the last epoch.
    pub test_loss: f64,
    /// Percent of the test rows that are right, after each epoch.
    pub curve: Vec<f64>,
    /// Number of test rows that were right.
    pub correct: u64,
    /// Number of test rows.
    pub rows: u64,
    /// Number of prunable weights that are kept.
    pub kept: u64,
}

/// Reads `metrics.json`; a training that diverged is an error that says when.
pub fn metrics(bytes: &[u8]) -> Result<RecordedMetrics, Failure> {
    let what = "metrics.json";
    let value = canonical::parse(bytes).map_err(|e| invalid(what, e))?;
    if let Some(epoch) = divergence(&value) {
        return Err(Failure::new(
            "diverged",
            format!("the training diverged in epoch {epoch}: the loss is not a number any more"),
        ));
    }
    let float = |name: &str| -> Result<f64, Failure> {
        let text = value[name].as_str().ok_or_else(|| {
            invalid(
                what,
                format!("`{name}`: expected a number as text, found {}", value[name]),
            )
        })?;
        canonical::parse_float(text).map_err(|e| invalid(what, format!("`{name}`: {e}")))
    };
    let count = |name: &str| -> Result<u64, Failure> {
        value[name].as_u64().ok_or_else(|| {
            invalid(
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
        curve: curve(&value).map_err(|e| invalid(what, e))?,
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

/// The epoch in which a training diverged, if its metrics say that it did.
pub(crate) fn diverged(bytes: &[u8]) -> Option<u64> {
    let value = canonical::parse(bytes).ok()?;
    divergence(&value)?.as_u64()
}

/// Refuses a count that is another than expected.
pub(crate) fn expect(what: &str, expected: u64, found: u64) -> Result<(), Failure> {
    if expected == found {
        return Ok(());
    }
    Err(invalid(what, format!("expected {expected}, found {found}")))
}

/// Refuses bits, one per test row and least significant first, of which not as many are 1 as rows
/// were right.
pub(crate) fn bits(bytes: &[u8], rows: u64, correct: u64) -> Result<(), Failure> {
    expect("bits: bytes", rows.div_ceil(8), bytes.len() as u64)?;
    let ones: u64 = bytes.iter().map(|b| u64::from(b.count_ones())).sum();
    expect("bits: rows that are right", correct, ones)?;
    let spare = bytes.last().filter(|_| !rows.is_multiple_of(8));
    if spare.is_some_and(|last| last >> (rows % 8) != 0) {
        return Err(invalid(
            "bits",
            "expected the spare bits of the last byte to be 0",
        ));
    }
    Ok(())
}

/// Refuses bytes that are no state_dict of this network.
pub fn weights(bytes: &[u8], network: &Network) -> Result<(), Failure> {
    state_dict(bytes, network, None)
}

/// Refuses bytes that are no state_dict of this network, or in which a pruned weight is not exactly
/// 0.
pub(crate) fn state_dict(
    bytes: &[u8],
    network: &Network,
    mask: Option<&Mask>,
) -> Result<(), Failure> {
    let what = "checkpoint.safetensors";
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| invalid(what, e))?;
    expect(
        "checkpoint.safetensors: tensors",
        network.parameters.len() as u64,
        tensors.len() as u64,
    )?;
    for p in &network.parameters {
        let tensor = tensors.tensor(&p.name).map_err(|e| invalid(what, e))?;
        if tensor.shape() != p.shape.as_slice() || tensor.dtype() != Dtype::F32 {
            return Err(invalid(
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
        let tensor = tensors.tensor(&layer.name).map_err(|e| invalid(what, e))?;
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

/// Reads a mask of this network.
pub fn mask(bytes: &[u8], network: &Network) -> Result<Mask, Failure> {
    let mask = Mask::from_bytes(bytes).map_err(|e| invalid("mask", e))?;
    mask.check(network).map_err(|e| invalid("mask", e))?;
    Ok(mask)
}

/// Reads counts, `[["conv1.weight", 123], ...]` in the network's order: how many weights each layer
/// keeps.
pub fn counts(bytes: &[u8], network: &Network) -> Result<Vec<u64>, Failure> {
    let value = canonical::parse(bytes).map_err(|e| invalid("counts", e))?;
    let rows: Vec<(String, u64)> =
        serde_json::from_value(value).map_err(|e| invalid("counts", e))?;
    expect(
        "counts: layers",
        network.layers.len() as u64,
        rows.len() as u64,
    )?;
    for (layer, (name, _)) in network.layers.iter().zip(&rows) {
        if layer.name != *name {
            return Err(invalid(
                "counts",
                format!("expected the layer `{}`, found `{name}`", layer.name),
            ));
        }
    }
    Ok(rows.into_iter().map(|(_, n)| n).collect())
}

/// Reads a normalisation, `{"mean": [...], "std": [...]}` with numbers as text.
pub fn normalisation(bytes: &[u8]) -> Result<Normalisation, Failure> {
    let value = canonical::parse(bytes).map_err(|e| invalid("normalisation", e))?;
    let floats = |name: &str| -> Result<Vec<f64>, Failure> {
        let list = value[name]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let parse = |v: &Value| {
            canonical::parse_float(v.as_str().unwrap_or_default())
                .map_err(|e| invalid("normalisation", e))
        };
        list.iter().map(parse).collect()
    };
    Ok(Normalisation {
        mean: floats("mean")?,
        std: floats("std")?,
    })
}

/// A normalisation as bytes that [`normalisation`] reads.
pub(crate) fn normalisation_bytes(normalisation: &Normalisation) -> Result<Vec<u8>, Failure> {
    let mut value = json!(normalisation);
    floats_to_text(&mut value)?;
    canonical::to_bytes(&value).map_err(|e| Failure::new("store", e.to_string()))
}
