//! Hybrid tickets against what they are made of: learning-rate rewinding and the random ticket.

use super::{Column, Data, Entry, Kind, Section, Table, Value, differences};
use crate::cells::{Cell, Grid, UNMODIFIED, metrics};
use crate::contrast::{Estimate, LEVEL};
use crate::digest::of_inputs;
use crate::groups::{Group, is_hybrid, members, way};
use jackpot_stats::own;
use jackpot_store::Digest;

pub(super) fn table(grid: &Grid<'_>) -> Table {
    let all = members(grid, Group::Hybrid);
    let hybrid = |t: &&jackpot_study::Named| way(grid, t).is_some_and(is_hybrid);
    let (arms, bases): (Vec<_>, Vec<_>) = all.into_iter().partition(hybrid);
    let mut used: Vec<&Cell<'_>> = Vec::new();
    let mut sections = Vec::new();
    for sparsity in grid.sparsities() {
        let mut rows = Vec::new();
        for arm in &arms {
            for base in &bases {
                let cell = |t: &str| grid.cell(sparsity, t, UNMODIFIED);
                if let (Some(arm), Some(base)) = (cell(&arm.name), cell(&base.name)) {
                    used.extend([arm, base]);
                    rows.push(row(grid, arm, base));
                }
            }
        }
        sections.extend(Section::of(sparsity, columns(), rows));
    }
    let mut about = vec![format!(
        "Hybrid tickets (scores of trained weights within counts that no score chose, trained on \
         from those weights) against the other partially-trained tickets and the random ticket \
         with the same counts. Differences are hybrid − other over pairs of one seed, with a \
         {:.0} % interval (Student's t, each cell's own standard deviation); *without collapsed* \
         leaves out the pairs of which an arm collapsed or diverged.",
        LEVEL * 100.0
    )];
    if arms.is_empty() {
        about.push("This study has no hybrid ticket.".into());
    }
    Table {
        name: "hybrid",
        title: "hybrid tickets",
        about,
        sections,
        data: Data::Rows,
        keys: &["sparsity", "ticket", "against"],
        inputs: of_inputs(metrics(used)),
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::hidden(Kind::Words, "sparsity"),
        Column::new(Kind::Words, "ticket", "hybrid"),
        Column::new(Kind::Words, "against", "against"),
        Column::new(Kind::MeanSd, "accuracy", "hybrid, %"),
        Column::new(Kind::MeanSd, "other_accuracy", "other, %"),
        Column::new(Kind::Interval, "difference", "difference, points"),
        Column::new(
            Kind::Interval,
            "alive_difference",
            "without collapsed, points",
        ),
        Column::new(Kind::Of, "n", "n"),
        Column::new(Kind::Count, "pairs_collapsed", "pairs collapsed"),
    ]
}

/// Differences of the pairs of one seed, with their keys, and whether both arms learned.
fn pairs(grid: &Grid<'_>, arm: &Cell<'_>, base: &Cell<'_>) -> Vec<(f64, [Digest; 2], bool)> {
    let pair = |(seed, a): (u64, &jackpot_study::Trained)| {
        let b = base.of_seed(seed)?;
        let alive = grid.learned(a) && grid.learned(b);
        Some((a.accuracy - b.accuracy, [a.key, b.key], alive))
    };
    arm.trained().filter_map(pair).collect()
}

fn row(grid: &Grid<'_>, arm: &Cell<'_>, base: &Cell<'_>) -> Vec<Entry> {
    let pairs = pairs(grid, arm, base);
    let alive: Vec<_> = pairs.iter().filter(|p| p.2).copied().collect();
    let accuracy = |cell: &Cell<'_>| {
        let value = Value::mean_sd(grid.summary(cell).accuracy, 2);
        Entry::from(value, cell.keys())
    };
    vec![
        Entry::text(arm.sparsity),
        Entry::named(arm.ticket),
        Entry::named(base.ticket),
        accuracy(arm),
        accuracy(base),
        interval(&pairs),
        interval(&alive),
        Value::Of(pairs.len(), arm.runs.len()).into(),
        Value::Count((pairs.len() - alive.len()) as u64).into(),
    ]
}

fn interval(pairs: &[(f64, [Digest; 2], bool)]) -> Entry {
    let values: Vec<f64> = pairs.iter().map(|p| p.0).collect();
    let value = differences::interval(Estimate::of(&values, own(&values)), 2);
    Entry::from(value, pairs.iter().flat_map(|p| p.1))
}
