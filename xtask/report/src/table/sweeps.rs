//! Accuracy along a number that the study varies: a learning rate, a dose, a length, a rewind point.

use super::{Column, Data, Entry, Kind, Section, Table, Value, spell};
use crate::cells::{Grid, metrics};
use crate::digest::of_inputs;
use crate::sweep::{Swept, axes, swept};

pub(super) fn table(grid: &Grid<'_>) -> Table {
    let all = swept(grid);
    let mut sections = Vec::new();
    for axis in axes(&all) {
        for sparsity in grid.sparsities() {
            let mut here: Vec<&Swept<'_, '_>> = (all.iter())
                .filter(|s| s.axis == axis && s.cell.sparsity == sparsity)
                .collect();
            // Lines stay in the study's order, points go along the axis.
            let place = |line: &str| all.iter().position(|s| s.line == line);
            here.sort_by(|a, b| (place(&a.line).cmp(&place(&b.line))).then(a.at.total_cmp(&b.at)));
            if !here.is_empty() {
                sections.push(Section {
                    heading: format!("{}, along `{axis}`", spell::sparsity(sparsity)),
                    columns: columns(),
                    rows: here.into_iter().map(|s| row(grid, s)).collect(),
                });
            }
        }
    }
    let mut about = vec![
        "Cells that differ in one number of the study file. *Difference* is ticket − the \
         ticket under the check, over pairs of one seed, with a 95 % interval as in the table of \
         verdicts, where the number is a check's."
            .into(),
    ];
    if all.is_empty() {
        about.push("Nothing of this study is written with `each` over numbers.".into());
    }
    Table {
        name: "sweeps",
        title: "along a number",
        about,
        sections,
        data: Data::Rows,
        keys: &["axis", "sparsity", "line", "at"],
        // A deviation is pooled over more cells than those that are shown.
        inputs: of_inputs(metrics(&grid.cells)),
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::hidden(Kind::Words, "axis"),
        Column::hidden(Kind::Words, "sparsity"),
        Column::hidden(Kind::Words, "ticket"),
        Column::hidden(Kind::Words, "check"),
        Column::new(Kind::Words, "line", "what"),
        Column::new(Kind::Number, "at", "at"),
        Column::new(Kind::MeanSd, "accuracy", "accuracy, %"),
        Column::new(Kind::MeanSd, "best_accuracy", "best epoch, %"),
        Column::new(Kind::MeanSd, "test_loss", "test loss"),
        Column::new(Kind::Interval, "difference", "difference, points"),
        Column::new(Kind::Of, "n", "n"),
        Column::new(Kind::Notes, "notes", "notes"),
    ]
}

fn row(grid: &Grid<'_>, swept: &Swept<'_, '_>) -> Vec<Entry> {
    let cell = swept.cell;
    let summary = grid.summary(cell);
    let measured = |value, digits| Entry::from(Value::mean_sd(value, digits), cell.keys());
    let check = cell.check_name();
    vec![
        Entry::text(swept.axis),
        Entry::text(cell.sparsity),
        Entry::text(&cell.ticket.name),
        Entry::text(check),
        Entry::text(&swept.line),
        spell::shortest(swept.at),
        measured(summary.accuracy, 2),
        measured(summary.best, 2),
        measured(summary.loss, 4),
        super::difference(grid, cell),
        Value::Of(summary.n, summary.asked).into(),
        Entry::text(spell::notes(grid, cell, &summary).join("; ")),
    ]
}
