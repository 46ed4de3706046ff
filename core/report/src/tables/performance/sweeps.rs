//! Table `sweeps`: accuracy along a number that the study varies in tickets, checks or settings,
//! such as a learning rate, a dose or a length.

use crate::model::cells::metrics;
use crate::model::inputs::inputs_of;
use crate::model::sweep::{Grids, SweepPoint, axes, has_axis, sweep_points};
use crate::model::{format, notes};
use crate::tables::joined;
use crate::tables::table::{Column, ColumnKind, Data, Section, Table};
use crate::tables::value::{Entry, Value};

pub(crate) fn table(grids: Grids<'_, '_>) -> Table {
    let all = sweep_points(grids);
    let mut sections = Vec::new();
    for axis in axes(&all) {
        for sparsity in grids.sparsities() {
            let mut here: Vec<&SweepPoint<'_, '_>> = (all.iter())
                .filter(|s| s.axis == axis && s.cell.sparsity == sparsity)
                .collect();
            // Lines stay in the order of the study file; points are sorted along the axis.
            let place = |line: &str| all.iter().position(|s| s.line == line);
            here.sort_by(|a, b| (place(&a.line).cmp(&place(&b.line))).then(a.at.total_cmp(&b.at)));
            if !here.is_empty() {
                sections.push(Section {
                    heading: format!("{}, along `{axis}`", format::sparsity(sparsity)),
                    columns: columns(grids),
                    rows: here.into_iter().map(|s| row(grids, s)).collect(),
                });
            }
        }
    }
    Table {
        name: "sweeps",
        title: "along a number",
        about: about(grids, all.is_empty()),
        sections,
        data: Data::Rows,
        keys: &["axis", "sparsity", "line", "at"],
        // Standard deviations are pooled over more cells than those that are shown.
        inputs: inputs_of(metrics(grids.cells())),
    }
}

fn about(grids: Grids<'_, '_>, empty: bool) -> Vec<String> {
    let mut about = vec![
        "Cells that differ in one number of the study file. *Difference* is ticket − the \
         ticket under the check, over pairs of one seed, with a 95 % interval as in the table of \
         verdicts, where the number is a check's."
            .into(),
    ];
    let settings = &grids.first.outline.settings;
    if !grids.across && settings.iter().any(|s| has_axis(&s.named)) {
        about.push(
            "The number is the settings': this table in the study's own folder has all of them."
                .into(),
        );
    } else if empty {
        about.push("Nothing of this study is written with `each` over numbers.".into());
    }
    about
}

fn columns(grids: Grids<'_, '_>) -> Vec<Column> {
    let mut columns: Vec<Column> = grids.across.then(joined::column).into_iter().collect();
    columns.extend([
        Column::hidden(ColumnKind::Text, "axis"),
        Column::hidden(ColumnKind::Text, "sparsity"),
        Column::hidden(ColumnKind::Text, "ticket"),
        Column::hidden(ColumnKind::Text, "check"),
        Column::new(ColumnKind::Text, "line", "what"),
        Column::new(ColumnKind::Number, "at", "at"),
        Column::new(ColumnKind::MeanSd, "accuracy", "accuracy, %"),
        Column::new(ColumnKind::MeanSd, "best_accuracy", "best epoch, %"),
        Column::new(ColumnKind::MeanSd, "test_loss", "test loss"),
        Column::new(ColumnKind::Interval, "difference", "difference, points"),
        Column::new(ColumnKind::CountOf, "n", "n"),
        Column::new(ColumnKind::Notes, "notes", "notes"),
    ]);
    columns
}

fn row<'a>(grids: Grids<'_, 'a>, point: &SweepPoint<'_, 'a>) -> Vec<Entry> {
    let (grid, cell) = (point.grid, point.cell);
    let summary = grid.summary(cell);
    let measured = |value, digits| Entry::of_runs(Value::mean_sd(value, digits), cell.keys());
    let setting = grids.setting(grid).map(|s| Entry::named(&s.named));
    let mut row: Vec<Entry> = setting.into_iter().collect();
    row.extend([
        Entry::text(point.axis),
        Entry::text(cell.sparsity),
        Entry::text(&cell.ticket.name),
        Entry::text(cell.check_name()),
        Entry::text(&point.line),
        Entry::shortest(point.at),
        measured(summary.accuracy, 2),
        measured(summary.best, 2),
        measured(summary.loss, 4),
        crate::tables::value::difference(grid, cell),
        Value::CountOf(summary.n, summary.asked).into(),
        Entry::text(notes::notes(grid, cell, &summary).join("; ")),
    ]);
    row
}
