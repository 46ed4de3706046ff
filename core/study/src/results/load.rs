//! What a report reads: the outline of a study and the results of its last run.
use crate::{
    Error,
    actions::validate,
    analysis::{Analysis, Declared},
    describe::way::{self, Change, Way},
    plan::lineage::Lineage,
    plan::pretraining::{Pretrained, pretrained},
    results::facts::MaskFacts,
    results::overlaps::Overlap,
    run::lock::Lock,
    run::manifest::{Pin, PinnedCell},
    run::mask_summary::Survey,
    spec::file::Study,
    spec::names::NO_CHECK,
    spec::reference::Reference,
    spec::repeat::Series,
    spec::setting::{self, Setting},
};
use jackpot_net::{Architecture, Network};
use jackpot_prune::Mask;
use jackpot_store::{Digest, Store};
use rayon::prelude::*;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

/// One training of the grid, or why there is none.
#[derive(Clone, Debug)]
pub struct Run {
    /// Name of the setting; none in a study without settings.
    pub setting: Option<String>,
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
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all of them are the large one"
)]
pub enum Outcome {
    /// A finished training.
    Done(Trained),
    /// The check cannot change this ticket, by construction: known at plan time, not run; the
    /// unmodified ticket has run.
    Identical {
        /// Why, in words.
        because: String,
    },
    /// The check changes what is trained before the ticket, and the ticket is given weights of an
    /// object: nothing of the check can be applied there, and nothing is known of its effect.
    NotApplicable {
        /// Why, in words.
        because: String,
    },
    /// The training or an action before it failed, or the training diverged.
    Failed {
        /// Why, in words.
        why: String,
        /// Whether it is the training itself, and its loss is no number any more.
        diverged: bool,
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
    /// The pruned network before this training; none: the study does not ask, or no trained
    /// weights were pruned.
    pub before: Option<Before>,
    /// Name, weights, kept weights of each layer, in forward order.
    pub layers: Vec<(String, u64, u64)>,
    /// Which test images the last weights got right; none: the results do not hold them.
    pub bits: Option<TestBits>,
    /// Which data each stage saw, and the epochs in all; none in a pin of an older version.
    pub lineage: Option<Box<Lineage>>,
}

/// A pruned network before it is trained on.
#[derive(Clone, Debug, PartialEq)]
pub struct Before {
    /// Of the action.
    pub key: Digest,
    /// Its metrics object.
    pub metrics: Digest,
    /// Percent of the test images.
    pub accuracy: f64,
    /// Mean cross-entropy over the test rows.
    pub test_loss: f64,
}

/// Right or wrong, one bit a test image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestBits {
    /// Test images.
    pub rows: u64,
    /// Image i is bit i mod 8 of byte i / 8, 1 for right.
    pub right: Vec<u8>,
}

impl Trained {
    /// The kept share of all prunable weights.
    pub fn density(&self) -> f64 {
        let sum = |of: fn(&(String, u64, u64)) -> u64| self.layers.iter().map(of).sum::<u64>();
        sum(|l| l.2) as f64 / sum(|l| l.1).max(1) as f64
    }
}

/// A ticket, check or setting: the name used in files, the title used in tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// In files.
    pub name: String,
    /// In tables.
    pub title: String,
    /// Where it stands in the block with `each` that it was written in; none: it is alone.
    pub series: Option<Series>,
}

