//! A study over several settings: each has a report of its own in a folder of its name, and the
//! study's page leads to them.

use crate::Output;
use crate::cells::Grid;
use crate::digest::Inputs;
use crate::page::{self, Lead};
use crate::table::spell;
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

/// What the study's page says of a setting; none in a study without settings.
pub(crate) fn lead(grid: &Grid<'_>) -> Option<Lead> {
    let setting = grid.outline.settings.first()?;
    Some(Lead {
        title: setting.named.title.clone(),
        folder: folder(grid.outline),
        facts: grid.outline.facts.clone(),
        lines: page::headline(grid),
        findings: (grid.findings.headlines.iter())
            .map(|h| (h.title.clone(), h.text()))
            .collect(),
    })
}

/// `README.md` and `index.html` of a study with settings: what a terminal is told of each, and
/// the way to its page.
pub(crate) fn pages(outline: &Outline, leads: &[Lead], inputs: Inputs) -> [(String, Output); 2] {
    let file = |name: &str, bytes| {
        let inputs = inputs.clone();
        (name.to_owned(), Output { inputs, bytes })
    };
    [
        file("README.md", readme(outline, leads).into_bytes()),
        file("index.html", page::leads(&outline.title, leads)),
    ]
}

fn readme(outline: &Outline, leads: &[Lead]) -> String {
    let mut text = format!("# {}\n\n", spell::cell(&outline.title));
    text += "*This page is written by the report from the study's results; `study.toml` says what \
             was asked.* The same tickets and checks in several settings, each with a report of \
             its own:\n";
    for lead in leads {
        let title = spell::cell(&lead.title);
        text += &format!("\n## [{title}]({}README.md)\n\n", lead.folder);
        for (name, value) in &lead.facts {
            text += &format!("- **{}**: {}\n", spell::cell(name), spell::cell(value));
        }
        for line in &lead.lines {
            text += &format!("- {}\n", spell::cell(line));
        }
        for (title, said) in &lead.findings {
            text += &format!("- **{}.** {}\n", spell::cell(title), spell::cell(said));
        }
    }
    text
}
