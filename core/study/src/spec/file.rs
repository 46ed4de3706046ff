//! `study.toml`, read and validated: what is here fits together.
use crate::{
    Error,
    analysis::{Analysis, section::Asked, variance_declared},
    describe::titles,
    messages::{distinct, hint, nearest_field, quoted},
    spec::{
        checks::{self, Check},
        keys::FixedSeeds,
        reference::{self, Reference},
        repeat::{self, Written},
        run_section::{RunSettings, run_choice},
        sections::{SparsitiesSection, StudyFile},
        setting::Setting,
        settings,
        ticket::tickets::Ticket,
        trial::Trial,
    },
};
use jackpot_net::ScorePrecision;
use jackpot_prune::Sparsity;
use jackpot_store::Digest;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use toml::Deserializer;

/// The tables that a report can draw.
pub const TABLES: &[&str] = &[
    "accuracy",
    "differences",
    "layers",
    "masks",
    "collapse",
    "stages",
    "tickets",
    "partially-trained",
    "hybrid",
    "ablation",
    "ratios",
    "corruption",
    "overlaps",
    "learning-rates",
    "sweeps",
    "pretraining",
    "references",
    "verdicts",
    "effects",
    BEFORE_AFTER,
];
/// The figures that a report can draw.
pub const FIGURES: &[&str] = &[
    "accuracy",
    "layers",
    "initial",
    "partially-trained",
    "tickets",
    "hybrid",
    "ablation",
    "epochs",
    "sweeps",
    "corruption",
    "overlaps",
    "pipeline",
    BEFORE_AFTER,
];
/// The table and the figure that need every pruned network evaluated before its training.
pub(crate) const BEFORE_AFTER: &str = "before-after";

/// One study: everything that `study.toml` asks for.
#[derive(Clone, Debug)]
pub struct Study {
    /// The folder's name: names the pin and the report.
    pub name: String,
    /// Of its first steps alone, on whatever images are here.
    pub(crate) is_trial: bool,
    /// For people.
    pub title: String,
    /// Where `study.toml` lies.
    pub folder: PathBuf,
    /// sha256 of `study.toml`.
    pub digest: Digest,
    /// What the grid is run in, in the file's order; a study without `[[setting]]` has one,
    /// without a name.
    pub settings: Vec<Setting>,
    /// Of the study's own `[training]`; `None` if it has none, or names no rate.
    pub learning_rate: Option<f64>,
    /// Where it is trained.
    pub run: RunSettings,
    /// What the derivatives behind scores are computed in; `None` if the file does not say, which
    /// means f32, channels last, as it did before there was a choice.
    pub scoring: Option<ScorePrecision>,
    /// Widths of the network that `jackpot probe` maps collapse over; empty: its own.
    pub probe_widths: Vec<u32>,
    /// In the file's order.
    pub sparsities: Vec<Sparsity>,
    /// In the file's order.
    pub seeds: Vec<u64>,
    /// Seeds whose masks another seed may ask for: those of the file, of a trial too.
    pub donors: Vec<u64>,
    /// Which random keys do not follow the seeds.
    pub held: FixedSeeds,
    /// In the file's order, without "none".
    pub checks: Vec<Check>,
    /// Numbers of others, in the file's order.
    pub references: Vec<Reference>,
    /// What the report will conclude from.
    pub analysis: Analysis,
    /// Of [`TABLES`].
    pub tables: Vec<String>,
    /// Of [`FIGURES`].
    pub figures: Vec<String>,
}

impl Study {
    /// Reads `study.toml`, or the one in that folder.
    pub fn load(path: &Path) -> Result<Study, Error> {
        Study::read(path, None)
    }

    /// As [`Study::load`], for its first steps alone.
    pub fn load_trial(path: &Path, trial: &Trial) -> Result<Study, Error> {
        Study::read(path, Some(trial))
    }

    fn read(path: &Path, trial: Option<&Trial>) -> Result<Study, Error> {
        let file = if path.is_dir() {
            path.join("study.toml")
        } else {
            path.to_owned()
        };
        let bytes = std::fs::read(&file).map_err(|e| {
            Error(format!(
                "{}: cannot read the study: {e}; expected a study file or a folder that holds `study.toml`",
                file.display()
            ))
        })?;
        let text = String::from_utf8(bytes)
            .map_err(|e| Error(format!("{}: not UTF-8: {e}", file.display())))?;
        let absolute =
            std::path::absolute(&file).map_err(|e| Error(format!("{}: {e}", file.display())))?;
        let folder = absolute.parent().unwrap_or(Path::new("/")).to_owned();
        Study::parsed(&text, &folder, trial)
            .map_err(|e| Error(format!("{}: {}", file.display(), e.0.trim_end())))
    }

