//! The study that is killed: every kind of action, in two seconds of work.
use jackpot_test_cli::support::{Place, binaries, jackpot, outcome, root};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
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
epochs = 6
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

impl Left {
    /// The same, to the byte; else says which actions and files are not.
    pub fn assert_is(&self, expected: &Left) {
        assert_eq!(self.pin, expected.pin, "the pin");
        assert_eq!(self.actions, expected.actions);
        let names = |left: &Left| left.report.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(self), names(expected), "files of the report");
        for (name, bytes) in &self.report {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (found, expected) = (text(bytes), text(&expected.report[name]));
            let mut lines = found.lines().zip(expected.lines());
            let first = lines.find(|(found, expected)| found != expected);
            assert!(found == expected, "{}: {first:?}", name.display());
        }
    }
}

/// A place with that study and the plugins that it needs, and no others.
pub struct Mortal {
    pub place: Place,
    plugins: PathBuf,
}

/// What a finished study left.
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
        let include = root().join("core/abi/include");
        let include = include.to_str().unwrap();
        shared_library("slow.c", &["-I", include], &plugins.join("slow.so"));
        Mortal { place, plugins }
    }

    /// One that has run to its end; the first of this process, copied.
    pub fn finished() -> Mortal {
        static FIRST: OnceLock<Mortal> = OnceLock::new();
        let first = FIRST.get_or_init(|| {
            let mortal = Mortal::new();
            let (code, out, err) = outcome(mortal.run().output().unwrap());
            assert_eq!(code, 0, "{out}{err}");
            mortal
        });
        first.copy()
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
    pub fn plugins(&self) -> &Path {
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
        let (code, out, err) = self.audit();
        assert_eq!(code, 0, "after {after}: {out}{err}");
    }

    /// Every byte of the store.
    pub fn audit(&self) -> (i32, String, String) {
        let mut audit = jackpot();
        audit.arg("--store").arg(self.place.store());
        outcome(audit.args(["audit", "--deep"]).output().unwrap())
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
            report: files(&self.place.study(), Path::new("")),
        }
    }
}

/// Compiles a file of `tests/faults/c`.
pub fn shared_library(source: &str, more: &[&str], to: &Path) {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let done = Command::new(compiler)
        .args(["-std=c11", "-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra"])
        .args(["-Werror", "-shared", "-fPIC"])
        .args(more)
        .arg(root().join("tests/faults/c").join(source))
        .arg("-o")
        .arg(to)
        .status()
        .expect("a C compiler is installed");
    assert!(done.success(), "{source} does not compile");
}

/// Every file of this folder within another, by its path from that one.
fn files(root: &Path, folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let path = folder.join(entry.unwrap().file_name());
        if root.join(&path).is_dir() {
            found.extend(files(root, &path));
        } else {
            let bytes = fs::read(root.join(&path)).unwrap();
            found.insert(path, bytes);
        }
    }
    found
}
