//! Compiles the hostile plugin and runs its items on a tiny network.
use jackpot_data::Images;
use jackpot_host::{PluginOutput, Server, describe, run_plugin};
use jackpot_net::{Architecture, Network};
use jackpot_protocol::{ConfigValue, Failure, Kind, Limits, Output, Plugin, PluginJob};
use jackpot_prune::Mask;
use jackpot_rng::Key;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
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

pub fn server() -> Server {
    Server {
        program: WORKER.into(),
        arguments: vec![],
        environment: BTreeMap::new(),
    }
}

/// Builds a plugin of `plugins/` with the machine's C or C++ compiler.
fn compile(source: &str, arguments: &[&str], to: &Path) {
    let (variable, program, standard) = if source.ends_with(".cpp") {
        ("CXX", "c++", "-std=c++17")
    } else {
        ("CC", "cc", "-std=gnu11")
    };
    let compiler = std::env::var(variable).unwrap_or_else(|_| program.into());
    let status = Command::new(&compiler)
        .args([
            standard,
            "-O1",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-fstack-protector-all",
        ])
        // A caught mistake of these files is the point of them.
        .args(["-Wno-infinite-recursion", "-shared", "-fPIC", "-pthread"])
        .arg(format!("-I{HERE}/../../core/abi/include"))
        .arg(format!("{HERE}/plugins/{source}"))
        .arg("-o")
        .arg(to)
        .args(arguments)
        .arg("-lm")
        .status()
        .unwrap_or_else(|e| panic!("`{compiler}` is needed (Debian: `apt install g++`): {e}"));
    assert!(
        status.success(),
        "{source} does not compile with {arguments:?}"
    );
}

/// The plugin of ABI 1.0 from its source, with the header of that day.
pub fn compile_old() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (past, to) = (
        format!("{HERE}/../abi/compat/1.0"),
        folder.path().join("old.so"),
    );
    let status = Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".into()))
        .args(["-std=c11", "-O2", "-ffp-contract=off", "-fPIC", "-shared"])
        .arg(format!("-I{past}"))
        .arg(format!("{past}/plugin.c"))
        .arg("-o")
        .arg(&to)
        .arg("-lm")
        .status()
        .expect("a C compiler is installed");
    assert!(status.success(), "the plugin of 1.0 does not compile");
    std::fs::read(to).expect("it was just written")
}

