//! The entries of a table: typed values, each with the keys of the runs from which it was computed.
//! A click on the page shows these runs.

use crate::model::cells::Cell;
use crate::model::format;
use crate::model::grid::Grid;
use crate::model::mean_sd::MeanSd;
use jackpot_stats::{Estimate, Spread};
use jackpot_store::Digest;

/// What stands in place of a missing number if there is no reason to give.
pub(crate) const NOTHING: &str = "–";

/// One value with its sources.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub value: Value,
    /// The keys of the actions (trainings) from which it was computed, or the digests of objects
    /// (masks) if nothing was trained. Empty if the value is not a result.
    pub sources: Vec<Digest>,
}

/// A typed value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// An empty cell.
    Blank,
    /// A missing value. The word (`–`, `identical`) stands in its place in files for people.
    Absent(&'static str),
    Text(String),
    /// A name from the study file for programs, and a title for people.
    Named {
        name: String,
        title: String,
    },
    Count(u64),
    /// A number with this many decimals.
    Number(f64, usize),
    /// As `Number`, with a plus sign if it is positive.
    Signed(f64, usize),
    /// A share in percent with three significant digits, because shares run over decades.
    Share(f64),
    MeanSd(MeanSd, usize),
    /// A mean difference, with the bounds of its interval if there is one.
    Interval {
        mean: f64,
        bounds: Option<(f64, f64)>,
        digits: usize,
    },
    /// As `Interval` for a value that is not a difference, so without a plus sign.
    Range {
        mean: f64,
        bounds: (f64, f64),
        digits: usize,
    },
    /// A standard deviation with its degrees of freedom, which need not be an integer.
    Spread {
        sd: f64,
        df: f64,
        digits: usize,
    },
    /// The number of runs and the number that was asked for: `2 of 3`, or `3` if all are there.
    /// Blank if none was asked for.
    CountOf(usize, usize),
    /// A verdict: one word for programs, and the whole text with its qualifier for people.
    Verdict {
        word: String,
        whole: String,
    },
}

/// The unmodified ticket minus the ticket under the check of the cell, in points of accuracy.
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
    /// A value that was computed from these actions.
    pub fn of_runs(value: Value, keys: impl IntoIterator<Item = Digest>) -> Entry {
        let mut sources: Vec<Digest> = keys.into_iter().collect();
        sources.sort_unstable();
        sources.dedup();
        Entry { value, sources }
    }

    /// Text that is not a result.
    pub fn text(text: impl Into<String>) -> Entry {
        Value::Text(text.into()).into()
    }

    /// A number with as many decimals as it was written with.
    pub fn shortest(x: f64) -> Entry {
        let text = format!("{x}");
        let digits = text.split_once('.').map_or(0, |(_, after)| after.len());
        Value::Number(x, digits).into()
    }

    /// A ticket, check or setting.
    pub fn named(named: &jackpot_results::Named) -> Entry {
        let (name, title) = (named.name.clone(), named.title.clone());
        Value::Named { name, title }.into()
    }

    /// The check of a cell, or a dash for the unmodified ticket.
    pub fn check(check: Option<&jackpot_results::Named>) -> Entry {
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
    /// The mean and standard deviation, or a dash.
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

    /// The standard deviation from which the interval was computed, or a dash.
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

    /// The text for people, before the escapes of any file format.
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

    /// The number by which a column of the page is sorted. `None` sorts by the text.
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
