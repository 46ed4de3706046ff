//! What a report reads of a study file: its grid, how its tickets are made, what it concludes from.
use crate::{
    load::Results,
    tickets::{self, Change, Way},
};
use jackpot_store::Digest;
use jackpot_study::{
    Analysis, Declared, Error, Lock, Reference, Series, Setting, Study, but_for_the_rate,
};
use std::{collections::BTreeMap, path::Path};

/// A ticket, check or setting: the name used in files, the title used in tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// In files.
    pub name: String,
    /// In tables.
    pub title: String,
    /// Where it stands in the block with `each` that it was written in; none: it is alone.
    pub series: Option<Series>,
}

/// One of the settings that the grid is run in.
#[derive(Clone, Debug)]
pub struct SettingOutline {
    /// In files and in tables.
    pub named: Named,
    /// Its own one-line facts: data, network, training.
    pub facts: Vec<(String, String)>,
    /// How each ticket is made in it, by its name.
    pub ways: BTreeMap<String, Way>,
    /// What it is about.
    pub subject: Subject,
    /// Place, in the file's order, of the first setting that differs from it in nothing but the
    /// learning rate; its own, where none before it does.
    pub but_for_the_rate: usize,
}

/// Data and network, as published tables are looked up by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Name of the data set, as `jackpot data list` shows it.
    pub set: String,
    /// As papers name it: `ResNet-32`.
    pub network: String,
    /// Channels of the first stage.
    pub width: u32,
    /// Of the data set; 0: not known.
    pub classes: u32,
}

/// What a report needs to know of a study file.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The folder's name.
    pub name: String,
    /// For people.
    pub title: String,
    /// sha256 of `study.toml`.
    pub digest: Digest,
    /// In the file's order; empty for a study without settings.
    pub settings: Vec<SettingOutline>,
    /// In the file's order.
    pub tickets: Vec<Named>,
    /// In the file's order, without "none".
    pub checks: Vec<Named>,
    /// Decimal text, in the file's order.
    pub sparsities: Vec<String>,
    /// In the file's order.
    pub seeds: Vec<u64>,
    /// What it concludes from.
    pub analysis: Analysis,
    /// What its lock says was declared, in order.
    pub declared: Vec<Declared>,
    /// Names of tables to draw, e.g. "accuracy", "differences", "layers".
    pub tables: Vec<String>,
    /// Names of figures to draw, e.g. "accuracy", "layers".
    pub figures: Vec<String>,
    /// How each ticket is made, by its name; of a study with settings, in the first.
    pub ways: BTreeMap<String, Way>,
    /// What each check changes, by its name.
    pub changes: BTreeMap<String, Change>,
    /// What it is about; of a study with settings, the first.
    pub subject: Subject,
    /// Of the study's own `[training]`; none: it has none, or names no rate.
    pub learning_rate: Option<f64>,
    /// Numbers of others, as the file gives them.
    pub references: Vec<Reference>,
    /// One-line facts printed above every table: data, network, training; of a study with
    /// settings one line each.
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
pub fn outline(folder: &Path) -> Result<Outline, Error> {
    let study = Study::load(folder)?;
    let alike = but_for_the_rate(&study.settings);
    let settings = study.settings.iter().zip(alike).filter_map(|(s, alike)| {
        Some(SettingOutline {
            named: named(s.name.as_ref()?, &s.title, &s.series),
            facts: s.facts(),
            ways: tickets::ways(s),
            subject: subject(s),
            but_for_the_rate: alike,
        })
    });
    Ok(Outline {
        facts: study.facts(),
        ways: tickets::ways(&study.settings[0]),
        changes: tickets::changes(&study),
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

fn named(name: &str, title: &str, series: &Option<Series>) -> Named {
    Named {
        name: name.to_owned(),
        title: title.to_owned(),
        series: series.clone(),
    }
}
