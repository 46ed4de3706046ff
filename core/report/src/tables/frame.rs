//! A table's rows as one polars frame.

use crate::Error;
use crate::error::frame_error;
use crate::model::format::six_decimals;
use crate::tables::table::{Column, ColumnKind, Data, Section, Table};
use crate::tables::value::{Entry, Value};
use polars::prelude::{DataFrame, DataType, NamedFrom, Series, SortMultipleOptions};

/// The data of a table, sorted by its keys.
pub(crate) fn sorted(table: &Table) -> Result<DataFrame, Error> {
    let failed = frame_error(table.name);
    let made = match &table.data {
        Data::Given(frame) => Ok(frame.clone()),
        // A table without rows still has its key columns.
        Data::Rows if table.sections.is_empty() => {
            let empty = |key: &&str| Series::new_empty((*key).into(), &DataType::String).into();
            DataFrame::new(0, table.keys.iter().map(empty).collect())
        }
        Data::Rows => of_rows(&table.sections),
    };
    let stable = SortMultipleOptions::default().with_maintain_order(true);
    made.and_then(|frame| frame.sort(table.keys, stable))
        .map_err(failed)
}

/// The rows of all sections under the union of their columns, in the order in which the columns
/// first appear. A column that a section lacks is empty in its rows.
fn of_rows(sections: &[Section]) -> polars::prelude::PolarsResult<DataFrame> {
    let mut columns: Vec<&Column> = Vec::new();
    for column in sections.iter().flat_map(|s| &s.columns) {
        let known = |c: &&Column| c.name == column.name && c.kind == column.kind;
        if !columns.iter().any(known) {
            columns.push(column);
        }
    }
    let mut series = Vec::new();
    for column in columns {
        let mut values: Vec<&Value> = Vec::new();
        for section in sections {
            let is = |c: &Column| c.name == column.name && c.kind == column.kind;
            let place = section.columns.iter().position(is);
            values.extend(section.rows.iter().map(|row| entry(row, place)));
        }
        series.extend(spread(column, &values));
    }
    let height = series.first().map_or(0, |s| s.len());
    DataFrame::new(height, series.into_iter().map(Into::into).collect())
}

fn entry(row: &[Entry], place: Option<usize>) -> &Value {
    let entry = place.and_then(|i| row.get(i));
    entry.map_or(&Value::Blank, |entry| &entry.value)
}

/// The data columns for the values of one column of the table.
fn spread(column: &Column, values: &[&Value]) -> Vec<Series> {
    let name = &column.name;
    let numbers = |suffix: &str, of: fn(&Value) -> Option<f64>| {
        let values: Vec<Option<f64>> = values.iter().map(|v| of(v).map(six_decimals)).collect();
        Series::new(format!("{name}{suffix}").into(), values)
    };
    let counts = |suffix: &str, of: fn(&Value) -> Option<u64>| {
        let values: Vec<Option<u64>> = values.iter().map(|v| of(v)).collect();
        Series::new(format!("{name}{suffix}").into(), values)
    };
    match column.kind {
        ColumnKind::Text | ColumnKind::Notes => {
            let words: Vec<Option<String>> = values.iter().map(|v| words(v)).collect();
            vec![Series::new(name.as_str().into(), words)]
        }
        ColumnKind::Count => vec![counts("", count)],
        ColumnKind::Number => vec![numbers("", mean)],
        ColumnKind::MeanSd => vec![numbers("_mean", mean), numbers("_sd", sd)],
        ColumnKind::Interval => vec![
            numbers("_mean", mean),
            numbers("_low", |v| bounds(v).map(|b| b.0)),
            numbers("_high", |v| bounds(v).map(|b| b.1)),
        ],
        ColumnKind::Spread => vec![numbers("_sd", sd), numbers("_df", df)],
        ColumnKind::CountOf => vec![counts("", count), counts("_asked", asked)],
    }
}

fn words(value: &Value) -> Option<String> {
    match value {
        Value::Blank | Value::Absent(_) => None,
        Value::Named { name, .. } => Some(name.clone()),
        Value::Verdict { word, .. } => Some(word.clone()),
        other => Some(other.format()),
    }
}

fn mean(value: &Value) -> Option<f64> {
    match value {
        Value::Number(x, _) | Value::Signed(x, _) | Value::Share(x) => Some(*x),
        Value::MeanSd(value, _) => Some(value.mean),
        Value::Interval { mean, .. } | Value::Range { mean, .. } => Some(*mean),
        _ => None,
    }
}

fn sd(value: &Value) -> Option<f64> {
    match value {
        Value::MeanSd(value, _) => value.sd,
        Value::Spread { sd, .. } => Some(*sd),
        _ => None,
    }
}

fn df(value: &Value) -> Option<f64> {
    match value {
        Value::Spread { df, .. } => Some(*df),
        _ => None,
    }
}

fn bounds(value: &Value) -> Option<(f64, f64)> {
    match value {
        Value::Interval { bounds, .. } => *bounds,
        Value::Range { bounds, .. } => Some(*bounds),
        _ => None,
    }
}

fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Count(n) => Some(*n),
        Value::CountOf(n, _) => Some(*n as u64),
        _ => None,
    }
}

fn asked(value: &Value) -> Option<u64> {
    match value {
        Value::CountOf(_, asked) => Some(*asked as u64),
        _ => None,
    }
}
