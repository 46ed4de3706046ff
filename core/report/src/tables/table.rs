//! What a table is: sections of rows under typed columns, before any format writes them.
//!
//! A table is sections of rows; a section has columns, and a row has one [`Entry`] for each. A
//! column without a title is for programs only. Unless a table brings a frame of its own, its CSV
//! and Parquet files hold the rows of all sections, each column spread into as many as its [`ColumnKind`]
//! has parts.

use crate::model::format;
use crate::model::inputs::ReportInputs;
use crate::tables::value::Entry;
use polars::prelude::DataFrame;

/// One table, before any format writes it.
pub(crate) struct Table {
    /// The file's name without its ending.
    pub name: &'static str,
    pub title: &'static str,
    /// What a reader must know to read it, a paragraph each, in Markdown's `*emphasis*` at most.
    pub about: Vec<String>,
    /// Those with a title of a column are shown to people; a table without any is CSV and Parquet
    /// only.
    pub sections: Vec<Section>,
    pub data: Data,
    /// Columns of the data that its rows are sorted by.
    pub keys: &'static [&'static str],
    pub inputs: ReportInputs,
}

/// What programs read of a table.
pub(crate) enum Data {
    /// The rows of the sections, whose columns are united by name.
    Rows,
    /// A frame of its own: one row a run, say, where people see means over seeds.
    Given(DataFrame),
}

/// Rows under one heading.
pub(crate) struct Section {
    pub heading: String,
    pub columns: Vec<Column>,
    /// One entry a column.
    pub rows: Vec<Vec<Entry>>,
}

/// What the values of a column are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// In programs' files, in snake case.
    pub name: String,
    /// In people's files, with its unit: `accuracy, %`; none: for programs only.
    pub title: Option<String>,
    pub kind: ColumnKind,
}

/// The type of a column: its alignment for people and its columns for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    /// NAME, text; to the left.
    Text,
    /// As `Text`, and may be long: LaTeX sets it under the table.
    Notes,
    /// NAME, an unsigned integer.
    Count,
    /// NAME, a number.
    Number,
    /// NAME_mean and NAME_sd.
    MeanSd,
    /// NAME_mean, NAME_low and NAME_high.
    Interval,
    /// NAME_sd and NAME_df.
    Spread,
    /// NAME and NAME_asked, unsigned integers.
    CountOf,
}

impl Table {
    /// True when people are shown any of it.
    pub fn is_shown(&self) -> bool {
        !self.about.is_empty()
    }
}

impl Section {
    /// The rows of one sparsity under its heading; none where there are none.
    pub fn at_sparsity(
        sparsity: &str,
        columns: Vec<Column>,
        rows: Vec<Vec<Entry>>,
    ) -> Option<Section> {
        (!rows.is_empty()).then(|| Section {
            heading: format::sparsity(sparsity),
            columns,
            rows,
        })
    }

    /// The columns that people see, each with its place in a row.
    pub fn shown(&self) -> impl Iterator<Item = (usize, &str, ColumnKind)> {
        let columns = self.columns.iter().enumerate();
        columns.filter_map(|(i, c)| Some((i, c.title.as_deref()?, c.kind)))
    }
}

impl Column {
    /// A column for people and programs.
    pub fn new(kind: ColumnKind, name: &str, title: &str) -> Column {
        Column {
            name: name.into(),
            title: Some(title.into()),
            kind,
        }
    }

    /// A column for programs alone.
    pub fn hidden(kind: ColumnKind, name: &str) -> Column {
        Column {
            name: name.into(),
            title: None,
            kind,
        }
    }
}

impl ColumnKind {
    /// True for what is set to the left.
    pub fn is_text(self) -> bool {
        matches!(self, ColumnKind::Text | ColumnKind::Notes)
    }
}
