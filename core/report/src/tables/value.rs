//! The entries of a table: typed values, each with the keys of the runs that it came from, which is
//! what a click on the page shows.

use crate::model::cells::Cell;
use crate::model::format;
use crate::model::grid::Grid;
use crate::model::mean_sd::MeanSd;
use jackpot_stats::{Estimate, Spread};
use jackpot_store::Digest;

/// What stands where a number is missing and nothing more is to be said.
pub(crate) const NOTHING: &str = "–";

/// One value and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub value: Value,
    /// The keys of the actions (trainings) that it was computed from, or the digests of objects
    /// (masks) where nothing was trained; empty for what is no result.
    pub sources: Vec<Digest>,
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
    CountOf(usize, usize),
    /// A verdict: its one word for programs, and the whole with its qualifier for people.
    Verdict {
        word: String,
        whole: String,
    },
}

/// The ticket − the ticket under the check that the cell is of, in points of accuracy.
pub(crate) fn difference(grid: &Grid<'_>, cell: &Cell<'_>) -> Entry {
    match grid.check_finding(cell) {
        Some(f) => Entry::of_runs(
            Value::difference(&f.accuracy.estimate, 2),
            f.keys.iter().copied(),
        ),
        None => Value::Absent(NOTHING).into(),
    }
}

impl Entry {
    /// A value that came from these actions.
    pub fn of_runs(value: Value, keys: impl IntoIterator<Item = Digest>) -> Entry {
        let mut sources: Vec<Digest> = keys.into_iter().collect();
        sources.sort_unstable();
        sources.dedup();
        Entry { value, sources }
    }

    /// Text that is no result.
    pub fn text(text: impl Into<String>) -> Entry {
        Value::Text(text.into()).into()
    }

    /// A number with as many decimals as it was written with.
    pub fn shortest(x: f64) -> Entry {
        let text = format!("{x}");
        let digits = text.split_once('.').map_or(0, |(_, after)| after.len());
        Value::Number(x, digits).into()
    }

    /// A ticket or a check.
    pub fn named(named: &jackpot_study::Named) -> Entry {
        let (name, title) = (named.name.clone(), named.title.clone());
        Value::Named { name, title }.into()
    }

    /// The check of a cell; a dash for the unmodified ticket.
    pub fn check(check: Option<&jackpot_study::Named>) -> Entry {
        let unmodified = || Value::Named {
            name: crate::model::cells::UNMODIFIED.into(),
            title: NOTHING.into(),
        };
        check.map_or_else(|| unmodified().into(), Entry::named)
    }
}

impl From<Value> for Entry {
    fn from(value: Value) -> Entry {
        Entry {
            value,
            sources: Vec::new(),
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
    pub fn format(&self) -> String {
        match self {
            Value::Blank => String::new(),
            Value::Absent(word) => (*word).into(),
            Value::Text(text) => text.clone(),
            Value::Named { title, .. } => title.clone(),
            Value::Count(n) => n.to_string(),
            Value::Number(x, digits) => format::number(*x, *digits),
            Value::Signed(x, digits) => format::signed(*x, *digits),
            Value::Share(percent) => format::share(*percent),
            Value::MeanSd(value, digits) => format::mean_sd(Some(*value), *digits),
            Value::Interval {
                mean,
                bounds,
                digits,
            } => format::interval(*mean, *bounds, *digits),
            Value::Range {
                mean,
                bounds: (low, high),
                digits,
            } => {
                let [mean, low, high] = [mean, low, high].map(|x| format::number(*x, *digits));
                format!("{mean} [{low}, {high}]")
            }
            Value::Spread { sd, df, digits } => {
                let whole = df.fract().abs() < 0.05;
                let df = format::number(*df, usize::from(!whole));
                format!("{} ({df})", format::number(*sd, *digits))
            }
            Value::CountOf(0, 0) => String::new(),
            Value::CountOf(n, asked) => format::count_of(*n, *asked),
            Value::Verdict { whole, .. } => whole.clone(),
        }
    }

    /// What a column of the page is sorted by; none sorts by the words.
    pub fn sort_key(&self) -> Option<f64> {
        let order = match self {
            Value::Count(n) => *n as f64,
            Value::Number(x, _) | Value::Signed(x, _) | Value::Share(x) => *x,
            Value::MeanSd(value, _) => value.mean,
            Value::Interval { mean, .. } | Value::Range { mean, .. } => *mean,
            Value::Spread { sd, .. } => *sd,
            Value::CountOf(n, _) => *n as f64,
            _ => return None,
        };
        order.is_finite().then_some(order)
    }
}
