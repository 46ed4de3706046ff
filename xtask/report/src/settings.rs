//! A study over several settings: each has a report of its own in a folder of its name; the study's
//! own folder has every table with the rows of all settings, what is drawn along their numbers, and
//! a page that leads to all of them.

use crate::cells::{Grid, metrics};
use crate::digest::of_inputs;
use crate::figure::{self, Figure};
use crate::headline::{Headline, PILOT};
use crate::page::{self, Lead};
use crate::sweep::{Grids, has_axis};
use crate::table::{Table, differences, joined, learning_rates, spell, sweeps, verdicts};
use crate::{Error, Output, format};
use jackpot_results::{Named, Outline, Results};
use std::collections::BTreeMap;

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
            .filter(|h| h.title != PILOT)
            .map(|h| (h.title.clone(), h.text()))
            .collect(),
    })
}

/// What is drawn of all settings together.
pub(crate) struct Across<'g, 'a> {
    pub grids: Grids<'g, 'a>,
    pub leads: Vec<Lead>,
    /// What the declared analysis says where it compares settings, and what was seen before it.
    pub findings: Vec<Headline>,
    /// Those that the study asks for.
    pub tables: Vec<Table>,
    pub figures: Vec<Figure>,
}

impl<'g, 'a> Across<'g, 'a> {
    /// None for a study without settings. `tables` are those of each grid.
    pub fn new(
        outline: &Outline,
        results: &Results,
        all: &'g [Grid<'a>],
        tables: &[Vec<Table>],
    ) -> Result<Option<Across<'g, 'a>>, Error> {
        let Some(grids) = Grids::across(all) else {
            return Ok(None);
        };
        let together = Grid::across(outline, results, all)?;
        let compares = !together.findings.found.findings.is_empty();
        let across = Named {
            name: "across".into(),
            title: "across".into(),
            series: None,
        };
        let mut drawn = Vec::new();
        for name in &outline.tables {
            drawn.extend(match name.as_str() {
                "sweeps" => Some(sweeps::table(grids)),
                "learning-rates" => Some(learning_rates::table(grids)),
                name => {
                    let own = all.iter().zip(tables).filter_map(|(grid, tables)| {
                        let table = tables.iter().find(|t| t.name == name)?;
                        Some((&grids.setting(grid)?.named, table))
                    });
                    let mut own: Vec<_> = own.collect();
                    let compared = match name {
                        "verdicts" if compares => Some(verdicts::table(&together)),
                        "differences" if compares => Some(differences::table(&together)),
                        _ => None,
                    };
                    own.extend(compared.as_ref().map(|table| (&across, table)));
                    joined::table(&own)?
                }
            });
        }
        let sweeps = outline.figures.iter().filter(|name| *name == "sweeps");
        let figures = sweeps.map(|_| figure::across(grids));
        Ok(Some(Across {
            leads: all.iter().filter_map(lead).collect(),
            findings: match compares || outline.analysis.pilot.is_some() {
                true => together.findings.headlines,
                false => Vec::new(),
            },
            figures: figures.collect::<Result<_, _>>()?,
            tables: drawn,
            grids,
        }))
    }

    /// The tables that compare settings, which the study's page shows; it leads to the others.
    pub fn shown(&self, outline: &Outline) -> Vec<&Table> {
        let compares = |table: &&Table| match table.name {
            "sweeps" => outline.settings.iter().any(|s| has_axis(&s.named)),
            "learning-rates" => learning_rates::has_rates(&outline.settings),
            _ => false,
        };
        self.tables.iter().filter(compares).collect()
    }

    /// Every file of the study's own folder but the lock.
    pub fn outputs(
        &self,
        outline: &Outline,
        results: &Results,
    ) -> Result<BTreeMap<String, Output>, Error> {
        let mut outputs = BTreeMap::new();
        for table in &self.tables {
            outputs.extend(table.outputs(outline, results)?);
        }
        for figure in &self.figures {
            outputs.extend(figure.outputs()?);
        }
        let picture = |figure: &Figure| outputs[&figure.file("png")].bytes.clone();
        let pictures: Vec<_> = self.figures.iter().map(|f| (f, picture(f))).collect();
        let html = page::leads(self, outline, &pictures)?;
        let inputs = of_inputs(metrics(self.grids.cells()));
        for (name, bytes) in [
            ("README.md", self.readme(outline).into_bytes()),
            ("index.html", html),
        ] {
            let inputs = inputs.clone();
            outputs.insert(name.to_owned(), Output { inputs, bytes });
        }
        Ok(outputs)
    }

    /// What a terminal is told of each setting, the way to its page, and what compares them.
    fn readme(&self, outline: &Outline) -> String {
        let mut text = format!("# {}\n\n", spell::cell(&outline.title));
        text += "*This page is written by the report from the study's results; `study.toml` says \
                 what was asked.* The same tickets and checks in several settings, each with a \
                 report of its own:\n";
        text += &page::findings_in_markdown(&self.findings);
        for lead in &self.leads {
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
        for figure in &self.figures {
            text += &page::figure_in_markdown(figure);
        }
        for table in self.shown(outline) {
            text += &page::table_in_markdown(table);
        }
        if !self.tables.is_empty() {
            text += "\n## All settings in one table\n\n";
        }
        for table in &self.tables {
            text += &format!("- {}: {}\n", table.title, format::markdown::links(table));
        }
        text
    }
}
