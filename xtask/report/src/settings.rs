//! A study over several settings: each has a report of its own in a folder of its name, and the
//! study's page leads to them.

use crate::cells::{Grid, metrics};
use crate::digest::of_inputs;
use crate::table::spell;
use crate::{Error, Output, page};
use jackpot_study::{Outline, Results};

/// The study's grids, each titled by its setting too.
pub(crate) fn parts(outline: &Outline, results: &Results) -> Vec<(Outline, Results)> {
    let mut parts = outline.parts(results);
    for (part, _) in &mut parts {
        if let Some(setting) = part.settings.first() {
            part.title = format!("{}: {}", part.title, setting.named.title);
        }
    }
    parts
}

/// The folder of a part's report, in the study's, with a `/` at its end; empty in a study without
/// settings.
pub(crate) fn folder(part: &Outline) -> String {
    let only = part.settings.first().map(|s| format!("{}/", s.named.name));
    only.unwrap_or_default()
}

/// `README.md` of a study with settings.
///
/// # Errors
/// As [`crate::render`]'s.
pub(crate) fn readme(outline: &Outline, parts: &[(Outline, Results)]) -> Result<Output, Error> {
    let mut text = format!("# {}\n\n", spell::cell(&outline.title));
    text += "*This page is written by the report from the study's results; `study.toml` says what \
             was asked.* The same tickets and checks in several settings, each with a report of \
             its own:\n";
    let mut inputs = Vec::new();
    for (part, results) in parts {
        let grid = Grid::new(part, results)?;
        inputs.extend(metrics(&grid.cells));
        let title = part.settings.first().map(|s| s.named.title.as_str());
        let title = spell::cell(title.unwrap_or_default());
        text += &format!("\n## [{title}]({}README.md)\n\n", folder(part));
        for (name, value) in &part.facts {
            text += &format!("- **{}**: {}\n", spell::cell(name), spell::cell(value));
        }
        for line in page::headline(&grid) {
            text += &format!("- {}\n", spell::cell(&line));
        }
    }
    Ok(Output {
        inputs: of_inputs(inputs),
        bytes: text.into_bytes(),
    })
}

/// `index.html` of a study with settings: what a terminal is told of each, and its page.
///
/// # Errors
/// As [`crate::render`]'s.
pub(crate) fn index(outline: &Outline, parts: &[(Outline, Results)]) -> Result<Output, Error> {
    let mut inputs = Vec::new();
    let mut leads = Vec::new();
    for (part, results) in parts {
        let grid = Grid::new(part, results)?;
        inputs.extend(metrics(&grid.cells));
        leads.push(page::Lead {
            title: part
                .settings
                .first()
                .map(|s| s.named.title.clone())
                .unwrap_or_default(),
            page: format!("{}index.html", folder(part)),
            facts: part.facts.clone(),
            lines: page::headline(&grid),
        });
    }
    Ok(Output {
        inputs: of_inputs(inputs),
        bytes: page::leads(&outline.title, &leads),
    })
}
