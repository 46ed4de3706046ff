//! The kept share of each layer by ticket and sparsity.

use super::{Section, Table, frame_error, spell};
use crate::Error;
use crate::cells::Grid;
use crate::digest::of_inputs;
use crate::kept::{self, Kept, KeptBy};
use crate::stats::settle;
use polars::df;

pub(super) fn table(grid: &Grid<'_>) -> Result<Table, Error> {
    let all = kept::all(grid)?;
    Ok(Table {
        name: "layers",
        title: "kept share of each layer",
        about: vec![
            "Percent of each layer's weights that the unmodified ticket keeps, the mean over seeds, \
             layers in forward order."
                .into(),
        ],
        sections: all.iter().filter(|k| !k.tickets.is_empty()).map(section).collect(),
        frame: frame(&all)?,
        keys: &["sparsity", "ticket", "position"],
        inputs: of_inputs(kept::masks(grid)),
    })
}

fn section(kept: &Kept<'_>) -> Section {
    let mut header = vec!["layer".to_owned(), "weights".to_owned()];
    header.extend(kept.tickets.iter().map(|t| spell::cell(&t.ticket.title)));
    let row = |(i, (name, weights)): (usize, &(&str, u64))| {
        let shares = kept.tickets.iter().map(|t| spell::share(t.shares[i].0));
        [(*name).to_owned(), weights.to_string()]
            .into_iter()
            .chain(shares)
            .collect()
    };
    let mut rows: Vec<Vec<String>> = kept.layers.iter().enumerate().map(row).collect();
    let weights: u64 = kept.layers.iter().map(|(_, n)| n).sum();
    let whole = kept.tickets.iter().map(|t| spell::share(t.whole));
    rows.push(
        ["all".to_owned(), weights.to_string()]
            .into_iter()
            .chain(whole)
            .collect(),
    );
    Section {
        heading: spell::sparsity(kept.sparsity),
        header,
        left: 1,
        rows,
    }
}

fn frame(all: &[Kept<'_>]) -> Result<polars::prelude::DataFrame, Error> {
    type Row<'r> = (&'r Kept<'r>, &'r KeptBy<'r>, usize);
    let rows: Vec<Row<'_>> = all
        .iter()
        .flat_map(|k| k.tickets.iter().map(move |t| (k, t)))
        .flat_map(|(k, t)| (0..k.layers.len()).map(move |i| (k, t, i)))
        .collect();
    df!(
        "sparsity" => rows.iter().map(|(k, _, _)| k.sparsity).collect::<Vec<_>>(),
        "ticket" => rows.iter().map(|(_, t, _)| t.ticket.name.as_str()).collect::<Vec<_>>(),
        "position" => rows.iter().map(|(_, _, i)| *i as u32).collect::<Vec<_>>(),
        "layer" => rows.iter().map(|(k, _, i)| k.layers[*i].0).collect::<Vec<_>>(),
        "weights" => rows.iter().map(|(k, _, i)| k.layers[*i].1).collect::<Vec<_>>(),
        "n" => rows.iter().map(|(_, t, _)| t.n as u32).collect::<Vec<_>>(),
        "kept_percent_mean" => rows.iter().map(|(_, t, i)| settle(t.shares[*i].0))
            .collect::<Vec<_>>(),
        "kept_percent_sd" => rows.iter().map(|(_, t, i)| t.shares[*i].1.map(settle))
            .collect::<Vec<_>>(),
    )
    .map_err(frame_error("layers"))
}
