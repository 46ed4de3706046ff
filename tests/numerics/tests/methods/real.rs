//! The shipped plugins in the real worker: what a study runs, one item at a time.
use crate::support::{layers, numbers};
use jackpot_data::Images;
use jackpot_host::{PluginOutput, Server, describe, run_plugin};
use jackpot_net::{Augment, Layer, Network, ScorePrecision};
use jackpot_protocol::{Batches, ConfigValue, DataAccess, Failure, Limits, Plugin, PluginJob};
use jackpot_prune::{
    LayerConstraints, Mask, PruningRounds, PruningScope, RoundSchedule, Scores, Sparsity,
};
use jackpot_rng::Key;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// A network at its weights, and what every run of a method is given.
pub struct Real {
    folder: tempfile::TempDir,
    pub network: Network,
    weights: PathBuf,
    pub batches: Option<Batches>,
    pub rows: u64,
    pub rounds: Option<PruningRounds>,
    pub access: DataAccess,
    pub precision: ScorePrecision,
    pub keep: f64,
    pub key: Key,
}

/// What a run gave.
pub struct Ran {
    /// The output as it came.
    pub bytes: Vec<u8>,
    /// After the last round.
    pub mask: Option<Mask>,
    /// Which doors were open.
    pub access: serde_json::Value,
    /// Bytes of resident memory at the worker's peak.
    pub peak_memory: u64,
}

impl Real {
    pub fn new(network: &Network, weights: &[u8]) -> Real {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        std::fs::write(&path, weights).unwrap();
        Real {
            folder,
            network: network.clone(),
            weights: path,
            batches: None,
            rows: 0,
            rounds: None,
            access: DataAccess::Declared,
            precision: ScorePrecision::F64,
            keep: 1.0,
            key: Key::from_seed(3),
        }
    }

    /// Every request gets this batch (see [`batch`]).
    pub fn given(mut self, batch: &[u8]) -> Real {
        let path = self.folder.path().join("batch");
        std::fs::write(&path, batch).unwrap();
        let tensors = SafeTensors::deserialize(batch).unwrap();
        self.rows = tensors.tensor("y").unwrap().shape()[0] as u64;
        self.batches = Some(Batches::Given { batch: path });
        self
    }

    /// Batches are drawn from these images, not augmented.
    pub fn sampled(&mut self, images: &Images) {
        let path = self.folder.path().join("train");
        std::fs::write(&path, images.to_safetensors().unwrap()).unwrap();
        self.rows = images.labels.len() as u64;
        self.batches = Some(Batches::Sampled {
            train: path,
            normalisation: crate::support::normalisation(&self.network),
            augment: Augment::default(),
            memory: 1 << 30,
        });
    }

    /// An exponential schedule.
    pub fn rounds(&mut self, count: u32, sparsity: &str) {
        self.rounds = Some(PruningRounds {
            count,
            schedule: RoundSchedule::Exponential,
            sparsity: self::sparsity(sparsity),
            scope: PruningScope::All,
            constraints: LayerConstraints::default(),
        });
    }

    pub fn run(&self, plugin: &str, id: &str, given: &[(&str, ConfigValue)]) -> Ran {
        self.attempt(plugin, id, given).unwrap()
    }

    pub fn attempt(
        &self,
        plugin: &str,
        id: &str,
        given: &[(&str, ConfigValue)],
    ) -> Result<Ran, Failure> {
        let plugin = described(plugin);
        let item = plugin.items.iter().find(|item| item.id == id).unwrap();
        let given: BTreeMap<String, ConfigValue> = given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let everything = self.access == DataAccess::Everything;
        let limits = Limits {
            plugin_seconds: 60.0,
            memory: 0,
            scratch: 1 << 30,
        };
        let job = PluginJob {
            rows: self.rows,
            weights: (everything || item.needs_weights()).then(|| self.weights.clone()),
            batches: (self.batches.clone()).filter(|_| everything || item.needs_data()),
            keep: self.keep,
            rounds: self.rounds.clone(),
            access: self.access,
            key: self.key.to_hex(),
            precision: self.precision,
            ..PluginJob::new(
                plugin.path.clone(),
                plugin.sha256.clone(),
                item.clone(),
                item.configure(&given)?,
                self.network.architecture.clone(),
                limits,
            )
        };
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap();
        let output = run_plugin(&server(), &job, folder.path(), &mut |_| ())?;
        let PluginOutput {
            file,
            mask,
            certificate,
            peak_memory,
            ..
        } = output;
        let read = |path: &Path| std::fs::read(folder.path().join(path)).unwrap();
        Ok(Ran {
            bytes: read(&file),
            mask: mask.map(|path| Mask::from_bytes(&read(&path)).unwrap()),
            access: certificate["access"].clone(),
            peak_memory,
        })
    }

