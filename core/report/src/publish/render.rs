//! Renders a whole report: a study's outline and results become a map of files.

use crate::figures::{self, Figure};
use crate::formats::{self, ReportFile};
use crate::model::cells::{in_order, metrics};
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::model::settings;
use crate::page::overview::SettingsOverview;
use crate::page::{html, markdown};
use crate::publish::lock;
use crate::tables::table::Table;
use crate::{Error, LOCK, ReportFiles, tables};
use jackpot_results::{EVIDENCE, Outline, Results, RunOutcome};
use std::collections::BTreeMap;

/// The files of a report by path, each with the results from which it was drawn.
type Outputs = BTreeMap<String, ReportFile>;

/// Every file of the report by its path in the study's folder, `study.lock` among them.
///
/// # Errors
/// When `results` are of another study file than `outline`, when a run names a ticket, check,
/// sparsity or seed that the outline does not have, or when the outline asks for an unknown table
/// or figure.
pub fn render(outline: &Outline, results: &Results) -> Result<ReportFiles, Error> {
    render_with_evidence(outline, results, None)
}

/// As [`render`], with the evidence of `results` among the files.
///
/// # Errors
/// As [`render`]'s.
pub fn render_with_evidence(
    outline: &Outline,
    results: &Results,
    evidence: Option<Vec<u8>>,
) -> Result<ReportFiles, Error> {
    let parts = settings::parts(outline, results);
    let grids = parts.iter().map(|(part, own)| Grid::new(part, own));
    let grids: Vec<Grid<'_>> = grids.collect::<Result<_, _>>()?;
    let mut outputs = Outputs::new();
    let mut tables = Vec::new();
    let (mut order, mut masks) = (Vec::new(), Vec::new());
    for grid in &grids {
        let folder = settings::folder(grid.outline);
        let own = tables::all(grid)?;
        let drawn = of_part(grid, &own)?.into_iter();
        outputs.extend(drawn.map(|(path, output)| (format!("{folder}{path}"), output)));
        tables.push(own);
        let [metrics, mask] = in_order(&grid.cells);
        order.extend(metrics);
        masks.extend(mask);
    }
    if let Some(overview) = SettingsOverview::new(outline, results, &grids, &tables)? {
        outputs.extend(of_settings(&overview, outline, results)?);
    }
    order.extend(masks);
    if let Some(bytes) = evidence {
        let metrics = results.runs.iter().filter_map(|run| match &run.outcome {
            RunOutcome::Done(trained) => Some(trained.metrics),
            _ => None,
        });
        let inputs = inputs_of(metrics);
        outputs.insert(EVIDENCE.into(), ReportFile { inputs, bytes });
    }
    let lock = lock::render(results, &outline.declared, &outputs, &order)?;
    let mut files: ReportFiles = outputs.into_iter().map(|(k, o)| (k, o.bytes)).collect();
    files.insert(LOCK.into(), lock);
    Ok(files)
}

/// Every file of a study, or of one of its settings, except the lock.
fn of_part(grid: &Grid<'_>, tables: &[Table]) -> Result<Outputs, Error> {
    let figures = figures::all(grid)?;
    let mut outputs = of_tables_and_figures(tables, &figures, grid.outline, grid.results)?;
    let index = html::page(grid, tables, &with_pictures(&figures, &outputs))?;
    let readme = markdown::page(grid, tables, &figures);
    add_pages(&mut outputs, metrics(&grid.cells), readme, index);
    Ok(outputs)
}

/// Every file that covers all settings of a study, except the lock.
fn of_settings(
    overview: &SettingsOverview<'_, '_>,
    outline: &Outline,
    results: &Results,
) -> Result<Outputs, Error> {
    let mut outputs = of_tables_and_figures(&overview.tables, &overview.figures, outline, results)?;
    let index = html::overview(
        overview,
        outline,
        &with_pictures(&overview.figures, &outputs),
    )?;
    let readme = markdown::overview(overview, outline);
    add_pages(&mut outputs, metrics(overview.grids.cells()), readme, index);
    Ok(outputs)
}

fn of_tables_and_figures(
    tables: &[Table],
    figures: &[Figure],
    outline: &Outline,
    results: &Results,
) -> Result<Outputs, Error> {
    let mut outputs = Outputs::new();
    for table in tables {
        outputs.extend(formats::table_files(table, outline, results)?);
    }
    for figure in figures {
        outputs.extend(formats::figure_files(figure)?);
    }
    Ok(outputs)
}

/// Each figure with the bytes of its PNG file.
fn with_pictures<'f>(figures: &'f [Figure], outputs: &'f Outputs) -> Vec<(&'f Figure, &'f [u8])> {
    let picture = |figure: &Figure| outputs[&figure.file("png")].bytes.as_slice();
    figures.iter().map(|f| (f, picture(f))).collect()
}

fn add_pages(
    outputs: &mut Outputs,
    metrics: impl IntoIterator<Item = jackpot_store::Digest>,
    readme: String,
    index: Vec<u8>,
) {
    let inputs = inputs_of(metrics);
    for (name, bytes) in [("README.md", readme.into_bytes()), ("index.html", index)] {
        let inputs = inputs.clone();
        outputs.insert(name.into(), ReportFile { inputs, bytes });
    }
}
