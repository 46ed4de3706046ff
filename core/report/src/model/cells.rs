//! The cells of a study: all seeds of one ticket under one check at one sparsity.

use jackpot_results::{Before, Named, Run, RunOutcome, TrainedRun};
use jackpot_store::Digest;
use jackpot_study::Lineage;
use std::collections::BTreeSet;

/// The name that stands for the check of an unmodified ticket.
pub(crate) const UNMODIFIED: &str = "none";

/// All seeds of one ticket under one check at one sparsity.
#[derive(Clone)]
pub(crate) struct Cell<'a> {
    pub sparsity: &'a str,
    pub ticket: &'a Named,
    /// `None` for the unmodified ticket.
    pub check: Option<&'a Named>,
    /// The run of each seed that the study asks for, in its order. `None` if the results lack it.
    pub runs: Vec<(u64, Option<&'a Run>)>,
}

impl<'a> Cell<'a> {
    /// The runs that were trained, with their seeds.
    pub fn trained(&self) -> impl Iterator<Item = (u64, &'a TrainedRun)> {
        self.runs.iter().filter_map(|(seed, run)| match run {
            Some(Run {
                outcome: RunOutcome::Done(trained),
                ..
            }) => Some((*seed, trained)),
            _ => None,
        })
    }

    /// The keys of the trainings.
    pub fn keys(&self) -> impl Iterator<Item = Digest> {
        self.trained().map(|(_, t)| t.key)
    }

    /// The lineage of its trainings, which is the same for every seed.
    pub fn lineage(&self) -> Option<&'a Lineage> {
        self.trained().find_map(|(_, t)| t.lineage.as_deref())
    }

    /// The trainings whose pruned network was evaluated before, with that evaluation.
    pub fn before(&self) -> impl Iterator<Item = (&'a TrainedRun, &'a Before)> {
        self.trained()
            .filter_map(|(_, t)| Some((t, t.before.as_ref()?)))
    }

    /// The epochs of all trainings that the cell needs, including its own.
    pub fn total_epochs(&self) -> Option<f64> {
        self.lineage()?.epochs.parse().ok()
    }

    /// The training of one seed.
    pub fn of_seed(&self, seed: u64) -> Option<&'a TrainedRun> {
        self.trained().find(|(s, _)| *s == seed).map(|(_, t)| t)
    }

    /// The reason why the cell cannot differ from its unmodified ticket, if none of its seeds had
    /// to be run.
    pub fn identical(&self) -> Option<&'a str> {
        self.of_every_seed(|outcome| match outcome {
            RunOutcome::Identical { because } => Some(because),
            _ => None,
        })
    }

    /// The reason why the check cannot be applied to the ticket, if it cannot.
    pub fn not_applicable(&self) -> Option<&'a str> {
        self.of_every_seed(|outcome| match outcome {
            RunOutcome::NotApplicable { because } => Some(because),
            _ => None,
        })
    }

    fn of_every_seed(&self, reason: fn(&'a RunOutcome) -> Option<&'a str>) -> Option<&'a str> {
        let reasons = self.runs.iter().map(|(_, run)| reason(&(*run)?.outcome));
        let reasons: Option<Vec<_>> = reasons.collect();
        reasons.and_then(|all| all.first().copied())
    }

    pub fn check_name(&self) -> &'a str {
        self.check.map_or(UNMODIFIED, |c| c.name.as_str())
    }
}

/// The digests of the metrics of every training in `cells`.
pub(crate) fn metrics<'c, 'a: 'c>(
    cells: impl IntoIterator<Item = &'c Cell<'a>>,
) -> BTreeSet<Digest> {
    let trained = cells.into_iter().flat_map(|c| c.trained());
    trained.map(|(_, t)| t.metrics).collect()
}

/// The digests of the metrics and of the masks of all runs, each in the order of the grid.
pub(crate) fn in_order(cells: &[Cell<'_>]) -> [Vec<Digest>; 2] {
    let mut found = [Vec::new(), Vec::new()];
    let runs = cells.iter().flat_map(|c| &c.runs);
    for run in runs.filter_map(|(_, run)| *run) {
        let trained = match &run.outcome {
            RunOutcome::Done(trained) => Some(trained),
            _ => None,
        };
        found[0].extend(trained.map(|t| t.metrics));
        let mask = run.facts.as_ref().map(|facts| facts.mask);
        found[1].extend(mask.or(trained.and_then(|t| t.mask)));
    }
    found
}

/// The name of a run in messages, such as `` `snip` under `rearrange` at 0.9, seed 3``.
pub(crate) fn name_of(run: &Run) -> String {
    let check = match run.check.as_str() {
        UNMODIFIED => String::new(),
        check => format!(" under `{check}`"),
    };
    format!(
        "`{}`{check} at {}, seed {}",
        run.ticket, run.sparsity, run.seed
    )
}
