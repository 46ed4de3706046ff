//! Tables in Markdown.

use crate::table::{Section, Table, spell};
use jackpot_results::{Outline, Results};
use std::fmt::Write;

/// The file of one table.
pub(crate) fn file(table: &Table, outline: &Outline, results: &Results) -> String {
    let mut text = format!("# {}: {}\n\n", spell::cell(&outline.title), table.title);
    text += &spell::facts(outline, results);
    for paragraph in &table.about {
        let _ = write!(text, "\n{paragraph}\n");
    }
    text += &body(table);
    let _ = write!(text, "\nInputs: sha256 `{}`\n", table.inputs);
    text
}

/// The sections alone, for the study's page; headings at level three.
pub(crate) fn body(table: &Table) -> String {
    let mut text = String::new();
    for section in &table.sections {
        write(section, &mut text);
    }
    text
}

/// The ways to a table's files from the page beside them.
pub(crate) fn links(table: &Table) -> String {
    format!(
        "[Markdown](tables/{0}.md), [LaTeX](tables/{0}.tex), [CSV](tables/{0}.csv), [Parquet](tables/{0}.parquet)",
        table.name
    )
}

fn write(section: &Section, text: &mut String) {
    let (mut titles, mut alignment) = (Vec::new(), Vec::new());
    for (_, title, kind) in section.shown() {
        titles.push(spell::cell(title));
        alignment.push(if kind.is_words() { "---" } else { "--:" });
    }
    let _ = write!(
        text,
        "\n### {}\n\n| {} |\n|{}|\n",
        section.heading,
        titles.join(" | "),
        alignment.join("|")
    );
    for row in &section.rows {
        let entries = section.shown().map(|(i, ..)| row[i].value.spell());
        let cells: Vec<_> = entries.map(|text| spell::cell(&text)).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
}
