//! Table `accuracy`: accuracy and test loss by ticket, check and sparsity.

use crate::model::cells::{Cell, metrics};
use crate::model::format::DENSE;
use crate::model::grid::{COLLAPSE_POINTS, Grid, Summary};
use crate::model::inputs::inputs_of;
use crate::model::mean_sd::MeanSd;
use crate::model::{format, notes};
use crate::tables::table::{Column, ColumnKind, Data, Section, Table};
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
fn columns(OptionalColumns { selects, collapses }: OptionalColumns) -> Vec<Column> {
    let mut columns = vec![
        Column::hidden(ColumnKind::Text, "sparsity"),
        Column::new(ColumnKind::Text, "ticket", "ticket"),
        Column::new(ColumnKind::Text, "check", "check"),
        Column::hidden(ColumnKind::Text, "state"),
        Column::new(ColumnKind::MeanSd, "accuracy", "accuracy, %"),
    ];
    if selects {
        let title = "selected epoch, %";
        columns.push(Column::new(ColumnKind::MeanSd, "selected_accuracy", title));
    }
    if collapses {
        let title = "without collapsed, %";
        columns.push(Column::new(ColumnKind::MeanSd, "alive_accuracy", title));
    }
    let collapsed = Column::hidden(ColumnKind::Count, "collapsed");
    columns.extend([
        Column::new(ColumnKind::MeanSd, "best_accuracy", "best epoch, %"),
        Column::new(ColumnKind::MeanSd, "test_loss", "test loss"),
        Column::new(ColumnKind::CountOf, "n", "n"),
        Column::hidden(ColumnKind::Text, "seed_list"),
        Column::hidden(ColumnKind::Count, "failed"),
        Column::hidden(ColumnKind::Count, "missing"),
        if collapses {
            Column::new(ColumnKind::Count, "collapsed", "collapsed")
        } else {
            collapsed
        },
        Column::hidden(ColumnKind::Count, "diverged"),
        Column::new(ColumnKind::Notes, "notes", "notes"),
    ]);
    columns
}

pub(crate) fn table(grid: &Grid<'_>) -> Table {
    let seen = OptionalColumns::of(grid);
    let mut sections = Vec::new();
    for sparsity in std::iter::once(DENSE).chain(grid.sparsities()) {
        let cells = grid.at(sparsity);
        let rows = cells.map(|c| row(grid, seen, c, &grid.summary(c)));
        sections.extend(Section::at_sparsity(
            sparsity,
            columns(seen),
            rows.collect(),
        ));
    }
    Table {
        name: "accuracy",
        title: "accuracy",
        about: about(grid, seen),
        sections,
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

fn row(grid: &Grid<'_>, seen: OptionalColumns, cell: &Cell<'_>, summary: &Summary) -> Vec<Entry> {
    let absent = notes::not_measured(grid, cell);
    // A cell that is not measured has no numbers of its own.
    let own = |value| {
        if absent.is_some() {
            Value::Blank
        } else {
            value
        }
    };
    let measured = |value, digits| {
        let value = own(Value::mean_sd(value, digits));
        Entry::of_runs(value, cell.keys())
    };
    let count = |n: usize| Value::Count(n as u64).into();
    let accuracy = match absent {
        Some(word) => Value::Absent(word).into(),
        None => measured(summary.accuracy, 2),
    };
    let mut row = vec![
        Entry::text(cell.sparsity),
        Entry::named(cell.ticket),
        Entry::check(cell.check),
        Entry::text(state(grid, cell, summary)),
        accuracy,
    ];
    if seen.selects {
        row.push(measured(summary.selected, 2));
    }
    if seen.collapses {
        let alive: Vec<f64> = (cell.trained())
            .filter(|(_, t)| !grid.collapsed(t))
            .map(|(_, t)| t.accuracy)
            .collect();
        row.push(measured(MeanSd::of(&alive), 2));
    }
    let seeds: Vec<String> = cell.trained().map(|(seed, _)| seed.to_string()).collect();
    row.extend([
        measured(summary.best, 2),
        measured(summary.loss, 4),
        match absent {
            Some(_) => Value::CountOf(0, 0).into(),
            None => Entry::of_runs(Value::CountOf(summary.n, summary.asked), cell.keys()),
        },
        Entry::text(seeds.join(" ")),
        count(summary.failed),
        count(summary.missing),
        summary.collapsed.map_or(Value::Blank.into(), count),
        count(summary.diverged),
        Entry::text(notes::notes(grid, cell, summary).join("; ")),
    ]);
    row
}

/// The state of a cell in one word, for programs.
fn state(grid: &Grid<'_>, cell: &Cell<'_>, summary: &Summary) -> &'static str {
    if let Some(word) = notes::not_measured(grid, cell) {
        return word;
    }
    match summary {
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
