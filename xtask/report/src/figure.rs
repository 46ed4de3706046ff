//! Figures: drawn once by plotters into SVG, text turned into outlines by usvg with the bundled
//! font, and the PNG rendered by resvg from that same SVG.

mod accuracy;
mod axis;
mod canvas;
mod layers;
mod legend;
mod panel;
mod probe;

use crate::cells::Grid;
use crate::{Error, Output};
use jackpot_store::Digest;
use jackpot_study::FIGURES;

/// One drawn figure.
pub(crate) struct Figure {
    /// The file's name without its ending.
    pub name: &'static str,
    pub title: &'static str,
    /// What the reader sees, as a caption.
    pub caption: String,
    pub inputs: Digest,
    pub drawing: canvas::Drawing,
}

/// The figures that the study asks for, in its order.
pub(crate) fn all(grid: &Grid<'_>) -> Result<Vec<Figure>, Error> {
    let figure = |name: &String| match name.as_str() {
        "accuracy" => accuracy::figure(grid),
        "layers" => layers::figure(grid),
        other => Err(crate::table::unknown("figure", other, FIGURES)),
    };
    grid.outline.figures.iter().map(figure).collect()
}

impl Figure {
    /// The SVG and the PNG file.
    pub fn outputs(&self) -> Result<[(String, Output); 2], Error> {
        let (svg, png) = canvas::render(self.name, self.title, &self.drawing)?;
        let file = |ending, bytes| {
            let path = format!("figures/{}.{ending}", self.name);
            (
                path,
                Output {
                    inputs: self.inputs,
                    bytes,
                },
            )
        };
        Ok([file("svg", svg), file("png", png)])
    }
}

/// The SVG and the PNG of a probe's figure.
pub(crate) fn of_probe(
    name: &str,
    probed: &jackpot_study::Probed,
) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let drawing = probe::drawing(name, probed)?;
    canvas::render("probe", "What masks alone say", &drawing)
}

/// The line under every figure: which study, and what it was drawn from.
pub(crate) fn footer(grid: &Grid<'_>, inputs: Digest) -> String {
    format!("{}: inputs sha256 {inputs}", grid.outline.name)
}
