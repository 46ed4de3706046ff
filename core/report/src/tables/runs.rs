//! Table `runs`: every run of the study with its digests, in files for programs only.
//!
//! The columns before `why` hold no comma and no quote, so that `cut -d,` can take a column.

use crate::Error;
use crate::error::frame_error;
use crate::model::cells::{Cell, metrics};
use crate::model::format::six_decimals;
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::tables::table::{Data, Table};
use jackpot_results::{Run, RunOutcome, TrainedRun};
use polars::df;
use polars::prelude::Column;

/// The file by which two reports are compared.
pub(crate) const FILE: &str = "tables/runs.csv";

pub(crate) fn table(grid: &Grid<'_>) -> Result<Table, Error> {
    Ok(Table {
        name: "runs",
        title: "runs",
        about: Vec::new(),
        sections: Vec::new(),
        data: Data::Given(frame(grid)?),
        keys: &["sparsity", "ticket", "check", "seed"],
        inputs: inputs_of(metrics(&grid.cells)),
    })
}

fn frame(grid: &Grid<'_>) -> Result<polars::prelude::DataFrame, Error> {
    let rows: Vec<(&Cell<'_>, u64, Option<&Run>)> = grid
        .cells
        .iter()
        .flat_map(|c| c.runs.iter().map(move |(seed, run)| (c, *seed, *run)))
        .collect();
    let digest = |of: fn(&TrainedRun) -> Option<String>| -> Vec<Option<String>> {
        rows.iter()
            .map(|(_, _, run)| trained(*run).and_then(of))
            .collect()
    };
    let value = |of: fn(&TrainedRun) -> f64| -> Vec<Option<f64>> {
        rows.iter()
            .map(|(_, _, run)| trained(*run).map(|t| six_decimals(of(t))))
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
            .map(|(_, _, run)| trained(*run)?.selected_accuracy.map(six_decimals));
        let column = Column::new("selected_accuracy".into(), selected.collect::<Vec<_>>());
        frame.with_column(column).map_err(frame_error("runs"))?;
    }
    Ok(frame)
}

fn trained(run: Option<&Run>) -> Option<&TrainedRun> {
    match &run?.outcome {
        RunOutcome::Done(trained) => Some(trained),
        _ => None,
    }
}

/// The state of a run in one word, and the reason if there is one.
fn state(run: Option<&Run>) -> (&'static str, Option<String>) {
    let line = |text: &str| Some(text.split_whitespace().collect::<Vec<_>>().join(" "));
    match run.map(|r| &r.outcome) {
        Some(RunOutcome::Done(_)) => ("done", None),
        Some(RunOutcome::Identical { because }) => ("identical", line(because)),
        Some(RunOutcome::NotApplicable { because }) => ("not applicable", line(because)),
        Some(RunOutcome::Failed { why, .. }) => ("failed", line(why)),
        Some(RunOutcome::Collapsed { why }) => ("collapsed", line(why)),
        Some(RunOutcome::Missing) | None => ("missing", None),
    }
}
