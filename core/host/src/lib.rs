//! Loads, serves, supervises and validates plugins; selects masks. Never links libtorch.
//!
//! Two sides: `serve` runs inside a fresh worker process and is the only code that
//! loads a plugin; everything else runs in the supervisor, which never does.
use jackpot_data::{BatchSpec, Normalisation};
use jackpot_net::{Architecture, Mask, Objective};
use jackpot_rng::Key;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::{Path, PathBuf}, time::Duration};

// ---------------------------------------------------------------- what a plugin offers
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind { Method, Check }
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output { Scores, Masks, Counts, Weights, Images, Labels, Subset }
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ConfigValue { Bool(bool), Int(i64), Float(f64), Text(String) }
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Param { pub name: String, pub doc: String, pub default: ConfigValue, pub min: f64, pub max: f64, pub choices: Vec<String> }
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    pub id: String, pub version: String, pub summary: String, pub kind: Kind, pub output: Output,
    /// JKP_NEEDS_* bits.
    pub needs: u32,
    /// JKP_KEEPS_*, JKP_CHANGES_OUTPUT, ... bits.
    pub promises: u32,
    pub params: Vec<Param>, pub rounds_hint: u32,
}
impl Item {
    /// Autodiff declared: the only items that are given data (other than checks on data).
    pub fn needs_data(&self) -> bool { todo!() }
    pub fn needs_weights(&self) -> bool { todo!() }
    /// Every declared parameter, defaults filled in; refuses unknown names (with the nearest), wrong types, out of bounds.
    pub fn configure(&self, _given: &BTreeMap<String, ConfigValue>) -> Result<BTreeMap<String, ConfigValue>, Failure> { todo!() }
}
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plugin { pub path: PathBuf, /** hex */ pub sha256: String, pub name: String, pub version: String, pub license: String, pub items: Vec<Item> }

/// Folders to search: `explicit`, else `$JACKPOT_PLUGINS`, else `plugins/` beside the running binary. Sorted `.so` files.
pub fn discover(_explicit: Option<&Path>) -> Result<Vec<PathBuf>, Failure> { todo!() }
/// Loads the file in a fresh process and reads its table.
pub fn describe(_server: &Server, _plugin: &Path) -> Result<Plugin, Failure> { todo!() }

// ---------------------------------------------------------------- jobs
/// How a worker process is started: a program and its leading arguments; the job folder comes last.
#[derive(Clone, Debug)]
pub struct Server { pub program: PathBuf, pub arguments: Vec<String>, /** e.g. ONEDNN_MAX_CPU_ISA */ pub environment: BTreeMap<String, String> }
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Limits { /** Seconds of the plugin's own time (outside host services). */ pub plugin_seconds: f64, /** Bytes of RLIMIT_DATA; 0: none. */ pub memory: u64, /** Bytes of scratch a plugin may ask for. */ pub scratch: u64 }

/// Where a method's batches come from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Batches {
    /// Rows of a data object (safetensors `images`, `labels`), normalised; augmented if the plugin asks.
    Sampled { train: PathBuf, normalisation: Normalisation, crop_padding: u32, flip: bool },
    /// One batch given by hand (`x` f32 [n,c,h,w] already normalised, `y` i64 [n]): every request gets it.
    Given { batch: PathBuf },
}
/// One run of one item. Paths are files that the supervisor has verified.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PluginJob {
    pub plugin: PathBuf, pub sha256: String,
    /// As described: the supervisor validates against it, the worker checks that the table still says so.
    pub item: Item,
    /// Complete (see `Item::configure`).
    pub config: BTreeMap<String, ConfigValue>,
    pub architecture: Architecture,
    /// Training rows, for the task's facts.
    pub rows: u64,
    /// state_dict; present exactly if the item needs weights or autodiff.
    pub weights: Option<PathBuf>,
    pub reference: Option<PathBuf>,
    /// Mask so far (`Mask` format); None: dense.
    pub mask: Option<PathBuf>,
    pub donor: Option<PathBuf>,
    /// What a check changes (mask, data object, weights, scores) or the scores that an allocation reads.
    pub input: Option<PathBuf>,
    pub batches: Option<Batches>,
    /// Density to reach, from the sparsity's decimal text.
    pub keep: f64,
    /// 32 hex digits.
    pub key: String,
    /// Compute gradients in f64 whatever the plugin asks.
    pub force_f64: bool,
    pub device: String,
    pub limits: Limits,
}
/// What came back and was validated.
#[derive(Clone, Debug)]
pub struct PluginOutput {
    /// File in the job folder: scores safetensors f64, `Mask` bytes, counts as canonical JSON
    /// `[["conv1.weight", 123], ...]`, weights safetensors, or a data object with the changed part.
    pub file: PathBuf,
    /// Promises verified with the share of what could change that did; services used; batches drawn. Deterministic.
    pub certificate: serde_json::Value,
    pub log: String, pub seconds: f64, pub peak_memory: u64,
}
/// Runs one item in a fresh process, watches it, validates what came back.
pub fn run_plugin(_server: &Server, _job: &PluginJob, _folder: &Path, _observe: &mut dyn FnMut(f64)) -> Result<PluginOutput, Failure> { todo!() }
/// Starts `server` on `folder` (which holds `job.json`), watches, reaps every descendant. Success is `done.json` in the folder.
pub fn supervise(_server: &Server, _folder: &Path, _limits: &Limits, _observe: &mut dyn FnMut(f64)) -> Result<Finished, Failure> { todo!() }
#[derive(Clone, Debug)]
pub struct Finished { /** Parsed `done.json`. */ pub result: serde_json::Value, pub log: String, pub seconds: f64, pub peak_memory: u64 }
/// Why an action failed: plugin, item, action, cause, in words.
#[derive(Clone, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure { /** "crash", "hang", "memory", "panic", "numeric", "unwritten", "overrun", "promise", "contract", "invalid", "error", "load" */ pub kind: String, pub message: String, pub log: String }

