//! What the dense training before pruning learnt, on clean and on changed data, beside what came
//! of the ticket.

use super::{Column, Data, Entry, Kind, NOTHING, Section, Table, Value};
use crate::cells::{Cell, Grid, MeanSd, metrics};
use crate::digest::of_inputs;
use jackpot_results::{Pretrained, TrainedRun as Trained};

pub(super) fn table(grid: &Grid<'_>) -> Table {
    let sections = grid.sparsities().into_iter().filter_map(|sparsity| {
        let here = cells(grid).filter(|c| c.sparsity == sparsity);
        Section::of(sparsity, columns(), here.map(|c| row(grid, c)).collect())
    });
    let used = cells(grid).flat_map(known);
    // A deviation is pooled over more cells than those that are shown.
    let before = used.map(|(_, _, p)| p.metrics);
    let inputs = of_inputs(metrics(&grid.cells).into_iter().chain(before));
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
        Column::hidden(Kind::Words, "sparsity"),
        Column::new(Kind::Words, "ticket", "ticket"),
        Column::new(Kind::Words, "check", "check"),
        Column::new(Kind::Words, "data", "pretraining on"),
        Column::new(Kind::Number, "epochs", "its epochs"),
        Column::new(Kind::MeanSd, "fitted", "fitted, %"),
        Column::new(Kind::MeanSd, "before", "test accuracy before, %"),
        Column::new(Kind::MeanSd, "accuracy", "accuracy, %"),
        Column::new(Kind::Interval, "difference", "unmodified − check, points"),
        Column::new(Kind::Of, "n", "n"),
    ]
}

fn row(grid: &Grid<'_>, cell: &Cell<'_>) -> Vec<Entry> {
    let keys = || known(cell).flat_map(|(_, t, p)| [t.key, p.key]);
    let value = |of: &dyn Fn(&Trained, &Pretrained) -> f64| {
        let values: Vec<f64> = known(cell).map(|(_, t, p)| of(t, p)).collect();
        Entry::from(Value::mean_sd(MeanSd::of(&values), 2), keys())
    };
    let data = known(cell).find_map(|(_, t, _)| t.lineage.as_ref()?.pretraining.clone());
    let epochs = known(cell).map(|(_, _, p)| p.epochs).max();
    vec![
        Entry::text(cell.sparsity),
        Entry::named(cell.ticket),
        Entry::check(cell.check),
        data.map_or(Value::Absent(NOTHING).into(), Entry::text),
        epochs.map_or(Value::Absent(NOTHING).into(), |e| {
            Entry::from(Value::Number(e as f64, 0), keys())
        }),
        value(&|_, p| p.train_accuracy),
        value(&|_, p| p.test_accuracy),
        value(&|t, _| t.accuracy),
        super::difference(grid, cell),
        Value::Of(known(cell).count(), cell.runs.len()).into(),
    ]
}
