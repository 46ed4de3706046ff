//! Tables: one description of columns and typed cells, written as Markdown and LaTeX for people, as
//! HTML for the study's page, and as CSV and Parquet for programs.
//!
//! A table is sections of rows; a section has columns, and a row has one [`Entry`] for each. An
//! entry is a typed [`Value`] with the keys of the runs that it came from, which is what a click
//! on the page shows. A column without a title is for programs only. Unless a table brings a
//! frame of its own, its CSV and Parquet files hold the rows of all sections, each column spread
//! into as many as its [`Kind`] has parts.

mod accuracy;
pub(crate) mod before_after;
mod collapse;
mod corruption;
pub(crate) mod differences;
mod effects;
mod hybrid;
pub(crate) mod joined;
mod layers;
pub(crate) mod learning_rates;
mod masks;
pub(crate) mod overlaps;
mod partially_trained;
mod pretraining;
mod ratios;
mod references;
pub(crate) mod runs;
pub(crate) mod spell;
mod stages;
pub(crate) mod sweeps;
mod tickets;
pub(crate) mod verdicts;

use crate::cells::{Cell, Grid, MeanSd};
use crate::digest::Inputs;
use crate::format::{frame, latex, markdown};
use crate::sweep::Grids;
use crate::{Error, Output};
use jackpot_results::{Outline, Results};
use jackpot_stats::{Estimate, Spread};
use jackpot_store::Digest;
use jackpot_study::TABLES;
use polars::prelude::DataFrame;
pub(crate) use ratios::smart;

/// One table, before it is spelled.
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
    pub inputs: Inputs,
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
    pub kind: Kind,
}

/// The type of a column: its alignment for people and its columns for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// NAME, text; to the left.
    Words,
    /// As `Words`, and may be long: LaTeX sets it under the table.
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
    Of,
}

/// One value and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub value: Value,
    /// The keys of the actions (trainings) that it was computed from, or the digests of objects
    /// (masks) where nothing was trained; empty for what is no result.
    pub from: Vec<Digest>,
}

/// A typed value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Nothing belongs here.
    Blank,
    /// A value is missing; `word` stands in its place for people (`–`, `identical`).
    Absent(&'static str),
    Text(String),
    /// One thing by two names: the study file's for programs, a title for people.
    Named {
        name: String,
        title: String,
    },
    Count(u64),
    /// With this many decimals.
    Number(f64, usize),
    /// With a plus sign where it is positive.
    Signed(f64, usize),
    /// A share in percent that runs over decades: three significant digits.
    Share(f64),
    MeanSd(MeanSd, usize),
    /// A mean difference with the bounds of its interval, where something says how it varies.
    Interval {
        mean: f64,
        bounds: Option<(f64, f64)>,
        digits: usize,
    },
    /// As `Interval`, of what is no difference: without a plus sign.
    Range {
        mean: f64,
        bounds: (f64, f64),
        digits: usize,
    },
    /// A standard deviation with its degrees of freedom, not always whole.
    Spread {
        sd: f64,
        df: f64,
        digits: usize,
    },
    /// `2 of 3`; `3` where all are there; blank where none was asked for.
    Of(usize, usize),
    /// A verdict: its one word for programs, and the whole with its qualifier for people.
    Verdict {
        word: String,
        whole: String,
    },
}

/// What stands where a number is missing and nothing more is to be said.
pub(crate) const NOTHING: &str = "–";

