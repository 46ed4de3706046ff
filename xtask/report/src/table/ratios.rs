//! How each ticket's kept shares run with depth, and how far they are from the smart ratio's; and
//! random tickets by their allocation.

use super::{Column, Data, Entry, Kind, NOTHING, Section, Table, Value, spell};
use crate::Error;
use crate::cells::{Cell, Grid, MeanSd, UNMODIFIED, metrics};
use crate::digest::of_inputs;
use crate::groups::{Group, kind, members, way};
use crate::kept;
use jackpot_prune::AllocationDifference;
use jackpot_store::Digest;
use jackpot_study::{Named, TicketKind};

const DEPTH: &str = "*Depth* is Spearman's rank correlation (mid-ranks) of the kept share with \
                     depth, over the convolutions in forward order without projections and \
                     classifier: −1 where every layer keeps less than the one before it; – where \
                     all keep the same share or the run's mask is not known. It is no test.";

pub(super) fn table(grid: &Grid<'_>) -> Result<Table, Error> {
    kept::all(grid)?;
    let smart = smart(grid);
    let sections = grid.sparsities().into_iter().filter_map(|sparsity| {
        let base = smart.and_then(|t| grid.cell(sparsity, &t.name, UNMODIFIED));
        let cells = grid.at(sparsity).filter(|c| c.check.is_none());
        let rows: Vec<_> = cells.map(|c| row(c, base)).collect();
        Section::of(sparsity, columns(), rows)
    });
    let against = match smart {
        Some(ticket) => format!(
            "The other columns compare with the shares of `{}` of the same seed: *largest* and \
             *mean difference* over layers, in points of a layer's weights; *correlation* is \
             Pearson's over layers; *moved* is the share of all kept weights that would have to \
             change layers (total variation).",
            ticket.name
        ),
        None => "This study has no random ticket with smart-ratio allocation to compare with."
            .to_owned(),
    };
    Ok(Table {
        name: "ratios",
        title: "kept shares against depth and against the smart ratio",
        about: vec![DEPTH.into(), against],
        sections: sections.collect(),
        data: Data::Rows,
        keys: &["sparsity", "ticket"],
        inputs: of_inputs(kept::masks(grid)),
    })
}

/// The smart random ticket, with the rule as it is by default if there is one.
pub(crate) fn smart<'a>(grid: &Grid<'a>) -> Option<&'a Named> {
    let random = members(grid, Group::Random).into_iter();
    let smart = random.filter(|t| kind(grid, t) == Some(TicketKind::Smart));
    smart.min_by_key(|t| way(grid, t).map_or(0, |w| w.allocation.len()))
}

fn columns() -> Vec<Column> {
    let mut columns = vec![
        Column::hidden(Kind::Words, "sparsity"),
        Column::new(Kind::Words, "ticket", "ticket"),
        Column::new(Kind::MeanSd, "depth", "depth"),
    ];
    columns.extend(apart_columns());
    columns.push(Column::new(Kind::Of, "n", "n"));
    columns
}

/// The columns of [`apart`].
pub(super) fn apart_columns() -> [Column; 4] {
    [
        Column::new(Kind::MeanSd, "largest", "largest difference, points"),
        Column::new(Kind::MeanSd, "mean_difference", "mean difference, points"),
        Column::new(Kind::MeanSd, "correlation", "correlation"),
        Column::new(Kind::MeanSd, "moved", "moved, %"),
    ]
}

/// Spearman's correlation with depth of every run whose mask is known.
pub(super) fn depth(cell: &Cell<'_>) -> Option<MeanSd> {
    let depth = |run: &jackpot_study::Run| run.facts.as_ref()?.depth;
    let values: Vec<f64> = (cell.runs.iter())
        .filter_map(|(_, run)| depth((*run)?))
        .collect();
    MeanSd::of(&values)
}

fn row(cell: &Cell<'_>, base: Option<&Cell<'_>>) -> Vec<Entry> {
    let n = cell.trained().filter(|(_, t)| !t.layers.is_empty()).count();
    let mut row = vec![
        Entry::text(cell.sparsity),
        Entry::named(cell.ticket),
        Entry::from(Value::mean_sd(depth(cell), 3), cell.keys()),
    ];
    row.extend(apart(cell, base).1);
    row.push(Value::Of(n, cell.runs.len()).into());
    row
}

