//! Table `overlaps`: the weights that the masks of two tickets both keep, beside what chance gives.

use crate::Error;
use crate::error::frame_error;
use crate::model::format::{self, six_decimals};
use crate::model::grid::Grid;
use crate::model::groups::{TicketGroup, members};
use crate::model::inputs::inputs_of;
use crate::model::overlaps::{percent, shared};
use crate::tables::table::{Column, ColumnKind, Data, Section, Table};
use crate::tables::value::{Entry, Value};
use jackpot_results::Named;
use jackpot_stats::mean;
use jackpot_study::Overlap;
use polars::df;
use std::collections::BTreeMap;

/// The names of two masks, each as ticket and check.
type Names<'o> = (&'o (String, String), &'o (String, String));

pub(crate) fn table(grid: &Grid<'_>) -> Result<Table, Error> {
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
        title: "overlap of masks",
        about,
        sections: sections.filter(|s| !s.rows.is_empty()).collect(),
        data: Data::Given(frame(grid)?),
        keys: &["sparsity", "first", "first_check", "second", "second_check"],
        inputs: inputs_of(grid.results.overlaps.iter().flat_map(|o| o.masks)),
    })
}

fn section(grid: &Grid<'_>, sparsity: &str) -> Section {
    let any = |t: &&Named| {
        let mut all = grid.results.overlaps.iter();
        all.any(|o| o.sparsity == sparsity && (o.first.0 == t.name || o.second.0 == t.name))
    };
    let tickets: Vec<&Named> = members(grid, TicketGroup::Sparse)
        .into_iter()
        .filter(any)
        .collect();
    let mut columns = vec![Column::new(ColumnKind::Text, "ticket", "ticket")];
    columns.extend((tickets.iter()).map(|t| Column::new(ColumnKind::Number, &t.name, &t.title)));
    let row = |(i, one): (usize, &&Named)| {
        let mut row = vec![Entry::named(one)];
        row.extend((0..tickets.len()).map(|j| {
            let (percent, masks) = shared(grid, sparsity, &tickets, (i, j));
            Entry::of_runs(Value::number(percent, 1), masks)
        }));
        row
    };
    Section {
        heading: format::sparsity(sparsity),
        rows: tickets.iter().enumerate().map(row).collect(),
        columns,
    }
}

/// A sparsity and the names of two masks.
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
            mean(&values).map(six_decimals)
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
