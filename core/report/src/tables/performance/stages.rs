//! Table `stages`: the data that each stage of a ticket used, and the epochs that it took.

use crate::model::cells::{Cell, metrics};
use crate::model::format::{self, DENSE};
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::tables::columns::Columns;
use crate::tables::table::{Data, Section, Table};
use crate::tables::value::{Entry, NOTHING, Value};
use jackpot_study::Lineage;

pub(crate) fn table(grid: &Grid<'_>) -> Table {
    Table {
        name: "stages",
        title: "data seen by each stage",
        about: vec![
            "The data of every training before the ticket's own (*pretraining*), of the batches \
             that its method drew (*scoring*) and of its own *training*; the test images are \
             always clean. *Epochs* are those of all trainings that the ticket needs."
                .into(),
        ],
        sections: sections(grid),
        data: Data::Rows,
        keys: &["sparsity", "ticket", "check"],
        inputs: inputs_of(metrics(&grid.cells)),
    }
}

/// The section of the dense network, if its lineage is known, and one for each sparsity.
fn sections(grid: &Grid<'_>) -> Vec<Section> {
    let dense = Some(section(grid, DENSE)).filter(|s| !s.rows.is_empty());
    let sparse = grid.sparsities().into_iter().map(|s| section(grid, s));
    dense.into_iter().chain(sparse).collect()
}

fn known<'g, 'a: 'g>(grid: &'g Grid<'a>) -> impl Iterator<Item = (&'g Cell<'a>, &'a Lineage)> + 'g {
    grid.cells.iter().filter_map(|c| Some((c, c.lineage()?)))
}

fn section(grid: &Grid<'_>, sparsity: &str) -> Section {
    let rows = known(grid).filter(|(cell, _)| cell.sparsity == sparsity);
    columns().section(format::sparsity(sparsity), rows)
}

fn columns<'g, 'a: 'g>() -> Columns<'static, (&'g Cell<'a>, &'a Lineage)> {
    let seen = |data: &Option<String>| match data {
        Some(data) => Entry::text(data),
        None => Value::Absent(NOTHING).into(),
    };
    let columns: Columns<'static, (&'g Cell<'a>, &'a Lineage)> = Columns::new();
    columns
        .text("sparsity", None, |(cell, _)| Entry::text(cell.sparsity))
        .text("ticket", "ticket", |(cell, _)| Entry::named(cell.ticket))
        .text("check", "check", |(cell, _)| Entry::check(cell.check))
        .text("pretraining", "pretraining", move |(_, lineage)| {
            seen(&lineage.pretraining)
        })
        .text("scoring", "scoring", move |(_, lineage)| {
            seen(&lineage.scoring)
        })
        .text("training", "training", |(_, lineage)| {
            Entry::text(&lineage.training)
        })
        .number("epochs", "epochs", |(cell, lineage)| {
            Entry::of_runs(epochs(&lineage.epochs), cell.keys())
        })
}

/// Decimal text as a number with as many decimals as it was written with.
fn epochs(text: &str) -> Value {
    let decimals = text.split_once('.').map_or(0, |(_, after)| after.len());
    let number = text.parse().map(|epochs| Value::Number(epochs, decimals));
    number.unwrap_or_else(|_| Value::Text(text.into()))
}