/// One of the settings that the grid is run in.
#[derive(Clone, Debug)]
pub struct SettingOutline {
    /// In files and in tables.
    pub named: Named,
    /// Its own one-line facts: data, network, training.
    pub facts: Vec<(String, String)>,
    /// How each ticket is made in it, by its name.
    pub ways: BTreeMap<String, Way>,
    /// What it is about.
    pub subject: Subject,
    /// Place, in the file's order, of the first setting that differs from it in nothing but the
    /// learning rate; its own, where none before it does.
    pub but_for_the_rate: usize,
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
    /// Of the data set; 0: not known.
    pub classes: u32,
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
    /// In the file's order; empty for a study without settings.
    pub settings: Vec<SettingOutline>,
    /// In the file's order.
    pub tickets: Vec<Named>,
    /// In the file's order, without "none".
    pub checks: Vec<Named>,
    /// Decimal text, in the file's order.
    pub sparsities: Vec<String>,
    /// In the file's order.
    pub seeds: Vec<u64>,
    /// What it concludes from.
    pub analysis: Analysis,
    /// What its lock says was declared, in order.
    pub declared: Vec<Declared>,
    /// Names of tables to draw, e.g. "accuracy", "differences", "layers".
    pub tables: Vec<String>,
    /// Names of figures to draw, e.g. "accuracy", "layers".
    pub figures: Vec<String>,
    /// How each ticket is made, by its name; of a study with settings, in the first.
    pub ways: BTreeMap<String, Way>,
    /// What each check changes, by its name.
    pub changes: BTreeMap<String, Change>,
    /// What it is about; of a study with settings, the first.
    pub subject: Subject,
    /// Of the study's own `[training]`; none: it has none, or names no rate.
    pub learning_rate: Option<f64>,
    /// Numbers of others, as the file gives them.
    pub references: Vec<Reference>,
    /// One-line facts printed above every table: data, network, training; of a study with
    /// settings one line each.
    pub facts: Vec<(String, String)>,
}

impl Outline {
    /// The study's grids, one for each setting, each as if it were a study of its own: its
    /// facts, and `settings` with itself alone. A study without settings is its one part.
    pub fn parts(&self, results: &Results) -> Vec<(Outline, Results)> {
        if self.settings.is_empty() {
            return vec![(self.clone(), results.clone())];
        }
        let one = |setting: &SettingOutline| {
            let held = self.facts.iter().filter(|(name, _)| name == "seeds");
            let name = Some(&setting.named.name);
            let ours = |r: &&Reference| r.setting.is_none() || r.setting.as_ref() == name;
            let outline = Outline {
                settings: vec![setting.clone()],
                ways: setting.ways.clone(),
                subject: setting.subject.clone(),
                references: self.references.iter().filter(ours).cloned().collect(),
                facts: setting.facts.iter().chain(held).cloned().collect(),
                ..self.clone()
            };
            let runs = results.runs.iter().filter(|r| r.setting.as_ref() == name);
            let results = Results {
                runs: runs.cloned().collect(),
                study: results.study,
                device_class: results.device_class.clone(),
                libtorch: results.libtorch.clone(),
                recipes: results.recipes.clone(),
                overlaps: (results.overlaps.iter())
                    .filter(|o| o.setting.as_ref() == name)
                    .cloned()
                    .collect(),
            };
            (outline, results)
        };
        self.settings.iter().map(one).collect()
    }
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
    /// Of masks with each other; empty until [`crate::overlaps`] was asked for them, but where the
    /// masks are not kept and a survey of them is.
    pub overlaps: Vec<Overlap>,
    /// The recipes of the finished trainings and of the evaluations before them, by their keys.
    pub recipes: Arc<BTreeMap<Digest, Value>>,
}

/// Reads the outline of `FOLDER/study.toml`.
pub fn outline(folder: &Path) -> Result<Outline, Error> {
    let study = Study::load(folder)?;
    let alike = setting::but_for_the_rate(&study.settings);
    let settings = study.settings.iter().zip(alike).filter_map(|(s, alike)| {
        Some(SettingOutline {
            named: named(s.name.as_ref()?, &s.title, &s.series),
            facts: facts_of(s),
            ways: way::ways(s),
            subject: subject(s),
            but_for_the_rate: alike,
        })
    });
    Ok(Outline {
        facts: facts(&study),
        ways: way::ways(&study.settings[0]),
        changes: way::changes(&study),
        subject: subject(&study.settings[0]),
        learning_rate: study.learning_rate,
        references: study.references.clone(),
        declared: Lock::read(&study.folder)?.map_or(Vec::new(), |l| l.analysis),
        settings: settings.collect(),
        tickets: (study.tickets().iter())
            .map(|t| named(&t.name, &t.title, &t.series))
            .collect(),
        checks: (study.checks.iter())
            .map(|c| named(&c.name, &c.title, &c.series))
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
        analysis: study.analysis,
        tables: study.tables,
        figures: study.figures,
    })
}

