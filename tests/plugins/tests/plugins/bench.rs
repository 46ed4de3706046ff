//! Builds a plugin, describes it, and runs one of its items on a job.
use jackpot_host::{PluginOutput, Server, describe, run_plugin};
use jackpot_net::{Architecture, Family};
use jackpot_protocol::{ConfigValue, Failure, Limits, Plugin, PluginItem, PluginJob};
use jackpot_prune::PruningRounds;
use jackpot_rng::Key;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder, a plugin, and what its runs have in common.
pub struct Bench {
    pub folder: tempfile::TempDir,
    pub plugin: Plugin,
    pub architecture: Architecture,
    pub rows: u64,
    pub keep: f64,
    pub key: Key,
    pub input: Option<PathBuf>,
    pub weights: Option<PathBuf>,
    pub mask: Option<PathBuf>,
    pub donor: Option<PathBuf>,
    pub reference: Option<PathBuf>,
    pub rounds: Option<PruningRounds>,
}

impl Bench {
    /// On the plugin of a crate.
    pub fn new(package: &str, architecture: Architecture) -> Bench {
        Bench::of(&library(package), architecture)
    }

    /// On the broken twins of the shipped checks, which cargo builds with these tests.
    pub fn twins(architecture: Architecture) -> Bench {
        let programs = Path::new(env!("CARGO_BIN_EXE_plugins-toy-worker"));
        let path = programs.with_file_name("examples").join("libtwins.so");
        assert!(
            path.exists(),
            "`{}` is missing: run the whole package's tests",
            path.display()
        );
        Bench::of(&path, architecture)
    }

    fn of(library: &Path, architecture: Architecture) -> Bench {
        let plugin = describe(&server(), library).unwrap();
        Bench {
            folder: tempfile::tempdir().unwrap(),
            plugin,
            architecture,
            rows: 100,
            keep: 0.1,
            key: Key::from_seed(1),
            input: None,
            weights: None,
            mask: None,
            donor: None,
            reference: None,
            rounds: None,
        }
    }

    pub fn item(&self, id: &str) -> &PluginItem {
        self.plugin.items.iter().find(|item| item.id == id).unwrap()
    }

    /// Runs item `id` with these parameters set.
    pub fn run(&self, id: &str, given: &[(&str, ConfigValue)]) -> Result<Ran, Failure> {
        let given: BTreeMap<String, ConfigValue> = given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let limits = Limits {
            plugin_seconds: 30.0,
            memory: 0,
            scratch: 1 << 28,
        };
        let job = PluginJob {
            rows: self.rows,
            weights: self.weights.clone(),
            reference: self.reference.clone(),
            mask: self.mask.clone(),
            donor: self.donor.clone(),
            input: self.input.clone(),
            keep: self.keep,
            rounds: self.rounds.clone(),
            key: self.key.to_hex(),
            precision: jackpot_net::ScorePrecision::F64,
            ..PluginJob::new(
                self.plugin.path.clone(),
                self.plugin.sha256.clone(),
                self.item(id).clone(),
                self.item(id).configure(&given)?,
                self.architecture.clone(),
                limits,
            )
        };
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap();
        let output = run_plugin(&server(), &job, folder.path(), &mut |_| ())?;
        Ok(Ran { output, folder })
    }

    /// Writes `bytes` beside the jobs.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// What one run left.
#[derive(Debug)]
pub struct Ran {
    pub output: PluginOutput,
    pub folder: tempfile::TempDir,
}

impl Ran {
    pub fn bytes(&self) -> Vec<u8> {
        let file = &self.output.file;
        std::fs::read(self.folder.path().join(file)).unwrap()
    }
}

pub fn network(family: Family, depth: u32, width: u32, classes: u32) -> Architecture {
    Architecture::new(family, depth, width, classes, [3, 32, 32])
}

pub fn real(value: f64) -> ConfigValue {
    ConfigValue::Float(value)
}

pub fn word(value: &str) -> ConfigValue {
    ConfigValue::Text(value.to_owned())
}

fn server() -> Server {
    Server {
        program: env!("CARGO_BIN_EXE_plugins-toy-worker").into(),
        arguments: Vec::new(),
        environment: BTreeMap::new(),
    }
}

/// The library of a plugin crate, built by cargo in the release profile.
fn library(package: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let output = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "--message-format=json"])
        .args(["-p", package])
        .current_dir(root.unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo: {said}");
    let expected = format!("/lib{}.so", package.replace('-', "_"));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|message| message["reason"] == "compiler-artifact")
        .flat_map(|message| message["filenames"].as_array().unwrap().clone())
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .find(|file| file.to_string_lossy().ends_with(&expected))
        .unwrap_or_else(|| panic!("cargo built no `{expected}`"))
}
