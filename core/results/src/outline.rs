//! What a report reads of a study file: its grid, how its tickets are made, what it concludes from.
use crate::{
    load::Results,
    summaries::{self, CheckSummary, TicketSummary},
};
use jackpot_store::Digest;
use jackpot_study::{
    Analysis, DeclaredAnalysis, Error, Lock, Reference, Setting, Study, Sweep, but_for_the_rate,
};
use std::{collections::BTreeMap, path::Path};

/// A ticket, check or setting, with the name that files use and the title that tables use.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// The name used in files.
    pub name: String,
    /// The title used in tables.
    pub title: String,
    /// Its place in the block with `each` that it was written in; `None` where it was written
    /// alone.
    pub series: Option<Sweep>,
}

/// One of the settings that the grid is run in.
#[derive(Clone, Debug)]
pub struct SettingOutline {
    /// Its name and title.
    pub named: Named,
    /// Its own one-line facts: data, network, training.
    pub facts: Vec<(String, String)>,
    /// How each ticket is made in this setting, by the name of the ticket.
    pub ways: BTreeMap<String, TicketSummary>,
    /// Its data and network.
    pub subject: Subject,
    /// Index, in the order of the file, of the first setting that differs from this one in nothing
    /// but the learning rate; its own index where no earlier setting does.
    pub but_for_the_rate: usize,
}

/// Data and network, by which published tables are looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Name of the data set, as `jackpot data list` shows it.
    pub set: String,
    /// The network as papers name it: `ResNet-32`.
    pub network: String,
    /// Channels of the first stage.
    pub width: u32,
    /// Classes of the data set; 0 where they are not known.
    pub classes: u32,
}

/// What a report needs to know of a study file.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The folder's name.
    pub name: String,
    /// The title of the study.
    pub title: String,
    /// sha256 of `study.toml`.
    pub digest: Digest,
    /// Settings in the order of the file; empty for a study without settings.
    pub settings: Vec<SettingOutline>,
    /// Tickets in the order of the file.
    pub tickets: Vec<Named>,
    /// Checks in the order of the file, without `none`.
    pub checks: Vec<Named>,
    /// Sparsities as decimal text, in the order of the file.
    pub sparsities: Vec<String>,
    /// Seeds in the order of the file.
    pub seeds: Vec<u64>,
    /// The analysis that the study declares.
    pub analysis: Analysis,
    /// The analysis plans that `study.lock` records, the first one first.
    pub declared: Vec<DeclaredAnalysis>,
    /// Names of tables to draw, e.g. "accuracy", "differences", "layers".
    pub tables: Vec<String>,
    /// Names of figures to draw, e.g. "accuracy", "layers".
    pub figures: Vec<String>,
    /// How each ticket is made, by its name; for a study with settings, in the first one.
    pub ways: BTreeMap<String, TicketSummary>,
    /// What each check changes, by its name.
    pub changes: BTreeMap<String, CheckSummary>,
    /// Data and network; for a study with settings, those of the first one.
    pub subject: Subject,
    /// The learning rate of the study's own `[training]`; `None` where there is no such section or
    /// it names no rate.
    pub learning_rate: Option<f64>,
    /// Published numbers, as the file gives them.
    pub references: Vec<Reference>,
    /// One-line facts that stand above every table: data, network and training; for a study with
    /// settings, one line per setting.
    pub facts: Vec<(String, String)>,
}

impl Outline {
    /// The study's grids, one for each setting, each as if it were a study of its own: its
    /// facts, and `settings` with itself alone. A study without settings is its one part.
    pub fn parts(&self, results: &Results) -> Vec<(Outline, Results)> {
        if self.settings.is_empty() {
            return vec![(self.clone(), results.clone())];
        }
        let one = |setting: &SettingOutline| {
            let held = self.facts.iter().filter(|(name, _)| name == "seeds");
            let name = Some(&setting.named.name);
            let ours = |r: &&Reference| r.setting.is_none() || r.setting.as_ref() == name;
            let outline = Outline {
                settings: vec![setting.clone()],
                ways: setting.ways.clone(),
                subject: setting.subject.clone(),
                references: self.references.iter().filter(ours).cloned().collect(),
                facts: setting.facts.iter().chain(held).cloned().collect(),
                ..self.clone()
            };
            let runs = results.runs.iter().filter(|r| r.setting.as_ref() == name);
            let results = Results {
                runs: runs.cloned().collect(),
                study: results.study,
                device_class: results.device_class.clone(),
                libtorch: results.libtorch.clone(),
                recipes: results.recipes.clone(),
                overlaps: (results.overlaps.iter())
                    .filter(|o| o.setting.as_ref() == name)
                    .cloned()
                    .collect(),
            };
            (outline, results)
        };
        self.settings.iter().map(one).collect()
    }
}

/// Reads the outline of `FOLDER/study.toml`.
///
/// # Errors
/// A study file or a lock that cannot be read or is refused.
pub fn outline(folder: &Path) -> Result<Outline, Error> {
    let study = Study::load(folder)?;
    let alike = but_for_the_rate(&study.settings);
    let settings = study.settings.iter().zip(alike).filter_map(|(s, alike)| {
        Some(SettingOutline {
            named: named(s.name.as_ref()?, &s.title, &s.series),
            facts: s.facts(),
            ways: summaries::ticket_summaries(s),
            subject: subject(s),
            but_for_the_rate: alike,
        })
    });
    Ok(Outline {
        facts: study.facts(),
        ways: summaries::ticket_summaries(&study.settings[0]),
        changes: summaries::check_summaries(&study),
        subject: subject(&study.settings[0]),
        learning_rate: study.learning_rate,
        references: study.references.clone(),
        declared: Lock::read(&study.folder)?.map_or(Vec::new(), |l| l.analysis),
        settings: settings.collect(),
        tickets: (study.tickets().iter())
            .map(|t| named(&t.name, &t.title, &t.series))
            .collect(),
        checks: (study.checks.iter())
            .map(|c| named(&c.name, &c.title, &c.series))
            .collect(),
        sparsities: study
            .sparsities
            .iter()
            .map(|s| s.text().to_owned())
            .collect(),
        name: study.name,
        title: study.title,
        digest: study.digest,
        seeds: study.seeds,
        analysis: study.analysis,
        tables: study.tables,
        figures: study.figures,
    })
}

fn subject(setting: &Setting) -> Subject {
    Subject {
        set: setting.data.set.clone(),
        network: setting.architecture.title(),
        width: setting.architecture.width,
        classes: setting.architecture.classes,
    }
}

fn named(name: &str, title: &str, series: &Option<Sweep>) -> Named {
    Named {
        name: name.to_owned(),
        title: title.to_owned(),
        series: series.clone(),
    }
}
