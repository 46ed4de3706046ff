//! What the supervisor asks of a worker process, and what comes back.
use crate::{ConfigValue, Failure, Limits, PluginItem};
use jackpot_data::Normalisation;
use jackpot_net::{Architecture, Augment, Layer, LayerRole, Network, ScorePrecision};
use jackpot_prune::PruningRounds;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where the worker leaves the item's outputs, as the raw bytes of its tensors in order.
pub const RAW: &str = "raw";
/// Where the worker leaves the mask before the last round, as `Mask` bytes.
pub const BEFORE: &str = "mask-before";
/// Where the worker leaves the plugin's own name, for messages about how it died.
pub const NAME: &str = "plugin-name";

/// Where a method's batches come from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Batches {
    /// Rows of a data object (safetensors `images`, `labels`), normalised; augmented if the plugin asks.
    Sampled {
        /// Path of the data object.
        train: PathBuf,
        /// Per channel, of pixels scaled to 0..1.
        normalisation: Normalisation,
        /// How images are cropped and flipped if the plugin asks.
        augment: Augment,
        /// The object is held in memory if it has at most this many bytes.
        memory: u64,
    },
    /// One batch given by hand (`x` f32 `[n, c, h, w]` already normalised, `y` i64 `[n]`): every request gets it.
    Given {
        /// Safetensors with `x` and `y`.
        batch: PathBuf,
    },
}

/// Which of the job's data a plugin may read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataAccess {
    /// What the item declares, and nothing else.
    #[default]
    Declared,
    /// Everything that the job holds, declared or not: only tests ask for it, to show that a
    /// method's result is the same when forbidden data really are within its reach. The
    /// certificate says so.
    Everything,
}

/// One run of one item. Paths are files that the supervisor has verified.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PluginJob {
    /// Path of the library to load.
    pub plugin: PathBuf,
    /// Its sha256 in hex; the worker refuses to load other bytes.
    pub sha256: String,
    /// The item as the plugin described it: the supervisor validates against it, and the worker checks
    /// that the table still says so.
    pub item: PluginItem,
    /// Complete (see [`PluginItem::configure`]).
    pub config: BTreeMap<String, ConfigValue>,
    /// The network whose layers are scored, masked or changed.
    pub architecture: Architecture,
    /// In place of the architecture's layers, linear ones of so many weights: only
    /// the conformance kit and tests ask for layers that no network has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<usize>>,
    /// Training rows, for the task's facts; those of a batch given by hand.
    pub rows: u64,
    /// state_dict; present exactly if the item needs weights or autodiff.
    pub weights: Option<PathBuf>,
    /// The initial weights, beside trained ones.
    pub reference: Option<PathBuf>,
    /// The mask so far, in the format of `Mask`. Without it the network is dense.
    pub mask: Option<PathBuf>,
    /// Another ticket's mask (`Mask` format).
    pub donor: Option<PathBuf>,
    /// What a check changes (mask, data object, weights, scores) or the scores that an allocation reads.
    pub input: Option<PathBuf>,
    /// Present if the item needs data.
    pub batches: Option<Batches>,
    /// Density to reach, from the sparsity's decimal text; with `rounds` each round has its own.
    pub keep: f64,
    /// The rounds of a method that works in rounds. Without them the item is called once, and no mask
    /// is selected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds: Option<PruningRounds>,
    /// [`DataAccess::Declared`] but in tests.
    #[serde(default)]
    pub access: DataAccess,
    /// The key of the run's random numbers, as 32 hex digits.
    pub key: String,
    /// What derivatives are computed in where the plugin does not ask for f64.
    pub precision: ScorePrecision,
    /// The device that computes derivatives: `cpu` or `cuda:0`.
    pub device: String,
    /// What the worker may use.
    pub limits: Limits,
}

impl PluginJob {
    /// A run on the CPU that is given the network's shapes alone: no file, no rows, one call, a
    /// key of zeroes, everything kept. What else the item is to have is set by the caller.
    pub fn new(
        plugin: PathBuf,
        sha256: String,
        item: PluginItem,
        config: BTreeMap<String, ConfigValue>,
        architecture: Architecture,
        limits: Limits,
    ) -> PluginJob {
        PluginJob {
            plugin,
            sha256,
            item,
            config,
            architecture,
            layers: None,
            rows: 0,
            weights: None,
            reference: None,
            mask: None,
            donor: None,
            input: None,
            batches: None,
            keep: 1.0,
            rounds: None,
            access: DataAccess::Declared,
            key: "0".repeat(32),
            precision: ScorePrecision::default(),
            device: "cpu".into(),
            limits,
        }
    }

    /// The network whose layers the item sees.
    pub fn network(&self) -> Result<Network, Failure> {
        let mut network =
            (self.architecture.build()).map_err(|e| Failure::new("invalid", e.to_string()))?;
        if let Some(lengths) = &self.layers {
            network.layers = chain(lengths);
            // Nothing but the layers is known of such a network.
            (network.parameters, network.nodes) = (Vec::new(), Vec::new());
        }
        Ok(network)
    }
}

/// Linear layers of these many weights, one after the other.
fn chain(lengths: &[usize]) -> Vec<Layer> {
    let one = |(i, &n): (usize, &usize)| Layer {
        name: format!("layer{i}.weight"),
        shape: vec![n, 1],
        role: LayerRole::Linear,
        first: i == 0,
        classifier: i + 1 == lengths.len(),
        shortcut: false,
        depthwise: false,
        depth: i as u32 + 1,
        block: 0,
        stride: 1,
        groups: 1,
        uses: 1,
    };
    lengths.iter().enumerate().map(one).collect()
}
