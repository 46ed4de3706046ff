//! Table `references`: published accuracies beside the study's own, with their source and
//! differences of protocol.

use crate::Error;
use crate::model::cells::metrics;
use crate::model::format::DENSE;
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::model::references::{PublishedAccuracy, published};
use crate::tables::table::{Column, ColumnKind, Data, Section, Table};
use crate::tables::value::{Entry, NOTHING, Value};

pub(crate) fn table(grid: &Grid<'_>) -> Result<Table, Error> {
    let all = published(grid)?;
    let mut sections = Vec::new();
    for sparsity in std::iter::once(DENSE).chain(grid.sparsities()) {
        let here = all.iter().filter(|q| q.sparsity == sparsity);
        let rows: Vec<_> = here.filter_map(|q| row(grid, q)).collect();
        sections.extend(Section::at_sparsity(sparsity, columns(), rows));
    }
    let mut about = vec![
        "Test accuracy in percent beside what others report for the same data set, network and \
         method. *Theirs* is a number of the paper, of a reproduction or of the study's author, \
         as *whose* says; *differences* are those of protocol that are known. It is no test: \
         their runs share no seed with these."
            .into(),
    ];
    if sections.is_empty() {
        about.push(
            "No published number for this data set, network and these methods is known here, and \
             `study.toml` brings no `[[reference]]`."
                .into(),
        );
    }
    Ok(Table {
        name: "references",
        title: "numbers of others beside these",
        about,
        sections,
        data: Data::Rows,
        keys: &["sparsity", "ticket", "check", "whose", "source"],
        inputs: inputs_of(metrics(&grid.cells)),
    })
}

fn columns() -> Vec<Column> {
    vec![
        Column::hidden(ColumnKind::Text, "sparsity"),
        Column::new(ColumnKind::Text, "ticket", "ticket"),
        Column::new(ColumnKind::Text, "check", "check"),
        Column::new(ColumnKind::MeanSd, "ours", "this study, %"),
        Column::new(ColumnKind::CountOf, "n", "n"),
        Column::new(ColumnKind::MeanSd, "theirs", "theirs, %"),
        Column::new(ColumnKind::Count, "their_runs", "their n"),
        Column::new(ColumnKind::Number, "difference", "ours − theirs"),
        Column::new(ColumnKind::Text, "whose", "whose"),
        Column::new(ColumnKind::Text, "source", "source"),
        Column::new(ColumnKind::Notes, "differences", "differences"),
    ]
}

fn row(grid: &Grid<'_>, number: &PublishedAccuracy) -> Option<Vec<Entry>> {
    let cell = grid.cell(&number.sparsity, &number.ticket, &number.check)?;
    let summary = grid.summary(cell);
    let theirs = crate::model::mean_sd::MeanSd {
        mean: number.accuracy,
        sd: number.sd,
    };
    let difference = summary.accuracy.map(|ours| ours.mean - number.accuracy);
    let runs = number.runs.map(|n| Value::Count(u64::from(n)));
    Some(vec![
        Entry::text(cell.sparsity),
        Entry::named(cell.ticket),
        Entry::check(cell.check),
        Entry::of_runs(Value::mean_sd(summary.accuracy, 2), cell.keys()),
        Value::CountOf(summary.n, summary.asked).into(),
        Value::MeanSd(theirs, 2).into(),
        runs.unwrap_or(Value::Absent(NOTHING)).into(),
        match difference {
            Some(x) => Entry::of_runs(Value::Signed(x, 2), cell.keys()),
            None => Value::Absent(NOTHING).into(),
        },
        Entry::text(&number.whose),
        Entry::text(&number.source),
        Entry::text(&number.differences),
    ])
}
