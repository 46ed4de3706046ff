//! Table `learning-rates`: tickets at several learning rates, and how much accuracy still varies at
//! the end of a training.

use crate::model::cells::{Cell, metrics};
use crate::model::format;
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::model::mean_sd::MeanSd;
use crate::model::sweep::Grids;
use crate::tables::columns::{CellRow, Columns};
use crate::tables::joined;
use crate::tables::table::{Data, Table};
use crate::tables::value::{Entry, NOTHING, Value};
use jackpot_results::{Named, PruningSummary, SettingOutline, TrainedRun};
use jackpot_stats::sample_sd;

/// Volatility is computed over the last epochs of a training: this fraction of all, from 2 to 10.
const SHARE: usize = 5;

pub(crate) fn table(grids: Grids<'_, '_>) -> Table {
    let mut sections = Vec::new();
    for sparsity in grids.sparsities() {
        let families = families(grids, sparsity);
        let heading = |what: &str| format!("{}: {what}", format::sparsity(sparsity));
        let each = families.iter().flat_map(|f| &f.points);
        sections.extend(columns(grids).section_if_any(heading("every learning rate"), each));
        let chosen = families.iter().filter_map(chosen);
        let compared = chosen_columns(grids).section_if_any(heading("fixed against best"), chosen);
        sections.extend(compared);
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
    points: Vec<CellRow<'g, 'a>>,
}

/// What the cells of a family have in common besides the sparsity and the check.
#[derive(Clone, Copy, PartialEq)]
enum Common<'a> {
    /// Tickets of the setting with this index that are made in this way.
    Way(usize, &'a PruningSummary),
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
            let point = CellRow::new(grid, cell);
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

fn rate(point: &CellRow<'_, '_>) -> Option<f64> {
    let way = point.grid.outline.ways.get(&point.cell.ticket.name)?;
    Some(way.learning_rate)
}

fn columns<'r, 'g: 'r, 'a: 'g>(grids: Grids<'g, 'a>) -> Columns<'g, &'r CellRow<'g, 'a>> {
    let mut columns: Columns<'g, &'r CellRow<'g, 'a>> = Columns::new();
    if grids.several_settings {
        columns = columns.text("setting", "setting", move |point| {
            joined::setting(grids, point.grid)
        });
    }
    columns
        .text("sparsity", None, |point| Entry::text(point.cell.sparsity))
        .text("ticket", "ticket", |point| Entry::named(point.cell.ticket))
        .text("check", "check", |point| Entry::check(point.cell.check))
        .number("learning_rate", "learning rate", |point| {
            rate_entry(rate(point))
        })
        .mean_sd("accuracy", "accuracy, %", |point| {
            point.measured(point.summary.accuracy, 2)
        })
        .mean_sd("best_accuracy", "best epoch, %", |point| {
            point.measured(point.summary.best, 2)
        })
        .number("volatility", "volatility, points", |point| {
            let mean = jackpot_stats::mean(&volatilities(point.cell));
            Entry::of_runs(Value::number(mean, 2), point.cell.keys())
        })
        .count("last_epochs", "over epochs", |point| {
            let over = point.cell.trained().map(|(_, t)| last(t) as u64).max();
            over.filter(|_| !volatilities(point.cell).is_empty())
                .map_or(Value::Absent(NOTHING), Value::Count)
                .into()
        })
        .n(|point| point.n())
}

/// The number of last epochs over which the volatility of a training is computed.
fn last(trained: &TrainedRun) -> usize {
    (trained.curve.len() / SHARE).clamp(2, 10)
}

/// The standard deviation over the last epochs, or `None` for a training of one epoch.
fn volatility(trained: &TrainedRun) -> Option<f64> {
    let from = trained.curve.len().checked_sub(last(trained))?;
    sample_sd(&trained.curve[from..])
}

fn volatilities(cell: &Cell<'_>) -> Vec<f64> {
    cell.trained().filter_map(|(_, t)| volatility(t)).collect()
}

fn rate_entry(rate: Option<f64>) -> Entry {
    rate.map_or(Value::Absent(NOTHING).into(), Entry::shortest)
}

/// A cell with its learning rate and its mean accuracy.
type RatePoint<'f, 'g, 'a> = (f64, &'f CellRow<'g, 'a>, MeanSd);

/// The study's own learning rate against the best one of a family.
struct Chosen<'f, 'g, 'a> {
    family: &'f Family<'g, 'a>,
    first: &'f CellRow<'g, 'a>,
    fixed: Option<RatePoint<'f, 'g, 'a>>,
    best: RatePoint<'f, 'g, 'a>,
}

/// The comparison of a family, or `None` if it has only one learning rate.
fn chosen<'f, 'g, 'a>(family: &'f Family<'g, 'a>) -> Option<Chosen<'f, 'g, 'a>> {
    let rates: Vec<RatePoint<'_, '_, '_>> = (family.points.iter())
        .filter_map(|p| Some((rate(p)?, p, p.summary.accuracy?)))
        .collect();
    let (lowest, first, _) = *rates.first()?;
    if rates.iter().all(|r| r.0 == lowest) {
        return None;
    }
    let best = rates.iter().max_by(|a, b| a.2.mean.total_cmp(&b.2.mean));
    let rate_of_study = match family.of {
        Common::Way(..) => {
            let mut ways = first.grid.outline.ways.values();
            ways.find(|w| w.sparse.is_none()).map(|w| w.learning_rate)
        }
        Common::Ticket(..) => first.grid.outline.learning_rate,
    };
    let fixed = rate_of_study.and_then(|rate| rates.iter().find(|r| r.0 == rate));
    Some(Chosen {
        family,
        first,
        fixed: fixed.copied(),
        best: *best?,
    })
}

fn chosen_columns<'f, 'g: 'f, 'a: 'g>(grids: Grids<'g, 'a>) -> Columns<'g, Chosen<'f, 'g, 'a>> {
    let accuracy = |point: Option<RatePoint<'_, '_, '_>>| match point {
        Some((_, p, accuracy)) => Entry::of_runs(Value::MeanSd(accuracy, 2), p.cell.keys()),
        None => Value::Absent(NOTHING).into(),
    };
    let mut columns: Columns<'g, Chosen<'f, 'g, 'a>> = Columns::new();
    if grids.several_settings {
        columns = columns.text("setting", "setting", move |row| match row.family.of {
            Common::Way(..) => joined::setting(grids, row.first.grid),
            // The learning rates belong to several settings.
            Common::Ticket(..) => Value::Absent(NOTHING).into(),
        });
    }
    columns
        .text("sparsity", None, |row| Entry::text(row.first.cell.sparsity))
        .text("ticket", "ticket", |row| {
            Entry::named(row.first.cell.ticket)
        })
        .text("check", "check", |row| Entry::check(row.first.cell.check))
        .number("fixed_learning_rate", "fixed", |row| {
            rate_entry(row.fixed.map(|point| point.0))
        })
        .mean_sd("fixed_accuracy", "accuracy at it, %", move |row| {
            accuracy(row.fixed)
        })
        .number("best_learning_rate", "best", |row| {
            rate_entry(Some(row.best.0))
        })
        .mean_sd("best_rate_accuracy", "accuracy at it, %", move |row| {
            accuracy(Some(row.best))
        })
}
