//! What each mask is, whatever it was trained to: counts, effective weights, ties, collapse.

use super::{Column, Data, Entry, Kind, NOTHING, Section, Table, Value, frame_error, spell};
use crate::Error;
use crate::cells::{Cell, Grid};
use crate::digest::{Inputs, of_inputs};
use crate::format::settle;
use jackpot_results::{Run, RunOutcome as Outcome};
use jackpot_stats::mean;
use jackpot_store::Digest;
use jackpot_study::{Collapse, MaskFacts};
use polars::df;

pub(super) fn table(grid: &Grid<'_>) -> Result<Table, Error> {
    Ok(Table {
        name: "masks",
        title: "what each mask keeps",
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

/// The digest of the masks: with the network they say everything here but the ties.
pub(super) fn inputs(grid: &Grid<'_>) -> Inputs {
    of_inputs(known(grid).map(|(.., facts)| facts.mask))
}

/// Every run whose mask is known, with its cell and seed.
pub(super) fn known<'g, 'a: 'g>(
    grid: &'g Grid<'a>,
) -> impl Iterator<Item = (&'g Cell<'a>, u64, &'a Run, &'a MaskFacts)> {
    grid.sparse().flat_map(|cell| {
        cell.runs.iter().filter_map(move |(seed, run)| {
            Some((cell, *seed, (*run)?, run.as_ref()?.facts.as_ref()?))
        })
    })
}

/// One word for a prediction.
pub(super) fn word(collapse: &Collapse) -> &'static str {
    match collapse {
        Collapse::None => "none",
        Collapse::AtRisk(_) => "at risk",
        Collapse::Certain(_) => "certain",
    }
}

fn pruned(kept: u64, total: u64) -> f64 {
    100.0 * (total - kept) as f64 / total as f64
}

/// What a fact of a mask came from: the training that used it, or else the mask itself.
pub(super) fn origin(run: &Run, facts: &MaskFacts) -> Digest {
    match &run.outcome {
        Outcome::Done(trained) => trained.key,
        _ => facts.mask,
    }
}

fn section(grid: &Grid<'_>, sparsity: &str) -> Section {
    let number = |name: &str| Column::new(Kind::Number, name, name);
    let words = |name: &str| Column::new(Kind::Words, name, name);
    let columns = vec![
        words("ticket"),
        words("check"),
        number("achieved"),
        number("effective"),
        number("constant"),
        Column::new(Kind::Words, "smallest_layer", "smallest layer"),
        Column::new(Kind::Number, "empty_layers", "empty layers"),
        number("ties"),
        number("near"),
        words("predicted"),
    ];
    let rows = grid.at(sparsity).filter_map(|cell| {
        let of = known(grid).filter(|(c, ..)| std::ptr::eq(*c, cell));
        let all: Vec<(&Run, &MaskFacts)> = of.map(|(_, _, run, facts)| (run, facts)).collect();
        (!all.is_empty()).then(|| row(cell, &all))
    });
    Section {
        heading: spell::sparsity(sparsity),
        columns,
        rows: rows.collect(),
    }
}

fn row(cell: &Cell<'_>, all: &[(&Run, &MaskFacts)]) -> Vec<Entry> {
    let from: Vec<Digest> = all.iter().map(|(run, f)| origin(run, f)).collect();
    let entry = |value| Entry::from(value, from.iter().copied());
    let average = |of: &dyn Fn(&MaskFacts) -> f64, digits| {
        let values: Vec<f64> = all.iter().map(|(_, f)| of(f)).collect();
        entry(Value::number(mean(&values), digits))
    };
    let selected = |of: &dyn Fn(&MaskFacts) -> Option<f64>, digits| {
        let values: Option<Vec<f64>> = all.iter().map(|(_, f)| of(f)).collect();
        entry(Value::number(values.and_then(|v| mean(&v)), digits))
    };
    let smallest = all.iter().map(|(_, f)| &f.smallest).min_by_key(|s| s.1);
    let smallest = smallest.map_or(Value::Blank, |(name, kept)| {
        Value::Text(format!("{name}: {kept}"))
    });
    let count = |wanted: &str| {
        let words = all.iter().map(|(_, f)| word(&f.collapse));
        words.filter(|w| *w == wanted).count()
    };
    let predicted: Vec<String> = ["certain", "at risk"]
        .iter()
        .filter(|w| count(w) > 0)
        .map(|w| format!("{w}: {}", spell::of(count(w), all.len())))
        .collect();
    let predicted = match predicted.is_empty() {
        true => Value::Absent(NOTHING),
        false => Value::Text(predicted.join(", ")),
    };
    vec![
        Entry::named(cell.ticket),
        Entry::check(cell.check),
        average(&|f| pruned(f.kept, f.total), 3),
        average(&|f| pruned(f.effective, f.total), 3),
        average(&|f| f.constant as f64, 1),
        entry(smallest),
        average(&|f| f.empty.len() as f64, 1),
        selected(&|f| f.selected.as_ref().map(|s| s.ties as f64), 1),
        selected(&near, 7),
        entry(predicted),
    ]
}

/// Share of all scores near the threshold.
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
        "near_share" => rows.iter().map(|(_, _, _, f)| near(f).map(settle)).collect::<Vec<_>>(),
        "predicted" => rows.iter().map(|(_, _, _, f)| word(&f.collapse)).collect::<Vec<_>>(),
        "why" => rows.iter().map(|(_, _, _, f)| match &f.collapse {
            Collapse::None => None,
            Collapse::AtRisk(why) | Collapse::Certain(why) => Some(why.as_str()),
        }).collect::<Vec<_>>(),
    )
    .map_err(frame_error("masks"))
}
