//! Tables in Markdown.

use crate::model::{format, settings};
use crate::tables::table::{Section, Table};
use jackpot_results::{Outline, Results};
use std::fmt::Write;

/// The file of one table.
pub(crate) fn file(table: &Table, outline: &Outline, results: &Results) -> String {
    let mut text = format!("# {}: {}\n\n", escape(&outline.title), table.title);
    text += &facts(outline, results);
    for paragraph in &table.about {
        let _ = write!(text, "\n{paragraph}\n");
    }
    text += &body(table);
    let _ = write!(text, "\nInputs: sha256 `{}`\n", table.inputs);
    text
}

/// The sections alone, with headings of level three, for the study's page.
pub(crate) fn body(table: &Table) -> String {
    let mut text = String::new();
    for section in &table.sections {
        write(section, &mut text);
    }
    text
}

/// Links to the files of a table, relative to the page.
pub(crate) fn links(table: &Table) -> String {
    format!(
        "[Markdown](tables/{0}.md), [LaTeX](tables/{0}.tex), [CSV](tables/{0}.csv), [Parquet](tables/{0}.parquet)",
        table.name
    )
}

fn write(section: &Section, text: &mut String) {
    let (mut titles, mut alignment) = (Vec::new(), Vec::new());
    for (_, title, kind) in section.shown() {
        titles.push(escape(title));
        alignment.push(if kind.is_text() { "---" } else { "--:" });
    }
    let _ = write!(
        text,
        "\n### {}\n\n| {} |\n|{}|\n",
        section.heading,
        titles.join(" | "),
        alignment.join("|")
    );
    for row in &section.rows {
        let entries = section.shown().map(|(i, ..)| row[i].value.format());
        let cells: Vec<_> = entries.map(|text| escape(&text)).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
}

/// The facts of the study as a list.
pub(crate) fn facts(outline: &Outline, results: &Results) -> String {
    let lines = settings::facts(outline, results)
        .into_iter()
        .map(|(name, value)| {
            let value = if value.contains('`') {
                value
            } else {
                escape(&value)
            };
            format!("- **{}**: {value}\n", escape(&name))
        });
    lines.collect()
}

/// Text for a cell of a Markdown table: on one line, with everything escaped that Markdown would
/// take for markup.
pub(crate) fn escape(text: &str) -> String {
    let line = format::one_line(text);
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '|' | '*' | '_' | '[' | ']' | '\\' => out.extend(['\\', c]),
            '<' => out += "&lt;",
            _ => out.push(c),
        }
    }
    out
}
