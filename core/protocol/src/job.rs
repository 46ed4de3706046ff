//! What a worker process is told to do.
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What `jackpot-worker FOLDER` reads from `job.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Job {
    /// Load a plugin and write its table.
    Describe {
        /// The shared library.
        plugin: PathBuf,
        /// Its sha256 in hexadecimal.
        sha256: String,
    },
    /// Run one item of a plugin.
    Plugin(Box<crate::PluginJob>),
    /// Train a network.
    Train(Box<TrainJob>),
    /// Evaluate a network as pruning left it.
    Evaluate(Box<EvaluateJob>),
    /// Take a few steps on one batch.
    Steps(Box<StepsJob>),
}

/// Weights under a mask, evaluated on the test rows. Outputs in FOLDER/out: `metrics.json` and
/// `bits`, as a training without epochs has them; and `{}` in `done.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EvaluateJob {
    /// The network.
    pub architecture: jackpot_net::Architecture,
    /// state_dict.
    pub weights: PathBuf,
    /// Which weights are kept, in the stored format of [`jackpot_prune::Mask`].
    pub mask: PathBuf,
    /// Test rows: a data object.
    pub test: PathBuf,
    /// Of the clean training rows.
    pub normalisation: jackpot_data::Normalisation,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// What it computes in.
    pub precision: jackpot_net::Precision,
    /// Threads.
    pub threads: u32,
    /// A data object is held in memory if it has at most this many bytes.
    pub memory: u64,
}

/// A few training steps on one batch given by hand. Output in FOLDER/out:
/// `state.safetensors`, the state_dict after the steps; and in `done.json`:
/// `{"logits": [...], "losses": [...]}`, the logits in eval mode before the first step, row by
/// row, and the loss that each step started from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepsJob {
    /// The network.
    pub architecture: jackpot_net::Architecture,
    /// Learning rate, momentum, weight decay and the rule of the mask are read; the batch is
    /// always the whole of `batch`.
    pub training: jackpot_net::Training,
    /// state_dict to start from.
    pub weights: PathBuf,
    /// Which weights are kept: u8 0/1 tensors under the parameters' names; `None` means dense.
    pub mask: Option<PathBuf>,
    /// `x` f32 `[n, c, h, w]`, normalised, and `y` i64 `[n]`.
    pub batch: PathBuf,
    /// How many steps; 0: only the logits.
    pub steps: u32,
    /// Compute in f64.
    pub double: bool,
    /// The sparse engine takes the steps, and holds activations in this; `None` means libtorch.
    #[serde(default)]
    pub sparse: Option<jackpot_net::Precision>,
    /// Which kernels the sparse engine takes.
    pub device_class: String,
    /// `cpu` or `cuda:N`.
    pub device: String,
}

/// One training. Outputs in FOLDER/out: `metrics.json` (canonical), `bits` (one bit a test
/// image, least significant first), `checkpoint.safetensors`; and in `done.json`:
/// `{"seconds_per_epoch": [...]}` for the record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainJob {
    /// The network.
    pub architecture: jackpot_net::Architecture,
    /// Hyperparameters.
    pub training: jackpot_net::Training,
    /// state_dict to start from.
    pub weights: PathBuf,
    /// Which weights are kept, in the stored format of [`jackpot_prune::Mask`]; `None` means dense.
    pub mask: Option<PathBuf>,
    /// Training rows: a data object.
    pub train: PathBuf,
    /// Test rows: a data object.
    pub test: PathBuf,
    /// Of the clean training rows.
    pub normalisation: jackpot_data::Normalisation,
    /// Order of the rows in every epoch: 32 hex digits.
    pub order_key: String,
    /// Crops and flips: 32 hex digits.
    pub augment_key: String,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// What it computes in.
    #[serde(default)]
    pub precision: jackpot_net::Precision,
    /// Who takes the steps.
    #[serde(default)]
    pub engine: jackpot_net::Engine,
    /// As the recipe spells it: which kernels the sparse engine takes.
    pub device_class: String,
    /// Threads of this training.
    pub threads: u32,
    /// Folder that survives a kill: holds at most one file, replaced in place.
    pub resume: PathBuf,
    /// A data object is held in memory if it has at most this many bytes.
    pub memory: u64,
    /// What the supervisor grants.
    pub limits: crate::Limits,
}
