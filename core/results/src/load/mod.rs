//! The results of a study's last run, read back from what it left.
pub(crate) mod curves;
mod outcome;
pub(crate) mod pretraining;
pub(crate) mod run;

use jackpot_store::{Digest, Store};
use jackpot_study::{Error, IDENTICAL_TO, NO_CHECK, Overlap, Pin, PinnedCell, RecordedMasks};
use rayon::prelude::*;
use run::{Outcome, Run};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

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

/// Needs no plugin and no libtorch. Every object read is verified.
pub fn collect(store: &Store, name: &str) -> Result<Results, Error> {
    results_of_pin(store, name, &Pin::read(store, name)?)
}

/// What a pin names, as far as the store holds it.
pub(crate) fn results_of_pin(store: &Store, name: &str, pin: &Pin) -> Result<Results, Error> {
    let masks = RecordedMasks::read(store, pin)?;
    let read = |cell: &PinnedCell| -> Result<(Run, Vec<(Digest, Value)>), Error> {
        let run = read_run(store, name, &masks, cell)?;
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
        overlaps: masks.overlaps,
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

fn read_run(
    store: &Store,
    name: &str,
    masks: &RecordedMasks<'_>,
    cell: &PinnedCell,
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
