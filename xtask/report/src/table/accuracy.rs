//! Accuracy and test loss by ticket, check and sparsity.

use super::{Section, Table, frame_error, spell};
use crate::Error;
use crate::cells::{COLLAPSE_POINTS, Cell, DENSE, Grid, Summary, metrics};
use crate::digest::of_inputs;
use crate::stats::settle;
use polars::df;
use polars::prelude::Column;

/// The columns; the one of the selected epoch stands only where a training selected one.
fn header(selects: bool) -> Vec<String> {
    let selected = if selects {
        &["selected epoch, %"][..]
    } else {
        &[]
    };
    let first: &[&str] = &["ticket", "check", "accuracy, %"];
    let last: &[&str] = &["best epoch, %", "test loss", "n", "notes"];
    let all = [first, selected, last].concat();
    all.into_iter().map(String::from).collect()
}

pub(super) fn table(grid: &Grid<'_>) -> Result<Table, Error> {
    let rows: Vec<(&Cell<'_>, Summary)> = grid.cells.iter().map(|c| (c, grid.summary(c))).collect();
    let mut sections = Vec::new();
    for sparsity in std::iter::once(DENSE).chain(grid.sparsities()) {
        let rows = rows.iter().filter(|(cell, _)| cell.sparsity == sparsity);
        let rows: Vec<_> = rows
            .map(|(cell, summary)| row(grid, cell, summary))
            .collect();
        if !rows.is_empty() {
            sections.push(Section {
                heading: spell::sparsity(sparsity),
                header: header(grid.selects()),
                left: 2,
                rows,
            });
        }
    }
    Ok(Table {
        name: "accuracy",
        title: "accuracy",
        about: about(grid),
        sections,
        frame: frame(grid, &rows)?,
        keys: &["sparsity", "ticket", "check"],
        inputs: of_inputs(metrics(&grid.cells)),
    })
}

fn about(grid: &Grid<'_>) -> Vec<String> {
    let collapse = match grid.chance {
        Some(chance) => format!(
            "A run is called collapsed when its last accuracy is within {COLLAPSE_POINTS} points of \
             chance ({} %); it stays in the means.",
            spell::number(chance, 1)
        ),
        None => "The study does not say how many classes there are, so collapsed runs are not \
                 counted."
            .into(),
    };
    let mut about = vec![
        "Mean ± standard deviation (n − 1) over seeds, after the last epoch; *best epoch* is the \
         highest test accuracy of any epoch, and is chosen on the test set. *identical* marks a \
         check that cannot change the ticket: nothing was measured there."
            .into(),
        collapse,
    ];
    if grid.selects() {
        about.push(
            "*selected epoch* is the test accuracy after the epoch that is best on the training \
             rows held back for validation: the choice never saw the test set."
                .into(),
        );
    }
    about
}

fn row(grid: &Grid<'_>, cell: &Cell<'_>, summary: &Summary) -> Vec<String> {
    let [accuracy, selected, best, loss, n] = if grid.identical(cell) {
        ["identical", "", "", "", ""].map(String::from)
    } else {
        [
            spell::mean_sd(summary.accuracy, 2),
            spell::mean_sd(summary.selected, 2),
            spell::mean_sd(summary.best, 2),
            spell::mean_sd(summary.loss, 4),
            spell::of(summary.n, summary.asked),
        ]
    };
    let check = cell.check.map_or("–", |c| c.title.as_str());
    let notes = spell::notes(grid, cell, summary).join("; ");
    let mut row = vec![cell.ticket.title.clone(), check.into(), accuracy];
    if grid.selects() {
        row.push(selected);
    }
    row.extend([best, loss, n, notes]);
    row
}

/// One word for a cell, for programs.
fn state(grid: &Grid<'_>, cell: &Cell<'_>, summary: &Summary) -> &'static str {
    match summary {
        _ if grid.identical(cell) => "identical",
        Summary {
            n: 0, failed: 1.., ..
        } => "failed",
        Summary {
            n: 0, skipped: 1.., ..
        } => "collapsed",
        Summary { n: 0, .. } => "missing",
        s if s.n < s.asked => "incomplete",
        _ => "measured",
    }
}

fn frame(
    grid: &Grid<'_>,
    rows: &[(&Cell<'_>, Summary)],
) -> Result<polars::prelude::DataFrame, Error> {
    // An identical cell has no numbers of its own.
    let value = |of: fn(&Summary) -> Option<f64>| -> Vec<Option<f64>> {
        let own = rows
            .iter()
            .map(|(cell, s)| (!grid.identical(cell)).then(|| of(s)));
        own.map(|x| x.flatten().map(settle)).collect()
    };
    let count = |of: fn(&Summary) -> usize| -> Vec<u32> {
        rows.iter().map(|(_, s)| of(s) as u32).collect()
    };
    let collapsed = |s: &Summary| s.collapsed.map(|n| n as u32);
    let mut frame = df!(
        "sparsity" => rows.iter().map(|(c, _)| c.sparsity).collect::<Vec<_>>(),
        "ticket" => rows.iter().map(|(c, _)| c.ticket.name.as_str()).collect::<Vec<_>>(),
        "check" => rows.iter().map(|(c, _)| c.check_name()).collect::<Vec<_>>(),
        "state" => rows.iter().map(|(c, s)| state(grid, c, s)).collect::<Vec<_>>(),
        "seeds" => count(|s| s.asked),
        "n" => rows.iter().map(|(c, s)| if grid.identical(c) { 0 } else { s.n as u32 })
            .collect::<Vec<_>>(),
        "accuracy_mean" => value(|s| s.accuracy.map(|x| x.mean)),
        "accuracy_sd" => value(|s| s.accuracy.and_then(|x| x.sd)),
        "best_accuracy_mean" => value(|s| s.best.map(|x| x.mean)),
        "best_accuracy_sd" => value(|s| s.best.and_then(|x| x.sd)),
        "test_loss_mean" => value(|s| s.loss.map(|x| x.mean)),
        "test_loss_sd" => value(|s| s.loss.and_then(|x| x.sd)),
        "failed" => count(|s| s.failed),
        "missing" => count(|s| s.missing),
        "collapsed" => rows.iter().map(|(_, s)| collapsed(s)).collect::<Vec<_>>(),
        "diverged" => count(|s| s.diverged),
        "notes" => rows.iter().map(|(c, s)| spell::notes(grid, c, s).join("; "))
            .collect::<Vec<_>>(),
    )
    .map_err(frame_error("accuracy"))?;
    if grid.selects() {
        let selected = [
            (
                "selected_accuracy_mean",
                value(|s| s.selected.map(|x| x.mean)),
            ),
            (
                "selected_accuracy_sd",
                value(|s| s.selected.and_then(|x| x.sd)),
            ),
        ];
        for (name, values) in selected {
            let column = Column::new(name.into(), values);
            frame.with_column(column).map_err(frame_error("accuracy"))?;
        }
    }
    Ok(frame)
}
