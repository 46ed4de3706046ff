//! How many weights two tickets' masks keep in common, beside chance.

use super::{Column, Data, Entry, Kind, Section, Table, Value, frame_error, spell};
use crate::Error;
use crate::cells::{Grid, MeanSd, UNMODIFIED};
use crate::digest::of_inputs;
use crate::format::settle;
use crate::groups::{Group, members};
use jackpot_results::Named;
use jackpot_stats::mean;
use jackpot_store::Digest;
use jackpot_study::Overlap;
use polars::df;
use std::collections::BTreeMap;

/// Both masks, as ticket and check.
type Names<'o> = (&'o (String, String), &'o (String, String));

pub(super) fn table(grid: &Grid<'_>) -> Result<Table, Error> {
    let sections = grid.sparsities().into_iter().map(|s| section(grid, s));
    let mut about = vec![
        "The share of kept weights that two unmodified tickets of the same seed both keep, in \
         percent of the first one's, the mean over seeds: above the diagonal as found, below it \
         by chance, where only the counts of each layer are alike. (Random tickets of one seed draw \
         the same scores, and share more than chance.) Masks under checks are in the \
         files for programs, each against its own ticket's clean mask."
            .into(),
    ];
    if grid.results.overlaps.is_empty() {
        about.push("No two masks of one seed are known.".into());
    }
    Ok(Table {
        name: "overlaps",
        title: "weights that masks have in common",
        about,
        sections: sections.filter(|s| !s.rows.is_empty()).collect(),
        data: Data::Given(frame(grid)?),
        keys: &["sparsity", "first", "first_check", "second", "second_check"],
        inputs: of_inputs(grid.results.overlaps.iter().flat_map(|o| o.masks)),
    })
}

/// What two of these tickets' masks share, in percent, the mean over seeds, and the masks: as found
/// where the first stands before the second, by chance where it does not.
pub(crate) fn shared(
    grid: &Grid<'_>,
    sparsity: &str,
    tickets: &[&Named],
    (i, j): (usize, usize),
) -> (Option<f64>, Vec<Digest>) {
    let found = pair(grid, sparsity, tickets[i.min(j)], tickets[i.max(j)]);
    let of = |o: &&Overlap| match i < j {
        true => percent(o, o.shared as f64),
        false => percent(o, o.chance),
    };
    let values: Vec<f64> = found.iter().map(of).collect();
    (mean(&values), found.iter().flat_map(|o| o.masks).collect())
}

/// The pair's overlaps at one sparsity, of every seed.
fn pair<'g>(grid: &'g Grid<'_>, sparsity: &str, one: &Named, other: &Named) -> Vec<&'g Overlap> {
    let is = |o: &&Overlap| {
        let names = [(&o.first, one), (&o.second, other)];
        let same = |((ticket, check), named): (&(String, String), &Named)| {
            *ticket == named.name && check == UNMODIFIED
        };
        o.sparsity == sparsity && names.into_iter().all(same)
    };
    grid.results.overlaps.iter().filter(is).collect()
}

/// Percent of the first mask's kept weights.
fn percent(overlap: &Overlap, weights: f64) -> f64 {
    100.0 * weights / overlap.kept[0].max(1) as f64
}

fn section(grid: &Grid<'_>, sparsity: &str) -> Section {
    let any = |t: &&Named| {
        let mut all = grid.results.overlaps.iter();
        all.any(|o| o.sparsity == sparsity && (o.first.0 == t.name || o.second.0 == t.name))
    };
    let tickets: Vec<&Named> = members(grid, Group::Sparse)
        .into_iter()
        .filter(any)
        .collect();
    let mut columns = vec![Column::new(Kind::Words, "ticket", "ticket")];
    columns.extend((tickets.iter()).map(|t| Column::new(Kind::Number, &t.name, &t.title)));
    let row = |(i, one): (usize, &&Named)| {
        let mut row = vec![Entry::named(one)];
        row.extend((0..tickets.len()).map(|j| {
            let (percent, masks) = shared(grid, sparsity, &tickets, (i, j));
            Entry::from(Value::number(percent, 1), masks)
        }));
        row
    };
    Section {
        heading: spell::sparsity(sparsity),
        rows: tickets.iter().enumerate().map(row).collect(),
        columns,
    }
}

/// Mean ± sd of the overlaps, then chance and the ends of its interval, in percent.
pub(super) fn against_chance(found: &[&Overlap]) -> [Entry; 4] {
    let average = |of: &dyn Fn(&Overlap) -> f64| {
        let values: Vec<f64> = found.iter().map(|o| percent(o, of(o))).collect();
        Value::number(mean(&values), 1)
    };
    let shared: Vec<f64> = found.iter().map(|o| percent(o, o.shared as f64)).collect();
    let values = [
        Value::mean_sd(MeanSd::of(&shared), 1),
        average(&|o| o.chance),
        average(&|o| o.chance - o.width),
        average(&|o| o.chance + o.width),
    ];
    values.map(|value| Entry::from(value, found.iter().flat_map(|o| o.masks)))
}

/// A sparsity and two masks by name.
type Pairing<'a> = (&'a str, Names<'a>);

fn frame(grid: &Grid<'_>) -> Result<polars::prelude::DataFrame, Error> {
    let mut groups: BTreeMap<Pairing<'_>, Vec<&Overlap>> = BTreeMap::new();
    for overlap in &grid.results.overlaps {
        let names = (&overlap.first, &overlap.second);
        let group = groups.entry((overlap.sparsity.as_str(), names));
        group.or_default().push(overlap);
    }
    let words =
        |of: &dyn Fn(&Pairing<'_>) -> String| -> Vec<String> { groups.keys().map(of).collect() };
    let numbers = |of: &dyn Fn(&Overlap) -> f64| -> Vec<Option<f64>> {
        let value = |all: &Vec<&Overlap>| {
            let values: Vec<f64> = all.iter().map(|o| percent(o, of(o))).collect();
            mean(&values).map(settle)
        };
        groups.values().map(value).collect()
    };
    df!(
        "sparsity" => words(&|g| g.0.to_owned()),
        "first" => words(&|g| g.1.0.0.clone()),
        "first_check" => words(&|g| g.1.0.1.clone()),
        "second" => words(&|g| g.1.1.0.clone()),
        "second_check" => words(&|g| g.1.1.1.clone()),
        "n" => groups.values().map(|g| g.len() as u32).collect::<Vec<_>>(),
        "overlap_percent" => numbers(&|o| o.shared as f64),
        "chance_percent" => numbers(&|o| o.chance),
        "chance_low_percent" => numbers(&|o| o.chance - o.width),
        "chance_high_percent" => numbers(&|o| o.chance + o.width),
    )
    .map_err(frame_error("overlaps"))
}
