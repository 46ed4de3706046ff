//! The study that is killed: every kind of action, in two seconds of work.
use jackpot_test_cli::support::{Place, binaries, jackpot, outcome, root};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// Every kind of action: data, init, train, score, allocate, select, check.
const STUDY: &str = r#"
title = "Mortal"
sparsities = [0.9]
seeds = [1]
tables = ["accuracy"]
figures = ["accuracy"]

[data]
set = "fashion-mnist-10k"
resize = 14
train_subset = 200

[network]
family = "lenet-300-100"

[training]
epochs = 8
batch = 20
lr = 0.1
schedule = "cosine"
momentum = 0.9
weight_decay = 1e-4
augment = { crop_padding = 1, flip = true }

[[ticket]]
name = "dense"
dense = true

[[ticket]]
name = "slow"
scores = { method = "slow", of = "trained" }
allocation = "global"

[[ticket]]
name = "smart"
scores = { method = "random" }
allocation = "uniform"

[[check]]
name = "rearrange"
on = "mask"
steps = ["layerwise-rearrange"]
tickets = ["smart"]
"#;

/// A place with that study and the plugins that it needs, and no others.
pub struct Mortal {
    pub place: Place,
    plugins: PathBuf,
}

/// What a finished study left.
#[derive(Debug, PartialEq)]
pub struct Left {
    /// Outputs by key.
    pub actions: BTreeMap<String, Value>,
    pub pin: Vec<u8>,
    /// The report's files.
    pub report: BTreeMap<PathBuf, Vec<u8>>,
}

impl Mortal {
    pub fn new() -> Mortal {
        let place = Place::with(STUDY);
        let plugins = place.folder.path().join("plugins");
        fs::create_dir(&plugins).unwrap();
        for name in ["random", "allocations", "check_rearrange"] {
            let file = format!("libjackpot_{name}.so");
            fs::copy(binaries().join("plugins").join(&file), plugins.join(file)).unwrap();
        }
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
        let done = Command::new(compiler)
            .args([
                "-std=c11",
                "-O2",
                "-D_GNU_SOURCE",
                "-Wall",
                "-Wextra",
                "-Werror",
            ])
            .args(["-shared", "-fPIC", "-I"])
            .arg(root().join("core/abi/include"))
            .arg(root().join("tests/faults/plugins/slow.c"))
            .arg("-o")
            .arg(plugins.join("slow.so"))
            .status()
            .expect("a C compiler is installed");
        assert!(done.success(), "slow.c does not compile");
        Mortal { place, plugins }
    }

    /// The same store, study and plugins somewhere else.
    pub fn copy(&self) -> Mortal {
        let place = self.place.copy();
        let plugins = place.folder.path().join("plugins");
        Mortal { place, plugins }
    }

    /// Starts `jackpot run` on one worker; what it says goes into a file.
    pub fn start(&self) -> Child {
        self.spawn(&mut self.run())
    }

    /// The plugins that the study needs, and no others.
    pub fn plugins(&self) -> &std::path::Path {
        &self.plugins
    }

    pub fn run(&self) -> Command {
        let mut run = self.place.command("run", &["--workers", "1", "--plugins"]);
        run.arg(&self.plugins);
        run
    }

    /// Starts the same run to die when the store reaches `step` for the `count`-th time.
    pub fn start_to_die(&self, step: &str, count: usize) -> Child {
        let mut mortal = Command::new(env!("CARGO_BIN_EXE_jackpot-mortal"));
        mortal.args([step, &count.to_string()]).arg(binaries());
        mortal
            .arg(self.place.store())
            .arg(&self.plugins)
            .arg(self.place.study());
        self.spawn(&mut mortal)
    }

    /// Starts drawing the report.
    pub fn start_report(&self) -> Child {
        self.spawn(&mut self.report())
    }

    fn report(&self) -> Command {
        let mut report = Command::new(binaries().join("jackpot-report"));
        report
            .arg("--store")
            .arg(self.place.store())
            .arg(self.place.study());
        report.env_remove("JACKPOT_STORE");
        report
    }

    fn spawn(&self, command: &mut Command) -> Child {
        let said = File::create(self.said_path()).unwrap();
        let command = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said);
        command.spawn().unwrap()
    }

    fn said_path(&self) -> PathBuf {
        self.place.folder.path().join("said")
    }

    /// What the last program said on its standard error.
    pub fn said(&self) -> String {
        fs::read_to_string(self.said_path()).unwrap()
    }

    /// The audit finds nothing.
    pub fn assert_sound(&self, after: &str) {
        let store = self.place.store();
        let mut audit = jackpot();
        audit.arg("--store").arg(store).arg("audit");
        let (code, out, err) = outcome(audit.output().unwrap());
        assert_eq!(code, 0, "after {after}: {out}{err}");
    }

    /// What is there when the study is finished, with its report drawn again.
    pub fn left(&self) -> Left {
        let (code, out, err) = outcome(self.report().output().unwrap());
        assert_eq!(code, 0, "{out}{err}");
        for folder in ["resume", "failures", "divergences", "quarantine"] {
            let entries = fs::read_dir(self.place.store().join(folder)).unwrap();
            assert_eq!(entries.count(), 0, "in {folder}");
        }
        Left {
            actions: self.place.actions(),
            pin: self.place.pin(),
            report: files(&self.place.study()),
        }
    }
}

/// The report's files: all but the study itself.
fn files(folder: &std::path::Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.file_name().unwrap().into(), fs::read(&path).unwrap());
        }
    }
    found
}
