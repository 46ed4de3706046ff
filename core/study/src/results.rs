//! What a report reads: the outline of a study and the results of its last run.
use crate::{
    Error,
    facts::MaskFacts,
    file::Study,
    lineage::Lineage,
    overlaps::Overlap,
    pin::{Pin, PinnedCell},
    pretraining::{Pretrained, pretrained},
    reference::Reference,
    validate,
    way::{self, Change, Way},
};
use jackpot_net::{Architecture, Mask, Network};
use jackpot_store::{Digest, Store};
use std::{collections::BTreeMap, path::Path};

/// One training of the grid, or why there is none.
#[derive(Clone, Debug)]
pub struct Run {
    /// Name of the ticket.
    pub ticket: String,
    /// Name of the check; `none` for the unmodified ticket.
    pub check: String,
    /// Decimal text; `0` for dense.
    pub sparsity: String,
    /// Of the study.
    pub seed: u64,
    /// What came out.
    pub outcome: Outcome,
    /// Of the mask that it was given or would have been; none: dense, or not known.
    pub facts: Option<MaskFacts>,
}

/// What came out of one cell.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A finished training.
    Done(Trained),
    /// The check cannot change this ticket, by construction: known at plan time, not run.
    Identical {
        /// Why, in words.
        because: String,
    },
    /// The training or an action before it failed, or the training diverged.
    Failed {
        /// Why, in words.
        why: String,
    },
    /// Not started: its mask is certain to collapse, and the study skips such trainings.
    Collapsed {
        /// Why, in words.
        why: String,
    },
    /// Not run yet, or no longer in the store.
    Missing,
}

/// A finished training.
#[derive(Clone, Debug)]
pub struct Trained {
    /// Of the action.
    pub key: Digest,
    /// The metrics object.
    pub metrics: Digest,
    /// The mask that the training was given; none: dense.
    pub mask: Option<Digest>,
    /// Percent, after the last epoch.
    pub accuracy: f64,
    /// Percent, after the best epoch.
    pub best_accuracy: f64,
    /// Percent, on the test rows after the epoch that is best on validation rows; none if the
    /// training held none back.
    pub selected_accuracy: Option<f64>,
    /// Mean cross-entropy over the test rows after the last epoch.
    pub test_loss: f64,
    /// Percent of the test images, after each epoch.
    pub curve: Vec<f64>,
    /// The dense training before pruning; none: there is none, or it is not known.
    pub pretraining: Option<Box<Pretrained>>,
    /// Name, weights, kept weights of each layer, in forward order.
    pub layers: Vec<(String, u64, u64)>,
    /// Which data each stage saw, and the epochs in all; none in a pin of an older version.
    pub lineage: Option<Box<Lineage>>,
}

impl Trained {
    /// The kept share of all prunable weights.
    pub fn density(&self) -> f64 {
        let sum = |of: fn(&(String, u64, u64)) -> u64| self.layers.iter().map(of).sum::<u64>();
        sum(|l| l.2) as f64 / sum(|l| l.1).max(1) as f64
    }
}

/// A ticket or check: the name used in files, the title used in tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// In files.
    pub name: String,
    /// In tables.
    pub title: String,
}

/// Data and network, as published tables are looked up by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Name of the data set, as `jackpot data list` shows it.
    pub set: String,
    /// As papers name it: `ResNet-32`.
    pub network: String,
    /// Channels of the first stage.
    pub width: u32,
}

/// What a report needs to know of a study file.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The folder's name.
    pub name: String,
    /// For people.
    pub title: String,
    /// sha256 of `study.toml`.
    pub digest: Digest,
    /// In the file's order.
    pub tickets: Vec<Named>,
    /// In the file's order, without "none".
    pub checks: Vec<Named>,
    /// Decimal text, in the file's order.
    pub sparsities: Vec<String>,
    /// In the file's order.
    pub seeds: Vec<u64>,
    /// Names of tables to draw, e.g. "accuracy", "differences", "layers".
    pub tables: Vec<String>,
    /// Names of figures to draw, e.g. "accuracy", "layers".
    pub figures: Vec<String>,
    /// How each ticket is made, by its name.
    pub ways: BTreeMap<String, Way>,
    /// What each check changes, by its name.
    pub changes: BTreeMap<String, Change>,
    /// What it is about.
    pub subject: Subject,
    /// Numbers of others, as the file gives them.
    pub references: Vec<Reference>,
    /// One-line facts printed above every table: data, network, training.
    pub facts: Vec<(String, String)>,
}

