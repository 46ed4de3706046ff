//! Compiles the hostile plugin and runs its items on a tiny network.
use jackpot_data::Images;
use jackpot_host::{
    ConfigValue, Failure, Kind, Limits, Output, Plugin, PluginJob, PluginOutput, Server, describe,
    run_plugin,
};
use jackpot_net::{Architecture, Mask, Network};
use jackpot_rng::Key;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

pub const WORKER: &str = env!("CARGO_BIN_EXE_toy-worker");
const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// One folder with a network's files, and the good build of the plugin.
pub struct Bench {
    root: tempfile::TempDir,
    plugin: Plugin,
    architecture: Architecture,
    network: Network,
    next: AtomicU64,
}

fn server() -> Server {
    Server {
        program: WORKER.into(),
        arguments: vec![],
        environment: BTreeMap::new(),
    }
}

/// Builds the plugin with the machine's C compiler.
fn compile(source: &str, load: &str, to: &Path) {
    let status = Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".into()))
        .args([
            "-std=gnu11",
            "-O1",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-shared",
            "-fPIC",
            "-pthread",
        ])
        .arg(format!("-DLOAD={load}"))
        .arg(format!("-I{HERE}/../../core/abi/include"))
        .arg(format!("{HERE}/plugins/{source}.c"))
        .arg("-o")
        .arg(to)
        .arg("-lm")
        .status()
        .expect("a C compiler is installed");
    assert!(
        status.success(),
        "{source}.c does not compile with -DLOAD={load}"
    );
}

/// The good build, made once: its bytes.
fn good_build() -> &'static [u8] {
    static BUILD: OnceLock<Vec<u8>> = OnceLock::new();
    build("hostile", &BUILD)
}

fn build(source: &str, once: &'static OnceLock<Vec<u8>>) -> &'static [u8] {
    once.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(format!("{source}.so"));
        compile(source, "0", &path);
        std::fs::read(path).expect("it was just written")
    })
}

impl Bench {
    pub fn new() -> Bench {
        Bench::with("hostile", good_build())
    }

    /// With the items of another source beside `hostile.c`.
    pub fn of(source: &str) -> Bench {
        static BUILD: OnceLock<Vec<u8>> = OnceLock::new();
        assert_eq!(source, "rounds", "one build is kept");
        Bench::with(source, build(source, &BUILD))
    }