/// The tables that the study asks for, and always the list of runs.
pub(crate) fn all(grid: &Grid<'_>) -> Result<Vec<Table>, Error> {
    let mut tables = Vec::new();
    for name in &grid.outline.tables {
        tables.push(match name.as_str() {
            "accuracy" => accuracy::table(grid),
            "differences" => differences::table(grid),
            "layers" => layers::table(grid)?,
            "masks" => masks::table(grid)?,
            "collapse" => collapse::table(grid)?,
            "stages" => stages::table(grid),
            "tickets" => tickets::table(grid),
            "partially-trained" => partially_trained::table(grid),
            "hybrid" => hybrid::table(grid),
            "ablation" => ratios::ablation(grid),
            "ratios" => ratios::table(grid)?,
            "corruption" => corruption::table(grid),
            "overlaps" => overlaps::table(grid)?,
            "learning-rates" => learning_rates::table(Grids::one(grid)),
            "sweeps" => sweeps::table(Grids::one(grid)),
            "pretraining" => pretraining::table(grid),
            "references" => references::table(grid)?,
            "verdicts" => verdicts::table(grid),
            "effects" => effects::table(grid),
            "before-after" => before_after::table(grid),
            other => return Err(unknown("table", other, TABLES)),
        });
    }
    tables.push(runs::table(grid)?);
    Ok(tables)
}

/// The message about a name in a study file that no table or figure has.
pub(crate) fn unknown(what: &str, found: &str, names: &[&str]) -> Error {
    Error::Study(format!(
        "study.toml asks for the {what} `{found}`: expected one of `{}`",
        names.join("`, `")
    ))
}

/// A failure of polars, with the file that was being made.
pub(crate) fn frame_error(name: &str) -> impl Fn(polars::prelude::PolarsError) -> Error + '_ {
    move |error| Error::Draw {
        output: format!("tables/{name}"),
        message: error.to_string(),
    }
}

/// The ticket − the ticket under the check that the cell is of, in points of accuracy.
fn difference(grid: &Grid<'_>, cell: &Cell<'_>) -> Entry {
    match grid.findings.of_check(cell) {
        Some(f) => Entry::from(
            Value::difference(&f.accuracy.estimate, 2),
            f.keys.iter().copied(),
        ),
        None => Value::Absent(NOTHING).into(),
    }
}

impl Table {
    /// The CSV and Parquet files and, unless people are shown nothing of it, the Markdown and
    /// LaTeX ones.
    pub fn outputs(
        &self,
        outline: &Outline,
        results: &Results,
    ) -> Result<Vec<(String, Output)>, Error> {
        let mut frame = frame::sorted(self)?;
        let mut files = vec![
            ("csv", frame::csv(self.name, &mut frame)?),
            ("parquet", frame::parquet(self.name, &mut frame)?),
        ];
        if self.is_shown() {
            files.push(("md", markdown::file(self, outline, results).into_bytes()));
            files.push(("tex", latex::file(self, outline).into_bytes()));
        }
        let output = |(ending, bytes)| {
            let inputs = self.inputs.clone();
            let path = format!("tables/{}.{ending}", self.name);
            (path, Output { inputs, bytes })
        };
        Ok(files.into_iter().map(output).collect())
    }

    /// True when people are shown any of it.
    pub fn is_shown(&self) -> bool {
        !self.about.is_empty()
    }
}

impl Section {
    /// The rows of one sparsity under its heading; none where there are none.
    pub fn of(sparsity: &str, columns: Vec<Column>, rows: Vec<Vec<Entry>>) -> Option<Section> {
        (!rows.is_empty()).then(|| Section {
            heading: spell::sparsity(sparsity),
            columns,
            rows,
        })
    }

    /// The columns that people see, each with its place in a row.
    pub fn shown(&self) -> impl Iterator<Item = (usize, &str, Kind)> {
        let columns = self.columns.iter().enumerate();
        columns.filter_map(|(i, c)| Some((i, c.title.as_deref()?, c.kind)))
    }
}

impl Column {
    /// A column for people and programs.
    pub fn new(kind: Kind, name: &str, title: &str) -> Column {
        Column {
            name: name.into(),
            title: Some(title.into()),
            kind,
        }
    }

    /// A column for programs alone.
    pub fn hidden(kind: Kind, name: &str) -> Column {
        Column {
            name: name.into(),
            title: None,
            kind,
        }
    }
}

impl Kind {
    /// True for what is set to the left.
    pub fn is_words(self) -> bool {
        matches!(self, Kind::Words | Kind::Notes)
    }
}

impl Entry {
    /// A value that came from these actions.
    pub fn from(value: Value, keys: impl IntoIterator<Item = Digest>) -> Entry {
        let mut from: Vec<Digest> = keys.into_iter().collect();
        from.sort_unstable();
        from.dedup();
        Entry { value, from }
    }