fn subject(setting: &Setting) -> Subject {
    Subject {
        set: setting.data.set.clone(),
        network: setting.architecture.title(),
        width: setting.architecture.width,
        classes: setting.architecture.classes,
    }
}

fn named(name: &str, title: &str, series: &Option<Series>) -> Named {
    Named {
        name: name.to_owned(),
        title: title.to_owned(),
        series: series.clone(),
    }
}

/// One-line facts of a study: data, network, training, or one line for each of its settings;
/// and the seeds if some keys are held.
pub fn facts(study: &Study) -> Vec<(String, String)> {
    let mut facts = match study.settings.as_slice() {
        [only @ Setting { name: None, .. }] => facts_of(only),
        settings => {
            let line = |s: &Setting| {
                let facts: Vec<String> = facts_of(s).into_iter().map(|f| f.1).collect();
                (s.title.clone(), facts.join("; "))
            };
            settings.iter().map(line).collect()
        }
    };
    if let Some(precision) = study.scoring {
        let computed = format!("derivatives in {}", precision.in_words());
        facts.push(("scores".to_owned(), computed));
    }
    let held = study.held.words();
    if !held.is_empty() {
        facts.push(("seeds".to_owned(), held.join(", ")));
    }
    facts
}

/// Data, network, training.
fn facts_of(setting: &Setting) -> Vec<(String, String)> {
    let d = &setting.data;
    let a = &setting.architecture;
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
    let training = crate::spec::training::in_words(&setting.training, setting.compute);
    vec![
        ("data".to_owned(), data),
        ("network".to_owned(), network),
        ("training".to_owned(), training),
    ]
}

/// Needs no plugin and no libtorch. Every object read is verified.
pub fn collect(store: &Store, name: &str) -> Result<Results, Error> {
    results_of_pin(store, name, &Pin::read(store, name)?)
}

/// What a pin names, as far as the store holds it.
pub(crate) fn results_of_pin(store: &Store, name: &str, pin: &Pin) -> Result<Results, Error> {
    let facts = Facts::new(store, pin)?;
    let read = |cell: &PinnedCell| -> Result<(Run, Vec<(Digest, Value)>), Error> {
        let run = read_run(store, name, &facts, cell)?;
        let recipe = |key| Ok((key, store.recipe(&key).map_err(Error::from_store)?));
        let recipes = match &run.outcome {
            Outcome::Done(trained) => std::iter::once(trained.key)
                .chain(trained.before.as_ref().map(|b| b.key))
                .map(recipe)
                .collect::<Result<_, Error>>()?,
            _ => Vec::new(),
        };
        Ok((run, recipes))
    };
    let mut runs = Vec::new();
    let mut recipes = BTreeMap::new();
    // Read side by side, but told in the pin's order: the first error is always the same.
    let found: Vec<_> = pin.cells.par_iter().map(read).collect();
    for found in found {
        let (run, own) = found?;
        recipes.extend(own);
        runs.push(run);
    }
    stand_by_their_tickets(&mut runs);
    Ok(Results {
        recipes: Arc::new(recipes),
        study: pin.study,
        device_class: pin.device_class.clone(),
        libtorch: pin.libtorch.to_string(),
        runs,
        overlaps: facts.overlaps,
    })
}

/// A cell that is identical to its unmodified ticket is what that came to: where no run of the
/// ticket stands behind it, it is failed, collapsed or missing too.
fn stand_by_their_tickets(runs: &mut [Run]) {
    let name = |r: &Run| {
        let (setting, ticket) = (r.setting.clone(), r.ticket.clone());
        (setting, ticket, r.sparsity.clone(), r.seed)
    };
    let unmodified = runs.iter().filter(|r| r.check == NO_CHECK);
    let unmodified = unmodified.map(|r| (name(r), r.outcome.without_result()));
    let unmodified: BTreeMap<_, _> = unmodified.collect();
    for run in runs {
        if let Outcome::Identical { .. } = run.outcome
            && let Some(none) = unmodified
                .get(&name(run))
                .unwrap_or(&Some(Outcome::Missing))
        {
            run.outcome = none.clone();
        }
    }
}

