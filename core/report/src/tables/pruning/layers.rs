//! Table `layers`: the kept share of each layer by ticket and sparsity.

use crate::Error;
use crate::error::frame_error;
use crate::model::format;
use crate::model::format::six_decimals;
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::model::kept::{self, KeptShares, TicketShares};
use crate::tables::table::{Column, ColumnKind, Data, Section, Table};
use crate::tables::value::{Entry, Value};
use polars::df;

pub(crate) fn table(grid: &Grid<'_>) -> Result<Table, Error> {
    let all = kept::all(grid)?;
    Ok(Table {
        name: "layers",
        title: "kept share of each layer",
        about: vec![
            "Percent of each layer's weights that the unmodified ticket keeps, the mean over seeds, \
             layers in forward order. *layer_params* is m_l, how many weights the layer's \
             convolution or linear map has; biases and normalisation are not counted, for they \
             are never pruned. A share of p % keeps p · m_l / 100 of them."
                .into(),
        ],
        sections: all.iter().filter(|k| !k.tickets.is_empty()).map(section).collect(),
        data: Data::Given(frame(&all)?),
        keys: &["sparsity", "ticket", "position"],
        inputs: inputs_of(kept::masks(grid)),
    })
}

fn section(kept: &KeptShares<'_>) -> Section {
    let mut columns = vec![
        Column::new(ColumnKind::Text, "layer", "layer"),
        Column::new(ColumnKind::Count, "layer_params", "layer_params"),
    ];
    let of_ticket =
        |t: &TicketShares<'_>| Column::new(ColumnKind::Number, &t.ticket.name, &t.ticket.title);
    columns.extend(kept.tickets.iter().map(of_ticket));
    let row = |name: &str, weights: u64, share: &dyn Fn(&TicketShares<'_>) -> f64| -> Vec<Entry> {
        let share = |t| Entry::of_runs(Value::Share(share(t)), t.keys.iter().copied());
        [Entry::text(name), Value::Count(weights).into()]
            .into_iter()
            .chain(kept.tickets.iter().map(share))
            .collect()
    };
    let layers = kept.layers.iter().enumerate();
    let mut rows: Vec<_> = layers
        .map(|(i, (name, weights))| row(name, *weights, &|t| t.shares[i].0))
        .collect();
    let weights = kept.layers.iter().map(|(_, n)| n).sum();
    rows.push(row("all", weights, &|t| t.whole));
    Section {
        heading: format::sparsity(kept.sparsity),
        columns,
        rows,
    }
}

fn frame(all: &[KeptShares<'_>]) -> Result<polars::prelude::DataFrame, Error> {
    type Row<'r> = (&'r KeptShares<'r>, &'r TicketShares<'r>, usize);
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
        "layer_params" => rows.iter().map(|(k, _, i)| k.layers[*i].1).collect::<Vec<_>>(),
        "n" => rows.iter().map(|(_, t, _)| t.n as u32).collect::<Vec<_>>(),
        "kept_percent_mean" => rows.iter().map(|(_, t, i)| six_decimals(t.shares[*i].0))
            .collect::<Vec<_>>(),
        "kept_percent_sd" => rows.iter().map(|(_, t, i)| t.shares[*i].1.map(six_decimals))
            .collect::<Vec<_>>(),
    )
    .map_err(frame_error("layers"))
}
