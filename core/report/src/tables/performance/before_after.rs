//! Table `before-after`: accuracy after pruning and after retraining.

use crate::model::cells::Cell;
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::model::mean_sd::MeanSd;
use crate::tables::table::{Column, ColumnKind, Data, Section, Table};
use crate::tables::value::{Entry, Value};
use jackpot_study::{Before, Trained};

pub(crate) fn table(grid: &Grid<'_>) -> Table {
    let sections = grid.sparsities().into_iter().filter_map(|sparsity| {
        let here = cells(grid).filter(|c| c.sparsity == sparsity);
        Section::at_sparsity(sparsity, columns(), here.map(row).collect())
    });
    let used = cells(grid).flat_map(Cell::before);
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

fn cells<'g, 'a>(grid: &'g Grid<'a>) -> impl Iterator<Item = &'g Cell<'a>> {
    grid.sparse().filter(|c| c.before().next().is_some())
}

fn columns() -> Vec<Column> {
    vec![
        Column::hidden(ColumnKind::Text, "sparsity"),
        Column::new(ColumnKind::Text, "ticket", "ticket"),
        Column::new(ColumnKind::Text, "check", "check"),
        Column::new(ColumnKind::MeanSd, "before", "before, %"),
        Column::new(ColumnKind::MeanSd, "after", "after, %"),
        Column::new(ColumnKind::MeanSd, "gained", "gained, points"),
        Column::new(ColumnKind::MeanSd, "loss_before", "test loss before"),
        Column::new(ColumnKind::MeanSd, "loss_after", "test loss after"),
        Column::new(ColumnKind::CountOf, "n", "n"),
    ]
}

fn row(cell: &Cell<'_>) -> Vec<Entry> {
    let value = |of: &dyn Fn(&Trained, &Before) -> f64, digits| {
        let values: Vec<f64> = cell.before().map(|(t, b)| of(t, b)).collect();
        let keys = cell.before().flat_map(|(t, b)| [t.key, b.key]);
        let finite = values.iter().all(|x| x.is_finite());
        Entry::of_runs(
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
        Value::CountOf(cell.before().count(), cell.runs.len()).into(),
    ]
}