impl Outcome {
    /// What a cell comes to that is identical to one that came to this; none: there is a result.
    fn without_result(&self) -> Option<Outcome> {
        let of = |why: &str| format!("{IDENTICAL_TO}: {why}");
        match self {
            Outcome::Done(_) => None,
            Outcome::Failed { why, diverged } => Some(Outcome::Failed {
                why: of(why),
                diverged: *diverged,
            }),
            Outcome::Collapsed { why } => Some(Outcome::Collapsed { why: of(why) }),
            _ => Some(Outcome::Missing),
        }
    }
}

/// What the reason of a cell begins with whose unmodified ticket has no result.
pub(crate) const IDENTICAL_TO: &str = "identical to the unmodified ticket";

fn read_run(store: &Store, name: &str, facts: &Facts<'_>, cell: &PinnedCell) -> Result<Run, Error> {
    let seed = cell.seed.parse().map_err(|_| {
        Error(format!(
            "pins/{name}.json: `seed`: expected a number, found `{}`",
            cell.seed
        ))
    })?;
    Ok(Run {
        setting: cell.setting.clone(),
        ticket: cell.ticket.clone(),
        check: cell.check.clone(),
        sparsity: cell.sparsity.clone(),
        seed,
        outcome: outcome(store, facts, cell)?,
        facts: facts.of(cell)?,
    })
}

/// Facts of masks, each read once.
pub(crate) struct Facts<'a> {
    store: &'a Store,
    /// By the setting's name.
    networks: BTreeMap<Option<String>, Network>,
    pub known: BTreeMap<(Option<String>, Digest), (MaskFacts, Layers)>,
    /// Of a survey; empty where the masks themselves are here.
    overlaps: Vec<Overlap>,
}

/// Name, weights, kept weights of each layer, in forward order.
pub(crate) type Layers = Vec<(String, u64, u64)>;

