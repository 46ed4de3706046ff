//! The pruned network right after pruning, beside what its training made of it.

use super::{Column, Data, Entry, Kind, Section, Table, Value};
use crate::cells::{Cell, Grid, MeanSd};
use crate::digest::of_inputs;
use jackpot_results::{Before, TrainedRun as Trained};

pub(super) fn table(grid: &Grid<'_>) -> Table {
    let sections = grid.sparsities().into_iter().filter_map(|sparsity| {
        let here = cells(grid).filter(|c| c.sparsity == sparsity);
        Section::of(sparsity, columns(), here.map(row).collect())
    });
    let used = cells(grid).flat_map(known);
    let inputs = of_inputs(used.flat_map(|(t, b)| [t.metrics, b.metrics]));
    let mut about = vec![
        "Tickets whose mask was cut from trained weights. *Before* is the pruned network as it is, \
         with the statistics of normalisation that the dense training left: of a ticket that trains \
         on from trained weights what that training starts from, a check's changes included; of one \
         that is rewound or initialised the weights that were pruned, not those that it starts from. \
         *After* is the same mask after the ticket's own training, and *gained* the difference over \
         pairs of one seed."
            .into(),
    ];
    if cells(grid).next().is_none() {
        about.push(
            "No ticket of this study is known to prune trained weights (results of an older run do \
             not say; `jackpot run` adds it, training again what left no weights behind)."
                .into(),
        );
    }
    Table {
        name: "before-after",
        title: "accuracy before and after retraining",
        about,
        sections: sections.collect(),
        data: Data::Rows,
        keys: &["sparsity", "ticket", "check"],
        inputs,
    }
}

/// The runs of a cell whose pruned network was evaluated.
pub(crate) fn known<'a>(cell: &Cell<'a>) -> impl Iterator<Item = (&'a Trained, &'a Before)> {
    let trained = cell.trained();
    trained.filter_map(|(_, t)| Some((t, t.before.as_ref()?)))
}

fn cells<'g, 'a>(grid: &'g Grid<'a>) -> impl Iterator<Item = &'g Cell<'a>> {
    grid.sparse().filter(|c| known(c).next().is_some())
}

fn columns() -> Vec<Column> {
    vec![
        Column::hidden(Kind::Words, "sparsity"),
        Column::new(Kind::Words, "ticket", "ticket"),
        Column::new(Kind::Words, "check", "check"),
        Column::new(Kind::MeanSd, "before", "before, %"),
        Column::new(Kind::MeanSd, "after", "after, %"),
        Column::new(Kind::MeanSd, "gained", "gained, points"),
        Column::new(Kind::MeanSd, "loss_before", "test loss before"),
        Column::new(Kind::MeanSd, "loss_after", "test loss after"),
        Column::new(Kind::Of, "n", "n"),
    ]
}

fn row(cell: &Cell<'_>) -> Vec<Entry> {
    let value = |of: &dyn Fn(&Trained, &Before) -> f64, digits| {
        let values: Vec<f64> = known(cell).map(|(t, b)| of(t, b)).collect();
        let keys = known(cell).flat_map(|(t, b)| [t.key, b.key]);
        let finite = values.iter().all(|x| x.is_finite());
        Entry::from(
            Value::mean_sd(MeanSd::of(&values).filter(|_| finite), digits),
            keys,
        )
    };
    vec![
        Entry::text(cell.sparsity),
        Entry::named(cell.ticket),
        Entry::check(cell.check),
        value(&|_, b| b.accuracy, 2),
        value(&|t, _| t.accuracy, 2),
        value(&|t, b| t.accuracy - b.accuracy, 2),
        value(&|_, b| b.test_loss, 4),
        value(&|t, _| t.test_loss, 4),
        Value::Of(known(cell).count(), cell.runs.len()).into(),
    ]
}
