//! The columns of a table, each with the function that computes its entry for one row. A column and
//! its values stand in one list, so that they cannot be in different orders.

use crate::model::cells::Cell;
use crate::model::format;
use crate::model::grid::{Grid, Summary};
use crate::model::mean_sd::MeanSd;
use crate::model::notes;
use crate::tables::table::{Column, ColumnKind, Section};
use crate::tables::value::{Entry, Value};

/// Defines a method for each of these kinds, as an abbreviation of [`Columns::column`].
macro_rules! kinds {
    ($($method:ident $kind:ident),*) => {$(
        pub fn $method<'t>(
            self,
            name: &str,
            title: impl Into<Option<&'t str>>,
            entry: impl Fn(&R) -> Entry + 'f,
        ) -> Self {
            self.column(ColumnKind::$kind, name, title, entry)
        }
    )*};
}

/// Columns for rows of type `R`, in their order.
pub(crate) struct Columns<'f, R>(Vec<(Column, EntryOf<'f, R>)>);

/// The entry of one column in a row.
type EntryOf<'f, R> = Box<dyn Fn(&R) -> Entry + 'f>;

impl<'f, R> Columns<'f, R> {
    pub fn new() -> Self {
        Columns(Vec::new())
    }

    /// Adds a column. One without a title is for programs only.
    pub fn column<'t>(
        mut self,
        kind: ColumnKind,
        name: &str,
        title: impl Into<Option<&'t str>>,
        entry: impl Fn(&R) -> Entry + 'f,
    ) -> Self {
        let column = match title.into() {
            Some(title) => Column::new(kind, name, title),
            None => Column::hidden(kind, name),
        };
        self.0.push((column, Box::new(entry)));
        self
    }

    kinds! {
        text Text, count Count, number Number, mean_sd MeanSd, interval Interval, spread Spread
    }

    /// The column `n`: how many runs there are of those that were asked for.
    pub fn n(self, entry: impl Fn(&R) -> Entry + 'f) -> Self {
        self.column(ColumnKind::CountOf, "n", "n", entry)
    }

    /// The column `notes`.
    pub fn notes(self, notes: impl Fn(&R) -> Vec<String> + 'f) -> Self {
        let entry = move |row: &R| Entry::text(notes(row).join("; "));
        self.column(ColumnKind::Notes, "notes", "notes", entry)
    }

    /// The rows under a heading.
    pub fn section(
        &self,
        heading: impl Into<String>,
        rows: impl IntoIterator<Item = R>,
    ) -> Section {
        let entries = |row: R| self.0.iter().map(|(_, entry)| entry(&row)).collect();
        Section {
            heading: heading.into(),
            columns: self.0.iter().map(|(column, _)| column.clone()).collect(),
            rows: rows.into_iter().map(entries).collect(),
        }
    }

    /// The rows under a heading, or `None` if there are no rows.
    pub fn section_if_any(
        &self,
        heading: impl Into<String>,
        rows: impl IntoIterator<Item = R>,
    ) -> Option<Section> {
        Some(self.section(heading, rows)).filter(|section| !section.rows.is_empty())
    }
}

/// A row about one cell.
pub(crate) struct CellRow<'g, 'a> {
    pub grid: &'g Grid<'a>,
    pub cell: &'g Cell<'a>,
    pub summary: Summary,
}

impl<'g, 'a> CellRow<'g, 'a> {
    pub fn new(grid: &'g Grid<'a>, cell: &'g Cell<'a>) -> Self {
        let summary = grid.summary(cell);
        CellRow {
            grid,
            cell,
            summary,
        }
    }

    /// A mean over the trainings of the cell.
    pub fn measured(&self, value: Option<MeanSd>, digits: usize) -> Entry {
        Entry::of_runs(Value::mean_sd(value, digits), self.cell.keys())
    }

    /// The number of trainings, and of those that were asked for.
    pub fn n(&self) -> Entry {
        Value::CountOf(self.summary.n, self.summary.asked).into()
    }

    pub fn notes(&self) -> Vec<String> {
        notes::notes(self.grid, self.cell, &self.summary)
    }
}

impl<'f, 'g, 'a: 'g> Columns<'f, CellRow<'g, 'a>> {
    /// The columns that identify a cell: its sparsity, for programs only because headings name it,
    /// its ticket and its check.
    pub fn of_cells() -> Self {
        Columns::of_tickets().text("check", "check", |row| Entry::check(row.cell.check))
    }

    /// The columns that identify an unmodified ticket at one sparsity.
    pub fn of_tickets() -> Self {
        Columns::new()
            .text("sparsity", None, |row: &CellRow<'_, '_>| {
                Entry::text(row.cell.sparsity)
            })
            .text("ticket", "ticket", |row| Entry::named(row.cell.ticket))
    }

    /// The cells of a grid for which `has_row` holds, in a section for each of these sparsities that
    /// has rows.
    pub fn by_sparsity<'s>(
        &self,
        grid: &'g Grid<'a>,
        sparsities: impl IntoIterator<Item = &'s str>,
        has_row: impl Fn(&Cell<'a>) -> bool,
    ) -> Vec<Section> {
        let section = |sparsity| {
            let cells = grid.at(sparsity).filter(|cell| has_row(cell));
            let rows = cells.map(|cell| CellRow::new(grid, cell));
            self.section_if_any(format::sparsity(sparsity), rows)
        };
        sparsities.into_iter().filter_map(section).collect()
    }
}