impl<'a> Facts<'a> {
    pub(crate) fn new(store: &'a Store, pin: &Pin) -> Result<Facts<'a>, Error> {
        let build = |a: &Architecture| a.build().map_err(|e| Error(e.to_string()));
        let mut networks = BTreeMap::new();
        for (name, architecture) in &pin.settings {
            networks.insert(Some(name.clone()), build(architecture)?);
        }
        let trained = pin.cells.iter().find_map(|c| c.action);
        match (&pin.architecture, trained) {
            (Some(architecture), _) => {
                networks.insert(None, build(architecture)?);
            }
            (None, Some(key)) if networks.is_empty() => {
                networks.insert(None, trained_network(store, &key)?);
            }
            _ => {}
        }
        let mut facts = Facts {
            store,
            networks,
            known: BTreeMap::new(),
            overlaps: Vec::new(),
        };
        let masks = pin.cells.iter().filter_map(|c| facts.name(c));
        let masks: BTreeSet<_> = masks.collect();
        let masks: Vec<_> = masks.into_iter().collect();
        let made: Vec<_> = masks.par_iter().map(|mask| facts.make(mask)).collect();
        for (mask, made) in masks.into_iter().zip(made) {
            facts.known.insert(mask, made?);
        }
        let absent = |cell: &PinnedCell| cell.mask.is_some_and(|mask| !store.has(&mask));
        if pin.cells.iter().any(absent)
            && let Some(survey) = Survey::read(store, pin)?
        {
            for one in survey.masks {
                let name = (one.setting, one.facts.mask);
                facts.known.entry(name).or_insert((one.facts, one.layers));
            }
            facts.overlaps = survey.overlaps;
        }
        Ok(facts)
    }

    /// Which facts are a cell's; none for a dense network and where the mask is not kept.
    fn name(&self, cell: &PinnedCell) -> Option<(Option<String>, Digest)> {
        let digest = cell.mask.filter(|m| self.store.has(m))?;
        let known = self.networks.contains_key(&cell.setting);
        known.then(|| (cell.setting.clone(), digest))
    }

    fn make(
        &self,
        (setting, digest): &(Option<String>, Digest),
    ) -> Result<(MaskFacts, Layers), Error> {
        let mask = mask(self.store, digest)?;
        let facts = MaskFacts::of(&self.networks[setting], &mask, *digest)?;
        Ok((facts, counted(&mask)))
    }

    fn known(&self, cell: &PinnedCell) -> Option<&(MaskFacts, Layers)> {
        self.known.get(&(cell.setting.clone(), cell.mask?))
    }

    /// Layer counts from the mask, or, of a dense network, from the recipe's architecture.
    fn layers(&self, cell: &PinnedCell, key: &Digest) -> Result<Layers, Error> {
        let mask = match (self.known(cell), cell.mask) {
            (Some((_, layers)), _) => return Ok(layers.clone()),
            (None, Some(digest)) => mask(self.store, &digest)?,
            (None, None) => Mask::dense(&trained_network(self.store, key)?),
        };
        Ok(counted(&mask))
    }

    fn of(&self, cell: &PinnedCell) -> Result<Option<MaskFacts>, Error> {
        let Some((facts, _)) = self.known(cell) else {
            return Ok(None);
        };
        let mut facts = facts.clone();
        if let Some(selection) = cell.selection.filter(|s| self.store.has(s)) {
            let bytes = self.store.get(&selection).map_err(Error::from_store)?;
            let selected = serde_json::from_slice(&bytes);
            let selected = selected.map_err(|e| Error(format!("selection {selection}: {e}")))?;
            facts.selected = Some(selected);
        }
        Ok(Some(facts))
    }
}

/// A mask of the store, verified.
pub(crate) fn mask(store: &Store, digest: &Digest) -> Result<Mask, Error> {
    let bytes = store.get(digest).map_err(Error::from_store)?;
    Mask::from_bytes(&bytes).map_err(|e| Error(format!("mask {digest}: {e}")))
}

fn counted(mask: &Mask) -> Layers {
    let rows = mask.layers.iter().zip(mask.counts());
    rows.map(|(l, kept)| (l.name.clone(), l.kept.len() as u64, kept))
        .collect()
}

fn trained_network(store: &Store, key: &Digest) -> Result<Network, Error> {
    let recipe = store.recipe(key).map_err(Error::from_store)?;
    let wrong = |e: &dyn std::fmt::Display| Error(format!("recipe {key}: `architecture`: {e}"));
    let architecture: Architecture =
        serde_json::from_value(recipe["architecture"].clone()).map_err(|e| wrong(&e))?;
    architecture.build().map_err(|e| wrong(&e))
}

fn outcome(store: &Store, facts: &Facts<'_>, cell: &PinnedCell) -> Result<Outcome, Error> {
    if let Some(because) = &cell.identical {
        return Ok(Outcome::Identical {
            because: because.clone(),
        });
    }
    if let Some(because) = &cell.not_applicable {
        return Ok(Outcome::NotApplicable {
            because: because.clone(),
        });
    }
    if let Some(why) = &cell.failed {
        return Ok(Outcome::Failed {
            why: why.clone(),
            diverged: false,
        });
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
    let mask_is_lost = |m: Digest| !store.has(&m) && facts.known(cell).is_none();
    if !store.has(&metrics) || cell.mask.is_some_and(mask_is_lost) {
        return Ok(Outcome::Missing);
    }
    let bytes = store.get(&metrics).map_err(Error::from_store)?;
    let numbers = match validate::metrics(&bytes) {
        Ok(numbers) => numbers,
        Err(failure) if failure.kind == "diverged" => {
            return Ok(Outcome::Failed {
                why: failure.message,
                diverged: true,
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
        before: match cell.before {
            Some(key) => before(store, key)?,
            None => None,
        },
        layers: facts.layers(cell, &key)?,
        bits: bits(store, action.outputs.get("bits"), numbers.rows)?,
        lineage: cell.lineage.clone().map(Box::new),
    }))
}

/// None where the store does not have it any more.
fn before(store: &Store, key: Digest) -> Result<Option<Before>, Error> {
    let action = store.action(&key).map_err(Error::from_store)?;
    let metrics = action.and_then(|a| a.outputs.get("metrics").copied());
    let Some(metrics) = metrics.filter(|m| store.has(m)) else {
        return Ok(None);
    };
    let bytes = store.get(&metrics).map_err(Error::from_store)?;
    let numbers =
        validate::metrics(&bytes).map_err(|failure| Error(format!("action {key}: {failure}")))?;
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
