//! What a table is: sections of rows under typed columns, before any format writes them.
//!
//! A table is sections of rows; a section has columns, and a row has one [`Entry`] for each. A
//! column without a title is for programs only. Unless a table brings a frame of its own, its CSV
//! and Parquet files hold the rows of all sections, each column spread into as many as its [`ColumnKind`]
//! has parts.

use crate::model::inputs::ReportInputs;
use crate::tables::value::Entry;
use polars::prelude::DataFrame;

/// One table, before any format writes it.
pub(crate) struct Table {
    /// The name of its files, without extension.
    pub name: &'static str,
    pub title: &'static str,
    /// What a reader must know to read it, one string for each paragraph. The only markup is
    /// Markdown's `*emphasis*`. A table without any is for programs only.
    pub about: Vec<String>,
    /// What people see, and the data as well unless `data` has its own frame.
    pub sections: Vec<Section>,
    pub data: Data,
    /// The columns by which the rows of the data are sorted.
    pub keys: &'static [&'static str],
    pub inputs: ReportInputs,
}

/// The data of a table, for programs.
pub(crate) enum Data {
    /// The rows of the sections, under the union of their columns.
    Rows,
    /// A separate frame, for example with one row for each run where people see means over seeds.
    Given(DataFrame),
}

/// Rows under one heading.
pub(crate) struct Section {
    pub heading: String,
    pub columns: Vec<Column>,
    /// Each row has one entry for each column.
    pub rows: Vec<Vec<Entry>>,
}

/// The name and type of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// The name in files for programs, in snake case.
    pub name: String,
    /// The title in files for people, with its unit: `accuracy, %`. A column with `None` is for
    /// programs only.
    pub title: Option<String>,
    pub kind: ColumnKind,
}

/// The type of a column, which determines its alignment for people and its columns for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    /// Text in the column NAME, aligned to the left.
    Text,
    /// As `Text`, but possibly long: LaTeX prints it below the table.
    Notes,
    /// An unsigned integer in the column NAME.
    Count,
    /// A number in the column NAME.
    Number,
    /// A mean and a standard deviation in the columns NAME_mean and NAME_sd.
    MeanSd,
    /// A mean and its interval in the columns NAME_mean, NAME_low and NAME_high.
    Interval,
    /// A standard deviation and its degrees of freedom in the columns NAME_sd and NAME_df.
    Spread,
    /// How many there are and how many were asked for, unsigned integers in the columns NAME and
    /// NAME_asked.
    CountOf,
}

impl Table {
    /// Whether the table has files for people.
    pub fn is_shown(&self) -> bool {
        !self.about.is_empty()
    }
}

impl Section {
    /// The columns for people: the index in a row, the title and the kind of each.
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
    /// Whether the column holds text, which is aligned to the left.
    pub fn is_text(self) -> bool {
        matches!(self, ColumnKind::Text | ColumnKind::Notes)
    }
}
