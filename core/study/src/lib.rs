//! Study files, recipes, plans, scheduling, results. Never links libtorch: it starts workers.
use jackpot_store::{Digest, Store};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What `jackpot-worker FOLDER` reads from `job.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Job { Describe { plugin: PathBuf, sha256: String }, Plugin(Box<jackpot_host::PluginJob>), Train(Box<TrainJob>) }

/// One training. Outputs in FOLDER/out: `metrics.json` (canonical), `bits` (one bit a test image, LSB first), `checkpoint.safetensors`,
/// and in `done.json`: {"seconds_per_epoch": [...]} for the record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainJob {
    pub architecture: jackpot_net::Architecture,
    pub training: jackpot_net::Training,
    pub weights: PathBuf,
    pub mask: Option<PathBuf>,
    pub train: PathBuf,
    pub test: PathBuf,
    pub normalisation: jackpot_data::Normalisation,
    /// 32 hex digits each.
    pub order_key: String,
    pub augment_key: String,
    pub device: String,
    pub threads: u32,
    /// Folder that survives a kill: holds at most one file, replaced in place.
    pub resume: PathBuf,
    pub limits: jackpot_host::Limits,
}

// ---------------------------------------------------------------- results, for reports
/// One training of the grid, or why there is none.
#[derive(Clone, Debug)]
pub struct Run { pub ticket: String, pub check: String /* "none" for the unmodified ticket */, pub sparsity: String /* decimal text; "0" for dense */, pub seed: u64, pub outcome: Outcome }
#[derive(Clone, Debug)]
pub enum Outcome {
    Done(Trained),
    /// The check cannot change this ticket, by construction: known at plan time, not run.
    Identical { because: String },
    Failed { why: String },
    Missing,
}
#[derive(Clone, Debug)]
pub struct Trained {
    pub key: Digest, pub metrics: Digest, pub mask: Option<Digest>,
    /// Percent, at the last epoch / best epoch; mean test loss at the last epoch.
    pub accuracy: f64, pub best_accuracy: f64, pub test_loss: f64,
    /// layer name, weights, kept
    pub layers: Vec<(String, u64, u64)>,
}
#[allow(dead_code)] fn _unused(_: &Store) {}

// ---------------------------------------------------------------- the study, as reports see it
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub String);
/// A ticket or check: the name used in files, the title used in tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named { pub name: String, pub title: String }
/// What a report needs to know of a study file.
#[derive(Clone, Debug)]
pub struct Outline {
    pub name: String, pub title: String, /** sha256 of study.toml */ pub digest: Digest,
    pub tickets: Vec<Named>, /** without "none" */ pub checks: Vec<Named>,
    pub sparsities: Vec<String>, pub seeds: Vec<u64>,
    /// Names of tables and figures to draw, e.g. "accuracy", "differences", "layers".
    pub tables: Vec<String>, pub figures: Vec<String>,
    /// One-line facts printed above every table: data, network, training.
    pub facts: Vec<(String, String)>,
}
/// Reads the outline of `FOLDER/study.toml`.
pub fn outline(_folder: &std::path::Path) -> Result<Outline, Error> { todo!() }
/// What the last `jackpot run` pinned in `artifacts/pins/NAME.json`, and what the store holds of it.
#[derive(Clone, Debug)]
pub struct Results { pub study: Digest, pub device_class: String, pub libtorch: String, pub runs: Vec<Run> }
/// Needs no plugin and no libtorch. Every object read is verified.
pub fn collect(_store: &Store, _name: &str) -> Result<Results, Error> { todo!() }
