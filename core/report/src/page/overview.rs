//! The overview of a study with several settings. Each setting has its own report in a folder of
//! its name. The study's folder has every table with the rows of all settings, the figures across
//! settings, and a page that links to all of them.

use crate::Error;
use crate::figures::{self, Figure};
use crate::model::analysis::headlines::{Headline, PILOT};
use crate::model::grid::Grid;
use crate::model::settings::folder;
use crate::model::summary;
use crate::model::sweep::{Grids, has_axis};
use crate::tables::comparison::{differences, verdicts};
use crate::tables::joined;
use crate::tables::performance::{learning_rates, sweeps};
use crate::tables::table::Table;
use jackpot_results::{Named, Outline, Results};

/// What the page of a study says about one of its settings.
pub(crate) struct SettingSummary {
    pub title: String,
    /// The folder of its own pages, ending with `/`.
    pub folder: String,
    pub facts: Vec<(String, String)>,
    pub lines: Vec<String>,
    /// The headlines of its own pages, as pairs of subject and text.
    pub findings: Vec<(String, String)>,
}

/// The summary of the setting that a grid belongs to, or `None` in a study without settings.
pub(crate) fn setting_summary(grid: &Grid<'_>) -> Option<SettingSummary> {
    let setting = grid.outline.settings.first()?;
    Some(SettingSummary {
        title: setting.named.title.clone(),
        folder: folder(grid.outline),
        facts: grid.outline.facts.clone(),
        lines: summary::lines(grid),
        findings: (grid.findings.headlines.iter())
            .filter(|h| h.title != PILOT)
            .map(|h| (h.title.clone(), h.text()))
            .collect(),
    })
}

/// Everything that covers all settings together.
pub(crate) struct SettingsOverview<'g, 'a> {
    pub grids: Grids<'g, 'a>,
    pub summaries: Vec<SettingSummary>,
    /// The headlines of contrasts between settings, and the pilot results that were known before
    /// the plan.
    pub findings: Vec<Headline>,
    /// The tables that the study asks for, each with the rows of all settings.
    pub tables: Vec<Table>,
    pub figures: Vec<Figure>,
}

impl<'g, 'a> SettingsOverview<'g, 'a> {
    /// Builds the overview, or `None` for a study without settings. `tables` holds the tables of
    /// each grid.
    pub fn new(
        outline: &Outline,
        results: &Results,
        all: &'g [Grid<'a>],
        tables: &[Vec<Table>],
    ) -> Result<Option<SettingsOverview<'g, 'a>>, Error> {
        let Some(grids) = Grids::of_settings(all) else {
            return Ok(None);
        };
        let together = Grid::of_settings(outline, results, all)?;
        let compares = !together.findings.found.findings.is_empty();
        let between_settings = Named {
            name: "across".into(),
            title: "across".into(),
            series: None,
        };
        let mut joined_tables = Vec::new();
        for name in &outline.tables {
            joined_tables.extend(match name.as_str() {
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
                    own.extend(compared.as_ref().map(|table| (&between_settings, table)));
                    joined::table(&own)?
                }
            });
        }
        let sweeps = outline.figures.iter().filter(|name| *name == "sweeps");
        let figures = sweeps.map(|_| figures::sweeps_of_settings(grids));
        Ok(Some(SettingsOverview {
            summaries: all.iter().filter_map(setting_summary).collect(),
            findings: if compares || outline.analysis.pilot.is_some() {
                together.findings.headlines
            } else {
                Vec::new()
            },
            figures: figures.collect::<Result<_, _>>()?,
            tables: joined_tables,
            grids,
        }))
    }

    /// The tables that compare settings. The study's page shows these and links to the others.
    pub fn shown(&self, outline: &Outline) -> Vec<&Table> {
        let compares = |table: &&Table| match table.name {
            "sweeps" => outline.settings.iter().any(|s| has_axis(&s.named)),
            "learning-rates" => learning_rates::has_rates(&outline.settings),
            _ => false,
        };
        self.tables.iter().filter(compares).collect()
    }
}
