//! Table `corruption`: how changed data changes a mask, in the kept share of each layer and in
//! which weights are kept.

use crate::model::cells::{Cell, UNMODIFIED};
use crate::model::format::{self, DENSE};
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::model::mean_sd::MeanSd;
use crate::model::notes::not_measured;
use crate::model::overlaps::percent;
use crate::tables::columns::{CellRow, Columns};
use crate::tables::pruning::ratios::{AllocationPairs, with_differences};
use crate::tables::table::{Data, Table};
use crate::tables::value::{Entry, Value};
use jackpot_stats::mean;
use jackpot_study::Overlap;

pub(crate) fn table(grid: &Grid<'_>) -> Table {
    let sections = grid.sparsities().into_iter().filter_map(|sparsity| {
        let here = cells(grid).filter(|c| c.sparsity == sparsity);
        let rows = here.map(|cell| CorruptionRow::new(grid, cell));
        columns().section_if_any(format::sparsity(sparsity), rows)
    });
    let masks = cells(grid).flat_map(|cell| {
        let own = grid.unmodified(cell).into_iter().chain([cell]);
        own.flat_map(Cell::trained).filter_map(|(_, t)| t.mask)
    });
    Table {
        name: "corruption",
        title: "masks of clean against changed data",
        about: vec![
            "Each ticket's mask under a check that changes what pretraining or scoring sees, \
             against its own clean mask of the same seed. *Largest* and *mean difference* of a \
             layer's kept share are in points of its weights; *correlation* is Pearson's over \
             layers; *moved* is the share of all kept weights that would have to change layers. \
             *Overlap* is the share of kept weights that both keep, beside *chance*: two masks \
             that share only the counts of each layer, *from* and *to* the ends of the interval of 95 % of such masks \
             (Σ k·k'/n, hypergeometric)."
                .into(),
        ],
        sections: sections.collect(),
        data: Data::Rows,
        keys: &["sparsity", "ticket", "check"],
        inputs: inputs_of(masks),
    }
}

/// The cells of checks that change data.
fn cells<'g, 'a>(grid: &'g Grid<'a>) -> impl Iterator<Item = &'g Cell<'a>> {
    let on_data = |c: &&Cell<'_>| {
        let change = grid.outline.changes.get(c.check_name());
        c.sparsity != DENSE && change.is_some_and(|change| change.on_data)
    };
    grid.cells.iter().filter(on_data)
}

/// A cell of a check on data against its unmodified ticket.
struct CorruptionRow<'g, 'a> {
    row: CellRow<'g, 'a>,
    pairs: AllocationPairs,
    overlaps: Vec<&'g Overlap>,
}

impl<'g, 'a> CorruptionRow<'g, 'a> {
    fn new(grid: &'g Grid<'a>, cell: &'g Cell<'a>) -> Self {
        let nothing = cell.identical().or(cell.not_applicable());
        let absent = nothing.and_then(|_| not_measured(grid, cell));
        let pairs = match absent {
            Some(_) => AllocationPairs::absent(absent),
            None => AllocationPairs::new(cell, grid.unmodified(cell)),
        };
        CorruptionRow {
            row: CellRow::new(grid, cell),
            pairs,
            overlaps: overlaps(grid, cell),
        }
    }

    /// A value that was computed from both masks.
    fn of_masks(&self, value: Value) -> Entry {
        match self.pairs.absent {
            Some(_) => Value::Blank.into(),
            None => Entry::of_runs(value, self.overlaps.iter().flat_map(|o| o.masks)),
        }
    }

    fn by_chance(&self, of: fn(&Overlap) -> f64) -> Entry {
        let values: Vec<f64> = self.overlaps.iter().map(|o| percent(o, of(o))).collect();
        self.of_masks(Value::number(mean(&values), 1))
    }
}

fn columns<'g, 'a: 'g>() -> Columns<'g, CorruptionRow<'g, 'a>> {
    let columns: Columns<'g, CorruptionRow<'g, 'a>> = Columns::new();
    let columns = columns
        .text("sparsity", None, |r| Entry::text(r.row.cell.sparsity))
        .text("ticket", "ticket", |r| Entry::named(r.row.cell.ticket))
        .text("check", "check", |r| Entry::check(r.row.cell.check));
    with_differences(columns, |r| &r.pairs)
        .mean_sd("overlap", "overlap, %", |r| {
            let shared: Vec<f64> = (r.overlaps.iter())
                .map(|o| percent(o, o.shared as f64))
                .collect();
            r.of_masks(Value::mean_sd(MeanSd::of(&shared), 1))
        })
        .number("chance", "chance, %", |r| r.by_chance(|o| o.chance))
        .number("chance_low", "from", |r| {
            r.by_chance(|o| o.chance - o.width)
        })
        .number("chance_high", "to", |r| r.by_chance(|o| o.chance + o.width))
        .n(|r| match r.pairs.absent {
            Some(_) => Value::CountOf(0, 0).into(),
            None => Value::CountOf(r.pairs.len(), r.row.cell.runs.len()).into(),
        })
        .notes(|r| match r.pairs.len() {
            _ if r.pairs.absent.is_some() => r.row.notes(),
            0 => vec!["no pair of masks is known".into()],
            _ => Vec::new(),
        })
}

/// The overlaps of the ticket's clean masks with those under the check, of every seed that has
/// both.
fn overlaps<'g>(grid: &'g Grid<'_>, cell: &Cell<'_>) -> Vec<&'g Overlap> {
    let is = |name: &(String, String), check: &str| name.0 == cell.ticket.name && name.1 == check;
    let overlaps = grid.results.overlaps.iter();
    overlaps
        .filter(|o| o.sparsity == cell.sparsity)
        .filter(|o| is(&o.first, UNMODIFIED) && is(&o.second, cell.check_name()))
        .collect()
}
