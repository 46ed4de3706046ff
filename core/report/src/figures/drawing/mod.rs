//! The parts of figures: a canvas, scales, legends, labels, and charts that are described as data.

pub(crate) mod axis;
pub(crate) mod canvas;
pub(crate) mod chart;
pub(crate) mod chart_legend;
pub(crate) mod label;
pub(crate) mod legend;
pub(crate) mod panel;
pub(crate) mod profile;

use crate::model::inputs::ReportInputs;

/// The line below every figure: the study and the digest of the inputs.
pub(crate) fn footer(study: &str, inputs: &ReportInputs) -> String {
    let after = format!(": inputs sha256 {inputs}");
    let room = canvas::WIDTH - 32 - canvas::width(&after, canvas::FINE);
    format!("{}{after}", canvas::fit(study, canvas::FINE, room))
}
