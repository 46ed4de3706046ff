//! What the kit runs items on: networks, weights, masks, scores and images of its own.
use super::Kit;
use crate::{
    Server, files,
    guest::disturb::{DISTURBED, FILL},
    run_plugin,
};
use jackpot_data::{Images, Normalisation};
use jackpot_net::{Architecture, Augment, Network, ScorePrecision};
use jackpot_protocol::{
    Batches, ConfigValue, DataAccess, Failure, Kind, Limits, Output, Plugin, PluginItem, PluginJob,
};
use jackpot_prune::{
    LayerConstraints, Mask, PruningRounds, PruningScope, RoundSchedule, Scores, Sparsity,
    write_tensors,
};
use jackpot_rng::Key;
use safetensors::Dtype;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Bytes that a run may use beside its scratch.
const MEMORY: u64 = 1 << 30;

/// One plugin on the kit's machine.
pub(super) struct Bench<'a> {
    kit: &'a Kit,
    plugin: &'a Plugin,
}

/// The inputs of one run. The default is a small ResNet and sixty images of three classes.
#[derive(Clone)]
pub(super) struct TrialInputs {
    /// Linear layers of so many weights in place of the network's own.
    pub(super) layers: Option<Vec<usize>>,
    pub(super) classes: u32,
    pub(super) rows: usize,
    /// Whether all rows are of class 0.
    pub(super) one_class: bool,
    pub(super) sparsity: &'static str,
    pub(super) key: u64,
    /// Which of several data sets.
    pub(super) data: u8,
    pub(super) rounds: Option<u32>,
    /// Parameters that are not at their default.
    pub(super) config: BTreeMap<String, ConfigValue>,
    pub(super) access: DataAccess,
    pub(super) precision: ScorePrecision,
    pub(super) scratch: u64,
    /// Seconds that the run may take. Without them it has the kit's.
    pub(super) seconds: Option<f64>,
}

impl Default for TrialInputs {
    fn default() -> TrialInputs {
        TrialInputs {
            layers: None,
            classes: 3,
            rows: 60,
            one_class: false,
            sparsity: "0.5",
            key: 1,
            data: 0,
            rounds: None,
            config: BTreeMap::new(),
            access: DataAccess::Declared,
            precision: ScorePrecision::default(),
            scratch: 64 << 20,
            seconds: None,
        }
    }
}

impl TrialInputs {
    /// A network of linear layers.
    pub(super) fn of_layers(layers: &[usize]) -> TrialInputs {
        TrialInputs {
            layers: Some(layers.to_vec()),
            ..TrialInputs::default()
        }
    }
}

/// The bytes that came back.
pub(super) type Outcome = Result<Vec<u8>, Failure>;

impl<'a> Bench<'a> {
    pub(super) fn new(kit: &'a Kit, plugin: &'a Plugin) -> Bench<'a> {
        Bench { kit, plugin }
    }

    /// Whether the plugin is one of Jackpot's own.
    pub(super) fn is_jackpots(&self) -> bool {
        self.kit.of_jackpot.contains(&self.plugin.sha256)
    }

    /// Runs the item in a worker of its own.
    pub(super) fn run(&self, item: &PluginItem, ground: &TrialInputs) -> Outcome {
        self.run_by(&self.kit.server, item, ground)
    }

    /// The same in another second, with another environment, on one processor, with memory that
    /// holds something else before it is written. Another process it is anyway, at other addresses.
    pub(super) fn run_disturbed(&self, item: &PluginItem, ground: &TrialInputs) -> Outcome {
        next_second();
        let mut server = self.kit.server.clone();
        let mut environment = other_environment();
        environment.append(&mut server.environment);
        server.environment = environment;
        self.run_by(&server, item, ground)
    }

    fn run_by(&self, server: &Server, item: &PluginItem, ground: &TrialInputs) -> Outcome {
        let folder = files::temporary_folder()?;
        let job = self.job(item, ground, folder.path())?;
        let output = run_plugin(server, &job, &folder.path().join("run"), &mut |_| ())?;
        std::fs::read(&output.file).map_err(|e| io(&output.file, &e))
    }

    fn job(
        &self,
        item: &PluginItem,
        ground: &TrialInputs,
        folder: &Path,
    ) -> Result<PluginJob, Failure> {
        let count = ground.rounds.unwrap_or(match item.rounds_hint {
            0 | 1 => 0,
            _ => 2,
        });
        let sparsity = Sparsity::try_from(ground.sparsity.to_string())
            .expect("the kit's sparsities are decimals");
        let scores_once = item.output == Output::Scores && count == 0;
        let keep = if scores_once || item.kind == Kind::Check {
            1.0
        } else {
            sparsity.density()
        };
        let rounds = (count > 0).then(|| PruningRounds {
            count,
            schedule: RoundSchedule::default(),
            sparsity,
            scope: PruningScope::All,
            constraints: LayerConstraints::default(),
        });
        let mut config = item.configure(&BTreeMap::new())?;
        config.extend(ground.config.clone());
        let limits = Limits {
            plugin_seconds: ground.seconds.unwrap_or(self.kit.seconds),
            memory: MEMORY,
            scratch: ground.scratch,
        };
        let plugin = std::path::absolute(&self.plugin.path).map_err(|e| io(folder, &e))?;
        let architecture = Architecture::resnet(8, 2, ground.classes, [1, 8, 8]);
        let sha256 = self.plugin.sha256.clone();
        let mut job = PluginJob {
            layers: ground.layers.clone(),
            rows: ground.rows as u64,
            keep,
            rounds,
            access: ground.access,
            key: Key::from_seed(ground.key).to_hex(),
            precision: ground.precision,
            ..PluginJob::new(plugin, sha256, item.clone(), config, architecture, limits)
        };
        give(&mut job, ground, folder)?;
        Ok(job)
    }
}

