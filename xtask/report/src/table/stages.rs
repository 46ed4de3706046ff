//! Which data each stage of a ticket saw, and how many epochs it cost.

use super::{Section, Table, frame_error, spell};
use crate::Error;
use crate::cells::{Cell, Grid, metrics};
use crate::digest::of_inputs;
use jackpot_study::{Lineage, Outcome};
use polars::df;

const NOTHING: &str = "–";

pub(super) fn table(grid: &Grid<'_>) -> Result<Table, Error> {
    Ok(Table {
        name: "stages",
        title: "which data each stage saw",
        about: vec![
            "The data of every training before the ticket's own (*pretraining*), of the batches \
             that its method drew (*scoring*) and of its own *training*; the test images are \
             always clean. *Epochs* are those of all trainings that the ticket needs."
                .into(),
        ],
        sections: grid.sparsities().iter().map(|s| section(grid, s)).collect(),
        frame: frame(grid)?,
        keys: &["sparsity", "ticket", "check"],
        inputs: of_inputs(metrics(&grid.cells)),
    })
}

/// What a cell's runs come from: the same for every seed.
fn lineage<'a>(cell: &Cell<'a>) -> Option<&'a Lineage> {
    cell.runs
        .iter()
        .find_map(|(_, run)| match &(*run)?.outcome {
            Outcome::Done(trained) => trained.lineage.as_deref(),
            _ => None,
        })
}

fn known<'g, 'a: 'g>(grid: &'g Grid<'a>) -> impl Iterator<Item = (&'g Cell<'a>, &'a Lineage)> + 'g {
    grid.cells.iter().filter_map(|c| Some((c, lineage(c)?)))
}

fn section(grid: &Grid<'_>, sparsity: &str) -> Section {
    let rows = known(grid).filter(|(cell, _)| cell.sparsity == sparsity);
    let seen = |data: &Option<String>| data.clone().unwrap_or_else(|| NOTHING.to_owned());
    Section {
        heading: spell::sparsity(sparsity),
        header: [
            "ticket",
            "check",
            "pretraining",
            "scoring",
            "training",
            "epochs",
        ]
        .map(String::from)
        .to_vec(),
        left: 5,
        rows: rows
            .map(|(cell, l)| {
                vec![
                    cell.ticket.title.clone(),
                    cell.check
                        .map_or(NOTHING.to_owned(), |check| check.title.clone()),
                    seen(&l.pretraining),
                    seen(&l.scoring),
                    l.training.clone(),
                    l.epochs.clone(),
                ]
            })
            .collect(),
    }
}

fn frame(grid: &Grid<'_>) -> Result<polars::prelude::DataFrame, Error> {
    let rows: Vec<_> = known(grid).collect();
    df!(
        "sparsity" => rows.iter().map(|r| r.0.sparsity).collect::<Vec<_>>(),
        "ticket" => rows.iter().map(|r| r.0.ticket.name.as_str()).collect::<Vec<_>>(),
        "check" => rows.iter().map(|r| r.0.check_name()).collect::<Vec<_>>(),
        "pretraining" => rows.iter().map(|r| r.1.pretraining.as_deref()).collect::<Vec<_>>(),
        "scoring" => rows.iter().map(|r| r.1.scoring.as_deref()).collect::<Vec<_>>(),
        "training" => rows.iter().map(|r| r.1.training.as_str()).collect::<Vec<_>>(),
        "epochs" => rows.iter().map(|r| r.1.epochs.as_str()).collect::<Vec<_>>(),
    )
    .map_err(frame_error("stages"))
}
