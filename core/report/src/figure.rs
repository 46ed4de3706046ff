//! Figures: drawn once by plotters into SVG, text turned into outlines by usvg with the bundled
//! font, and the PNG rendered by resvg from that same SVG.

mod accuracy;
mod axis;
mod before_after;
mod canvas;
mod chart;
mod label;
mod layers;
mod legend;
mod lines;
mod overlaps;
mod panel;
mod pipeline;
mod probe;
mod profile;
mod speed;

#[cfg(test)]
mod tests;

use crate::cells::Grid;
use crate::digest::Inputs;
use crate::format::frame;
use crate::groups::Group;
use crate::sweep::Grids;
use crate::{Error, Output};
use jackpot_study::FIGURES;
use polars::prelude::DataFrame;

pub(crate) use lines::total_epochs;
pub(crate) use speed::Curve;

/// One drawn figure.
pub(crate) struct Figure {
    /// The file's name without its ending.
    pub name: &'static str,
    pub title: &'static str,
    /// What the reader sees, as a caption.
    pub caption: String,
    pub inputs: Inputs,
    /// The drawn points, one a row, of figures whose numbers no table has.
    pub points: Option<DataFrame>,
    pub drawing: canvas::Drawing,
}

/// The figures that the study asks for, in its order.
pub(crate) fn all(grid: &Grid<'_>) -> Result<Vec<Figure>, Error> {
    let figure = |name: &String| match name.as_str() {
        "accuracy" => accuracy::figure(grid),
        "layers" => layers::figure(grid),
        "initial" => lines::checks(grid, Group::Initial),
        "partially-trained" => lines::checks(grid, Group::PartiallyTrained),
        "tickets" => lines::tickets(grid, Group::Sparse),
        "hybrid" => lines::tickets(grid, Group::Hybrid),
        "ablation" => lines::tickets(grid, Group::Random),
        "epochs" => lines::epochs(grid),
        "sweeps" => lines::sweeps(Grids::one(grid)),
        "corruption" => layers::corruption(grid),
        "overlaps" => overlaps::figure(grid),
        "pipeline" => pipeline::figure(grid),
        "before-after" => before_after::figure(grid),
        other => Err(crate::table::unknown("figure", other, FIGURES)),
    };
    grid.outline.figures.iter().map(figure).collect()
}

impl Figure {
    /// The path of one of its files in the study's folder.
    pub fn file(&self, ending: &str) -> String {
        format!("figures/{}.{ending}", self.name)
    }

    /// The endings of its files, and what a reader calls them.
    pub fn formats(&self) -> &'static [(&'static str, &'static str)] {
        const ALL: [(&str, &str); 3] = [("svg", "SVG"), ("png", "PNG"), ("csv", "CSV")];
        &ALL[..ALL.len() - usize::from(self.points.is_none())]
    }

    /// The SVG and the PNG file, and the file of the points.
    pub fn outputs(&self) -> Result<Vec<(String, Output)>, Error> {
        let (svg, png) = canvas::render(self.name, self.title, &self.drawing)?;
        let file = |ending, bytes| {
            let inputs = self.inputs.clone();
            (self.file(ending), Output { inputs, bytes })
        };
        let mut files = vec![file("svg", svg), file("png", png)];
        if let Some(points) = &self.points {
            files.push(file("csv", frame::csv(self.name, &mut points.clone())?));
        }
        Ok(files)
    }
}

/// The figure whose lines go across the settings of a study.
pub(crate) fn across(grids: Grids<'_, '_>) -> Result<Figure, Error> {
    lines::sweeps(grids)
}

/// The SVG and the PNG of a probe's figure.
pub(crate) fn of_probe(
    name: &str,
    probed: &jackpot_study::Probed,
) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let drawing = probe::drawing(name, probed)?;
    canvas::render("probe", "What masks alone say", &drawing)
}

/// The SVG and the PNG of measured speeds.
pub(crate) fn of_speed(curves: &[Curve]) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let drawing = speed::drawing(curves)?;
    canvas::render("speed", "Times faster than libtorch", &drawing)
}

/// The line under every figure: which study, and what it was drawn from.
pub(crate) fn footer(study: &str, inputs: &Inputs) -> String {
    let after = format!(": inputs sha256 {inputs}");
    let room = canvas::WIDTH - 32 - canvas::width(&after, canvas::FINE);
    format!("{}{after}", canvas::fit(study, canvas::FINE, room))
}
