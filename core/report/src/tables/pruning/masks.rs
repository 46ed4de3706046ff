//! Table `masks`: properties of each mask that need no training: counts, effective weights, ties,
//! predicted collapse.

use crate::Error;
use crate::error::frame_error;
use crate::model::cells::Cell;
use crate::model::format::{self, six_decimals};
use crate::model::grid::Grid;
use crate::model::inputs::{ReportInputs, inputs_of};
use crate::tables::columns::Columns;
use crate::tables::table::{Data, Section, Table};
use crate::tables::value::{Entry, NOTHING, Value};
use jackpot_results::{Run, RunOutcome};
use jackpot_stats::mean;
use jackpot_store::Digest;
use jackpot_study::{Collapse, MaskFacts};
use polars::df;

pub(crate) fn table(grid: &Grid<'_>) -> Result<Table, Error> {
    Ok(Table {
        name: "masks",
        title: "weights kept by each mask",
        about: vec![
            "Sparsity in percent of all prunable weights, means over seeds. *Effective* counts as \
             kept only weights on a path of kept weights from the image to a logit. *Constant* \
             channels get no input and become constants through a shift. *Ties* are pruned scores \
             equal to the lowest kept one; *near* is the share of scores within 1e-6 of it \
             (relative), which another device may settle otherwise; neither is known of a mask \
             that a check or a method in rounds made last. *Predicted* is what the masks say of \
             their trainings, in seeds."
                .into(),
        ],
        sections: grid.sparsities().iter().map(|s| section(grid, s)).collect(),
        data: Data::Given(frame(grid)?),
        keys: &["sparsity", "ticket", "check", "seed"],
        inputs: inputs(grid),
    })
}

/// The masks of the table. Together with the network they determine everything in it but the ties.
pub(crate) fn inputs(grid: &Grid<'_>) -> ReportInputs {
    inputs_of(known(grid).map(|(.., facts)| facts.mask))
}

/// Every run whose mask is known, with its cell and seed.
pub(crate) fn known<'g, 'a: 'g>(
    grid: &'g Grid<'a>,
) -> impl Iterator<Item = (&'g Cell<'a>, u64, &'a Run, &'a MaskFacts)> {
    grid.sparse().flat_map(|cell| {
        cell.runs.iter().filter_map(move |(seed, run)| {
            Some((cell, *seed, (*run)?, run.as_ref()?.facts.as_ref()?))
        })
    })
}

/// The word for a prediction.
pub(crate) fn word(collapse: &Collapse) -> &'static str {
    match collapse {
        Collapse::None => "none",
        Collapse::AtRisk(_) => "at risk",
        Collapse::Certain(_) => "certain",
    }
}

fn pruned(kept: u64, total: u64) -> f64 {
    100.0 * (total - kept) as f64 / total as f64
}

/// The source of a mask's facts: the training that used it, otherwise the mask itself.
pub(crate) fn origin(run: &Run, facts: &MaskFacts) -> Digest {
    match &run.outcome {
        RunOutcome::Done(trained) => trained.key,
        _ => facts.mask,
    }
}

fn section(grid: &Grid<'_>, sparsity: &str) -> Section {
    let rows = grid.at(sparsity).filter_map(|cell| {
        let of = known(grid).filter(|(c, ..)| std::ptr::eq(*c, cell));
        let masks: Vec<(&Run, &MaskFacts)> = of.map(|(_, _, run, facts)| (run, facts)).collect();
        (!masks.is_empty()).then_some(CellMasks { cell, masks })
    });
    columns().section(format::sparsity(sparsity), rows)
}

/// A cell with all its masks that are known.
struct CellMasks<'g, 'a> {
    cell: &'g Cell<'a>,
    masks: Vec<(&'a Run, &'a MaskFacts)>,
}

impl CellMasks<'_, '_> {
    fn value(&self, value: Value) -> Entry {
        let sources = self.masks.iter().map(|(run, facts)| origin(run, facts));
        Entry::of_runs(value, sources)
    }

    fn mean(&self, of: fn(&MaskFacts) -> f64, digits: usize) -> Entry {
        let values: Vec<f64> = self.masks.iter().map(|(_, f)| of(f)).collect();
        self.value(Value::number(mean(&values), digits))
    }

    /// The mean of what is known only of selected scores, if it is known of every mask.
    fn mean_if_known(&self, of: fn(&MaskFacts) -> Option<f64>, digits: usize) -> Entry {
        let values: Option<Vec<f64>> = self.masks.iter().map(|(_, f)| of(f)).collect();
        self.value(Value::number(values.and_then(|v| mean(&v)), digits))
    }

