//! Table `ratios`: how the kept shares of each ticket change with depth, and how they differ from
//! smart ratios. Table `ablation`: random tickets by their allocation.

use crate::Error;
use crate::model::cells::{Cell, UNMODIFIED, metrics};
use crate::model::format;
use crate::model::grid::Grid;
use crate::model::groups::{TicketGroup, members, pruning_of, smart_random_ticket};
use crate::model::inputs::inputs_of;
use crate::model::kept;
use crate::model::mean_sd::MeanSd;
use crate::tables::columns::{CellRow, Columns};
use crate::tables::table::{Data, Table};
use crate::tables::value::{Entry, NOTHING, Value};
use jackpot_prune::AllocationDifference;
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
        let rows = cells.map(|cell| (cell, AllocationPairs::new(cell, base)));
        columns().section_if_any(format::sparsity(sparsity), rows)
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

fn columns<'g, 'a: 'g>() -> Columns<'g, (&'g Cell<'a>, AllocationPairs)> {
    let columns: Columns<'g, (&'g Cell<'a>, AllocationPairs)> = Columns::new();
    let columns = columns
        .text("sparsity", None, |(cell, _)| Entry::text(cell.sparsity))
        .text("ticket", "ticket", |(cell, _)| Entry::named(cell.ticket))
        .mean_sd("depth", "depth", |(cell, _)| depth(cell));
    with_differences(columns, |(_, pairs)| pairs).n(|(cell, _)| {
        let n = cell.trained().filter(|(_, t)| !t.layers.is_empty()).count();
        Value::CountOf(n, cell.runs.len()).into()
    })
}

/// Adds the columns that compare the allocations of two cells.
pub(crate) fn with_differences<'f, R: 'f>(
    columns: Columns<'f, R>,
    pairs: fn(&R) -> &AllocationPairs,
) -> Columns<'f, R> {
    columns
        .mean_sd(
            "largest",
            "largest difference, points",
            move |row| match pairs(row).absent {
                Some(word) => Value::Absent(word).into(),
                None => pairs(row).mean(|d| Some(d.largest), 2),
            },
        )
        .mean_sd("mean_difference", "mean difference, points", move |row| {
            pairs(row).mean(|d| Some(d.mean), 2)
        })
        .mean_sd("correlation", "correlation", move |row| {
            pairs(row).mean(|d| d.correlation, 3)
        })
        .mean_sd("moved", "moved, %", move |row| {
            pairs(row).mean(|d| Some(100.0 * d.moved), 1)
        })
}

/// Spearman's correlation with depth of every run whose mask is known.
fn depth(cell: &Cell<'_>) -> Entry {
    let depth = |run: &jackpot_results::Run| run.facts.as_ref()?.depth;
    let values: Vec<f64> = (cell.runs.iter())
        .filter_map(|(_, run)| depth((*run)?))
        .collect();
    Entry::of_runs(Value::mean_sd(MeanSd::of(&values), 3), cell.keys())
}

/// The differences between the allocations of two cells, seed by seed.
#[derive(Default)]
pub(crate) struct AllocationPairs {
    /// The word that stands in their place if there is nothing to compare.
    pub absent: Option<&'static str>,
    differences: Vec<AllocationDifference>,
    /// The keys of the trainings that used the masks.
    keys: Vec<Digest>,
}

impl AllocationPairs {
    pub fn new(cell: &Cell<'_>, base: Option<&Cell<'_>>) -> AllocationPairs {
        let mut pairs = AllocationPairs::default();
        for (seed, one) in cell.trained() {
            let Some(other) = base.and_then(|b| b.of_seed(seed)) else {
                continue;
            };
            if let Some(found) = AllocationDifference::of(&one.layers, &other.layers) {
                pairs.differences.push(found);
                pairs.keys.extend([one.key, other.key]);
            }
        }
        pairs
    }

    /// Nothing to compare; the word stands in its place.
    pub fn absent(absent: Option<&'static str>) -> AllocationPairs {
        AllocationPairs {
            absent,
            ..AllocationPairs::default()
        }
    }

    /// The number of pairs with the same seed.
    pub fn len(&self) -> usize {
        self.differences.len()
    }

    fn mean(&self, of: fn(&AllocationDifference) -> Option<f64>, digits: usize) -> Entry {
        if self.absent.is_some() {
            return Value::Blank.into();
        }
        let values: Vec<f64> = self.differences.iter().filter_map(of).collect();
        let mean = Value::mean_sd(MeanSd::of(&values), digits);
        Entry::of_runs(mean, self.keys.iter().copied())
    }
}

/// The table `ablation`.
pub(crate) fn ablation(grid: &Grid<'_>) -> Table {
    let tickets = members(grid, TicketGroup::Random);
    let is_one = |cell: &Cell<'_>| cell.check.is_none() && tickets.contains(&cell.ticket);
    let columns = Columns::of_tickets()
        .text("allocation", "kept per layer", |row| {
            let allocation = pruning_of(row.grid, row.cell.ticket).map(|w| &w.allocation);
            allocation.map_or(Value::Absent(NOTHING).into(), Entry::text)
        })
        .mean_sd("accuracy", "accuracy, %", |row| {
            row.measured(row.summary.accuracy, 2)
        })
        .mean_sd("best_accuracy", "best epoch, %", |row| {
            row.measured(row.summary.best, 2)
        })
        .mean_sd("test_loss", "test loss", |row| {
            row.measured(row.summary.loss, 4)
        })
        .mean_sd("depth", "depth", |row| depth(row.cell))
        .n(CellRow::n)
        .notes(CellRow::notes);
    Table {
        name: "ablation",
        title: "random tickets by their allocation",
        about: vec![
            "Random scores within the counts of several rules: what differs is how many weights \
             each layer keeps, and nothing else."
                .into(),
            DEPTH.into(),
        ],
        sections: columns.by_sparsity(grid, grid.sparsities(), is_one),
        data: Data::Rows,
        keys: &["sparsity", "ticket"],
        inputs: inputs_of(metrics(grid.cells.iter().filter(|cell| is_one(cell)))),
    }
}
