//! Two trainings beside each other: recipes, metrics, the rows that were right, masks.
use jackpot_net::Architecture;
use jackpot_prune::{Mask, chance};
use jackpot_store::{Action, Digest, Store};
use jackpot_study::{Error, FieldDifference, differences, outputs};
use serde::Serialize;
use serde_json::Value;

/// How two finished trainings differ.
#[derive(Clone, Debug, Serialize)]
pub struct RunDiff {
    /// Fields in which the recipes differ; `here` is the first training.
    pub recipes: Vec<FieldDifference>,
    /// Accuracies, in percent, and losses of both; empty where one of them diverged.
    pub metrics: Vec<MetricPair>,
    /// Test rows by who classifies them correctly; `None` where the two were tested on different
    /// numbers of rows.
    pub rows: Option<SharedRows>,
    /// The layers in forward order; `None` where the networks differ.
    pub layers: Option<Vec<LayerPair>>,
    /// All layers together; `None` where the networks differ.
    pub whole: Option<MaskPair>,
}

/// One metric of two trainings.
#[derive(Clone, Debug, Serialize)]
pub struct MetricPair {
    /// Its name in `metrics.json`.
    pub name: &'static str,
    /// Value of the first training.
    pub first: f64,
    /// Value of the second training.
    pub second: f64,
}

/// How many test rows each of two trainings classifies correctly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SharedRows {
    /// Rows that both classify correctly.
    pub both: u64,
    /// Rows that only the first classifies correctly.
    pub first: u64,
    /// Rows that only the second classifies correctly.
    pub second: u64,
    /// Rows that neither classifies correctly.
    pub neither: u64,
}

/// One layer of two masks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerPair {
    /// Its name in the state_dict.
    pub name: String,
    /// Number of its weights.
    pub weights: u64,
    /// Weights kept by the first mask.
    pub first: u64,
    /// Weights kept by the second mask.
    pub second: u64,
    /// Weights kept by both.
    pub both: u64,
    /// Weights that both would keep by chance, given only the two counts: first · second / weights.
    pub chance: f64,
}

/// All layers of two masks together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MaskPair {
    /// Prunable weights.
    pub weights: u64,
    /// Weights kept by the first mask.
    pub first: u64,
    /// Weights kept by the second mask.
    pub second: u64,
    /// Weights kept by both.
    pub both: u64,
    /// Weights that both would keep by chance, given only the counts of each layer.
    pub chance: f64,
    /// Half the width of the interval that holds 95 % of the overlaps by chance.
    pub chance_width: f64,
}

/// Compares two finished trainings by their keys.
///
/// # Errors
/// A key that is not a finished training of this store, or an object of one that is gone.
pub fn diff(store: &Store, first: &Digest, second: &Digest) -> Result<RunDiff, Error> {
    let (a, b) = (Side::read(store, first)?, Side::read(store, second)?);
    let layers = match a.mask.overlap(&b.mask) {
        Err(_) => None,
        Ok(both) => {
            let pairs = a.mask.layers.iter().zip(&b.mask.layers).zip(both);
            let pair =
                |((x, y), both): ((&jackpot_prune::LayerMask, &jackpot_prune::LayerMask), u64)| {
                    let weights = x.kept.len() as u64;
                    let (first, second) = (x.count(), y.count());
                    LayerPair {
                        name: x.name.clone(),
                        weights,
                        first,
                        second,
                        both,
                        chance: chance(&[first], &[second], &[weights]).mean,
                    }
                };
            Some(pairs.map(pair).collect::<Vec<_>>())
        }
    };
    Ok(RunDiff {
        recipes: differences(&a.recipe, &b.recipe),
        metrics: pairs(&a, &b),
        rows: rows(&a, &b),
        whole: layers.as_deref().map(whole),
        layers,
    })
}

struct Side {
    recipe: Value,
    metrics: Option<outputs::RecordedMetrics>,
    bits: Vec<u8>,
    mask: Mask,
}

impl Side {
    fn read(store: &Store, key: &Digest) -> Result<Side, Error> {
        let wrong = |why: &dyn std::fmt::Display| Error(format!("action {key}: {why}"));
        let recipe = store.recipe(key).map_err(Error::from_store)?;
        let kind = recipe["kind"].as_str().unwrap_or("object").to_owned();
        if kind != "train" {
            return Err(wrong(&format!("expected a training, found `{kind}`")));
        }
        let action = store.action(key).map_err(Error::from_store)?;
        let action =
            action.ok_or_else(|| wrong(&"expected a finished training, it has not run"))?;
        let metrics = match outputs::metrics(&output(store, &action, "metrics")?) {
            Ok(metrics) => Some(metrics),
            Err(failure) if failure.kind == "diverged" => None,
            Err(failure) => return Err(wrong(&failure)),
        };
        let mask = match recipe["mask"].as_str() {
            Some(text) => {
                let digest = text.parse().map_err(Error::from_store)?;
                let bytes = store.get(&digest).map_err(Error::from_store)?;
                Mask::from_bytes(&bytes).map_err(|e| wrong(&e))?
            }
            None => {
                let architecture = recipe["architecture"].clone();
                let architecture: Architecture =
                    serde_json::from_value(architecture).map_err(|e| wrong(&e))?;
                Mask::dense(&architecture.build().map_err(|e| wrong(&e))?)
            }
        };
        Ok(Side {
            bits: output(store, &action, "bits")?,
            recipe,
            metrics,
            mask,
        })
    }
}

fn output(store: &Store, action: &Action, name: &str) -> Result<Vec<u8>, Error> {
    let digest = action.outputs.get(name);
    let digest = digest.ok_or_else(|| {
        Error(format!(
            "action {}: expected the output `{name}`, found none",
            action.key
        ))
    })?;
    store.get(digest).map_err(Error::from_store)
}

fn pairs(a: &Side, b: &Side) -> Vec<MetricPair> {
    let (Some(a), Some(b)) = (&a.metrics, &b.metrics) else {
        return Vec::new();
    };
    let pair = |name, first, second| MetricPair {
        name,
        first,
        second,
    };
    let mut pairs = vec![
        pair("test_accuracy", a.accuracy, b.accuracy),
        pair("best_test_accuracy", a.best_accuracy, b.best_accuracy),
        pair("test_loss", a.test_loss, b.test_loss),
    ];
    if let (Some(first), Some(second)) = (a.selected_accuracy, b.selected_accuracy) {
        pairs.push(pair("selected_test_accuracy", first, second));
    }
    pairs
}

fn rows(a: &Side, b: &Side) -> Option<SharedRows> {
    let (x, y) = (a.metrics.as_ref()?, b.metrics.as_ref()?);
    if x.rows != y.rows || a.bits.len() != b.bits.len() {
        return None;
    }
    let both = a.bits.iter().zip(&b.bits);
    let both: u64 = both.map(|(x, y)| u64::from((x & y).count_ones())).sum();
    Some(SharedRows {
        both,
        first: x.correct - both,
        second: y.correct - both,
        neither: x.rows + both - x.correct - y.correct,
    })
}

fn whole(layers: &[LayerPair]) -> MaskPair {
    let of = |part: fn(&LayerPair) -> u64| layers.iter().map(part).collect::<Vec<u64>>();
    let (first, second, weights) = (of(|l| l.first), of(|l| l.second), of(|l| l.weights));
    let chance = chance(&first, &second, &weights);
    MaskPair {
        weights: weights.iter().sum(),
        first: first.iter().sum(),
        second: second.iter().sum(),
        both: layers.iter().map(|l| l.both).sum(),
        chance: chance.mean,
        chance_width: chance.width(),
    }
}
