//! Reports of a study: tables (Markdown, LaTeX, CSV and Parquet), figures (SVG and PNG), a page that
//! shows them (Markdown, and one self-contained HTML file), and a lock that names each file's inputs and bytes.
//!
//! [`render`] is a function from what a study asked and what its runs gave to a map of files;
//! everything else here either serves it or compares what it gave with what is on disk.
//!
//! **Invariant.** This crate never trains, never links libtorch and never writes the store. No file
//! it makes holds a clock, a host name, a path of the machine or a number from a record, so the same
//! results give the same bytes; [`speed()`] draws a machine's measurements and is no report. Verdicts come from the analysis that the study declared, in neutral words.

mod cells;
pub mod compare;
mod digest;
mod figure;
mod format;
mod groups;
mod headline;
mod kept;
mod lock;
mod page;
mod reference;
mod settings;
mod speed;
mod sweep;
mod table;
mod verdict;

use jackpot_results::{Outline, Results};
use std::collections::BTreeMap;

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The results and the study file do not belong together, or the study file asks for
    /// something that there is not.
    #[error("{0}")]
    Study(String),
    /// A file could not be read, written or understood.
    #[error("{path}: {message}")]
    File {
        /// Which file.
        path: std::path::PathBuf,
        /// What was expected and what was found.
        message: String,
    },
    /// Drawing or writing a frame failed: a fault of this crate or of a library below it.
    #[error("cannot draw `{output}`: {message}")]
    Draw {
        /// The file that was being made.
        output: String,
        /// What the library said.
        message: String,
    },
}

/// One file of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The results that it was drawn from.
    pub inputs: Inputs,
    /// The file's content.
    pub bytes: Vec<u8>,
}

pub use digest::Inputs;
pub use jackpot_study::LOCK;
pub use speed::{MEASURED, speed};

/// Files by their path in the study's folder, with `/` between its parts.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Whether the report needs [`Results::overlaps`], which are read from every mask of the study.
pub fn reads_overlaps(outline: &Outline) -> bool {
    let table = |name: &String| name == "corruption" || name == "overlaps";
    outline.tables.iter().any(table) || outline.figures.iter().any(|name| name == "overlaps")
}

/// Every file of the report by its path in the study's folder, `study.lock` among them.
///
/// # Errors
/// When `results` are of another study file than `outline`, when a run names a ticket, check,
/// sparsity or seed that the outline does not have, or when the outline asks for an unknown table
/// or figure.
pub fn render(outline: &Outline, results: &Results) -> Result<Files, Error> {
    render_with(outline, results, None)
}

/// As [`render`], with the evidence of `results` among the files.
///
/// # Errors
/// As [`render`]'s.
pub fn render_with(
    outline: &Outline,
    results: &Results,
    evidence: Option<Vec<u8>>,
) -> Result<Files, Error> {
    let parts = settings::parts(outline, results);
    let grids = parts.iter().map(|(part, own)| cells::Grid::new(part, own));
    let grids: Vec<cells::Grid<'_>> = grids.collect::<Result<_, _>>()?;
    let mut outputs = BTreeMap::new();
    let mut tables = Vec::new();
    let (mut order, mut masks) = (Vec::new(), Vec::new());
    for grid in &grids {
        let folder = settings::folder(grid.outline);
        let own = table::all(grid)?;
        let drawn = of_part(grid, &own)?.into_iter();
        outputs.extend(drawn.map(|(path, output)| (format!("{folder}{path}"), output)));
        tables.push(own);
        let [metrics, mask] = cells::in_order(&grid.cells);
        order.extend(metrics);
        masks.extend(mask);
    }
    if let Some(across) = settings::Across::new(outline, results, &grids, &tables)? {
        outputs.extend(across.outputs(outline, results)?);
    }
    order.extend(masks);
    if let Some(bytes) = evidence {
        let metrics = results.runs.iter().filter_map(|run| match &run.outcome {
            jackpot_results::RunOutcome::Done(trained) => Some(trained.metrics),
            _ => None,
        });
        let inputs = digest::of_inputs(metrics);
        let evidence = Output { inputs, bytes };
        outputs.insert(jackpot_results::EVIDENCE.into(), evidence);
    }
    let lock = lock::write(results, &outline.declared, &outputs, &order)?;
    let mut files: BTreeMap<_, _> = outputs.into_iter().map(|(k, o)| (k, o.bytes)).collect();
    files.insert(LOCK.into(), lock);
    Ok(files)
}

/// Every file but the lock of a study, or of one of its settings, by its path there.
fn of_part(
    grid: &cells::Grid<'_>,
    tables: &[table::Table],
) -> Result<BTreeMap<String, Output>, Error> {
    let figures = figure::all(grid)?;
    let mut outputs: BTreeMap<String, Output> = BTreeMap::new();
    for table in tables {
        outputs.extend(table.outputs(grid.outline, grid.results)?);
    }
    for figure in &figures {
        outputs.extend(figure.outputs()?);
    }
    let picture = |figure: &figure::Figure| outputs[&figure.file("png")].bytes.as_slice();
    let pictures: Vec<_> = figures.iter().map(|f| (f, picture(f))).collect();
    let index = page::html(grid, tables, &pictures)?;
    outputs.insert("index.html".into(), index);
    let readme = page::markdown(grid, tables, &figures);
    outputs.insert("README.md".into(), readme);
    Ok(outputs)
}

/// The figure of a probe, by path in the study's folder.
///
/// # Errors
/// When drawing fails.
pub fn probe(name: &str, probed: &jackpot_study::Probed) -> Result<Files, Error> {
    let (svg, png) = figure::of_probe(name, probed)?;
    Ok(Files::from([
        ("probe/probe.svg".to_owned(), svg),
        ("probe/probe.png".to_owned(), png),
    ]))
}

/// A few lines for a terminal: how many runs there are, and how accurate each ticket is.
///
/// # Errors
/// As [`render`]'s, for results that do not fit the outline.
pub fn headline(outline: &Outline, results: &Results) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    for (part, own) in outline.parts(results) {
        let title = part
            .settings
            .first()
            .map(|s| format!("{}: ", s.named.title));
        let title = title.unwrap_or_default();
        let own = page::headline(&cells::Grid::new(&part, &own)?).into_iter();
        lines.extend(own.map(|line| format!("{title}{line}")));
    }
    Ok(lines)
}
