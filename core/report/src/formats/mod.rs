//! File formats: tables and figures become the bytes of their files.

pub(crate) mod frame;
pub(crate) mod latex;
pub(crate) mod markdown;

use crate::Error;
use crate::figures::Figure;
use crate::figures::drawing::canvas;
use crate::model::inputs::ReportInputs;
use crate::tables::table::Table;
use jackpot_results::{Outline, Results};

/// One file of a report.
pub(crate) struct ReportFile {
    /// The results from which it was drawn.
    pub inputs: ReportInputs,
    /// The file's content.
    pub bytes: Vec<u8>,
}

/// The CSV and Parquet files of a table and, if it is shown to people, the Markdown and LaTeX
/// files, by path in the study's folder.
pub(crate) fn table_files(
    table: &Table,
    outline: &Outline,
    results: &Results,
) -> Result<Vec<(String, ReportFile)>, Error> {
    let mut frame = crate::tables::frame::sorted(table)?;
    let mut files = vec![
        ("csv", frame::csv(table.name, &mut frame)?),
        ("parquet", frame::parquet(table.name, &mut frame)?),
    ];
    if table.is_shown() {
        files.push(("md", markdown::file(table, outline, results).into_bytes()));
        files.push(("tex", latex::file(table, outline).into_bytes()));
    }
    let output = |(ending, bytes)| {
        let inputs = table.inputs.clone();
        let path = format!("tables/{}.{ending}", table.name);
        (path, ReportFile { inputs, bytes })
    };
    Ok(files.into_iter().map(output).collect())
}

/// The SVG and PNG files of a figure, and the CSV file of its points if it has one.
pub(crate) fn figure_files(figure: &Figure) -> Result<Vec<(String, ReportFile)>, Error> {
    let (svg, png) = canvas::render(figure.name, figure.title, &figure.drawing)?;
    let file = |ending, bytes| {
        let inputs = figure.inputs.clone();
        (figure.file(ending), ReportFile { inputs, bytes })
    };
    let mut files = vec![file("svg", svg), file("png", png)];
    if let Some(points) = &figure.points {
        files.push(file("csv", frame::csv(figure.name, &mut points.clone())?));
    }
    Ok(files)
}
