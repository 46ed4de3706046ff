//! Table `before-after`: accuracy after pruning and after retraining.

use crate::model::cells::Cell;
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::model::mean_sd::MeanSd;
use crate::tables::columns::{CellRow, Columns};
use crate::tables::table::{Data, Table};
use crate::tables::value::{Entry, Value};
use jackpot_results::{Before, TrainedRun};

pub(crate) fn table(grid: &Grid<'_>) -> Table {
    let sections = columns().by_sparsity(grid, grid.sparsities(), is_known);
    let cells = || grid.sparse().filter(|cell| is_known(cell));
    let used = cells().flat_map(Cell::before);
    let inputs = inputs_of(used.flat_map(|(t, b)| [t.metrics, b.metrics]));
    let mut about = vec![
        "Tickets whose mask was cut from trained weights. *Before* is the pruned network as it is, \
         with the statistics of normalisation that the dense training left: of a ticket that trains \
         on from trained weights what that training starts from, a check's changes included; of one \
         that is rewound or initialised the weights that were pruned, not those that it starts from. \
         *After* is the same mask after the ticket's own training, and *gained* the difference over \
         pairs of one seed."
            .into(),
    ];
    if cells().next().is_none() {
        about.push(
            "No ticket of this study is known to prune trained weights (results of an older run do \
             not say; `jackpot run` adds it, training again what left no weights behind)."
                .into(),
        );
    }
    Table {
        name: "before-after",
        title: "accuracy after pruning and after retraining",
        about,
        sections,
        data: Data::Rows,
        keys: &["sparsity", "ticket", "check"],
        inputs,
    }
}

fn is_known(cell: &Cell<'_>) -> bool {
    cell.before().next().is_some()
}

fn columns<'g, 'a: 'g>() -> Columns<'static, CellRow<'g, 'a>> {
    Columns::of_cells()
        .mean_sd("before", "before, %", |row| mean(row, |_, b| b.accuracy, 2))
        .mean_sd("after", "after, %", |row| mean(row, |t, _| t.accuracy, 2))
        .mean_sd("gained", "gained, points", |row| {
            mean(row, |t, b| t.accuracy - b.accuracy, 2)
        })
        .mean_sd("loss_before", "test loss before", |row| {
            mean(row, |_, b| b.test_loss, 4)
        })
        .mean_sd("loss_after", "test loss after", |row| {
            mean(row, |t, _| t.test_loss, 4)
        })
        .n(|row| Value::CountOf(row.cell.before().count(), row.cell.runs.len()).into())
}

/// The mean over pairs of a training and the evaluation before it, if every value is finite.
fn mean(row: &CellRow<'_, '_>, of: fn(&TrainedRun, &Before) -> f64, digits: usize) -> Entry {
    let values: Vec<f64> = row.cell.before().map(|(t, b)| of(t, b)).collect();
    let keys = row.cell.before().flat_map(|(t, b)| [t.key, b.key]);
    let finite = values.iter().all(|x| x.is_finite());
    let mean = MeanSd::of(&values).filter(|_| finite);
    Entry::of_runs(Value::mean_sd(mean, digits), keys)
}