/// How many pairs of one seed there are, and how far apart their kept shares.
pub(super) fn apart(cell: &Cell<'_>, base: Option<&Cell<'_>>) -> (usize, [Entry; 4]) {
    let (apart, keys) = pairs(cell, base);
    let value = |of: fn(&AllocationDifference) -> Option<f64>, digits: usize| {
        let values: Vec<f64> = apart.iter().filter_map(of).collect();
        Entry::from(
            Value::mean_sd(MeanSd::of(&values), digits),
            keys.iter().copied(),
        )
    };
    let values = [
        value(|a| Some(a.largest), 2),
        value(|a| Some(a.mean), 2),
        value(|a| a.correlation, 3),
        value(|a| Some(100.0 * a.moved), 1),
    ];
    (apart.len(), values)
}

/// Kept shares of both, seed by seed, with the keys of the trainings they were given to.
fn pairs(cell: &Cell<'_>, base: Option<&Cell<'_>>) -> (Vec<AllocationDifference>, Vec<Digest>) {
    let (mut apart, mut keys) = (Vec::new(), Vec::new());
    for (seed, one) in cell.trained() {
        let Some(other) = base.and_then(|b| b.of_seed(seed)) else {
            continue;
        };
        if let Some(found) = AllocationDifference::of(&one.layers, &other.layers) {
            apart.push(found);
            keys.extend([one.key, other.key]);
        }
    }
    (apart, keys)
}

/// Random tickets by their allocation.
pub(super) fn ablation(grid: &Grid<'_>) -> Table {
    let tickets = members(grid, Group::Random);
    let is_one = |cell: &&Cell<'_>| cell.check.is_none() && tickets.contains(&cell.ticket);
    let columns = || {
        vec![
            Column::hidden(Kind::Words, "sparsity"),
            Column::new(Kind::Words, "ticket", "ticket"),
            Column::new(Kind::Words, "allocation", "kept per layer"),
            Column::new(Kind::MeanSd, "accuracy", "accuracy, %"),
            Column::new(Kind::MeanSd, "best_accuracy", "best epoch, %"),
            Column::new(Kind::MeanSd, "test_loss", "test loss"),
            Column::new(Kind::MeanSd, "depth", "depth"),
            Column::new(Kind::Of, "n", "n"),
            Column::new(Kind::Notes, "notes", "notes"),
        ]
    };
    let sections = grid.sparsities().into_iter().filter_map(|sparsity| {
        let here = grid.at(sparsity).filter(is_one);
        Section::of(
            sparsity,
            columns(),
            here.map(|c| by_rule(grid, c)).collect(),
        )
    });
    Table {
        name: "ablation",
        title: "random tickets by their allocation",
        about: vec![
            "Random scores within the counts of several rules: what differs is how many weights \
             each layer keeps, and nothing else."
                .into(),
            DEPTH.into(),
        ],
        sections: sections.collect(),
        data: Data::Rows,
        keys: &["sparsity", "ticket"],
        inputs: of_inputs(metrics(grid.cells.iter().filter(is_one))),
    }
}

fn by_rule(grid: &Grid<'_>, cell: &Cell<'_>) -> Vec<Entry> {
    let summary = grid.summary(cell);
    let measured = |value, digits| Entry::from(Value::mean_sd(value, digits), cell.keys());
    let allocation = way(grid, cell.ticket).map(|w| w.allocation.clone());
    vec![
        Entry::text(cell.sparsity),
        Entry::named(cell.ticket),
        allocation.map_or(Value::Absent(NOTHING).into(), Entry::text),
        measured(summary.accuracy, 2),
        measured(summary.best, 2),
        measured(summary.loss, 4),
        Entry::from(Value::mean_sd(depth(cell), 3), cell.keys()),
        Value::Of(summary.n, summary.asked).into(),
        Entry::text(spell::notes(grid, cell, &summary).join("; ")),
    ]
}
