//! Tables: the same rows as Markdown for people and as CSV for programs.

mod accuracy;
mod collapse;
mod differences;
mod layers;
mod masks;
pub(crate) mod runs;
pub(crate) mod spell;
mod stages;

use crate::cells::Grid;
use crate::{Error, Output};
use jackpot_store::Digest;
use jackpot_study::TABLES;
use polars::prelude::{CsvWriter, DataFrame, SerWriter, SortMultipleOptions};
use std::fmt::Write;

/// One table, before it is spelled.
pub(crate) struct Table {
    /// The file's name without its ending.
    pub name: &'static str,
    pub title: &'static str,
    /// What a reader must know to read it, a paragraph each.
    pub about: Vec<String>,
    pub sections: Vec<Section>,
    /// For the CSV file, sorted by `keys` when it is written.
    pub frame: DataFrame,
    pub keys: &'static [&'static str],
    pub inputs: Digest,
}

/// Rows under one heading.
pub(crate) struct Section {
    pub heading: String,
    pub header: Vec<String>,
    /// How many columns, from the first, hold names; the others, but for notes, hold numbers.
    pub left: usize,
    pub rows: Vec<Vec<String>>,
}

/// The tables that the study asks for, and always the list of runs.
pub(crate) fn all(grid: &Grid<'_>) -> Result<Vec<Table>, Error> {
    let mut tables = Vec::new();
    for name in &grid.outline.tables {
        tables.push(match name.as_str() {
            "accuracy" => accuracy::table(grid)?,
            "differences" => differences::table(grid)?,
            "layers" => layers::table(grid)?,
            "masks" => masks::table(grid)?,
            "collapse" => collapse::table(grid)?,
            "stages" => stages::table(grid)?,
            other => return Err(unknown("table", other, TABLES)),
        });
    }
    tables.push(runs::table(grid)?);
    Ok(tables)
}

/// The message about a name in a study file that no table or figure has.
pub(crate) fn unknown(what: &str, found: &str, names: &[&str]) -> Error {
    Error::Study(format!(
        "study.toml asks for the {what} `{found}`: expected one of `{}`",
        names.join("`, `")
    ))
}

/// A failure of polars, with the file that was being made.
pub(crate) fn frame_error(name: &str) -> impl Fn(polars::prelude::PolarsError) -> Error + '_ {
    move |error| Error::Draw {
        output: format!("tables/{name}.csv"),
        message: error.to_string(),
    }
}

impl Table {
    /// The sections alone, for the study's page; headings at level three.
    pub fn body(&self) -> String {
        let mut text = String::new();
        for section in &self.sections {
            section.write(&mut text);
        }
        text
    }

    /// The Markdown file (unless the table has no sections) and the CSV file.
    pub fn outputs(&self, grid: &Grid<'_>) -> Result<Vec<(String, Output)>, Error> {
        let output = |bytes| Output {
            inputs: self.inputs,
            bytes,
        };
        let mut outputs = vec![(format!("tables/{}.csv", self.name), output(self.csv()?))];
        if !self.sections.is_empty() {
            let path = format!("tables/{}.md", self.name);
            outputs.push((path, output(self.markdown(grid).into_bytes())));
        }
        Ok(outputs)
    }

    fn markdown(&self, grid: &Grid<'_>) -> String {
        let outline = grid.outline;
        let mut text = format!("# {}: {}\n\n", spell::cell(&outline.title), self.title);
        text += &spell::facts(grid);
        for paragraph in &self.about {
            text += &format!("\n{paragraph}\n");
        }
        text += &self.body();
        text += &format!("\nInputs: sha256 `{}`\n", self.inputs);
        text
    }

    fn csv(&self) -> Result<Vec<u8>, Error> {
        let mut frame = self
            .frame
            .sort(self.keys, SortMultipleOptions::default())
            .map_err(frame_error(self.name))?;
        let mut bytes = Vec::new();
        CsvWriter::new(&mut bytes)
            .with_float_precision(Some(6))
            .finish(&mut frame)
            .map_err(frame_error(self.name))?;
        Ok(bytes)
    }
}

impl Section {
    fn write(&self, text: &mut String) {
        let words = |(i, name): (usize, &String)| i < self.left || name == "notes";
        let columns = self.header.iter().enumerate();
        let alignment: Vec<_> = columns
            .map(|column| if words(column) { "---" } else { "--:" })
            .collect();
        let _ = write!(
            text,
            "\n### {}\n\n| {} |\n|{}|\n",
            self.heading,
            self.header.join(" | "),
            alignment.join("|")
        );
        for row in &self.rows {
            let cells: Vec<_> = row.iter().map(|c| spell::cell(c)).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
    }
}