    fn with(source: &str, build: &[u8]) -> Bench {
        let root = tempfile::tempdir().expect("a temporary folder");
        let path = root.path().join(format!("{source}.so"));
        std::fs::write(&path, build).expect("the folder is ours");
        let plugin = describe(&server(), &path).expect("the good build loads");
        let architecture = Architecture::resnet(8, 2, 3, [1, 8, 8]);
        let network = architecture.build().expect("a tiny network");
        let weights = jackpot_net::init::initial_weights(&network, Key([1, 2])).expect("weights");
        let bench = Bench {
            root,
            plugin,
            architecture,
            network,
            next: AtomicU64::new(0),
        };
        bench.write("weights", &weights);
        bench.write("mask", &bench.mask().to_bytes());
        bench.write(
            "data",
            &bench.data().to_safetensors().expect("a data object"),
        );
        bench
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.root.path().join(name), bytes).expect("the folder is ours");
    }

    /// The first two fifths of each layer are kept: its mirror image differs.
    pub fn mask(&self) -> Mask {
        let mut mask = Mask::dense(&self.network);
        for layer in &mut mask.layers {
            let n = layer.kept.len();
            layer.kept[2 * n / 5..].fill(false);
        }
        mask
    }

    pub fn data(&self) -> Images {
        let pixels = (0..12 * 64).map(|i| (i * 37 % 251) as u8).collect();
        let labels = (0..12).map(|i| i % 3).collect();
        Images {
            channels: 1,
            height: 8,
            width: 8,
            pixels,
            labels,
        }
    }

    pub fn weights(&self) -> Vec<Vec<f64>> {
        self.layers_of(&std::fs::read(self.root.path().join("weights")).expect("written by new"))
    }

    pub fn layers_of(&self, bytes: &[u8]) -> Vec<Vec<f64>> {
        jackpot_test_hostile::read_layers(bytes, &self.network).expect("a state_dict")
    }

    pub fn magnitudes(&self) -> Vec<Vec<f64>> {
        self.weights()
            .iter()
            .map(|l| l.iter().map(|w| w.abs()).collect())
            .collect()
    }

    pub fn key(&self) -> Key {
        Key([3, 4])
    }

    /// A new folder's path.
    pub fn folder(&self) -> PathBuf {
        self.root
            .path()
            .join(format!("job-{}", self.next.fetch_add(1, Ordering::Relaxed)))
    }

    pub fn job(&self, item: &str) -> PluginJob {
        let id = format!("org.test.{item}");
        let item = self.plugin.items.iter().find(|i| i.id == id);
        let item = item.unwrap_or_else(|| panic!("no item `{id}`")).clone();
        let file = |name: &str| Some(self.root.path().join(name));
        let input = match (item.kind, item.output) {
            (Kind::Method, _) => None,
            (_, Output::Masks) => file("mask"),
            (_, Output::Weights) => file("weights"),
            _ => file("data"),
        };
        let text = ("text".to_string(), ConfigValue::Text("zwölf".into()));
        let given = match item.params.is_empty() {
            true => BTreeMap::new(),
            false => BTreeMap::from([text]),
        };
        PluginJob {
            plugin: self.plugin.path.clone(),
            sha256: self.plugin.sha256.clone(),
            config: item.configure(&given).expect("a good configuration"),
            architecture: self.architecture.clone(),
            rows: 12,
            weights: item.needs_weights().then(|| file("weights")).flatten(),
            reference: None,
            mask: None,
            donor: None,
            input,
            batches: None,
            keep: 24.0 / self.network.prunable_weights() as f64,
            rounds: None,
            access: jackpot_host::Access::Declared,
            key: self.key().to_hex(),
            force_f64: false,
            device: "cpu".into(),
            limits: Limits {
                plugin_seconds: 1.0,
                memory: 512 << 20,
                scratch: 16 << 20,
            },
            item,
        }
    }

    pub fn run(&self, item: &str) -> Result<PluginOutput, Failure> {
        self.run_observed(item, &mut |_| ())
    }

    pub fn run_observed(
        &self,
        item: &str,
        observe: &mut dyn FnMut(f64),
    ) -> Result<PluginOutput, Failure> {
        run_plugin(&server(), &self.job(item), &self.folder(), observe)
    }

    pub fn run_job(&self, job: &PluginJob) -> Result<PluginOutput, Failure> {
        self.run_job_observed(job, &mut |_| ())
    }

    pub fn run_job_observed(
        &self,
        job: &PluginJob,
        observe: &mut dyn FnMut(f64),
    ) -> Result<PluginOutput, Failure> {
        run_plugin(&server(), job, &self.folder(), observe)
    }

    /// Writes a file beside the jobs.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        self.write(name, bytes);
        self.root.path().join(name)
    }

    pub fn weights_file(&self) -> PathBuf {
        self.root.path().join("weights")
    }

    /// A batch given by hand, of so many rows.
    pub fn batch_of(&self, rows: usize) -> PathBuf {
        use safetensors::{Dtype, tensor::TensorView};
        let (x, y) = (vec![0; rows * 64 * 4], vec![0; rows * 8]);
        let view = |dtype, shape: Vec<usize>, data| TensorView::new(dtype, shape, data);
        let views = [
            ("x", view(Dtype::F32, vec![rows, 1, 8, 8], &x)),
            ("y", view(Dtype::I64, vec![rows], &y)),
        ];
        let views = views.map(|(name, view)| (name, view.expect("it fits")));
        let bytes = safetensors::serialize(views, None).expect("safetensors");
        self.file("batch", &bytes)
    }

    /// A larger network from now on.
    pub fn widen(&mut self, width: u32) {
        self.architecture = Architecture::resnet(8, width, 3, [1, 8, 8]);
        self.network = self.architecture.build().expect("a small network");
        let weights = jackpot_net::init::initial_weights(&self.network, Key([1, 2]));
        self.write("weights", &weights.expect("weights"));
        self.write("mask", &self.mask().to_bytes());
    }

    pub fn scores(&self, item: &str) -> Vec<Vec<f64>> {
        let output = self.run(item).unwrap_or_else(|f| panic!("{f}"));
        let bytes = std::fs::read(output.file).expect("the file is there");
        let scores = jackpot_host::Scores::from_safetensors(&bytes, &self.network);
        scores
            .expect("scores")
            .layers
            .into_iter()
            .map(|(_, values)| values)
            .collect()
    }

    pub fn expect_good(&self) -> Result<(), String> {
        match self.scores("good") == self.magnitudes() {
            true => Ok(()),
            false => Err("the good item gave other numbers".into()),
        }
    }

    /// Runs an item that must fail in this way, blame whom it should, and leave nothing running.
    pub fn expect_failure(&self, item: &str, kind: &str, says: &str) -> Result<(), String> {
        let job = self.job(item);
        let folder = self.folder();
        let failure = match run_plugin(&server(), &job, &folder, &mut |_| ()) {
            Ok(_) => return Err("it passed".into()),
            Err(failure) => failure,
        };
        let blame = format!(
            "plugin `hostile` ({}), item `org.test.{item}`, action `",
            &job.sha256[..12]
        );
        judge(&failure, kind, says)?;
        if !failure.message.starts_with(&blame) {
            return Err(format!("blames nobody: {failure}"));
        }
        match runs(&folder.to_string_lossy()) {
            true => Err("a process of it still runs".into()),
            false => Ok(()),
        }
    }

    pub fn expect_load_failure(&self, load: &str, kind: &str, says: &str) -> Result<(), String> {
        let path = self.root.path().join(format!("{load}.so"));
        compile("hostile", load, &path);
        self.expect_refusal(&path, kind, says)
    }

    fn expect_refusal(&self, path: &Path, kind: &str, says: &str) -> Result<(), String> {
        let failure = match describe(&server(), path) {
            Ok(_) => return Err("it passed".into()),
            Err(failure) => failure,
        };
        judge(&failure, kind, says)?;
        let name = path.file_name().expect("a file").to_string_lossy();
        match failure.message.contains(&*name) {
            true => Ok(()),
            false => Err(format!("names no file: {failure}")),
        }
    }

    /// Panics of a plugin in Rust arrive as errors with their message.
    pub fn rust_panics(&self) -> Vec<(&'static str, Result<(), String>)> {
        let path = Path::new(WORKER)
            .with_file_name("examples")
            .join("libpanics.so");
        assert!(
            path.exists(),
            "`{}` is missing: run the whole package's tests",
            path.display()
        );
        let plugin = describe(&server(), &path).expect("it loads");
        let run = |id: &str, says: &str| {
            let mut job = self.job("good");
            let item = plugin.items.iter().find(|i| i.id == id);
            job.item = item.expect("the plugin has it").clone();
            (job.plugin, job.sha256) = (path.clone(), plugin.sha256.clone());
            self.fails_with(&job, "panic", says)
        };
        vec![
            (
                "rust panics",
                run("org.test.rust.panics", "index out of bounds"),
            ),
            (
                "rust unwraps",
                run("org.test.rust.unwraps", "the first of nothing"),
            ),
        ]
    }

    /// Files that are no plugin, or not the one that was described.
    pub fn broken_files(&self) -> Vec<(&'static str, Result<(), String>)> {
        let good = good_build();
        let file = |name: &str, bytes: &[u8]| {
            self.write(name, bytes);
            self.root.path().join(name)
        };
        let mut other_byte = good.to_vec();
        other_byte.push(0);
        let mut job = self.job("good");
        job.plugin = file("changed.so", &other_byte);
        let changed = self.fails_with(&job, "load", "it is not the file that was described");
        let mut job = self.job("good");
        job.item.promises = 4;
        let relabelled =
            self.fails_with(&job, "contract", "not what the plugin's description said");
        let mut job = self.job("good");
        job.item.id = "org.test.unknown".into();
        let unknown = self.fails_with(
            &job,
            "contract",
            "the plugin has no item `org.test.unknown`",
        );
        let refused = |path: &Path, kind: &str, says: &str| self.expect_refusal(path, kind, says);
        vec![
            ("changed after it was described", changed),
            ("described otherwise", relabelled),
            ("without the item", unknown),
            (
                "truncated header",
                refused(&file("header.so", &good[..40]), "load", "cannot be loaded"),
            ),
            (
                "empty",
                refused(&file("empty.so", b""), "load", "cannot be loaded"),
            ),
            (
                "text",
                refused(
                    &file("text.so", b"#!/bin/sh\nexit 0\n"),
                    "load",
                    "cannot be loaded",
                ),
            ),
            (
                "missing",
                refused(&self.root.path().join("missing.so"), "load", "missing.so"),
            ),
            ("truncated", self.truncated(good)),
        ]
    }

    /// Half a library: the dynamic linker refuses it or dies of it.
    fn truncated(&self, good: &[u8]) -> Result<(), String> {
        let path = self.root.path().join("half.so");
        std::fs::write(&path, &good[..good.len() / 3]).expect("the folder is ours");
        match describe(&server(), &path) {
            Ok(_) => Err("it passed".into()),
            Err(f)
                if ["load", "crash"].contains(&f.kind.as_str())
                    && f.message.contains("half.so") =>
            {
                Ok(())
            }
            Err(f) => Err(format!("{}: {f}", f.kind)),
        }
    }

    fn fails_with(&self, job: &PluginJob, kind: &str, says: &str) -> Result<(), String> {
        match run_plugin(&server(), job, &self.folder(), &mut |_| ()) {
            Ok(_) => Err("it passed".into()),
            Err(failure) => judge(&failure, kind, says),
        }
    }
}

fn judge(failure: &Failure, kind: &str, says: &str) -> Result<(), String> {
    match failure.kind == kind && failure.message.contains(says) {
        true => Ok(()),
        false => Err(format!(
            "expected {kind}: …{says}…, found {}: {failure}",
            failure.kind
        )),
    }
}

/// Whether a process with this in its command line runs (a dead one has none).
pub fn runs(needle: &str) -> bool {
    let table = std::fs::read_dir("/proc").expect("Linux").flatten();
    table
        .filter_map(|e| std::fs::read(e.path().join("cmdline")).ok())
        .any(|c| String::from_utf8_lossy(&c).contains(needle))
}
