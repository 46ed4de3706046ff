//! Tickets at several learning rates, and how much accuracy still moves at the end of a training.

use super::{Column, Data, Entry, Kind, NOTHING, Section, Table, Value, spell};
use crate::cells::{Cell, Grid, MeanSd, metrics};
use crate::digest::of_inputs;
use jackpot_stats::sample_sd;
use jackpot_study::{Named, SparseWay, Trained};

/// The last epochs that volatility is taken over: a fifth of the training, from 2 to 10.
const SHARE: usize = 5;

pub(super) fn table(grid: &Grid<'_>) -> Table {
    let mut sections = Vec::new();
    for sparsity in grid.sparsities() {
        let families = families(grid, sparsity);
        let rows = |of: fn(&Grid<'_>, &Family<'_, '_>) -> Vec<Vec<Entry>>| {
            families
                .iter()
                .flat_map(|f| of(grid, f))
                .collect::<Vec<_>>()
        };
        let each = rows(|grid, f| f.cells.iter().map(|c| row(grid, c)).collect());
        if !each.is_empty() {
            let heading = format!("{}: every learning rate", spell::sparsity(sparsity));
            sections.push(Section {
                heading,
                columns: columns(),
                rows: each,
            });
        }
        let best = rows(|grid, f| fixed_and_best(grid, f).into_iter().collect());
        if !best.is_empty() {
            let heading = format!("{}: fixed against best", spell::sparsity(sparsity));
            sections.push(Section {
                heading,
                columns: chosen(),
                rows: best,
            });
        }
    }
    Table {
        name: "learning-rates",
        title: "learning rates and volatility",
        about: vec![
            "Test accuracy after the last epoch. *Volatility* is the standard deviation of the \
             test accuracy over a training's last epochs (a fifth of them, from 2 to 10), the \
             mean over seeds: what a last epoch picks by luck. Where tickets differ in nothing \
             but the learning rate, *fixed* is the one of the study's dense training and *best* \
             the one with the highest mean accuracy, chosen on the test set."
                .into(),
        ],
        sections,
        data: Data::Rows,
        keys: &["sparsity", "ticket", "check"],
        inputs: of_inputs(metrics(grid.cells.iter())),
    }
}

/// Cells that differ in nothing but the learning rate, at one sparsity and under one check.
struct Family<'g, 'a> {
    cells: Vec<&'g Cell<'a>>,
}

fn families<'g, 'a>(grid: &'g Grid<'a>, sparsity: &str) -> Vec<Family<'g, 'a>> {
    let mut found: Vec<(&SparseWay, Option<&Named>, Family<'g, 'a>)> = Vec::new();
    for cell in grid.at(sparsity).filter(|c| c.trained().next().is_some()) {
        let Some(way) = crate::groups::way(grid, cell.ticket) else {
            continue;
        };
        if grid.identical(cell) {
            continue;
        }
        match found
            .iter_mut()
            .find(|(w, c, _)| (*w, *c) == (way, cell.check))
        {
            Some((_, _, family)) => family.cells.push(cell),
            None => found.push((way, cell.check, Family { cells: vec![cell] })),
        }
    }
    found.into_iter().map(|(_, _, family)| family).collect()
}

fn rate(grid: &Grid<'_>, ticket: &Named) -> Option<f64> {
    grid.outline.ways.get(&ticket.name).map(|w| w.learning_rate)
}

fn columns() -> Vec<Column> {
    vec![
        Column::hidden(Kind::Words, "sparsity"),
        Column::new(Kind::Words, "ticket", "ticket"),
        Column::new(Kind::Words, "check", "check"),
        Column::new(Kind::Number, "learning_rate", "learning rate"),
        Column::new(Kind::MeanSd, "accuracy", "accuracy, %"),
        Column::new(Kind::MeanSd, "best_accuracy", "best epoch, %"),
        Column::new(Kind::Number, "volatility", "volatility, points"),
        Column::new(Kind::Count, "last_epochs", "over epochs"),
        Column::new(Kind::Of, "n", "n"),
    ]
}

fn chosen() -> Vec<Column> {
    vec![
        Column::hidden(Kind::Words, "sparsity"),
        Column::new(Kind::Words, "ticket", "ticket"),
        Column::new(Kind::Words, "check", "check"),
        Column::new(Kind::Number, "fixed_learning_rate", "fixed"),
        Column::new(Kind::MeanSd, "fixed_accuracy", "accuracy at it, %"),
        Column::new(Kind::Number, "best_learning_rate", "best"),
        Column::new(Kind::MeanSd, "best_rate_accuracy", "accuracy at it, %"),
    ]
}

/// How many last epochs the volatility of a training is taken over.
fn last(trained: &Trained) -> usize {
    (trained.curve.len() / SHARE).clamp(2, 10)
}

/// The standard deviation over the last epochs; none of a training of one epoch.
fn volatility(trained: &Trained) -> Option<f64> {
    let from = trained.curve.len().checked_sub(last(trained))?;
    sample_sd(&trained.curve[from..])
}

fn spelled(rate: Option<f64>) -> Entry {
    rate.map_or(Value::Absent(NOTHING).into(), spell::shortest)
}

fn row(grid: &Grid<'_>, cell: &Cell<'_>) -> Vec<Entry> {
    let summary = grid.summary(cell);
    let values: Vec<f64> = cell.trained().filter_map(|(_, t)| volatility(t)).collect();
    let over = cell.trained().map(|(_, t)| last(t) as u64).max();
    let measured = |value: Option<MeanSd>| Entry::from(Value::mean_sd(value, 2), cell.keys());
    vec![
        Entry::text(cell.sparsity),
        Entry::named(cell.ticket),
        Entry::check(cell.check),
        spelled(rate(grid, cell.ticket)),
        measured(summary.accuracy),
        measured(summary.best),
        Entry::from(Value::number(jackpot_stats::mean(&values), 2), cell.keys()),
        over.filter(|_| !values.is_empty())
            .map_or(Value::Absent(NOTHING), Value::Count)
            .into(),
        Value::Of(summary.n, summary.asked).into(),
    ]
}

/// None where the family has one learning rate.
fn fixed_and_best(grid: &Grid<'_>, family: &Family<'_, '_>) -> Option<Vec<Entry>> {
    let rates: Vec<(f64, &Cell<'_>, MeanSd)> = (family.cells.iter())
        .filter_map(|c| Some((rate(grid, c.ticket)?, *c, grid.summary(c).accuracy?)))
        .collect();
    let first = rates.first()?;
    if rates.iter().all(|r| r.0 == first.0) {
        return None;
    }
    let best = rates.iter().max_by(|a, b| a.2.mean.total_cmp(&b.2.mean))?;
    let dense = grid.outline.ways.values().find(|w| w.sparse.is_none());
    let fixed = dense.and_then(|d| rates.iter().find(|r| r.0 == d.learning_rate));
    let accuracy = |found: Option<&(f64, &Cell<'_>, MeanSd)>| match found {
        Some((_, cell, accuracy)) => Entry::from(Value::MeanSd(*accuracy, 2), cell.keys()),
        None => Value::Absent(NOTHING).into(),
    };
    Some(vec![
        Entry::text(first.1.sparsity),
        Entry::named(first.1.ticket),
        Entry::check(first.1.check),
        spelled(fixed.map(|f| f.0)),
        accuracy(fixed),
        spelled(Some(best.0)),
        accuracy(Some(best)),
    ])
}
