//! `study.toml`, read and validated: what is here fits together.
use crate::{
    Error,
    analysis::{Analysis, section::Asked, variance_declared},
    checks::{self, Check},
    facts::Collapsed,
    keys::Held,
    reference::{self, Reference},
    repeat::{self, Written},
    sections::{RunSection, SparsitiesSection, StudyFile},
    setting::{self, Setting},
    tickets::Ticket,
    titles,
    trial::Trial,
};
use jackpot_host::Limits;
use jackpot_net::ScorePrecision;
use jackpot_prune::Sparsity;
use jackpot_store::Digest;
use serde::Deserialize;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};
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
/// The name of "no check".
pub const NO_CHECK: &str = "none";

/// Most threads of one training: above this OpenMP aborts before it says why.
const MOST_THREADS: u32 = 256;
/// Ten years.
const MOST_SECONDS: f64 = 315_360_000.0;
/// More memory than any machine can address.
const MOST_MEMORY_MB: u64 = 1 << 27;
/// Least memory of a plugin's process: with less, libtorch does not load.
const LEAST_MEMORY_MB: u64 = 128;

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
    /// Of the study's own `[training]`; none: it has none, or names no rate.
    pub learning_rate: Option<f64>,
    /// Where it is trained.
    pub run: RunChoice,
    /// What the derivatives behind scores are computed in; none: the file does not say, which
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
    pub held: Held,
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

/// Device, threads, limits.
#[derive(Clone, Debug)]
pub struct RunChoice {
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// `cpu-avx2` or `native`.
    pub device_class: String,
    /// Threads of one training.
    pub threads: u32,
    /// What a plugin may use.
    pub limits: Limits,
    /// Keep every checkpoint, not only while an unfinished action reads it.
    pub keep_checkpoints: bool,
    /// Whether a training that is certain to collapse is started.
    pub collapsed: Collapsed,
}

impl RunChoice {
    /// Whether trainings are on a GPU.
    pub fn is_gpu(&self) -> bool {
        self.device.starts_with("cuda")
    }
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
        let settings = setting::settings(&file, &series, &sparsities, &asked, folder, trial)?;
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
            probe_widths: match file.probe.widths.is_empty() {
                true => Vec::new(),
                false => distinct("probe.widths", file.probe.widths)?,
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

/// Prefixes an error of another crate with the field it is about.
pub(crate) fn at<E: std::fmt::Display>(field: &'static str) -> impl Fn(E) -> Error {
    move |e| Error(format!("`{field}`: {e}"))
}

/// The nearest of `known` to `word`, if it is near enough to be a slip: one letter, and one more
/// for every five. Of three letters two say nothing: `vgg` is no slip of `wrn`.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(word, k), k))
        .filter(|(d, k)| *d <= 1 + k.len().min(word.len()) / 5)
        .min()
        .map(|(_, k)| k)
}

/// "; did you mean `x`?", or nothing.
pub(crate) fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or(String::new(), |k| format!("; did you mean `{k}`?"))
}

/// serde names the unknown field and the known ones; this adds the nearest.
fn nearest_field(error: toml::de::Error) -> Error {
    let message = error.message().to_owned();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let hint = match quoted.split_first() {
        Some((word, known)) if message.starts_with("unknown") => hint(word, known.iter().copied()),
        _ => String::new(),
    };
    Error(format!("{}{hint}", error.to_string().trim_end()))
}

impl RunChoice {
    /// What a study without `[run]` has.
    pub(crate) fn plain() -> Result<RunChoice, Error> {
        run_choice(RunSection::default())
    }
}

fn run_choice(r: RunSection) -> Result<RunChoice, Error> {
    let cuda = r
        .device
        .strip_prefix("cuda:")
        .is_some_and(|n| n.parse::<u16>().is_ok());
    if r.device != "cpu" && !cuda {
        return Err(Error(format!(
            "`run.device`: expected `cpu` or `cuda:N`, found `{}`",
            r.device
        )));
    }
    if !["cpu-avx2", "native"].contains(&r.device_class.as_str()) {
        return Err(Error(format!(
            "`run.device_class`: expected `cpu-avx2` or `native`, found `{}`{}",
            r.device_class,
            hint(&r.device_class, ["cpu-avx2", "native"])
        )));
    }
    if cuda && r.device_class != "native" {
        return Err(Error(format!(
            "`run.device_class`: expected `native` with `device = \"{}\"`, found `{}`",
            r.device, r.device_class
        )));
    }
    if !(1..=MOST_THREADS).contains(&r.threads) {
        return Err(Error(format!(
            "`run.threads`: expected 1 to {MOST_THREADS}, found {}; the number of trainings that run at once is `jackpot run --workers`",
            r.threads
        )));
    }
    if (1..LEAST_MEMORY_MB).contains(&r.plugin_memory_mb) {
        return Err(Error(format!(
            "`run.plugin_memory_mb`: expected 0 (no limit) or at least {LEAST_MEMORY_MB}, found {}: libtorch alone needs that much",
            r.plugin_memory_mb
        )));
    }
    if !(r.plugin_seconds > 0.0 && r.plugin_seconds <= MOST_SECONDS) {
        return Err(Error(format!(
            "`run.plugin_seconds`: expected a positive number of at most {MOST_SECONDS}, found {}",
            r.plugin_seconds
        )));
    }
    let bytes = |field: &str, mb: u64| {
        if mb > MOST_MEMORY_MB {
            return Err(Error(format!(
                "`run.{field}`: expected at most {MOST_MEMORY_MB}, found {mb}"
            )));
        }
        Ok(mb << 20)
    };
    Ok(RunChoice {
        limits: Limits {
            plugin_seconds: r.plugin_seconds,
            memory: bytes("plugin_memory_mb", r.plugin_memory_mb)?,
            scratch: bytes("plugin_scratch_mb", r.plugin_scratch_mb)?,
        },
        device: r.device,
        device_class: r.device_class,
        threads: r.threads,
        keep_checkpoints: r.keep_checkpoints,
        collapsed: r.collapsed,
    })
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

pub(crate) fn distinct<T: Ord + Clone + std::fmt::Display>(
    field: &str,
    given: Vec<T>,
) -> Result<Vec<T>, Error> {
    if given.is_empty() {
        return Err(Error(format!(
            "`{field}`: expected at least one, found an empty list"
        )));
    }
    let mut seen = BTreeSet::new();
    for x in &given {
        if !seen.insert(x.clone()) {
            return Err(Error(format!("`{field}`: `{x}` is given twice")));
        }
    }
    Ok(given)
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

pub(crate) fn quoted(words: &[&str]) -> String {
    let q: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
    q.join(", ")
}
