//! Notes on a cell: what a reader must know beside its numbers.

use crate::model::cells::Cell;
use crate::model::format;
use crate::model::grid::{Grid, Summary};
use jackpot_results::RunOutcome;
use std::collections::BTreeSet;

/// The word for a cell that has no measurement of its own, or `None` if it is or will be measured.
pub(crate) fn not_measured(grid: &Grid<'_>, cell: &Cell<'_>) -> Option<&'static str> {
    let not_applicable = cell.not_applicable().map(|_| "not applicable");
    not_applicable.or_else(|| grid.identical(cell).then_some("identical"))
}

/// The notes on a cell's seeds.
pub(crate) fn notes(grid: &Grid<'_>, cell: &Cell<'_>, summary: &Summary) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(because) = cell.identical() {
        return vec![format!("not run: {}", format::shortened(because))];
    }
    if let Some(because) = cell.not_applicable() {
        return vec![because.to_owned()];
    }
    if summary.shared > 0 {
        let which = if summary.shared == summary.asked {
            String::new()
        } else {
            format!("in {} of {} seeds ", summary.shared, summary.asked)
        };
        notes.push(format!(
            "{which}the unmodified ticket's own training (one recipe)"
        ));
    }
    let others = grid.titles_of_same_recipe(cell);
    if !others.is_empty() {
        notes.push(format!("one recipe with {}", others.join(" and ")));
    }
    if summary.not_run > 0 {
        notes.push(format!(
            "{} identical by construction, not run",
            summary.not_run
        ));
    }
    if let Some(collapsed @ 1..) = summary.collapsed {
        let chance = grid
            .chance
            .map(|c| format::number(c, 1))
            .unwrap_or_default();
        let share = format::count_of(collapsed, summary.n);
        notes.push(format!(
            "{share} collapsed (accuracy at chance, {chance} %)"
        ));
    }
    if summary.skipped > 0 {
        notes.push(format!(
            "{} not run: the mask is certain to collapse",
            format::count_of(summary.skipped, summary.asked)
        ));
    }
    if summary.diverged > 0 {
        notes.push(format!(
            "{} diverged (loss not finite)",
            format::count_of(summary.diverged, summary.n)
        ));
    }
    if summary.failed > 0 {
        let outcomes = cell
            .runs
            .iter()
            .filter_map(|(_, run)| run.map(|r| &r.outcome));
        let reasons: BTreeSet<String> = outcomes
            .filter_map(|outcome| match outcome {
                RunOutcome::Failed { why, .. } => Some(format::shortened(why)),
                _ => None,
            })
            .collect();
        let reasons: Vec<_> = reasons.into_iter().collect();
        notes.push(format!("{} failed: {}", summary.failed, reasons.join("; ")));
    }
    if summary.missing > 0 {
        notes.push(format!("{} missing", summary.missing));
    }
    notes
}