/// What the last `jackpot run` pinned in `pins/NAME.json`, and what the store holds of it.
#[derive(Clone, Debug)]
pub struct Results {
    /// sha256 of the `study.toml` that was run.
    pub study: Digest,
    /// As recipes spell it.
    pub device_class: String,
    /// Version and build.
    pub libtorch: String,
    /// In the plan's order.
    pub runs: Vec<Run>,
    /// Of masks with each other; empty until [`crate::overlaps`] was asked for them.
    pub overlaps: Vec<Overlap>,
}

/// Reads the outline of `FOLDER/study.toml`.
pub fn outline(folder: &Path) -> Result<Outline, Error> {
    let study = Study::load(folder)?;
    let named = |name: &String, title: &String| Named {
        name: name.clone(),
        title: title.clone(),
    };
    Ok(Outline {
        facts: facts(&study),
        ways: way::ways(&study),
        changes: way::changes(&study),
        subject: Subject {
            set: study.data.set.clone(),
            network: study.architecture.title(),
            width: study.architecture.width,
        },
        references: study.references.clone(),
        tickets: study
            .tickets
            .iter()
            .map(|t| named(&t.name, &t.title))
            .collect(),
        checks: study
            .checks
            .iter()
            .map(|c| named(&c.name, &c.title))
            .collect(),
        sparsities: study
            .sparsities
            .iter()
            .map(|s| s.text().to_owned())
            .collect(),
        name: study.name,
        title: study.title,
        digest: study.digest,
        seeds: study.seeds,
        tables: study.tables,
        figures: study.figures,
    })
}

/// One-line facts of a study: data, network, training, and the seeds if some keys are held.
pub fn facts(study: &Study) -> Vec<(String, String)> {
    let d = &study.data;
    let a = &study.architecture;
    let [channels, height, width] = a.input;
    let data = format!(
        "{}, {} training and {} test images of {channels}×{height}×{width}, {} classes",
        d.set, d.train_rows, d.test_rows, a.classes
    );
    let weights = a.build().map_or(0, |n| n.prunable_weights());
    let network = format!(
        "{} of width {}, {weights} prunable weights",
        a.title(),
        a.width
    );
    let training = crate::training::in_words(&study.training, study.precision);
    let mut facts = vec![
        ("data".to_owned(), data),
        ("network".to_owned(), network),
        ("training".to_owned(), training),
    ];
    let held = study.held.words();
    if !held.is_empty() {
        facts.push(("seeds".to_owned(), held.join(", ")));
    }
    facts
}

/// Needs no plugin and no libtorch. Every object read is verified.
pub fn collect(store: &Store, name: &str) -> Result<Results, Error> {
    let pin = Pin::read(store, name)?;
    let mut facts = Facts::new(store, &pin)?;
    let mut runs = Vec::new();
    for cell in &pin.cells {
        let seed = cell.seed.parse().map_err(|_| {
            Error(format!(
                "pins/{name}.json: `seed`: expected a number, found `{}`",
                cell.seed
            ))
        })?;
        runs.push(Run {
            ticket: cell.ticket.clone(),
            check: cell.check.clone(),
            sparsity: cell.sparsity.clone(),
            seed,
            outcome: outcome(store, cell)?,
            facts: facts.of(cell)?,
        });
    }
    Ok(Results {
        study: pin.study,
        device_class: pin.device_class,
        libtorch: pin.libtorch.to_string(),
        runs,
        overlaps: Vec::new(),
    })
}

/// Facts of masks, each made once.
struct Facts<'a> {
    store: &'a Store,
    network: Option<Network>,
    known: BTreeMap<Digest, MaskFacts>,
}