    /// Text that is no result.
    pub fn text(text: impl Into<String>) -> Entry {
        Value::Text(text.into()).into()
    }

    /// A ticket or a check.
    pub fn named(named: &jackpot_results::Named) -> Entry {
        let (name, title) = (named.name.clone(), named.title.clone());
        Value::Named { name, title }.into()
    }

    /// The check of a cell; a dash for the unmodified ticket.
    pub fn check(check: Option<&jackpot_results::Named>) -> Entry {
        let unmodified = || Value::Named {
            name: crate::cells::UNMODIFIED.into(),
            title: NOTHING.into(),
        };
        check.map_or_else(|| unmodified().into(), Entry::named)
    }
}

impl From<Value> for Entry {
    fn from(value: Value) -> Entry {
        Entry {
            value,
            from: Vec::new(),
        }
    }
}

impl Value {
    /// The mean and deviation, or a dash.
    pub fn mean_sd(value: Option<MeanSd>, digits: usize) -> Value {
        value.map_or(Value::Absent(NOTHING), |v| Value::MeanSd(v, digits))
    }

    /// A mean difference with its 95 % interval, or a dash.
    pub fn difference(estimate: &Estimate, digits: usize) -> Value {
        let interval = |mean| Value::Interval {
            mean,
            bounds: estimate.interval95.map(|[low, high]| (low, high)),
            digits,
        };
        estimate.mean.map_or(Value::Absent(NOTHING), interval)
    }

    /// The standard deviation that the interval was made with, or a dash.
    pub fn spread(estimate: &Estimate, digits: usize) -> Value {
        let spread = |s: Spread| Value::Spread {
            sd: s.sd,
            df: s.df,
            digits,
        };
        estimate.spread.map_or(Value::Absent(NOTHING), spread)
    }

    /// The number, or a dash.
    pub fn number(value: Option<f64>, digits: usize) -> Value {
        value.map_or(Value::Absent(NOTHING), |v| Value::Number(v, digits))
    }

    /// As people read it, before any format's escapes.
    pub fn spell(&self) -> String {
        match self {
            Value::Blank => String::new(),
            Value::Absent(word) => (*word).into(),
            Value::Text(text) => text.clone(),
            Value::Named { title, .. } => title.clone(),
            Value::Count(n) => n.to_string(),
            Value::Number(x, digits) => spell::number(*x, *digits),
            Value::Signed(x, digits) => spell::signed(*x, *digits),
            Value::Share(percent) => spell::share(*percent),
            Value::MeanSd(value, digits) => spell::mean_sd(Some(*value), *digits),
            Value::Interval {
                mean,
                bounds,
                digits,
            } => spell::interval(*mean, *bounds, *digits),
            Value::Range {
                mean,
                bounds: (low, high),
                digits,
            } => {
                let [mean, low, high] = [mean, low, high].map(|x| spell::number(*x, *digits));
                format!("{mean} [{low}, {high}]")
            }
            Value::Spread { sd, df, digits } => {
                let whole = df.fract().abs() < 0.05;
                let df = spell::number(*df, usize::from(!whole));
                format!("{} ({df})", spell::number(*sd, *digits))
            }
            Value::Of(0, 0) => String::new(),
            Value::Of(n, asked) => spell::of(*n, *asked),
            Value::Verdict { whole, .. } => whole.clone(),
        }
    }

    /// What a column of the page is sorted by; none sorts by the words.
    pub fn order(&self) -> Option<f64> {
        let order = match self {
            Value::Count(n) => *n as f64,
            Value::Number(x, _) | Value::Signed(x, _) | Value::Share(x) => *x,
            Value::MeanSd(value, _) => value.mean,
            Value::Interval { mean, .. } | Value::Range { mean, .. } => *mean,
            Value::Spread { sd, .. } => *sd,
            Value::Of(n, _) => *n as f64,
            _ => return None,
        };
        order.is_finite().then_some(order)
    }
}
