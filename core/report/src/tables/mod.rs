//! Tables: one description of columns and typed cells, written as Markdown and LaTeX for people, as
//! HTML for the study's page, and as CSV and Parquet for programs.

mod columns;
pub(crate) mod comparison;
pub(crate) mod frame;
pub(crate) mod joined;
pub(crate) mod performance;
mod pruning;
pub(crate) mod runs;
pub(crate) mod table;
pub(crate) mod value;

use crate::Error;
use crate::error::unknown_name;
use crate::model::grid::Grid;
use crate::model::sweep::Grids;
use comparison::{differences, effects, hybrid, partially_trained, verdicts};
use jackpot_study::TABLES;
use performance::{
    accuracy, before_after, learning_rates, pretraining, references, stages, sweeps, tickets,
};
use pruning::{collapse, corruption, layers, masks, overlaps, ratios};
use table::Table;

/// The tables that the study asks for, and the list of runs, which every report has.
pub(crate) fn all(grid: &Grid<'_>) -> Result<Vec<Table>, Error> {
    let mut tables = Vec::new();
    for name in &grid.outline.tables {
        tables.push(match name.as_str() {
            "accuracy" => accuracy::table(grid),
            "differences" => differences::table(grid),
            "layers" => layers::table(grid)?,
            "masks" => masks::table(grid)?,
            "collapse" => collapse::table(grid)?,
            "stages" => stages::table(grid),
            "tickets" => tickets::table(grid),
            "partially-trained" => partially_trained::table(grid),
            "hybrid" => hybrid::table(grid),
            "ablation" => ratios::ablation(grid),
            "ratios" => ratios::table(grid)?,
            "corruption" => corruption::table(grid),
            "overlaps" => overlaps::table(grid)?,
            "learning-rates" => learning_rates::table(Grids::single(grid)),
            "sweeps" => sweeps::table(Grids::single(grid)),
            "pretraining" => pretraining::table(grid),
            "references" => references::table(grid)?,
            "verdicts" => verdicts::table(grid),
            "effects" => effects::table(grid),
            "before-after" => before_after::table(grid),
            other => return Err(unknown_name("table", other, TABLES)),
        });
    }
    tables.push(runs::table(grid)?);
    Ok(tables)
}
