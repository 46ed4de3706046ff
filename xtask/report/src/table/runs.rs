//! Every run of the study with the digests that lead back to it. CSV only.
//!
//! The columns before `why` hold no comma and no quote, so that `cut -d,` can take a column.

use super::{Data, Table, frame_error};
use crate::Error;
use crate::cells::{Cell, Grid, metrics};
use crate::digest::of_inputs;
use crate::format::settle;
use jackpot_results::{Run, RunOutcome as Outcome, TrainedRun as Trained};
use jackpot_stats::mean;
use polars::df;
use polars::prelude::Column;
use polars::prelude::{CsvReadOptions, DataType, Field, PolarsError, Schema, SerReader};
use std::collections::BTreeMap;
use std::io::Cursor;

/// The file that `compare` reads again.
pub(crate) const FILE: &str = "tables/runs.csv";

pub(super) fn table(grid: &Grid<'_>) -> Result<Table, Error> {
    Ok(Table {
        name: "runs",
        title: "runs",
        about: Vec::new(),
        sections: Vec::new(),
        data: Data::Given(frame(grid)?),
        keys: &["sparsity", "ticket", "check", "seed"],
        inputs: of_inputs(metrics(&grid.cells)),
    })
}

fn frame(grid: &Grid<'_>) -> Result<polars::prelude::DataFrame, Error> {
    let rows: Vec<(&Cell<'_>, u64, Option<&Run>)> = grid
        .cells
        .iter()
        .flat_map(|c| c.runs.iter().map(move |(seed, run)| (c, *seed, *run)))
        .collect();
    let digest = |of: fn(&Trained) -> Option<String>| -> Vec<Option<String>> {
        rows.iter()
            .map(|(_, _, run)| trained(*run).and_then(of))
            .collect()
    };
    let value = |of: fn(&Trained) -> f64| -> Vec<Option<f64>> {
        rows.iter()
            .map(|(_, _, run)| trained(*run).map(|t| settle(of(t))))
            .collect()
    };
    let mut frame = df!(
        "sparsity" => rows.iter().map(|(c, _, _)| c.sparsity).collect::<Vec<_>>(),
        "ticket" => rows.iter().map(|(c, _, _)| c.ticket.name.as_str()).collect::<Vec<_>>(),
        "check" => rows.iter().map(|(c, _, _)| c.check_name()).collect::<Vec<_>>(),
        "seed" => rows.iter().map(|(_, seed, _)| *seed).collect::<Vec<_>>(),
        "state" => rows.iter().map(|(_, _, run)| state(*run).0).collect::<Vec<_>>(),
        "metrics" => digest(|t| Some(t.metrics.to_string())),
        "action" => digest(|t| Some(t.key.to_string())),
        "mask" => digest(|t| t.mask.map(|m| m.to_string())),
        "accuracy" => value(|t| t.accuracy),
        "best_accuracy" => value(|t| t.best_accuracy),
        "test_loss" => value(|t| t.test_loss),
        "why" => rows.iter().map(|(_, _, run)| state(*run).1).collect::<Vec<_>>(),
    )
    .map_err(frame_error("runs"))?;
    if grid.selects() {
        let selected = rows
            .iter()
            .map(|(_, _, run)| trained(*run)?.selected_accuracy.map(settle));
        let column = Column::new("selected_accuracy".into(), selected.collect::<Vec<_>>());
        frame.with_column(column).map_err(frame_error("runs"))?;
    }
    Ok(frame)
}

fn trained(run: Option<&Run>) -> Option<&Trained> {
    match &run?.outcome {
        Outcome::Done(trained) => Some(trained),
        _ => None,
    }
}

/// One word, and what there is to say.
fn state(run: Option<&Run>) -> (&'static str, Option<String>) {
    let line = |text: &str| Some(text.split_whitespace().collect::<Vec<_>>().join(" "));
    match run.map(|r| &r.outcome) {
        Some(Outcome::Done(_)) => ("done", None),
        Some(Outcome::Identical { because }) => ("identical", line(because)),
        Some(Outcome::NotApplicable { because }) => ("not applicable", line(because)),
        Some(Outcome::Failed { why, .. }) => ("failed", line(why)),
        Some(Outcome::Collapsed { why }) => ("collapsed", line(why)),
        Some(Outcome::Missing) | None => ("missing", None),
    }
}

/// Two lists of runs compared in sentences: how many results have the same digest, and how far
/// apart the accuracies are. The message says what is wrong with a list that cannot be read.
pub(crate) fn compare(theirs: &[u8], ours: &[u8]) -> Result<Vec<String>, String> {
    let (theirs, ours) = (measured(theirs)?, measured(ours)?);
    let both: Vec<_> = ours
        .iter()
        .filter_map(|(run, o)| theirs.get(run).map(|t| (run, t, o)))
        .collect();
    let same = both
        .iter()
        .filter(|(_, t, o)| t.metrics == o.metrics)
        .count();
    let mut words = vec![format!(
        "results: {same} of {} runs that both have are bit for bit the same",
        both.len()
    )];
    let alone =
        |a: &BTreeMap<_, _>, b: &BTreeMap<_, _>| a.keys().filter(|k| !b.contains_key(*k)).count();
    let (gone, new) = (alone(&theirs, &ours), alone(&ours, &theirs));
    if gone + new > 0 {
        words.push(format!(
            "runs measured only there: {gone}; only here: {new}"
        ));
    }
    let apart = |a: &f64, b: &f64| a.total_cmp(b);
    let runs = both.iter().map(|(_, t, o)| (o.accuracy - t.accuracy).abs());
    if let Some(most) = runs.max_by(apart) {
        let cells = by_cell(&both);
        let cells = cells
            .iter()
            .filter_map(|(theirs, ours)| Some(mean(ours)? - mean(theirs)?));
        let cell = cells.map(f64::abs).max_by(apart).unwrap_or_default();
        words.push(format!(
            "accuracy: single runs are at most {most:.2} points apart, means of a cell at most {cell:.2}"
        ));
    }
    Ok(words)
}

/// Sparsity, ticket, check, seed.
type Name = (String, String, String, u64);

struct Measured {
    metrics: String,
    accuracy: f64,
}

fn by_cell(both: &[(&Name, &Measured, &Measured)]) -> Vec<(Vec<f64>, Vec<f64>)> {
    let mut cells: BTreeMap<_, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for ((sparsity, ticket, check, _), theirs, ours) in both {
        let cell = cells.entry((sparsity, ticket, check)).or_default();
        cell.0.push(theirs.accuracy);
        cell.1.push(ours.accuracy);
    }
    cells.into_values().collect()
}

/// The finished runs of a list.
fn measured(csv: &[u8]) -> Result<BTreeMap<Name, Measured>, String> {
    let failed = |e: PolarsError| format!("cannot be read as a list of runs: {e}");
    let text = ["sparsity", "ticket", "check", "state", "metrics"];
    let fields = text.map(|name| Field::new(name.into(), DataType::String));
    let number = Field::new("accuracy".into(), DataType::Float64);
    let seed = Field::new("seed".into(), DataType::UInt64);
    let schema: Schema = fields.into_iter().chain([number, seed]).collect();
    let options = CsvReadOptions::default().with_schema_overwrite(Some(schema.into()));
    let frame = options
        .into_reader_with_file_handle(Cursor::new(csv))
        .finish()
        .map_err(failed)?;
    let strings = |name: &str| frame.column(name).and_then(|c| c.str()).map_err(failed);
    let (sparsity, ticket, check) = (strings("sparsity")?, strings("ticket")?, strings("check")?);
    let metrics = strings("metrics")?;
    let seed = frame.column("seed").and_then(|c| c.u64()).map_err(failed)?;
    let accuracy = frame
        .column("accuracy")
        .and_then(|c| c.f64())
        .map_err(failed)?;
    let mut found = BTreeMap::new();
    for i in 0..frame.height() {
        let (Some(metrics), Some(accuracy)) = (metrics.get(i), accuracy.get(i)) else {
            continue;
        };
        let name = (sparsity.get(i), ticket.get(i), check.get(i), seed.get(i));
        let (Some(sparsity), Some(ticket), Some(check), Some(seed)) = name else {
            return Err(format!("row {} does not name its run", i + 2));
        };
        let name = (
            sparsity.to_owned(),
            ticket.to_owned(),
            check.to_owned(),
            seed,
        );
        found.insert(
            name,
            Measured {
                metrics: metrics.to_owned(),
                accuracy,
            },
        );
    }
    Ok(found)
}