    /// Reads the text of a `study.toml` that lies in `folder`, whose name names the study.
    pub fn parse(text: &str, folder: &Path) -> Result<Study, Error> {
        Study::parsed(text, folder, None)
    }

    fn parsed(text: &str, folder: &Path, trial: Option<&Trial>) -> Result<Study, Error> {
        let placed = |mut e: toml::de::Error| {
            e.set_input(Some(text));
            nearest_field(e)
        };
        let Written { file, series } = repeat::written_out(text).map_err(placed)??;
        let mut file = StudyFile::deserialize(Deserializer::from(file)).map_err(placed)?;
        titles::showable("`title`", &file.title)?;
        // A trial runs elsewhere, but what the study itself is refused for, it is refused for.
        let asked = run_choice(file.run.clone())?;
        if let Some(trial) = trial {
            trial.change(&mut file)?;
        }
        let mut name = folder
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_else(|| "study".into());
        let run = run_choice(std::mem::take(&mut file.run))?;
        let mut sparsities = sparsities(text)?;
        let (donors, held) = file.seeds.read()?;
        let mut seeds = donors.clone();
        if trial.is_some() {
            sparsities.truncate(1);
            seeds.truncate(1);
            name += Trial::SUFFIX;
            file.title += " (first steps)";
        }
        let settings = settings::settings(&file, &series, &sparsities, &asked, folder, trial)?;
        let tickets = &settings[0].tickets;
        let checks = checks::checks(file.check, &series.checks, tickets)?;
        let names: Vec<&str> = settings.iter().filter_map(|s| s.name.as_deref()).collect();
        let analysis = file.analysis.read(&Asked {
            tickets,
            checks: &checks,
            settings: &names,
            seeds: donors.len(),
            variance: variance_declared(folder, &donors)?,
        })?;
        Ok(Study {
            references: reference::checked(
                file.reference,
                tickets,
                &checks,
                &sparsities,
                &settings,
            )?,
            name,
            is_trial: trial.is_some(),
            title: file.title,
            folder: folder.to_owned(),
            digest: Digest::of(text.as_bytes()),
            learning_rate: file.training.as_ref().and_then(|t| t.learning_rate()),
            settings,
            run,
            scoring: file.scoring.map(|s| s.precision),
            probe_widths: if file.probe.widths.is_empty() {
                Vec::new()
            } else {
                distinct("probe.widths", file.probe.widths)?
            },
            sparsities,
            seeds,
            donors,
            held,
            checks,
            analysis,
            tables: known("tables", file.tables, TABLES)?,
            figures: known("figures", file.figures, FIGURES)?,
        })
    }

    /// Whether a table or figure of that name is to be drawn.
    pub(crate) fn asks(&self, name: &str) -> bool {
        self.tables.iter().chain(&self.figures).any(|n| n == name)
    }

    /// The tickets in the first setting: names, titles and what they are made from are the
    /// same in all, their trainings may differ.
    pub fn tickets(&self) -> &[Ticket] {
        &self.settings[0].tickets
    }
}

/// The decimal text as it stands in the file: 0.98 is never a double here.
fn sparsities(text: &str) -> Result<Vec<Sparsity>, Error> {
    let given: SparsitiesSection = toml::from_str(text).map_err(nearest_field)?;
    let mut out = Vec::new();
    for value in given.sparsities {
        let written = match value.get_ref() {
            toml::Value::String(s) => s.clone(),
            _ => text.get(value.span()).unwrap_or_default().trim().to_owned(),
        };
        let short = match written.split_once('.') {
            Some((whole, decimals)) => format!("{whole}.{}", decimals.trim_end_matches('0')),
            None => written.clone(),
        };
        let sparsity = Sparsity::try_from(short.trim_end_matches('.').to_owned())
            .map_err(|e| Error(format!("`sparsities`: {e}")))?;
        out.push(sparsity);
    }
    distinct("sparsities", out)
}

fn known(field: &str, given: Vec<String>, known: &[&str]) -> Result<Vec<String>, Error> {
    for word in &given {
        if !known.contains(&word.as_str()) {
            return Err(Error(format!(
                "`{field}`: expected one of {}, found `{word}`{}",
                quoted(known),
                hint(word, known.iter().copied())
            )));
        }
    }
    if given.is_empty() {
        return Ok(given);
    }
    distinct(field, given)
}
