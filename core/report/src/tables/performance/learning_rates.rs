//! Table `learning-rates`: tickets at several learning rates, and how much accuracy still varies at
//! the end of a training.

use crate::model::cells::{Cell, metrics};
use crate::model::format;
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::model::mean_sd::MeanSd;
use crate::model::sweep::Grids;
use crate::tables::joined;
use crate::tables::table::{Column, ColumnKind, Data, Section, Table};
use crate::tables::value::{Entry, NOTHING, Value};
use jackpot_stats::sample_sd;
use jackpot_study::{Named, SettingOutline, SparseWay, Trained};

/// Volatility is computed over the last epochs of a training: this fraction of all, from 2 to 10.
const SHARE: usize = 5;

pub(crate) fn table(grids: Grids<'_, '_>) -> Table {
    let mut sections = Vec::new();
    for sparsity in grids.sparsities() {
        let families = families(grids, sparsity);
        let mut add = |what: &str, columns: Vec<Column>, rows: Vec<Vec<Entry>>| {
            if !rows.is_empty() {
                let heading = format!("{}: {what}", format::sparsity(sparsity));
                let columns = grids.across.then(joined::column).into_iter().chain(columns);
                sections.push(Section {
                    heading,
                    columns: columns.collect(),
                    rows,
                });
            }
        };
        let each = families.iter().flat_map(|f| &f.points);
        let each = each.map(|point| row(grids, point)).collect();
        add("every learning rate", columns(), each);
        let best = families.iter().filter_map(|f| fixed_and_best(grids, f));
        add("fixed against best", chosen(), best.collect());
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
        inputs: inputs_of(metrics(grids.cells())),
    }
}

/// Cells that differ in nothing but the learning rate, at one sparsity and under one check.
struct Family<'g, 'a> {
    of: Common<'a>,
    check: Option<&'a Named>,
    points: Vec<Point<'g, 'a>>,
}

struct Point<'g, 'a> {
    grid: &'g Grid<'a>,
    cell: &'g Cell<'a>,
}

/// What the cells of a family have in common besides the sparsity and the check.
#[derive(Clone, Copy, PartialEq)]
enum Common<'a> {
    /// Tickets of the setting with this index that are made in this way.
    Way(usize, &'a SparseWay),
    /// This ticket in the settings that differ from the setting with this index only in the
    /// learning rate.
    Ticket(usize, &'a str),
}

fn families<'g, 'a>(grids: Grids<'g, 'a>, sparsity: &str) -> Vec<Family<'g, 'a>> {
    let mut found: Vec<Family<'_, '_>> = Vec::new();
    for (at, grid) in grids.all.iter().enumerate() {
        for cell in grid.at(sparsity) {
            if cell.trained().next().is_none() || grid.identical(cell) {
                continue;
            }
            let Some(of) = common(grids, at, cell) else {
                continue;
            };
            let point = Point { grid, cell };
            let known = found
                .iter_mut()
                .find(|f| f.of == of && f.check == cell.check);
            if let Some(family) = known {
                family.points.push(point);
            } else {
                found.push(Family {
                    of,
                    check: cell.check,
                    points: vec![point],
                });
            }
        }
    }
    found
}

/// The family of a cell, or `None` for a dense network whose learning rate is not varied.
fn common<'a>(grids: Grids<'_, 'a>, at: usize, cell: &Cell<'a>) -> Option<Common<'a>> {
    let grid = &grids.all[at];
    let first = |grid: &Grid<'a>| grids.setting(grid).map(|s| s.but_for_the_rate);
    let alike = grids.all.iter().filter(|g| first(g) == first(grid)).count();
    if let Some(first) = first(grid)
        && alike > 1
    {
        return Some(Common::Ticket(first, &cell.ticket.name));
    }
    let way = crate::model::groups::pruning_of(grid, cell.ticket)?;
    Some(Common::Way(at, way))
}

/// Whether some settings of the study differ only in the learning rate.
pub(crate) fn has_rates(settings: &[SettingOutline]) -> bool {
    let mut placed = settings.iter().enumerate();
    placed.any(|(at, setting)| setting.but_for_the_rate != at)
}

fn rate(point: &Point<'_, '_>) -> Option<f64> {
    let way = point.grid.outline.ways.get(&point.cell.ticket.name)?;
    Some(way.learning_rate)
}

fn columns() -> Vec<Column> {
    vec![
        Column::hidden(ColumnKind::Text, "sparsity"),
        Column::new(ColumnKind::Text, "ticket", "ticket"),
        Column::new(ColumnKind::Text, "check", "check"),
        Column::new(ColumnKind::Number, "learning_rate", "learning rate"),
        Column::new(ColumnKind::MeanSd, "accuracy", "accuracy, %"),
        Column::new(ColumnKind::MeanSd, "best_accuracy", "best epoch, %"),
        Column::new(ColumnKind::Number, "volatility", "volatility, points"),
        Column::new(ColumnKind::Count, "last_epochs", "over epochs"),
        Column::new(ColumnKind::CountOf, "n", "n"),
    ]
}

