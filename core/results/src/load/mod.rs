//! The results of a study's last run, read back from what it left.
pub(crate) mod curves;
mod outcome;
pub(crate) mod pretraining;
pub(crate) mod run;

use jackpot_store::{Digest, Store};
use jackpot_study::{
    Error, IDENTICAL_TO, ManifestCell, NO_CHECK, Overlap, RecordedMasks, RunManifest,
};
use rayon::prelude::*;
use run::{Run, RunOutcome};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// What the last `jackpot run` recorded in `pins/NAME.json`, as far as the store holds it.
#[derive(Clone, Debug)]
pub struct Results {
    /// sha256 of the `study.toml` that was run.
    pub study: Digest,
    /// The device class, as recipes spell it.
    pub device_class: String,
    /// Version and build of libtorch.
    pub libtorch: String,
    /// Every cell of the grid, in the order of the plan.
    pub runs: Vec<Run>,
    /// What masks have in common. Empty until [`crate::overlaps`] computes it, except where the
    /// masks are not kept and a summary of them is.
    pub overlaps: Vec<Overlap>,
    /// The recipes of the finished trainings and of the evaluations before them, by their keys.
    pub recipes: Arc<BTreeMap<Digest, Value>>,
}

/// Reads the results of a study's last run. It needs neither plugins nor libtorch, and verifies
/// every object that it reads.
///
/// # Errors
/// A study without a recorded run, or results that are damaged. What is gone is
/// [`RunOutcome::Missing`].
pub fn collect(store: &Store, name: &str) -> Result<Results, Error> {
    results_of_pin(store, name, &RunManifest::read(store, name)?)
}

/// What a manifest names, as far as the store holds it.
pub(crate) fn results_of_pin(
    store: &Store,
    name: &str,
    pin: &RunManifest,
) -> Result<Results, Error> {
    let masks = RecordedMasks::read(store, pin)?;
    let read = |cell: &ManifestCell| -> Result<(Run, Vec<(Digest, Value)>), Error> {
        let run = read_run(store, name, &masks, cell)?;
        let recipe = |key| Ok((key, store.recipe(&key).map_err(Error::from_store)?));
        let recipes = match &run.outcome {
            RunOutcome::Done(trained) => std::iter::once(trained.key)
                .chain(trained.before.as_ref().map(|b| b.key))
                .map(recipe)
                .collect::<Result<_, Error>>()?,
            _ => Vec::new(),
        };
        Ok((run, recipes))
    };
    let mut runs = Vec::new();
    let mut recipes = BTreeMap::new();
    // Read in parallel, but reported in the order of the manifest: the first error is always the same.
    let found: Vec<_> = pin.cells.par_iter().map(read).collect();
    for found in found {
        let (run, own) = found?;
        recipes.extend(own);
        runs.push(run);
    }
    adopt_outcomes_of_tickets(&mut runs);
    Ok(Results {
        recipes: Arc::new(recipes),
        study: pin.study,
        device_class: pin.device_class.clone(),
        libtorch: pin.libtorch.to_string(),
        runs,
        overlaps: masks.overlaps,
    })
}

/// A cell that is identical to its unmodified ticket has the outcome of that ticket: where the
/// ticket has no finished run, the cell is failed, collapsed or missing, too.
fn adopt_outcomes_of_tickets(runs: &mut [Run]) {
    let name = |r: &Run| {
        let (setting, ticket) = (r.setting.clone(), r.ticket.clone());
        (setting, ticket, r.sparsity.clone(), r.seed)
    };
    let unmodified = runs.iter().filter(|r| r.check == NO_CHECK);
    let unmodified = unmodified.map(|r| (name(r), r.outcome.without_result()));
    let unmodified: BTreeMap<_, _> = unmodified.collect();
    for run in runs {
        if let RunOutcome::Identical { .. } = run.outcome
            && let Some(none) = unmodified
                .get(&name(run))
                .unwrap_or(&Some(RunOutcome::Missing))
        {
            run.outcome = none.clone();
        }
    }
}

impl RunOutcome {
    /// The outcome of a cell that is identical to one with this outcome; `None` where there is a
    /// result.
    fn without_result(&self) -> Option<RunOutcome> {
        let of = |why: &str| format!("{IDENTICAL_TO}: {why}");
        match self {
            RunOutcome::Done(_) => None,
            RunOutcome::Failed { why, diverged } => Some(RunOutcome::Failed {
                why: of(why),
                diverged: *diverged,
            }),
            RunOutcome::Collapsed { why } => Some(RunOutcome::Collapsed { why: of(why) }),
            _ => Some(RunOutcome::Missing),
        }
    }
}

/// The metrics of an action, or `None` where the store does not have them any more.
fn kept_metrics(store: &Store, key: &Digest) -> Result<Option<Digest>, Error> {
    let action = store.action(key).map_err(Error::from_store)?;
    let metrics = action.and_then(|a| a.outputs.get("metrics").copied());
    Ok(metrics.filter(|m| store.has(m)))
}

fn read_run(
    store: &Store,
    name: &str,
    masks: &RecordedMasks<'_>,
    cell: &ManifestCell,
) -> Result<Run, Error> {
    Ok(Run {
        setting: cell.setting.clone(),
        ticket: cell.ticket.clone(),
        check: cell.check.clone(),
        sparsity: cell.sparsity.clone(),
        seed: cell.seed_number(name)?,
        outcome: outcome::outcome(store, masks, cell)?,
        facts: masks.facts(cell)?,
    })
}