    /// The number of masks with this prediction.
    fn count(&self, wanted: &str) -> usize {
        let words = self.masks.iter().map(|(_, f)| word(&f.collapse));
        words.filter(|w| *w == wanted).count()
    }
}

fn columns<'g, 'a: 'g>() -> Columns<'static, CellMasks<'g, 'a>> {
    let columns: Columns<'static, CellMasks<'g, 'a>> = Columns::new();
    columns
        .text("ticket", "ticket", |row| Entry::named(row.cell.ticket))
        .text("check", "check", |row| Entry::check(row.cell.check))
        .number("achieved", "achieved", |row| {
            row.mean(|f| pruned(f.kept, f.total), 3)
        })
        .number("effective", "effective", |row| {
            row.mean(|f| pruned(f.effective, f.total), 3)
        })
        .number("constant", "constant", |row| {
            row.mean(|f| f.constant as f64, 1)
        })
        .text("smallest_layer", "smallest layer", |row| {
            let layers = row.masks.iter().map(|(_, f)| &f.smallest);
            let smallest = layers.min_by_key(|(_, kept)| *kept);
            row.value(smallest.map_or(Value::Blank, |(name, kept)| {
                Value::Text(format!("{name}: {kept}"))
            }))
        })
        .number("empty_layers", "empty layers", |row| {
            row.mean(|f| f.empty.len() as f64, 1)
        })
        .number("ties", "ties", |row| {
            row.mean_if_known(|f| Some(f.selected.as_ref()?.ties as f64), 1)
        })
        .number("near", "near", |row| row.mean_if_known(near, 7))
        .text("predicted", "predicted", |row| {
            let predicted: Vec<String> = ["certain", "at risk"]
                .iter()
                .filter(|w| row.count(w) > 0)
                .map(|w| format!("{w}: {}", format::count_of(row.count(w), row.masks.len())))
                .collect();
            row.value(if predicted.is_empty() {
                Value::Absent(NOTHING)
            } else {
                Value::Text(predicted.join(", "))
            })
        })
}

/// The share of all scores that are near the threshold.
fn near(facts: &MaskFacts) -> Option<f64> {
    let selected = facts.selected.as_ref()?;
    Some(selected.near as f64 / facts.total as f64)
}

fn frame(grid: &Grid<'_>) -> Result<polars::prelude::DataFrame, Error> {
    let rows: Vec<_> = known(grid).collect();
    let number = |of: &dyn Fn(&MaskFacts) -> u64| -> Vec<u64> {
        rows.iter().map(|(_, _, _, f)| of(f)).collect()
    };
    df!(
        "sparsity" => rows.iter().map(|(c, ..)| c.sparsity).collect::<Vec<_>>(),
        "ticket" => rows.iter().map(|(c, ..)| c.ticket.name.as_str()).collect::<Vec<_>>(),
        "check" => rows.iter().map(|(c, ..)| c.check_name()).collect::<Vec<_>>(),
        "seed" => rows.iter().map(|(_, seed, ..)| *seed).collect::<Vec<_>>(),
        "mask" => rows.iter().map(|(.., f)| f.mask.to_string()).collect::<Vec<_>>(),
        "weights" => number(&|f| f.total),
        "kept" => number(&|f| f.kept),
        "effective" => number(&|f| f.effective),
        "constant_channels" => number(&|f| f.constant),
        "smallest_layer" => rows.iter().map(|(_, _, _, f)| f.smallest.0.as_str()).collect::<Vec<_>>(),
        "smallest_kept" => number(&|f| f.smallest.1),
        "empty_layers" => number(&|f| f.empty.len() as u64),
        "ties" => rows.iter().map(|(_, _, _, f)| f.selected.as_ref().map(|s| s.ties)).collect::<Vec<_>>(),
        "near_share" => rows.iter().map(|(_, _, _, f)| near(f).map(six_decimals)).collect::<Vec<_>>(),
        "predicted" => rows.iter().map(|(_, _, _, f)| word(&f.collapse)).collect::<Vec<_>>(),
        "why" => rows.iter().map(|(_, _, _, f)| match &f.collapse {
            Collapse::None => None,
            Collapse::AtRisk(why) | Collapse::Certain(why) => Some(why.as_str()),
        }).collect::<Vec<_>>(),
    )
    .map_err(frame_error("masks"))
}