impl<'a> Facts<'a> {
    fn new(store: &'a Store, pin: &Pin) -> Result<Facts<'a>, Error> {
        let trained = pin.cells.iter().find_map(|c| c.action);
        let network = match (&pin.architecture, trained) {
            (Some(architecture), _) => {
                Some(architecture.build().map_err(|e| Error(e.to_string()))?)
            }
            (None, Some(key)) => Some(trained_network(store, &key)?),
            (None, None) => None,
        };
        Ok(Facts {
            store,
            network,
            known: BTreeMap::new(),
        })
    }

    /// None for a dense network and where the mask is not kept.
    fn of(&mut self, cell: &PinnedCell) -> Result<Option<MaskFacts>, Error> {
        let there = cell.mask.filter(|m| self.store.has(m));
        let (Some(network), Some(digest)) = (&self.network, there) else {
            return Ok(None);
        };
        let mut facts = match self.known.get(&digest) {
            Some(facts) => facts.clone(),
            None => {
                let bytes = self.store.get(&digest).map_err(Error::from_store)?;
                let mask =
                    Mask::from_bytes(&bytes).map_err(|e| Error(format!("mask {digest}: {e}")))?;
                let facts = MaskFacts::of(network, &mask, digest)?;
                self.known.insert(digest, facts.clone());
                facts
            }
        };
        if let Some(selection) = cell.selection.filter(|s| self.store.has(s)) {
            let bytes = self.store.get(&selection).map_err(Error::from_store)?;
            let selected = serde_json::from_slice(&bytes);
            let selected = selected.map_err(|e| Error(format!("selection {selection}: {e}")))?;
            facts.selected = Some(selected);
        }
        Ok(Some(facts))
    }
}

fn trained_network(store: &Store, key: &Digest) -> Result<Network, Error> {
    let recipe = store.recipe(key).map_err(Error::from_store)?;
    let wrong = |e: &dyn std::fmt::Display| Error(format!("recipe {key}: `architecture`: {e}"));
    let architecture: Architecture =
        serde_json::from_value(recipe["architecture"].clone()).map_err(|e| wrong(&e))?;
    architecture.build().map_err(|e| wrong(&e))
}

fn outcome(store: &Store, cell: &PinnedCell) -> Result<Outcome, Error> {
    if let Some(because) = &cell.identical {
        return Ok(Outcome::Identical {
            because: because.clone(),
        });
    }
    if let Some(why) = &cell.failed {
        return Ok(Outcome::Failed { why: why.clone() });
    }
    if let Some(why) = &cell.collapsed {
        return Ok(Outcome::Collapsed { why: why.clone() });
    }
    let Some(key) = cell.action else {
        return Ok(Outcome::Missing);
    };
    let Some(action) = store.action(&key).map_err(Error::from_store)? else {
        return Ok(Outcome::Missing);
    };
    let metrics = *action.outputs.get("metrics").ok_or_else(|| {
        Error(format!(
            "action {key}: expected the output `metrics`, found none"
        ))
    })?;
    if !store.has(&metrics) || cell.mask.is_some_and(|m| !store.has(&m)) {
        return Ok(Outcome::Missing);
    }
    let bytes = store.get(&metrics).map_err(Error::from_store)?;
    let numbers = match validate::metrics(&bytes) {
        Ok(numbers) => numbers,
        Err(failure) if failure.kind == "diverged" => {
            return Ok(Outcome::Failed {
                why: failure.message,
            });
        }
        Err(failure) => return Err(Error(format!("action {key}: {failure}"))),
    };
    Ok(Outcome::Done(Trained {
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
        layers: layers(store, &key, cell.mask)?,
        lineage: cell.lineage.clone().map(Box::new),
    }))
}

/// Layer counts from the mask, or, of a dense network, from the recipe's architecture.
fn layers(
    store: &Store,
    key: &Digest,
    mask: Option<Digest>,
) -> Result<Vec<(String, u64, u64)>, Error> {
    let mask = match mask {
        Some(digest) => {
            let bytes = store.get(&digest).map_err(Error::from_store)?;
            Mask::from_bytes(&bytes).map_err(|e| Error(format!("mask {digest}: {e}")))?
        }
        None => Mask::dense(&trained_network(store, key)?),
    };
    let counts = mask.counts();
    let rows = mask.layers.iter().zip(counts);
    Ok(rows
        .map(|(l, kept)| (l.name.clone(), l.kept.len() as u64, kept))
        .collect())
}
