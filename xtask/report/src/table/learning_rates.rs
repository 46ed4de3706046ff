//! Tickets at several learning rates, and how much accuracy still moves at the end of a training.

use super::{Column, Data, Entry, Kind, NOTHING, Section, Table, Value, joined, spell};
use crate::cells::{Cell, Grid, MeanSd, metrics};
use crate::digest::of_inputs;
use crate::sweep::Grids;
use jackpot_results::{Named, PruningSummary as SparseWay, SettingOutline, TrainedRun as Trained};
use jackpot_stats::sample_sd;

/// The last epochs that volatility is taken over: a fifth of the training, from 2 to 10.
const SHARE: usize = 5;

pub(crate) fn table(grids: Grids<'_, '_>) -> Table {
    let mut sections = Vec::new();
    for sparsity in grids.sparsities() {
        let families = families(grids, sparsity);
        let mut add = |what: &str, columns: Vec<Column>, rows: Vec<Vec<Entry>>| {
            if !rows.is_empty() {
                let heading = format!("{}: {what}", spell::sparsity(sparsity));
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
        inputs: of_inputs(metrics(grids.cells())),
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

/// What else the cells of a family have in common.
#[derive(Clone, Copy, PartialEq)]
enum Common<'a> {
    /// In the setting at this place, tickets that are made in this way.
    Way(usize, &'a SparseWay),
    /// This ticket, in the settings that are as the one at this place but for their rates.
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

/// None: a dense network, whose rate nothing varies.
fn common<'a>(grids: Grids<'_, 'a>, at: usize, cell: &Cell<'a>) -> Option<Common<'a>> {
    let grid = &grids.all[at];
    let first = |grid: &Grid<'a>| grids.setting(grid).map(|s| s.but_for_the_rate);
    let alike = grids.all.iter().filter(|g| first(g) == first(grid)).count();
    if let Some(first) = first(grid)
        && alike > 1
    {
        return Some(Common::Ticket(first, &cell.ticket.name));
    }
    let way = crate::groups::way(grid, cell.ticket)?;
    Some(Common::Way(at, way))
}

/// True when settings of the study differ in nothing but the learning rate.
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

fn row<'a>(grids: Grids<'_, 'a>, point: &Point<'_, 'a>) -> Vec<Entry> {
    let (grid, cell) = (point.grid, point.cell);
    let summary = grid.summary(cell);
    let values: Vec<f64> = cell.trained().filter_map(|(_, t)| volatility(t)).collect();
    let over = cell.trained().map(|(_, t)| last(t) as u64).max();
    let measured = |value: Option<MeanSd>| Entry::from(Value::mean_sd(value, 2), cell.keys());
    let setting = grids.setting(grid).map(|s| Entry::named(&s.named));
    let mut row: Vec<Entry> = setting.into_iter().collect();
    row.extend([
        Entry::text(cell.sparsity),
        Entry::named(cell.ticket),
        Entry::check(cell.check),
        spelled(rate(point)),
        measured(summary.accuracy),
        measured(summary.best),
        Entry::from(Value::number(jackpot_stats::mean(&values), 2), cell.keys()),
        over.filter(|_| !values.is_empty())
            .map_or(Value::Absent(NOTHING), Value::Count)
            .into(),
        Value::Of(summary.n, summary.asked).into(),
    ]);
    row
}

/// None where the family has one learning rate.
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
        Some((_, p, accuracy)) => Entry::from(Value::MeanSd(*accuracy, 2), p.cell.keys()),
        None => Value::Absent(NOTHING).into(),
    };
    let setting = grids.setting(point.grid).map(|s| match family.of {
        Common::Way(..) => Entry::named(&s.named),
        // The rates are those of several settings.
        Common::Ticket(..) => Value::Absent(NOTHING).into(),
    });
    let mut row: Vec<Entry> = setting.into_iter().collect();
    row.extend([
        Entry::text(point.cell.sparsity),
        Entry::named(point.cell.ticket),
        Entry::check(point.cell.check),
        spelled(fixed.map(|f| f.0)),
        accuracy(fixed),
        spelled(Some(best.0)),
        accuracy(Some(best)),
    ]);
    Some(row)
}