/// The build of a source, made once: its bytes. `rust` is the example that cargo built.
pub fn build(source: &'static str) -> Vec<u8> {
    static BUILDS: Mutex<BTreeMap<&str, Vec<u8>>> = Mutex::new(BTreeMap::new());
    let mut builds = BUILDS
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let made = builds.entry(source).or_insert_with(|| {
        if source == "rust" {
            let library = Path::new(WORKER).with_file_name("examples/libhostile_rust.so");
            return std::fs::read(&library).unwrap_or_else(|e| {
                panic!(
                    "`{}`: {e}: run the whole package's tests",
                    library.display()
                )
            });
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("plugin.so");
        compile(source, &[], &path);
        std::fs::read(path).expect("it was just written")
    });
    made.clone()
}

/// A build of its own, with these arguments.
pub fn build_with(source: &str, arguments: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("plugin.so");
    compile(source, arguments, &path);
    std::fs::read(path).expect("it was just written")
}

impl Bench {
    pub fn new() -> Bench {
        Bench::of("hostile.c")
    }

    /// With the items of this source.
    pub fn of(source: &'static str) -> Bench {
        Bench::with(source, &build(source))
    }

    /// With the items of this build.
    pub fn with(name: &str, build: &[u8]) -> Bench {
        let root = tempfile::tempdir().expect("a temporary folder");
        let name = Path::new(name).with_extension("so");
        let path = root.path().join(name);
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
        jackpot_prune::read_weights(bytes, &self.network).expect("a state_dict")
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

    /// Rust's and C++'s items carry their language in their ids.
    fn id(&self, item: &str) -> String {
        let language = match self.plugin.name.as_str() {
            "throws" => "cpp.",
            "old" => "old.",
            "jackpot-test-hostile" => "rust.",
            _ => "",
        };
        format!("org.test.{language}{item}")
    }

    pub fn job(&self, item: &str) -> PluginJob {
        let id = self.id(item);
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
        let given = if item.params.iter().any(|p| p.name == text.0) {
            BTreeMap::from([text])
        } else {
            BTreeMap::new()
        };
        let limits = Limits {
            plugin_seconds: 1.0,
            memory: 512 << 20,
            scratch: 16 << 20,
        };
        let config = item.configure(&given).expect("a good configuration");
        PluginJob {
            rows: 12,
            weights: item.needs_weights().then(|| file("weights")).flatten(),
            input,
            keep: 24.0 / self.network.prunable_weights() as f64,
            key: self.key().to_hex(),
            ..PluginJob::new(
                self.plugin.path.clone(),
                self.plugin.sha256.clone(),
                item,
                config,
                self.architecture.clone(),
                limits,
            )
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
        self.read_scores(&self.run(item).unwrap_or_else(|f| panic!("{f}")))
    }

    fn read_scores(&self, output: &PluginOutput) -> Vec<Vec<f64>> {
        let bytes = std::fs::read(&output.file).expect("the file is there");
        let scores = jackpot_prune::Scores::from_safetensors(&bytes, &self.network);
        scores
            .expect("scores")
            .layers
            .into_iter()
            .map(|(_, values)| values)
            .collect()
    }

    pub fn expect_good(&self) -> Result<(), String> {
        let good = match self.plugin.name.as_str() {
            "hostile" => self.magnitudes(),
            _ => self.counted(),
        };
        if self.scores("good") == good {
            Ok(())
        } else {
            Err("the good item gave other numbers".into())
        }
    }

    /// Each score is its index: what `good` of the other sources gives.
    fn counted(&self) -> Vec<Vec<f64>> {
        let layer = |l: &jackpot_net::Layer| (0..l.len()).map(|i| i as f64).collect();
        self.network.layers.iter().map(layer).collect()
    }

    /// Runs an item that must fail in this way, blame whom it should, and leave nothing running.
    pub fn expect_failure(&self, item: &str, kind: &str, says: &str) -> Result<(), String> {
        self.expect_failure_of(&self.job(item), kind, says)
    }

    pub fn expect_failure_of(&self, job: &PluginJob, kind: &str, says: &str) -> Result<(), String> {
        let folder = self.folder();
        let failure = match run_plugin(&server(), job, &folder, &mut |_| ()) {
            Ok(_) => return Err("it passed".into()),
            Err(failure) => failure,
        };
        let blame = format!(
            "plugin `{}` ({}), item `{}`, action `",
            self.plugin.name,
            &job.sha256[..12],
            job.item.id
        );
        judge(&failure, kind, says)?;
        if !failure.message.starts_with(&blame) {
            return Err(format!("blames nobody: {failure}"));
        }
        if runs(&folder.to_string_lossy()) {
            Err("a process of it still runs".into())
        } else {
            Ok(())
        }
    }

    /// Runs an item on linear layers of these sizes, beside which it writes one byte.
    pub fn expect_overrun(&self, item: &str, layers: &[usize], says: &str) -> Result<(), String> {
        let mut job = self.job(item);
        (job.layers, job.keep) = (Some(layers.to_vec()), 0.5);
        (job.limits.memory, job.limits.plugin_seconds) = (2 << 30, 30.0);
        self.expect_failure_of(&job, "overrun", says)
    }

    pub fn expect_load_failure(&self, load: &str, kind: &str, says: &str) -> Result<(), String> {
        let path = self.root.path().join(format!("{load}.so"));
        compile("hostile.c", &[&format!("-DLOAD={load}")], &path);
        self.expect_refusal(&path, kind, says)
    }

    /// A library that its author linked with one that turns denormals off.
    pub fn expect_linked(&self) -> Result<(), String> {
        let folder = self.root.path().display().to_string();
        compile("linked.c", &[], &self.root.path().join("liblinked.so"));
        let path = self.root.path().join("LINKED.so");
        let (search, run_path) = (format!("-L{folder}"), format!("-Wl,-rpath,{folder}"));
        compile(
            "hostile.c",
            &["-DLOAD=LINKED", &search, "-llinked", &run_path],
            &path,
        );
        self.expect_refusal(&path, "load", "-ffast-math")
    }

    /// A plugin of another minor version, with these additions.
    pub fn future(&self, defines: &[&str]) -> PathBuf {
        let path = self.root.path().join("future.so");
        compile("future.c", defines, &path);
        path
    }

    /// Runs the good item of another file, described on its own.
    pub fn expect_good_of(&self, path: &Path) -> Result<(), String> {
        let plugin = describe(&server(), path).map_err(|f| f.message)?;
        let mut job = self.job("good");
        job.item = plugin.items[0].clone();
        job.config = job
            .item
            .configure(&BTreeMap::new())
            .map_err(|f| f.message)?;
        (job.plugin, job.sha256) = (plugin.path, plugin.sha256);
        if self.read_scores(&self.run_job(&job).map_err(|f| f.message)?) == self.counted() {
            Ok(())
        } else {
            Err("the good item gave other numbers".into())
        }
    }

    pub fn expect_refusal(&self, path: &Path, kind: &str, says: &str) -> Result<(), String> {
        let failure = match describe(&server(), path) {
            Ok(_) => return Err("it passed".into()),
            Err(failure) => failure,
        };
        judge(&failure, kind, says)?;
        let name = path.file_name().expect("a file").to_string_lossy();
        if failure.message.contains(&*name) {
            Ok(())
        } else {
            Err(format!("names no file: {failure}"))
        }
    }

    /// Files that are no plugin, or not the one that was described.
    pub fn broken_files(&self) -> Vec<(&'static str, Result<(), String>)> {
        let good = &build("hostile.c")[..];
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
            (
                "another machine's",
                refused(
                    &file("machine.so", &foreign(good)),
                    "load",
                    "and this machine is",
                ),
            ),
            (
                "of 32 bits",
                refused(
                    &file("narrow.so", &narrow(good)),
                    "load",
                    "cannot be loaded",
                ),
            ),
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

/// The same library as if it had been built for the other architecture of this project.
fn foreign(library: &[u8]) -> Vec<u8> {
    let machine: u16 = if cfg!(target_arch = "x86_64") {
        183
    } else {
        62
    };
    let mut bytes = library.to_vec();
    bytes[18..20].copy_from_slice(&machine.to_le_bytes());
    bytes
}

/// The same library as if it were of 32 bits.
fn narrow(library: &[u8]) -> Vec<u8> {
    let mut bytes = library.to_vec();
    bytes[4] = 1;
    bytes
}

fn judge(failure: &Failure, kind: &str, says: &str) -> Result<(), String> {
    if failure.kind == kind && failure.message.contains(says) {
        Ok(())
    } else {
        Err(format!(
            "expected {kind}: …{says}…, found {}: {failure}",
            failure.kind
        ))
    }
}

/// Whether a process with this in its command line runs (a dead one has none).
pub fn runs(needle: &str) -> bool {
    let table = std::fs::read_dir("/proc").expect("Linux").flatten();
    table
        .filter_map(|e| std::fs::read(e.path().join("cmdline")).ok())
        .any(|c| String::from_utf8_lossy(&c).contains(needle))
}
