//! Table `references`: published accuracies beside the study's own, with their source and
//! differences of protocol.

use crate::Error;
use crate::model::cells::metrics;
use crate::model::format::{self, DENSE};
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::model::mean_sd::MeanSd;
use crate::model::references::{PublishedAccuracy, published};
use crate::tables::columns::{CellRow, Columns};
use crate::tables::table::{ColumnKind, Data, Section, Table};
use crate::tables::value::{Entry, NOTHING, Value};

pub(crate) fn table(grid: &Grid<'_>) -> Result<Table, Error> {
    let all = published(grid)?;
    let sparsities = std::iter::once(DENSE).chain(grid.sparsities());
    let sections = sparsities.filter_map(|sparsity| {
        let here = all.iter().filter(|p| p.sparsity == sparsity);
        let rows = here.filter_map(|published| {
            let cell = grid.cell(sparsity, &published.ticket, &published.check)?;
            Some((published, CellRow::new(grid, cell)))
        });
        columns().section_if_any(format::sparsity(sparsity), rows)
    });
    let sections: Vec<Section> = sections.collect();
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
        title: "published numbers beside ours",
        about,
        sections,
        data: Data::Rows,
        keys: &["sparsity", "ticket", "check", "whose", "source"],
        inputs: inputs_of(metrics(&grid.cells)),
    })
}

/// A published accuracy with the cell that it is compared with.
type PublishedRow<'p, 'g, 'a> = (&'p PublishedAccuracy, CellRow<'g, 'a>);

fn columns<'p, 'g: 'p, 'a: 'g>() -> Columns<'static, PublishedRow<'p, 'g, 'a>> {
    let columns: Columns<'static, PublishedRow<'p, 'g, 'a>> = Columns::new();
    columns
        .text("sparsity", None, |(_, row)| Entry::text(row.cell.sparsity))
        .text("ticket", "ticket", |(_, row)| Entry::named(row.cell.ticket))
        .text("check", "check", |(_, row)| Entry::check(row.cell.check))
        .mean_sd("ours", "this study, %", |(_, row)| {
            row.measured(row.summary.accuracy, 2)
        })
        .n(|(_, row)| row.n())
        .mean_sd("theirs", "theirs, %", |(published, _)| {
            let theirs = MeanSd {
                mean: published.accuracy,
                sd: published.sd,
            };
            Value::MeanSd(theirs, 2).into()
        })
        .count("their_runs", "their n", |(published, _)| {
            let runs = published.runs.map(|n| Value::Count(u64::from(n)));
            runs.unwrap_or(Value::Absent(NOTHING)).into()
        })
        .number(
            "difference",
            "ours − theirs",
            |(published, row)| match row.summary.accuracy {
                Some(ours) => Entry::of_runs(
                    Value::Signed(ours.mean - published.accuracy, 2),
                    row.cell.keys(),
                ),
                None => Value::Absent(NOTHING).into(),
            },
        )
        .text("whose", "whose", |(published, _)| {
            Entry::text(&published.whose)
        })
        .text("source", "source", |(published, _)| {
            Entry::text(&published.source)
        })
        .column(
            ColumnKind::Notes,
            "differences",
            "differences",
            |(published, _)| Entry::text(&published.differences),
        )
}
