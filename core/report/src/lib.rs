//! Reports of a study: tables (Markdown, LaTeX, CSV and Parquet), figures (SVG and PNG), a page that
//! shows them (Markdown, and one self-contained HTML file), and a lock that names each file's inputs and bytes.
//!
//! [`render`] is a function from what a study asked and what its runs gave to a map of files;
//! everything else here either serves it or compares what it gave with what is on disk.
//!
//! **Invariant.** This crate never trains, never links libtorch and never writes the store. No file
//! it makes holds a clock, a host name, a path of the machine or a number from a record, so the same
//! results give the same bytes; [`speed()`] draws a machine's measurements and is no report. Verdicts come from the analysis that the study declared, in neutral words.

mod error;
mod figures;
mod formats;
mod model;
mod page;
mod publish;
mod speed;
mod tables;

use jackpot_study::{Outline, Results};
use model::grid::Grid;
use std::collections::BTreeMap;

pub use error::Error;
pub use jackpot_study::LOCK;
pub use publish::compare::compare_report;
pub use publish::files::{check_report, write_report};
pub use publish::render::{render, render_with_evidence};
pub use speed::{MEASUREMENTS, render_speed};

/// ReportFiles by their path in the study's folder, with `/` between its parts.
pub type ReportFiles = BTreeMap<String, Vec<u8>>;

/// Whether the report needs [`Results::overlaps`], which are read from every mask of the study.
pub fn reads_overlaps(outline: &Outline) -> bool {
    let table = |name: &String| name == "corruption" || name == "overlaps";
    outline.tables.iter().any(table) || outline.figures.iter().any(|name| name == "overlaps")
}

/// The figure of a probe, by path in the study's folder.
///
/// # Errors
/// When drawing fails.
pub fn render_probe(name: &str, probed: &jackpot_study::Probed) -> Result<ReportFiles, Error> {
    let (svg, png) = figures::of_probe(name, probed)?;
    Ok(ReportFiles::from([
        ("probe/probe.svg".to_owned(), svg),
        ("probe/probe.png".to_owned(), png),
    ]))
}

/// A few lines for a terminal: how many runs there are, and how accurate each ticket is.
///
/// # Errors
/// As [`render`]'s, for results that do not fit the outline.
pub fn summary_lines(outline: &Outline, results: &Results) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    for (part, own) in outline.parts(results) {
        let title = part
            .settings
            .first()
            .map(|s| format!("{}: ", s.named.title));
        let title = title.unwrap_or_default();
        let own = model::summary::lines(&Grid::new(&part, &own)?).into_iter();
        lines.extend(own.map(|line| format!("{title}{line}")));
    }
    Ok(lines)
}