    /// Scores layer by layer, in forward order.
    pub fn scores(&self, plugin: &str, id: &str, given: &[(&str, ConfigValue)]) -> Vec<Vec<f64>> {
        let bytes = self.run(plugin, id, given).bytes;
        let scores = Scores::from_safetensors(&bytes, &self.network).unwrap();
        scores
            .layers
            .into_iter()
            .map(|(_, scores)| scores)
            .collect()
    }

    /// The prunable weights.
    pub fn layers(&self) -> Vec<Vec<f64>> {
        layers(&self.network, &std::fs::read(&self.weights).unwrap())
    }
}

pub fn word(value: &str) -> ConfigValue {
    ConfigValue::Text(value.to_owned())
}

pub fn sparsity(text: &str) -> Sparsity {
    Sparsity::try_from(text.to_owned()).unwrap()
}

/// The mask of the globally largest scores.
pub fn mask(network: &Network, scores: &[Vec<f64>], sparsity: &str) -> Mask {
    let names = network.layers.iter().map(|layer| layer.name.clone());
    let scores = Scores {
        layers: names.zip(scores.iter().cloned()).collect(),
    };
    let rule = jackpot_prune::SelectionRule::Exact;
    let sparsity = self::sparsity(sparsity);
    let made = jackpot_prune::select_global(network, &scores, &sparsity, PruningScope::All, rule);
    made.unwrap().0
}

/// Kept by both, as a share of what `a` keeps.
pub fn overlap(a: &Mask, b: &Mask) -> f64 {
    let layers = a.layers.iter().zip(&b.layers);
    let both = layers.flat_map(|(a, b)| a.kept.iter().zip(&b.kept));
    both.filter(|(a, b)| **a && **b).count() as f64 / a.kept() as f64
}

/// A batch given by hand: images `x` (row-major) with labels `y`.
pub fn batch(network: &Network, x: &[f32], y: &[i64]) -> Vec<u8> {
    let [c, h, w] = network.architecture.input.map(|n| n as usize);
    let x: Vec<u8> = x.iter().flat_map(|x| x.to_le_bytes()).collect();
    let labels: Vec<u8> = y.iter().flat_map(|y| y.to_le_bytes()).collect();
    let x = TensorView::new(Dtype::F32, vec![y.len(), c, h, w], &x).unwrap();
    let y = TensorView::new(Dtype::I64, vec![y.len()], &labels).unwrap();
    safetensors::serialize([("x", x), ("y", y)], None).unwrap()
}

/// Normal noise, `per_class` images of every class in class order.
pub fn noise(network: &Network, per_class: usize, seed: u64) -> (Vec<f32>, Vec<i64>) {
    let classes = network.architecture.classes as usize;
    let size: u32 = network.architecture.input.iter().product();
    let mut x = vec![0.0; classes * per_class * size as usize];
    jackpot_rng::normal(Key::from_seed(seed), &mut x);
    let y = (0..classes * per_class).map(|row| (row / per_class) as i64);
    (x, y.collect())
}

/// The state_dict with every prunable layer multiplied.
pub fn times(network: &Network, weights: &[u8], by: impl Fn(&Layer) -> f32) -> Vec<u8> {
    let file = SafeTensors::deserialize(weights).unwrap();
    let mut data: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    for (name, view) in file.tensors() {
        let layer = network.layers.iter().find(|layer| layer.name == name);
        let factor = layer.map_or(1.0, &by);
        let values = numbers(&file, &name).into_iter();
        let bytes = values
            .flat_map(|x| (x as f32 * factor).to_le_bytes())
            .collect();
        data.push((name, view.shape().to_vec(), bytes));
    }
    let views = data.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
        (name.as_str(), view)
    });
    safetensors::serialize(views, None).unwrap()
}

/// A process of its own describes each plugin, once.
fn described(library: &str) -> Plugin {
    static KNOWN: Mutex<BTreeMap<String, Plugin>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap();
    let describe = || {
        let path = binaries().join(format!("plugins/libjackpot_{library}.so"));
        describe(&server(), &path).unwrap()
    };
    known
        .entry(library.to_owned())
        .or_insert_with(describe)
        .clone()
}

fn server() -> Server {
    let one = |name: &str| (name.to_owned(), "1".to_owned());
    Server {
        program: binaries().join("jackpot-worker"),
        arguments: Vec::new(),
        environment: ["OMP_NUM_THREADS", "MKL_NUM_THREADS"].map(one).into(),
    }
}

/// `target/release`, where `cargo xtask build` puts programs and `plugins/`; this test lies
/// in its `deps/`. `$JACKPOT_BINARIES` names another place.
fn binaries() -> PathBuf {
    let beside = || {
        let test = std::env::current_exe().unwrap();
        test.ancestors().nth(2).unwrap().to_owned()
    };
    let place = std::env::var_os("JACKPOT_BINARIES").map_or_else(beside, PathBuf::from);
    for needed in ["jackpot-worker", "plugins/libjackpot_saliency.so"] {
        let path = place.join(needed);
        let missing = "is missing: run `cargo xtask build` first";
        assert!(path.is_file(), "{} {missing}", path.display());
    }
    place
}
