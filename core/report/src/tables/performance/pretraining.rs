//! Table `pretraining`: the accuracy of the dense training before pruning, on clean and on changed
//! data, beside that of the ticket.

use crate::model::cells::{Cell, metrics};
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::model::mean_sd::MeanSd;
use crate::tables::columns::{CellRow, Columns};
use crate::tables::table::{Data, Table};
use crate::tables::value::{Entry, NOTHING, Value, difference};
use jackpot_results::{Pretrained, TrainedRun};
use jackpot_store::Digest;

pub(crate) fn table(grid: &Grid<'_>) -> Table {
    let is_known = |cell: &Cell<'_>| known(cell).next().is_some();
    let sections = columns().by_sparsity(grid, grid.sparsities(), is_known);
    let cells = || grid.sparse().filter(|cell| is_known(cell));
    let used = cells().flat_map(known);
    // Standard deviations are pooled over more cells than those that are shown.
    let before = used.map(|(_, _, p)| p.metrics);
    let inputs = inputs_of(metrics(&grid.cells).into_iter().chain(before));
    let mut about = vec![
        "The dense training that a ticket's scores or weights come from, after its last epoch. \
         *Fitted* is its accuracy on the images that it trained on, with the labels and pixels \
         that it saw, over that epoch: on random labels, what was memorised. *Test accuracy \
         before* is that dense network's on the clean test images; *accuracy* is the ticket's, \
         and *unmodified − check* the difference to it under the check over pairs of one seed, with \
         a 95 % interval as in the table of verdicts."
            .into(),
    ];
    if cells().next().is_none() {
        about.push(
            "No ticket of this study is known to come from a dense training (results of an older \
             run do not say; `jackpot run` adds it without training again)."
                .into(),
        );
    }
    Table {
        name: "pretraining",
        title: "the training before pruning",
        about,
        sections,
        data: Data::Rows,
        keys: &["sparsity", "ticket", "check"],
        inputs,
    }
}

/// The runs of a cell whose dense training is known.
fn known<'a>(cell: &Cell<'a>) -> impl Iterator<Item = (u64, &'a TrainedRun, &'a Pretrained)> {
    let trained = cell.trained();
    trained.filter_map(|(seed, t)| Some((seed, t, t.pretraining.as_deref()?)))
}

fn columns<'g, 'a: 'g>() -> Columns<'static, CellRow<'g, 'a>> {
    Columns::of_cells()
        .text("data", "pretraining on", |row| {
            let mut lineages = known(row.cell).map(|(_, t, _)| t.lineage.as_ref());
            let data = lineages.find_map(|lineage| lineage?.pretraining.clone());
            data.map_or(Value::Absent(NOTHING).into(), Entry::text)
        })
        .number("epochs", "its epochs", |row| {
            match known(row.cell).map(|(_, _, p)| p.epochs).max() {
                Some(epochs) => Entry::of_runs(Value::Number(epochs as f64, 0), keys(row)),
                None => Value::Absent(NOTHING).into(),
            }
        })
        .mean_sd("fitted", "fitted, %", |row| {
            mean(row, |_, p| p.train_accuracy)
        })
        .mean_sd("before", "test accuracy before, %", |row| {
            mean(row, |_, p| p.test_accuracy)
        })
        .mean_sd("accuracy", "accuracy, %", |row| {
            mean(row, |t, _| t.accuracy)
        })
        .interval("difference", "unmodified − check, points", |row| {
            difference(row.grid, row.cell)
        })
        .n(|row| Value::CountOf(known(row.cell).count(), row.cell.runs.len()).into())
}

fn keys(row: &CellRow<'_, '_>) -> impl Iterator<Item = Digest> {
    known(row.cell).flat_map(|(_, t, p)| [t.key, p.key])
}

fn mean(row: &CellRow<'_, '_>, of: fn(&TrainedRun, &Pretrained) -> f64) -> Entry {
    let values: Vec<f64> = known(row.cell).map(|(_, t, p)| of(t, p)).collect();
    Entry::of_runs(Value::mean_sd(MeanSd::of(&values), 2), keys(row))
}
