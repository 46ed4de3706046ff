//! Table `sweeps`: accuracy along a number that the study varies in tickets, checks or settings,
//! such as a learning rate, a dose or a length.

use crate::model::cells::metrics;
use crate::model::format;
use crate::model::inputs::inputs_of;
use crate::model::sweep::{Grids, SweepPoint, axes, has_axis, sweep_points};
use crate::tables::columns::{CellRow, Columns};
use crate::tables::joined;
use crate::tables::table::{Data, Table};
use crate::tables::value::{Entry, difference};

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
            let rows = here.into_iter().map(|s| (s, CellRow::new(s.grid, s.cell)));
            let heading = format!("{}, along `{axis}`", format::sparsity(sparsity));
            sections.extend(columns(grids).section_if_any(heading, rows));
        }
    }
    Table {
        name: "sweeps",
        title: "accuracy along a varied number",
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
    if !grids.several_settings && settings.iter().any(|s| has_axis(&s.named)) {
        about.push(
            "The number is the settings': this table in the study's own folder has all of them."
                .into(),
        );
    } else if empty {
        about.push("Nothing of this study is written with `each` over numbers.".into());
    }
    about
}

/// The columns of a row, which is a point of a sweep with its cell.
type PointRow<'p, 'g, 'a> = (&'p SweepPoint<'g, 'a>, CellRow<'g, 'a>);

fn columns<'p, 'g: 'p, 'a: 'g>(grids: Grids<'g, 'a>) -> Columns<'g, PointRow<'p, 'g, 'a>> {
    let mut columns: Columns<'g, PointRow<'p, 'g, 'a>> = Columns::new();
    if grids.several_settings {
        columns = columns.text("setting", "setting", move |(point, _)| {
            joined::setting(grids, point.grid)
        });
    }
    columns
        .text("axis", None, |(point, _)| Entry::text(point.axis))
        .text("sparsity", None, |(point, _)| {
            Entry::text(point.cell.sparsity)
        })
        .text("ticket", None, |(point, _)| {
            Entry::text(&point.cell.ticket.name)
        })
        .text("check", None, |(point, _)| {
            Entry::text(point.cell.check_name())
        })
        .text("line", "what", |(point, _)| Entry::text(&point.line))
        .number("at", "at", |(point, _)| Entry::shortest(point.at))
        .mean_sd("accuracy", "accuracy, %", |(_, row)| {
            row.measured(row.summary.accuracy, 2)
        })
        .mean_sd("best_accuracy", "best epoch, %", |(_, row)| {
            row.measured(row.summary.best, 2)
        })
        .mean_sd("test_loss", "test loss", |(_, row)| {
            row.measured(row.summary.loss, 4)
        })
        .interval("difference", "difference, points", |(_, row)| {
            difference(row.grid, row.cell)
        })
        .n(|(_, row)| row.n())
        .notes(|(_, row)| row.notes())
}
