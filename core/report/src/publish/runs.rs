//! Compares two lists of runs.

use jackpot_stats::mean;
use polars::prelude::{CsvReadOptions, DataType, Field, PolarsError, Schema, SerReader};
use std::collections::BTreeMap;
use std::io::Cursor;

/// Compares two lists of runs in sentences: how many results have the same digest, and how far the
/// accuracies differ. The error message says what is wrong with a list that cannot be read.
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

/// The finished runs of a list in CSV.
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
