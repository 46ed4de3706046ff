//! Numbers of others beside the study's own, with whose they are and how they differ.

use crate::Error;
use crate::model::cells::metrics;
use crate::model::format::DENSE;
use crate::model::grid::Grid;
use crate::model::inputs::of_inputs;
use crate::model::references::{Quoted, quoted};
use crate::tables::table::{Column, Data, Kind, Section, Table};
use crate::tables::value::{Entry, NOTHING, Value};

pub(crate) fn table(grid: &Grid<'_>) -> Result<Table, Error> {
    let all = quoted(grid)?;
    let mut sections = Vec::new();
    for sparsity in std::iter::once(DENSE).chain(grid.sparsities()) {
        let here = all.iter().filter(|q| q.sparsity == sparsity);
        let rows: Vec<_> = here.filter_map(|q| row(grid, q)).collect();
        sections.extend(Section::of(sparsity, columns(), rows));
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
        inputs: of_inputs(metrics(&grid.cells)),
    })
}

fn columns() -> Vec<Column> {
    vec![
        Column::hidden(Kind::Words, "sparsity"),
        Column::new(Kind::Words, "ticket", "ticket"),
        Column::new(Kind::Words, "check", "check"),
        Column::new(Kind::MeanSd, "ours", "this study, %"),
        Column::new(Kind::Of, "n", "n"),
        Column::new(Kind::MeanSd, "theirs", "theirs, %"),
        Column::new(Kind::Count, "their_runs", "their n"),
        Column::new(Kind::Number, "difference", "ours − theirs"),
        Column::new(Kind::Words, "whose", "whose"),
        Column::new(Kind::Words, "source", "source"),
        Column::new(Kind::Notes, "differences", "differences"),
    ]
}

fn row(grid: &Grid<'_>, quoted: &Quoted) -> Option<Vec<Entry>> {
    let cell = grid.cell(&quoted.sparsity, &quoted.ticket, &quoted.check)?;
    let summary = grid.summary(cell);
    let theirs = crate::model::mean_sd::MeanSd {
        mean: quoted.accuracy,
        sd: quoted.sd,
    };
    let difference = summary.accuracy.map(|ours| ours.mean - quoted.accuracy);
    let runs = quoted.runs.map(|n| Value::Count(u64::from(n)));
    Some(vec![
        Entry::text(cell.sparsity),
        Entry::named(cell.ticket),
        Entry::check(cell.check),
        Entry::from(Value::mean_sd(summary.accuracy, 2), cell.keys()),
        Value::Of(summary.n, summary.asked).into(),
        Value::MeanSd(theirs, 2).into(),
        runs.unwrap_or(Value::Absent(NOTHING)).into(),
        match difference {
            Some(x) => Entry::from(Value::Signed(x, 2), cell.keys()),
            None => Value::Absent(NOTHING).into(),
        },
        Entry::text(&quoted.whose),
        Entry::text(&quoted.source),
        Entry::text(&quoted.differences),
    ])
}