/// Until a clock of seconds shows another number than it showed for anything before.
fn next_second() {
    // A clock before 1970 has seconds all the same.
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let into = now.map_or(0, |now| now.subsec_millis());
    std::thread::sleep(Duration::from_millis(u64::from(1005 - into)));
}

/// Every variable of this process with another value, those that programs often read among them.
fn other_environment() -> BTreeMap<String, String> {
    let often = [
        "HOME", "USER", "LOGNAME", "HOSTNAME", "LANG", "LC_ALL", "TERM", "SEED", "DEBUG",
    ];
    let often = often.map(|name| (name.to_owned(), String::new()));
    // What the dynamic linker and the memory allocator read is no plugin's.
    let ours = ["LD_", "MALLOC_", "GLIBC_", "JACKPOT_"];
    let here = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let all = often.into_iter().chain(here);
    let all = all.filter(|(name, _)| !ours.iter().any(|start| name.starts_with(start)));
    let mut others: BTreeMap<String, String> = all
        .map(|(name, value)| (name, format!("{value}/other")))
        .collect();
    let set = [("TZ", "JKP-3"), ("OMP_NUM_THREADS", "1"), (DISTURBED, "1")];
    others.extend(set.map(|(name, value)| (name.to_owned(), value.to_owned())));
    // Of glibc: what `malloc` gives is filled.
    others.insert("MALLOC_PERTURB_".to_owned(), FILL.to_string());
    others
}

fn io(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new("error", format!("`{}`: {error}", path.display()))
}

/// Writes the files that the item declares (or all, where everything is within reach).
fn give(job: &mut PluginJob, ground: &TrialInputs, folder: &Path) -> Result<(), Failure> {
    let network = job.network()?;
    let file = |name: &str, bytes: Vec<u8>| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).map_err(|e| io(&path, &e))?;
        Ok::<PathBuf, Failure>(path)
    };
    let item = &job.item;
    let everything = ground.access == DataAccess::Everything;
    if everything || item.needs_weights() {
        job.weights = Some(file("weights", weights(&network, 1)?)?);
    }
    if item.needs_reference() {
        job.reference = Some(file("reference", weights(&network, 2)?)?);
    }
    if item.needs_donor() {
        // As many of each layer as the mask that it meets keeps, elsewhere.
        let last = |i: usize, n: usize| i >= n - (2 * n).div_ceil(5);
        job.donor = Some(file("donor", mask(&network, last).to_bytes())?);
    }
    let first = |i: usize, n: usize| i < (2 * n).div_ceil(5);
    let input = match (item.kind, item.output) {
        (Kind::Method, _) if item.needs_scores() => Some(scores(&network)?),
        (Kind::Method, _) => None,
        (_, Output::Masks) => Some(mask(&network, first).to_bytes()),
        (_, Output::Weights) => Some(weights(&network, 1)?),
        (_, Output::Scores | Output::Counts) => Some(scores(&network)?),
        _ => Some(images(ground)?),
    };
    job.input = input.map(|bytes| file("input", bytes)).transpose()?;
    if (item.kind, item.output) == (Kind::Check, Output::Weights) {
        job.mask = Some(file("mask", mask(&network, first).to_bytes())?);
    }
    if everything || item.needs_data() {
        job.batches = Some(Batches::Sampled {
            train: file("train", images(ground)?)?,
            normalisation: Normalisation {
                mean: vec![0.5],
                std: vec![0.25],
            },
            augment: Augment::default(),
            memory: 1 << 30,
        });
    }
    Ok(())
}

/// Normal numbers, as f32.
fn weights(network: &Network, seed: u64) -> Result<Vec<u8>, Failure> {
    let layer = |layer: &jackpot_net::Layer| {
        let mut values = vec![0f32; layer.len()];
        jackpot_rng::normal(Key::from_seed(seed).fold_name(&layer.name), &mut values);
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        (layer.name.clone(), Dtype::F32, layer.shape.clone(), bytes)
    };
    Ok(write_tensors(network.layers.iter().map(layer).collect())?)
}

/// Uniform numbers, as f64.
fn scores(network: &Network) -> Result<Vec<u8>, Failure> {
    let layer = |layer: &jackpot_net::Layer| {
        let mut values = vec![0f64; layer.len()];
        jackpot_rng::uniform(Key::from_seed(3).fold_name(&layer.name), &mut values);
        (layer.name.clone(), values)
    };
    let layers = network.layers.iter().map(layer).collect();
    Ok(Scores { layers }.to_safetensors(network)?)
}

/// Keeps what `kept` says of each index of each layer's length.
fn mask(network: &Network, kept: impl Fn(usize, usize) -> bool) -> Mask {
    let mut mask = Mask::dense(network);
    for layer in &mut mask.layers {
        let n = layer.kept.len();
        (layer.kept.iter_mut().enumerate()).for_each(|(i, k)| *k = kept(i, n));
    }
    mask
}

/// Images of 8×8 whose pixels and labels are another permutation in each data set.
fn images(ground: &TrialInputs) -> Result<Vec<u8>, Failure> {
    let set = usize::from(ground.data);
    let pixel = |i: usize| ((i * 37 + i / 64 * 11 + set * 101) % 251) as u8;
    let label = |i: usize| {
        if ground.one_class {
            0
        } else {
            ((i + set) % ground.classes as usize) as i64
        }
    };
    let images = Images {
        channels: 1,
        height: 8,
        width: 8,
        pixels: (0..ground.rows * 64).map(pixel).collect(),
        labels: (0..ground.rows).map(label).collect(),
    };
    images
        .to_safetensors()
        .map_err(|e| Failure::new("error", e.to_string()))
}
