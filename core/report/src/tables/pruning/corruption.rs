//! Table `corruption`: how changed data changes a mask, in the kept share of each layer and in
//! which weights are kept.

use crate::model::cells::{Cell, UNMODIFIED};
use crate::model::format::DENSE;
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::model::notes;
use crate::tables::pruning::ratios::{apart, apart_columns};
use crate::tables::table::{Column, ColumnKind, Data, Section, Table};
use crate::tables::value::{Entry, Value};
use jackpot_study::Overlap;

pub(crate) fn table(grid: &Grid<'_>) -> Table {
    let sections = grid.sparsities().into_iter().filter_map(|sparsity| {
        let here = cells(grid).filter(|c| c.sparsity == sparsity);
        Section::at_sparsity(sparsity, columns(), here.map(|c| row(grid, c)).collect())
    });
    let masks = cells(grid).flat_map(|cell| {
        let own = grid.unmodified(cell).into_iter().chain([cell]);
        own.flat_map(Cell::trained).filter_map(|(_, t)| t.mask)
    });
    Table {
        name: "corruption",
        title: "masks of clean against changed data",
        about: vec![
            "Each ticket's mask under a check that changes what pretraining or scoring sees, \
             against its own clean mask of the same seed. *Largest* and *mean difference* of a \
             layer's kept share are in points of its weights; *correlation* is Pearson's over \
             layers; *moved* is the share of all kept weights that would have to change layers. \
             *Overlap* is the share of kept weights that both keep, beside *chance*: two masks \
             that share only the counts of each layer, *from* and *to* the ends of the interval of 95 % of such masks \
             (Σ k·k'/n, hypergeometric)."
                .into(),
        ],
        sections: sections.collect(),
        data: Data::Rows,
        keys: &["sparsity", "ticket", "check"],
        inputs: inputs_of(masks),
    }
}

/// The cells of checks that change data.
fn cells<'g, 'a>(grid: &'g Grid<'a>) -> impl Iterator<Item = &'g Cell<'a>> {
    let on_data = |c: &&Cell<'_>| {
        let change = grid.outline.changes.get(c.check_name());
        c.sparsity != DENSE && change.is_some_and(|change| change.on_data)
    };
    grid.cells.iter().filter(on_data)
}

fn columns() -> Vec<Column> {
    let mut columns = vec![
        Column::hidden(ColumnKind::Text, "sparsity"),
        Column::new(ColumnKind::Text, "ticket", "ticket"),
        Column::new(ColumnKind::Text, "check", "check"),
    ];
    columns.extend(apart_columns());
    columns.extend([
        Column::new(ColumnKind::MeanSd, "overlap", "overlap, %"),
        Column::new(ColumnKind::Number, "chance", "chance, %"),
        Column::new(ColumnKind::Number, "chance_low", "from"),
        Column::new(ColumnKind::Number, "chance_high", "to"),
        Column::new(ColumnKind::CountOf, "n", "n"),
        Column::new(ColumnKind::Notes, "notes", "notes"),
    ]);
    columns
}

/// The overlaps of the ticket's clean masks with those under the check, of every seed that has
/// both.
fn of_cell<'g>(grid: &'g Grid<'_>, cell: &Cell<'_>) -> Vec<&'g Overlap> {
    let is = |name: &(String, String), check: &str| name.0 == cell.ticket.name && name.1 == check;
    let overlaps = grid.results.overlaps.iter();
    overlaps
        .filter(|o| o.sparsity == cell.sparsity)
        .filter(|o| is(&o.first, UNMODIFIED) && is(&o.second, cell.check_name()))
        .collect()
}

fn row(grid: &Grid<'_>, cell: &Cell<'_>) -> Vec<Entry> {
    let mut row = vec![
        Entry::text(cell.sparsity),
        Entry::named(cell.ticket),
        Entry::check(cell.check),
    ];
    if let Some(word) =
        (cell.identical().or(cell.not_applicable())).and_then(|_| notes::not_measured(grid, cell))
    {
        row.push(Value::Absent(word).into());
        row.extend((0..7).map(|_| Entry::of_runs(Value::Blank, [])));
        row.push(Value::CountOf(0, 0).into());
        let notes = notes::notes(grid, cell, &grid.summary(cell));
        row.push(Entry::text(notes.join("; ")));
        return row;
    }
    let (pairs, values) = apart(cell, grid.unmodified(cell));
    row.extend(values);
    row.extend(crate::tables::pruning::overlaps::against_chance(&of_cell(
        grid, cell,
    )));
    row.push(Value::CountOf(pairs, cell.runs.len()).into());
    row.push(Entry::text(match pairs {
        0 => "no pair of masks is known",
        _ => "",
    }));
    row
}
