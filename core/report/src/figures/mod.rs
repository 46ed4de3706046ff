//! Figures: drawn once by plotters into SVG, text turned into outlines by usvg with the bundled
//! font, and the PNG rendered by resvg from that same SVG.

mod accuracy;
mod before_after;
pub(crate) mod drawing;
mod layers;
mod lines;
mod overlaps;
mod pipeline;
mod probe;

#[cfg(test)]
mod tests;

use crate::Error;
use crate::error::unknown_name;
use crate::model::grid::Grid;
use crate::model::groups::TicketGroup;
use crate::model::inputs::ReportInputs;
use crate::model::sweep::Grids;
use jackpot_study::FIGURES;
use polars::prelude::DataFrame;

/// One drawn figure.
pub(crate) struct Figure {
    /// The name of its files, without extension.
    pub name: &'static str,
    pub title: &'static str,
    /// The caption.
    pub caption: String,
    pub inputs: ReportInputs,
    /// The drawn points, one in each row, if no table has the numbers of the figure.
    pub points: Option<DataFrame>,
    pub drawing: drawing::canvas::Drawing,
}

/// The figures that the study asks for, in its order.
pub(crate) fn all(grid: &Grid<'_>) -> Result<Vec<Figure>, Error> {
    let figure = |name: &String| match name.as_str() {
        "accuracy" => accuracy::figure(grid),
        "layers" => layers::figure(grid),
        "initial" => lines::checks(grid, TicketGroup::Initial),
        "partially-trained" => lines::checks(grid, TicketGroup::PartiallyTrained),
        "tickets" => lines::tickets(grid, TicketGroup::Sparse),
        "hybrid" => lines::tickets(grid, TicketGroup::Hybrid),
        "ablation" => lines::tickets(grid, TicketGroup::Random),
        "epochs" => lines::epochs(grid),
        "sweeps" => lines::sweeps(Grids::single(grid)),
        "corruption" => layers::corruption(grid),
        "overlaps" => overlaps::figure(grid),
        "pipeline" => pipeline::figure(grid),
        "before-after" => before_after::figure(grid),
        other => Err(unknown_name("figure", other, FIGURES)),
    };
    grid.outline.figures.iter().map(figure).collect()
}

impl Figure {
    /// The path of its file with this extension, in the study's folder.
    pub fn file(&self, ending: &str) -> String {
        format!("figures/{}.{ending}", self.name)
    }

    /// The extensions of its files, and the names of their formats.
    pub fn formats(&self) -> &'static [(&'static str, &'static str)] {
        const ALL: [(&str, &str); 3] = [("svg", "SVG"), ("png", "PNG"), ("csv", "CSV")];
        &ALL[..ALL.len() - usize::from(self.points.is_none())]
    }
}

/// The figure of sweeps across the settings of a study.
pub(crate) fn sweeps_of_settings(grids: Grids<'_, '_>) -> Result<Figure, Error> {
    lines::sweeps(grids)
}

/// The SVG and the PNG of a probe's figure.
pub(crate) fn of_probe(
    name: &str,
    probed: &jackpot_study::ProbeResult,
) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let drawing = probe::drawing(name, probed)?;
    drawing::canvas::render("probe", "What masks show without training", &drawing)
}
