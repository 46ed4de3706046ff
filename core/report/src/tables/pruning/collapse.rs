//! Table `collapse`: the collapse that masks predict against what happened in training.

use crate::Error;
use crate::error::frame_error;
use crate::model::cells::{Cell, metrics};
use crate::model::format;
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::tables::pruning::masks;
use crate::tables::table::{Column, ColumnKind, Data, Section, Table};
use crate::tables::value::{Entry, Value};
use jackpot_results::{Run, RunOutcome};
use polars::df;

const PREDICTED: [&str; 3] = ["certain", "at risk", "none"];
const HAPPENED: [&str; 6] = [
    "learned",
    "at chance",
    "diverged",
    "failed",
    "skipped",
    "missing",
];

pub(crate) fn table(grid: &Grid<'_>) -> Result<Table, Error> {
    let mut inputs: Vec<_> = masks::known(grid).map(|(.., facts)| facts.mask).collect();
    inputs.extend(metrics(&grid.cells));
    let chance = grid.chance.map(|c| format::number(c, 1));
    Ok(Table {
        name: "collapse",
        title: "collapse, predicted and observed",
        about: vec![format!(
            "Runs by what the mask said before the training and what the training came to. \
             *Certain*: no path of kept weights leads from the image to a logit. *At risk*: a place \
             that every path crosses is narrower than the number of classes (where the dense \
             network's is not) or than 5 % of its channels. *At chance*: the last accuracy is that \
             of a guess{}. *Skipped*: not started, for the collapse was certain.",
            chance.map_or(String::new(), |c| format!(" ({c} %)"))
        )],
        sections: grid.sparsities().iter().map(|s| section(grid, s)).collect(),
        data: Data::Given(frame(grid)?),
        keys: &["sparsity", "ticket", "check", "seed"],
        inputs: inputs_of(inputs),
    })
}

fn happened(grid: &Grid<'_>, run: &Run) -> &'static str {
    match &run.outcome {
        RunOutcome::Done(t) if !t.test_loss.is_finite() => "diverged",
        RunOutcome::Done(t) if grid.collapsed(t) => "at chance",
        RunOutcome::Done(_) => "learned",
        RunOutcome::Failed { diverged: true, .. } => "diverged",
        RunOutcome::Failed { .. } => "failed",
        RunOutcome::Collapsed { .. } => "skipped",
        RunOutcome::Identical { .. } | RunOutcome::NotApplicable { .. } | RunOutcome::Missing => {
            "missing"
        }
    }
}

fn section(grid: &Grid<'_>, sparsity: &str) -> Section {
    let runs: Vec<(&str, &str, jackpot_store::Digest)> = masks::known(grid)
        .filter(|(cell, ..)| cell.sparsity == sparsity)
        .map(|(_, _, run, facts)| {
            let from = masks::origin(run, facts);
            (masks::word(&facts.collapse), happened(grid, run), from)
        })
        .collect();
    let row = |predicted: &str| {
        let count = |what: &&str| {
            let these = runs.iter().filter(|r| (r.0, r.1) == (predicted, *what));
            let from: Vec<_> = these.map(|r| r.2).collect();
            Entry::of_runs(Value::Count(from.len() as u64), from)
        };
        let counts = HAPPENED.iter().map(count);
        std::iter::once(Entry::text(predicted))
            .chain(counts)
            .collect()
    };
    let counts = HAPPENED.map(|what| Column::new(ColumnKind::Count, what, what));
    let predicted = Column::new(ColumnKind::Text, "predicted", "predicted");
    Section {
        heading: format::sparsity(sparsity),
        columns: std::iter::once(predicted).chain(counts).collect(),
        rows: PREDICTED.iter().map(|p| row(p)).collect(),
    }
}

fn frame(grid: &Grid<'_>) -> Result<polars::prelude::DataFrame, Error> {
    let rows: Vec<(&Cell<'_>, u64, &str, &str)> = masks::known(grid)
        .map(|(cell, seed, run, facts)| {
            (
                cell,
                seed,
                masks::word(&facts.collapse),
                happened(grid, run),
            )
        })
        .collect();
    df!(
        "sparsity" => rows.iter().map(|r| r.0.sparsity).collect::<Vec<_>>(),
        "ticket" => rows.iter().map(|r| r.0.ticket.name.as_str()).collect::<Vec<_>>(),
        "check" => rows.iter().map(|r| r.0.check_name()).collect::<Vec<_>>(),
        "seed" => rows.iter().map(|r| r.1).collect::<Vec<_>>(),
        "predicted" => rows.iter().map(|r| r.2).collect::<Vec<_>>(),
        "happened" => rows.iter().map(|r| r.3).collect::<Vec<_>>(),
    )
    .map_err(frame_error("collapse"))
}
