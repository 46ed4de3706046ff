//! What a finished training recorded after each of its epochs.
use super::run::Trained;
use jackpot_store::{Digest, Store, canonical};
use jackpot_study::Error;
use serde_json::Value;

/// The numbers of an epoch, by the name that `metrics.json` has for them. Accuracies are in
/// percent; `validation_…` is there only where rows were held back.
const NUMBERS: &[&str] = &[
    "kept",
    "lr",
    "test_accuracy",
    "test_loss",
    "train_accuracy",
    "train_loss",
    "validation_accuracy",
    "validation_loss",
];

/// One epoch of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochNumbers {
    /// From 1.
    pub epoch: u64,
    /// Name and value, in the order of the names.
    pub numbers: Vec<(&'static str, f64)>,
}

impl EpochNumbers {
    /// The number of that name, if the epoch has it.
    pub fn get(&self, name: &str) -> Option<f64> {
        let found = self.numbers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    }
}

/// Every epoch of a training, from the metrics that the store holds and verifies.
///
/// # Errors
/// Metrics that are gone, damaged, or not what a training writes.
pub fn curves(store: &Store, trained: &Trained) -> Result<Vec<EpochNumbers>, Error> {
    epochs(store, trained.metrics)
}

/// Every epoch that this metrics object lists.
pub(super) fn epochs(store: &Store, metrics: Digest) -> Result<Vec<EpochNumbers>, Error> {
    let bytes = store.get(&metrics).map_err(Error::from_store)?;
    let wrong = |why: String| Error(format!("metrics {metrics}: {why}"));
    let value = canonical::parse(&bytes).map_err(|e| wrong(e.to_string()))?;
    let epochs = value["epochs"].as_array();
    let epochs = epochs.ok_or_else(|| wrong("expected `epochs`, found none".into()))?;
    let read = |epoch: &Value| -> Result<EpochNumbers, String> {
        let mut numbers = Vec::new();
        for name in NUMBERS {
            let Some(value) = epoch.get(name) else {
                continue;
            };
            let number = match value {
                Value::String(text) => canonical::parse_float(text).map_err(|e| e.to_string()),
                other => other.as_f64().ok_or_else(|| format!("found {other}")),
            };
            let number = number.map_err(|e| format!("`{name}`: expected a number: {e}"))?;
            numbers.push((*name, number));
        }
        let epoch = epoch["epoch"].as_u64().ok_or("`epoch`: expected a count")?;
        Ok(EpochNumbers { epoch, numbers })
    };
    epochs.iter().map(|e| read(e).map_err(wrong)).collect()
}