// ---------------------------------------------------------------- inside the worker
/// A read-only view of one tensor of a point, vector or gradient.
#[derive(Clone, Copy)]
pub enum View<'a> { F32(&'a [f32]), F64(&'a [f64]) }
pub enum ViewMut<'a> { F32(&'a mut [f32]), F64(&'a mut [f64]) }
/// What the host offers beyond random numbers. Slices are one view per prunable layer, forward order.
/// `point` None: the weights under the mask. Gradients are w.r.t. the effective weight, masked entries too.
/// Results are the sum over the batches and their parts of each part's mean loss.
pub trait Services {
    fn batches(&mut self, spec: &BatchSpec) -> Result<u64, String>;
    fn loss(&mut self, objective: &Objective, handle: u64, point: Option<&[View]>) -> Result<f64, String>;
    fn grad(&mut self, objective: &Objective, handle: u64, point: Option<&[View]>, out: &mut [ViewMut]) -> Result<(), String>;
    fn hvp(&mut self, objective: &Objective, handle: u64, point: Option<&[View]>, vector: &[View], out: &mut [ViewMut]) -> Result<(), String>;
}
/// The worker's side of a plugin job: load, call, write `out/`, then `done.json`. `services` None: no autodiff here.
/// Makes its own services through `make` only when the item declares them.
pub fn serve(_folder: &Path, _job: &PluginJob, _make: &mut dyn FnMut(&PluginJob) -> Result<Box<dyn Services>, String>) -> std::process::ExitCode { todo!() }
/// Worker side: tells the supervisor how far (0..1) and writes the success record.
pub struct Progress;
impl Progress { pub fn open(_folder: &Path) -> Progress { todo!() } pub fn set(&self, _done: f64) { todo!() } pub fn finish(self, _result: &serde_json::Value) -> std::io::Result<()> { todo!() } }

// ---------------------------------------------------------------- selection
/// Decimal text in (0, 1), e.g. "0.98": exact arithmetic, never a double.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sparsity(String);
impl Sparsity { pub fn text(&self) -> &str { &self.0 } pub fn density(&self) -> f64 { todo!() } /** round-half-even of n·density, exactly. */ pub fn kept(&self, _n: u64) -> u64 { todo!() } }
impl TryFrom<String> for Sparsity { type Error = String; fn try_from(_t: String) -> Result<Self, String> { todo!() } }
impl From<Sparsity> for String { fn from(s: Sparsity) -> String { s.0 } }
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule { /** exact k, ties by lowest flat index */ Exact, /** SNIP's: ≥ the k-th largest, k = int(n(1−p)) */ PublishedSnip, /** GraSP's: what is ≤ the r-th largest removed (on prune scores) */ PublishedGrasp }
/// Which layers a global selection chooses from; the others are kept whole and the total is matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope { #[default] All, /** classifier whole, as the published LT */ Convolutions }
pub struct Scores { pub layers: Vec<(String, Vec<f64>)> }
impl Scores { pub fn from_safetensors(_b: &[u8], _n: &jackpot_net::Network) -> Result<Scores, Failure> { todo!() } pub fn to_safetensors(&self, _n: &jackpot_net::Network) -> Result<Vec<u8>, Failure> { todo!() } }
/// What a selection did: ties at the threshold, share of scores within 1e-6 relative of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Selected { pub ties: u64, pub near: u64 }
pub fn select_global(_network: &jackpot_net::Network, _scores: &Scores, _sparsity: &Sparsity, _scope: Scope, _rule: Rule) -> Result<(Mask, Selected), Failure> { todo!() }
/// The k largest of each layer, ties by lowest flat index.
pub fn select_counts(_network: &jackpot_net::Network, _scores: &Scores, _counts: &[u64]) -> Result<(Mask, Selected), Failure> { todo!() }

#[allow(dead_code)] fn _unused(_: Duration, _: Key) {}
