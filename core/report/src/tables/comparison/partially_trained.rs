//! Table `partially-trained`: partially trained tickets under checks, with effect sizes beside
//! verdicts.

use crate::model::cells::{Cell, metrics};
use crate::model::format;
use crate::model::grid::Grid;
use crate::model::groups::{TicketGroup, members};
use crate::model::inputs::inputs_of;
use crate::model::notes::not_measured;
use crate::tables::columns::{CellRow, Columns};
use crate::tables::comparison::finding::FindingRow;
use crate::tables::table::{Data, Table};
use crate::tables::value::{Entry, NOTHING, Value};
use jackpot_stats::Estimate;

pub(crate) fn table(grid: &Grid<'_>) -> Table {
    let tickets = members(grid, TicketGroup::PartiallyTrained);
    let is_one = |cell: &&Cell<'_>| tickets.contains(&cell.ticket);
    let sections = grid.sparsities().into_iter().filter_map(|sparsity| {
        let cells = grid.at(sparsity).filter(is_one);
        let rows = cells.filter_map(|cell| {
            let finding = grid.check_finding(cell)?;
            Some((CellRow::new(grid, cell), FindingRow { grid, finding }))
        });
        columns().section_if_any(format::sparsity(sparsity), rows)
    });
    let mut about = vec![
        "Tickets whose trained weights go on, under each check that can change them. *Difference* \
         is ticket − the ticket under the check, over pairs of one seed, with a 95 % interval, as \
         in the table of verdicts: above 0 where the check costs accuracy. *Effect* is the mean \
         difference in standard deviations of a single pair's difference."
            .into(),
    ];
    if tickets.is_empty() {
        about.push("No ticket of this study starts from trained weights.".into());
    }
    Table {
        name: "partially-trained",
        title: "partially-trained tickets under checks",
        about,
        sections: sections.collect(),
        data: Data::Rows,
        keys: &["sparsity", "ticket", "check"],
        // Standard deviations are pooled over more cells than those that are shown.
        inputs: inputs_of(metrics(&grid.cells)),
    }
}

/// A finding with the cell of its check.
type CheckRow<'g, 'a> = (CellRow<'g, 'a>, FindingRow<'g, 'a>);

fn columns<'g, 'a: 'g>() -> Columns<'static, CheckRow<'g, 'a>> {
    let columns: Columns<'static, CheckRow<'g, 'a>> = Columns::new();
    columns
        .text("sparsity", None, |(row, _)| Entry::text(row.cell.sparsity))
        .text("ticket", "ticket", |(row, _)| Entry::named(row.cell.ticket))
        .text("check", "check", |(row, _)| Entry::check(row.cell.check))
        .mean_sd("unmodified", "unmodified, %", |(row, _)| {
            accuracy(row.grid, row.grid.unmodified(row.cell))
        })
        .mean_sd("checked", "under the check, %", |(row, _)| {
            accuracy(row.grid, Some(row.cell))
        })
        .interval("difference", "difference, points", |(_, row)| {
            row.measured(Value::difference(&row.finding.accuracy.estimate, 2))
        })
        .number("effect", "effect, sd", |(_, row)| {
            row.measured(effect(&row.finding.accuracy.estimate))
        })
        .text("verdict", "verdict", |(_, row)| row.verdict())
        .interval("loss_difference", "difference of test loss", |(_, row)| {
            row.measured(Value::difference(&row.finding.test_loss.estimate, 4))
        })
        .n(|(_, row)| row.measured_n())
        .notes(|(_, row)| row.notes())
}

fn accuracy(grid: &Grid<'_>, cell: Option<&Cell<'_>>) -> Entry {
    let word = cell.and_then(|cell| not_measured(grid, cell));
    match (cell, word) {
        (Some(cell), None) => {
            let value = Value::mean_sd(grid.summary(cell).accuracy, 2);
            Entry::of_runs(value, cell.keys())
        }
        (_, word) => Value::Absent(word.unwrap_or("identical")).into(),
    }
}

/// The mean difference in standard deviations of a single pair's difference.
fn effect(estimate: &Estimate) -> Value {
    let effect = estimate
        .mean
        .zip(estimate.spread)
        .map(|(mean, s)| mean / s.sd);
    let effect = effect.filter(|effect| effect.is_finite());
    effect.map_or(Value::Absent(NOTHING), |effect| Value::Signed(effect, 2))
}
