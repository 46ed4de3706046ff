//! Table `accuracy`: accuracy and test loss by ticket, check and sparsity.

use crate::model::cells::{Cell, metrics};
use crate::model::format::{self, DENSE};
use crate::model::grid::{COLLAPSE_POINTS, Grid, Summary};
use crate::model::inputs::inputs_of;
use crate::model::mean_sd::MeanSd;
use crate::model::notes::not_measured;
use crate::tables::columns::{CellRow, Columns};
use crate::tables::table::{Data, Table};
use crate::tables::value::{Entry, Value};

/// Which optional columns the table has: those for something that happened in at least one
/// training.
#[derive(Clone, Copy)]
struct OptionalColumns {
    selects: bool,
    collapses: bool,
}

impl OptionalColumns {
    fn of(grid: &Grid<'_>) -> OptionalColumns {
        let mut trained = grid.cells.iter().flat_map(Cell::trained);
        OptionalColumns {
            selects: grid.selects(),
            collapses: trained.any(|(_, t)| grid.collapsed(t)),
        }
    }
}

/// The columns. The selected epoch has a column only if a training selected one, and the columns
/// about collapsed runs are shown only if a run collapsed.
fn columns<'g, 'a: 'g>(seen: OptionalColumns) -> Columns<'static, CellRow<'g, 'a>> {
    let mut columns = Columns::of_cells()
        .text("state", None, |row| Entry::text(state(row)))
        .mean_sd("accuracy", "accuracy, %", |row| {
            match not_measured(row.grid, row.cell) {
                Some(word) => Value::Absent(word).into(),
                None => row.measured(row.summary.accuracy, 2),
            }
        });
    if seen.selects {
        columns = columns.mean_sd("selected_accuracy", "selected epoch, %", |row| {
            own(row, row.summary.selected, 2)
        });
    }
    if seen.collapses {
        columns = columns.mean_sd("alive_accuracy", "without collapsed, %", |row| {
            let alive: Vec<f64> = (row.cell.trained())
                .filter(|(_, t)| !row.grid.collapsed(t))
                .map(|(_, t)| t.accuracy)
                .collect();
            own(row, MeanSd::of(&alive), 2)
        });
    }
    columns
        .mean_sd("best_accuracy", "best epoch, %", |row| {
            own(row, row.summary.best, 2)
        })
        .mean_sd("test_loss", "test loss", |row| {
            own(row, row.summary.loss, 4)
        })
        .n(|row| match not_measured(row.grid, row.cell) {
            Some(_) => Value::CountOf(0, 0).into(),
            None => Entry::of_runs(row.n().value, row.cell.keys()),
        })
        .text("seed_list", None, |row| {
            let seeds: Vec<String> = row
                .cell
                .trained()
                .map(|(seed, _)| seed.to_string())
                .collect();
            Entry::text(seeds.join(" "))
        })
        .count("failed", None, |row| count(row.summary.failed))
        .count("missing", None, |row| count(row.summary.missing))
        .count("collapsed", seen.collapses.then_some("collapsed"), |row| {
            row.summary.collapsed.map_or(Value::Blank.into(), count)
        })
        .count("diverged", None, |row| count(row.summary.diverged))
        .notes(CellRow::notes)
}

pub(crate) fn table(grid: &Grid<'_>) -> Table {
    let seen = OptionalColumns::of(grid);
    let sparsities = std::iter::once(DENSE).chain(grid.sparsities());
    Table {
        name: "accuracy",
        title: "accuracy",
        about: about(grid, seen),
        sections: columns(seen).by_sparsity(grid, sparsities, |_| true),
        data: Data::Rows,
        keys: &["sparsity", "ticket", "check"],
        inputs: inputs_of(metrics(&grid.cells)),
    }
}

fn about(grid: &Grid<'_>, seen: OptionalColumns) -> Vec<String> {
    let collapse = match grid.chance {
        Some(chance) => format!(
            "A run is called collapsed when its last accuracy is within {COLLAPSE_POINTS} points of \
             chance ({} %); it stays in the means, and *without collapsed*, where it is shown, is \
             the mean without it.",
            format::number(chance, 1)
        ),
        None => "The study does not say how many classes there are, so collapsed runs are not \
                 counted."
            .into(),
    };
    let mut about = vec![
        "Mean ± standard deviation (n − 1) over seeds, after the last epoch; *best epoch* is the \
         highest test accuracy of any epoch, and is chosen on the test set. *identical* marks a \
         check that cannot change the ticket: nothing was measured there."
            .into(),
        collapse,
    ];
    if seen.selects {
        about.push(
            "*selected epoch* is the test accuracy after the epoch that is best on the training \
             rows held back for validation: the choice never saw the test set."
                .into(),
        );
    }
    if grid.cells.iter().any(|c| c.not_applicable().is_some()) {
        about.push(
            "*not applicable* marks a check that cannot be applied to the ticket: nothing is known \
             of its effect."
                .into(),
        );
    }
    about
}

/// A mean of the cell, or nothing if the cell has no measurement of its own.
fn own(row: &CellRow<'_, '_>, value: Option<MeanSd>, digits: usize) -> Entry {
    if not_measured(row.grid, row.cell).is_some() {
        return Entry::of_runs(Value::Blank, row.cell.keys());
    }
    row.measured(value, digits)
}

fn count(n: usize) -> Entry {
    Value::Count(n as u64).into()
}

/// The state of a cell in one word, for programs.
fn state(row: &CellRow<'_, '_>) -> &'static str {
    if let Some(word) = not_measured(row.grid, row.cell) {
        return word;
    }
    match &row.summary {
        // Some seeds share the training of the unmodified ticket, and the others are missing.
        Summary {
            n: 0, not_run: 1.., ..
        } => "incomplete",
        Summary {
            n: 0, failed: 1.., ..
        } => "failed",
        Summary {
            n: 0, skipped: 1.., ..
        } => "collapsed",
        Summary { n: 0, .. } => "missing",
        s if s.n < s.asked => "incomplete",
        _ => "measured",
    }
}