fn chosen() -> Vec<Column> {
    vec![
        Column::hidden(ColumnKind::Text, "sparsity"),
        Column::new(ColumnKind::Text, "ticket", "ticket"),
        Column::new(ColumnKind::Text, "check", "check"),
        Column::new(ColumnKind::Number, "fixed_learning_rate", "fixed"),
        Column::new(ColumnKind::MeanSd, "fixed_accuracy", "accuracy at it, %"),
        Column::new(ColumnKind::Number, "best_learning_rate", "best"),
        Column::new(
            ColumnKind::MeanSd,
            "best_rate_accuracy",
            "accuracy at it, %",
        ),
    ]
}

/// The number of last epochs over which the volatility of a training is computed.
fn last(trained: &Trained) -> usize {
    (trained.curve.len() / SHARE).clamp(2, 10)
}

/// The standard deviation over the last epochs, or `None` for a training of one epoch.
fn volatility(trained: &Trained) -> Option<f64> {
    let from = trained.curve.len().checked_sub(last(trained))?;
    sample_sd(&trained.curve[from..])
}

fn rate_entry(rate: Option<f64>) -> Entry {
    rate.map_or(Value::Absent(NOTHING).into(), Entry::shortest)
}

fn row<'a>(grids: Grids<'_, 'a>, point: &Point<'_, 'a>) -> Vec<Entry> {
    let (grid, cell) = (point.grid, point.cell);
    let summary = grid.summary(cell);
    let values: Vec<f64> = cell.trained().filter_map(|(_, t)| volatility(t)).collect();
    let over = cell.trained().map(|(_, t)| last(t) as u64).max();
    let measured = |value: Option<MeanSd>| Entry::of_runs(Value::mean_sd(value, 2), cell.keys());
    let setting = grids.setting(grid).map(|s| Entry::named(&s.named));
    let mut row: Vec<Entry> = setting.into_iter().collect();
    row.extend([
        Entry::text(cell.sparsity),
        Entry::named(cell.ticket),
        Entry::check(cell.check),
        rate_entry(rate(point)),
        measured(summary.accuracy),
        measured(summary.best),
        Entry::of_runs(Value::number(jackpot_stats::mean(&values), 2), cell.keys()),
        over.filter(|_| !values.is_empty())
            .map_or(Value::Absent(NOTHING), Value::Count)
            .into(),
        Value::CountOf(summary.n, summary.asked).into(),
    ]);
    row
}

/// The row of a family, or `None` if it has only one learning rate.
fn fixed_and_best<'a>(grids: Grids<'_, 'a>, family: &Family<'_, 'a>) -> Option<Vec<Entry>> {
    let rates: Vec<(f64, &Point<'_, '_>, MeanSd)> = (family.points.iter())
        .filter_map(|p| Some((rate(p)?, p, p.grid.summary(p.cell).accuracy?)))
        .collect();
    let (first, point, _) = rates.first()?;
    if rates.iter().all(|r| r.0 == *first) {
        return None;
    }
    let best = rates.iter().max_by(|a, b| a.2.mean.total_cmp(&b.2.mean))?;
    let studys = match family.of {
        Common::Way(..) => {
            let mut ways = point.grid.outline.ways.values();
            ways.find(|w| w.sparse.is_none()).map(|w| w.learning_rate)
        }
        Common::Ticket(..) => point.grid.outline.learning_rate,
    };
    let fixed = studys.and_then(|rate| rates.iter().find(|r| r.0 == rate));
    let accuracy = |found: Option<&(f64, &Point<'_, '_>, MeanSd)>| match found {
        Some((_, p, accuracy)) => Entry::of_runs(Value::MeanSd(*accuracy, 2), p.cell.keys()),
        None => Value::Absent(NOTHING).into(),
    };
    let setting = grids.setting(point.grid).map(|s| match family.of {
        Common::Way(..) => Entry::named(&s.named),
        // The learning rates belong to several settings.
        Common::Ticket(..) => Value::Absent(NOTHING).into(),
    });
    let mut row: Vec<Entry> = setting.into_iter().collect();
    row.extend([
        Entry::text(point.cell.sparsity),
        Entry::named(point.cell.ticket),
        Entry::check(point.cell.check),
        rate_entry(fixed.map(|f| f.0)),
        accuracy(fixed),
        rate_entry(Some(best.0)),
        accuracy(Some(best)),
    ]);
    Some(row)
}
