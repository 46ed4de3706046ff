//! Reports of a study: tables (Markdown, LaTeX, CSV and Parquet), figures (SVG and PNG), a page that
//! shows them (Markdown, and one self-contained HTML file), and a lock that lists each file with its
//! digest and its inputs.
//!
//! [`render`] is a function from a study's outline and results to a map of files. Data flows one
//! way through the crate: `model` (what is shown) → `tables` and `figures` → `formats` (the bytes
//! of their files) → `page` → `publish` (the whole report, written to and compared with a folder).
//!
//! **Invariant.** This crate never trains, never links libtorch and never writes the store. No file
//! of a report contains a time, a host name, a path of the machine or a number from a record of a
//! run, so that the same results give the same bytes. ([`render_speed`] draws measurements of a
//! machine, which are not a report.) Verdicts come from the analysis that the study declared, in
//! neutral words.

mod error;
mod figures;
mod formats;
mod model;
mod page;
mod publish;
mod speed;
mod tables;

use jackpot_results::{Outline, Results};
use model::grid::Grid;
use std::collections::BTreeMap;

pub use error::Error;
pub use jackpot_study::LOCK;
pub use publish::compare::compare_report;
pub use publish::files::{check_report, write_report};
pub use publish::render::{render, render_with_evidence};
pub use speed::{MEASUREMENTS, render_speed};

/// The files of a report by path in the study's folder, with `/` between the parts of a path.
pub type ReportFiles = BTreeMap<String, Vec<u8>>;

/// Whether the report needs [`Results::overlaps`], which are computed from every mask of the study.
pub fn reads_overlaps(outline: &Outline) -> bool {
    let table = |name: &String| name == "corruption" || name == "overlaps";
    outline.tables.iter().any(table) || outline.figures.iter().any(|name| name == "overlaps")
}

/// The figure of a probe, by path in the study's folder.
///
/// # Errors
/// When drawing fails.
pub fn render_probe(name: &str, probed: &jackpot_study::ProbeResult) -> Result<ReportFiles, Error> {
    let (svg, png) = figures::of_probe(name, probed)?;
    Ok(ReportFiles::from([
        ("probe/probe.svg".to_owned(), svg),
        ("probe/probe.png".to_owned(), png),
    ]))
}

/// A few lines for a terminal: the number of runs, and the accuracy of each ticket.
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
