//! A study in a few lines: how many runs there are, how accurate tickets are, and what failed.

use crate::model::cells::name_of;
use crate::model::format::{self, DENSE};
use crate::model::grid::Grid;
use jackpot_results::RunOutcome;
use std::collections::BTreeSet;

/// The number of runs by outcome, in a sentence.
pub(crate) fn count(grid: &Grid<'_>) -> String {
    let outcomes = || {
        grid.cells
            .iter()
            .flat_map(|c| &c.runs)
            .map(|(_, r)| r.map(|r| &r.outcome))
    };
    let done = outcomes()
        .filter(|o| matches!(o, Some(RunOutcome::Done(_))))
        .count();
    let failed = outcomes()
        .filter(|o| matches!(o, Some(RunOutcome::Failed { .. })))
        .count();
    let not_run = outcomes()
        .filter(|o| matches!(o, Some(RunOutcome::Identical { .. })))
        .count();
    let skipped = outcomes()
        .filter(|o| matches!(o, Some(RunOutcome::Collapsed { .. })))
        .count();
    let not_applicable = outcomes()
        .filter(|o| matches!(o, Some(RunOutcome::NotApplicable { .. })))
        .count();
    let said = [
        (not_applicable, "not applicable"),
        (skipped, "skipped, certain to collapse"),
    ];
    let said = said.iter().filter(|(n, _)| *n > 0);
    let said: String = said.map(|(n, what)| format!(" {n} {what},")).collect();
    let asked = outcomes().count();
    let trained = grid
        .cells
        .iter()
        .flat_map(|c| c.trained())
        .map(|(_, t)| t.key);
    let trained = trained.collect::<BTreeSet<_>>().len();
    format!(
        "{asked} runs: {done} measured by {trained} trainings, {not_run} identical by construction \
         and not run,{said} {failed} failed, {} missing.",
        asked - done - failed - not_run - not_applicable - skipped
    )
}

/// Lines for a terminal: the number of runs, and the accuracy of each ticket.
pub(crate) fn lines(grid: &Grid<'_>) -> Vec<String> {
    let mut lines = vec![count(grid)];
    for sparsity in std::iter::once(DENSE).chain(grid.sparsities()) {
        let unmodified = grid.at(sparsity).filter(|cell| cell.check.is_none());
        let tickets: Vec<String> = unmodified
            .map(|cell| {
                let accuracy = format::mean_sd(grid.summary(cell).accuracy, 2);
                format!("{} {accuracy}", cell.ticket.title)
            })
            .collect();
        if !tickets.is_empty() {
            let sparsity = format::sparsity(sparsity);
            lines.push(format!(
                "{sparsity}, test accuracy in %: {}",
                tickets.join("; ")
            ));
        }
    }
    lines
}

/// One line for each failed run.
pub(crate) fn failures(grid: &Grid<'_>) -> Vec<String> {
    let runs = grid.cells.iter().flat_map(|c| &c.runs);
    let failed = runs.filter_map(|(_, run)| match &(*run)?.outcome {
        RunOutcome::Failed { why, .. } => Some((name_of((*run)?), format::shortened(why))),
        _ => None,
    });
    failed
        .map(|(name, why)| format!("failed: {name}: {why}"))
        .collect()
}
