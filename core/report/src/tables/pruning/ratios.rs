//! Table `ratios`: how the kept shares of each ticket change with depth, and how they differ from
//! smart ratios. Table `ablation`: random tickets by their allocation.

use crate::Error;
use crate::model::allocation::AllocationDifference;
use crate::model::cells::{Cell, UNMODIFIED, metrics};
use crate::model::grid::Grid;
use crate::model::groups::{TicketGroup, members, pruning_of, smart_random_ticket};
use crate::model::inputs::inputs_of;
use crate::model::kept;
use crate::model::mean_sd::MeanSd;
use crate::model::notes;
use crate::tables::table::{Column, ColumnKind, Data, Section, Table};
use crate::tables::value::{Entry, NOTHING, Value};
use jackpot_store::Digest;

const DEPTH: &str = "*Depth* is Spearman's rank correlation (mid-ranks) of the kept share with \
                     depth, over the convolutions in forward order without projections and \
                     classifier: −1 where every layer keeps less than the one before it; – where \
                     all keep the same share or the run's mask is not known. It is no test.";

pub(crate) fn table(grid: &Grid<'_>) -> Result<Table, Error> {
    kept::all(grid)?;
    let smart = smart_random_ticket(grid);
    let sections = grid.sparsities().into_iter().filter_map(|sparsity| {
        let base = smart.and_then(|t| grid.cell(sparsity, &t.name, UNMODIFIED));
        let cells = grid.at(sparsity).filter(|c| c.check.is_none());
        let rows: Vec<_> = cells.map(|c| row(c, base)).collect();
        Section::at_sparsity(sparsity, columns(), rows)
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
        inputs: inputs_of(kept::masks(grid)),
    })
}

fn columns() -> Vec<Column> {
    let mut columns = vec![
        Column::hidden(ColumnKind::Text, "sparsity"),
        Column::new(ColumnKind::Text, "ticket", "ticket"),
        Column::new(ColumnKind::MeanSd, "depth", "depth"),
    ];
    columns.extend(apart_columns());
    columns.push(Column::new(ColumnKind::CountOf, "n", "n"));
    columns
}

/// The columns of [`apart`].
pub(crate) fn apart_columns() -> [Column; 4] {
    [
        Column::new(ColumnKind::MeanSd, "largest", "largest difference, points"),
        Column::new(
            ColumnKind::MeanSd,
            "mean_difference",
            "mean difference, points",
        ),
        Column::new(ColumnKind::MeanSd, "correlation", "correlation"),
        Column::new(ColumnKind::MeanSd, "moved", "moved, %"),
    ]
}

/// Spearman's correlation with depth of every run whose mask is known.
pub(crate) fn depth(cell: &Cell<'_>) -> Option<MeanSd> {
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
        Entry::of_runs(Value::mean_sd(depth(cell), 3), cell.keys()),
    ];
    row.extend(apart(cell, base).1);
    row.push(Value::CountOf(n, cell.runs.len()).into());
    row
}

/// The number of pairs with the same seed, and the differences between their kept shares.
pub(crate) fn apart(cell: &Cell<'_>, base: Option<&Cell<'_>>) -> (usize, [Entry; 4]) {
    let (apart, keys) = pairs(cell, base);
    let value = |of: fn(&AllocationDifference) -> Option<f64>, digits: usize| {
        let values: Vec<f64> = apart.iter().filter_map(of).collect();
        Entry::of_runs(
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

/// The differences of two cells' allocations, seed by seed, with the keys of the trainings.
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

/// The table `ablation`.
pub(crate) fn ablation(grid: &Grid<'_>) -> Table {
    let tickets = members(grid, TicketGroup::Random);
    let is_one = |cell: &&Cell<'_>| cell.check.is_none() && tickets.contains(&cell.ticket);
    let columns = || {
        vec![
            Column::hidden(ColumnKind::Text, "sparsity"),
            Column::new(ColumnKind::Text, "ticket", "ticket"),
            Column::new(ColumnKind::Text, "allocation", "kept per layer"),
            Column::new(ColumnKind::MeanSd, "accuracy", "accuracy, %"),
            Column::new(ColumnKind::MeanSd, "best_accuracy", "best epoch, %"),
            Column::new(ColumnKind::MeanSd, "test_loss", "test loss"),
            Column::new(ColumnKind::MeanSd, "depth", "depth"),
            Column::new(ColumnKind::CountOf, "n", "n"),
            Column::new(ColumnKind::Notes, "notes", "notes"),
        ]
    };
    let sections = grid.sparsities().into_iter().filter_map(|sparsity| {
        let here = grid.at(sparsity).filter(is_one);
        Section::at_sparsity(
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
        inputs: inputs_of(metrics(grid.cells.iter().filter(is_one))),
    }
}

fn by_rule(grid: &Grid<'_>, cell: &Cell<'_>) -> Vec<Entry> {
    let summary = grid.summary(cell);
    let measured = |value, digits| Entry::of_runs(Value::mean_sd(value, digits), cell.keys());
    let allocation = pruning_of(grid, cell.ticket).map(|w| w.allocation.clone());
    vec![
        Entry::text(cell.sparsity),
        Entry::named(cell.ticket),
        allocation.map_or(Value::Absent(NOTHING).into(), Entry::text),
        measured(summary.accuracy, 2),
        measured(summary.best, 2),
        measured(summary.loss, 4),
        Entry::of_runs(Value::mean_sd(depth(cell), 3), cell.keys()),
        Value::CountOf(summary.n, summary.asked).into(),
        Entry::text(notes::notes(grid, cell, &summary).join("; ")),
    ]
}
