//! Table `pretraining`: the accuracy of the dense training before pruning, on clean and on changed
//! data, beside that of the ticket.

use crate::model::cells::{Cell, metrics};
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::model::mean_sd::MeanSd;
use crate::tables::table::{Column, ColumnKind, Data, Section, Table};
use crate::tables::value::{Entry, NOTHING, Value};
use jackpot_study::{Pretrained, Trained};

pub(crate) fn table(grid: &Grid<'_>) -> Table {
    let sections = grid.sparsities().into_iter().filter_map(|sparsity| {
        let here = cells(grid).filter(|c| c.sparsity == sparsity);
        Section::at_sparsity(sparsity, columns(), here.map(|c| row(grid, c)).collect())
    });
    let used = cells(grid).flat_map(known);
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
    if cells(grid).next().is_none() {
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
        sections: sections.collect(),
        data: Data::Rows,
        keys: &["sparsity", "ticket", "check"],
        inputs,
    }
}

/// The runs of a cell whose dense training is known.
fn known<'a>(cell: &Cell<'a>) -> impl Iterator<Item = (u64, &'a Trained, &'a Pretrained)> {
    let trained = cell.trained();
    trained.filter_map(|(seed, t)| Some((seed, t, t.pretraining.as_deref()?)))
}

fn cells<'g, 'a>(grid: &'g Grid<'a>) -> impl Iterator<Item = &'g Cell<'a>> {
    grid.sparse().filter(|c| known(c).next().is_some())
}

fn columns() -> Vec<Column> {
    vec![
        Column::hidden(ColumnKind::Text, "sparsity"),
        Column::new(ColumnKind::Text, "ticket", "ticket"),
        Column::new(ColumnKind::Text, "check", "check"),
        Column::new(ColumnKind::Text, "data", "pretraining on"),
        Column::new(ColumnKind::Number, "epochs", "its epochs"),
        Column::new(ColumnKind::MeanSd, "fitted", "fitted, %"),
        Column::new(ColumnKind::MeanSd, "before", "test accuracy before, %"),
        Column::new(ColumnKind::MeanSd, "accuracy", "accuracy, %"),
        Column::new(
            ColumnKind::Interval,
            "difference",
            "unmodified − check, points",
        ),
        Column::new(ColumnKind::CountOf, "n", "n"),
    ]
}

fn row(grid: &Grid<'_>, cell: &Cell<'_>) -> Vec<Entry> {
    let keys = || known(cell).flat_map(|(_, t, p)| [t.key, p.key]);
    let value = |of: &dyn Fn(&Trained, &Pretrained) -> f64| {
        let values: Vec<f64> = known(cell).map(|(_, t, p)| of(t, p)).collect();
        Entry::of_runs(Value::mean_sd(MeanSd::of(&values), 2), keys())
    };
    let data = known(cell).find_map(|(_, t, _)| t.lineage.as_ref()?.pretraining.clone());
    let epochs = known(cell).map(|(_, _, p)| p.epochs).max();
    vec![
        Entry::text(cell.sparsity),
        Entry::named(cell.ticket),
        Entry::check(cell.check),
        data.map_or(Value::Absent(NOTHING).into(), Entry::text),
        epochs.map_or(Value::Absent(NOTHING).into(), |e| {
            Entry::of_runs(Value::Number(e as f64, 0), keys())
        }),
        value(&|_, p| p.train_accuracy),
        value(&|_, p| p.test_accuracy),
        value(&|t, _| t.accuracy),
        crate::tables::value::difference(grid, cell),
        Value::CountOf(known(cell).count(), cell.runs.len()).into(),
    ]
}
