//! Finds the programs, makes stores and tiny studies, reads what a run left. Whatever is not as
//! it should be fails the test that asked.
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

/// `target/release`, where `cargo xtask build` puts programs and `plugins/`; this test lies
/// in its `deps/`. `$JACKPOT_BINARIES` names another place.
pub fn binaries() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let beside = || {
            let test = std::env::current_exe().unwrap();
            test.ancestors().nth(2).unwrap().to_owned()
        };
        let place = std::env::var_os("JACKPOT_BINARIES").map_or_else(beside, PathBuf::from);
        for needed in [
            "jackpot",
            "jackpot-worker",
            "jackpot-report",
            "plugins/libjackpot_snip.so",
            "plugins/libjackpot_c_snip.so",
        ] {
            assert!(
                place.join(needed).is_file(),
                "{} is missing: run `cargo xtask build` first",
                place.join(needed).display()
            );
        }
        place
    })
}

/// `jackpot`, without anything that the surroundings could change in it.
pub fn jackpot() -> Command {
    let mut command = Command::new(binaries().join("jackpot"));
    for name in [
        "JACKPOT_STORE",
        "JACKPOT_PLUGINS",
        "JACKPOT_WORKER",
        "COLUMNS",
    ] {
        command.env_remove(name);
    }
    command.current_dir(std::env::temp_dir());
    command
}

/// Exit code, standard output, standard error.
pub fn outcome(output: Output) -> (i32, String, String) {
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// Runs `jackpot` with these arguments.
pub fn call(arguments: &[&str]) -> (i32, String, String) {
    outcome(jackpot().args(arguments).output().unwrap())
}

/// The workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every kind of action once and again, in seconds. `c-snip` is SNIP written in C.
pub const TINY: &str = r#"
title = "Tiny"
sparsities = [0.9]
seeds = [1]
tables = ["accuracy"]

[data]
set = "fashion-mnist-10k"
resize = 14
train_subset = 200

[network]
family = "resnet"
depth = 8
width = 8

[training]
epochs = 2
batch = 50
lr = 0.1
schedule = "cosine"
momentum = 0.9
weight_decay = 1e-4
augment = { crop_padding = 1, flip = true }

[[ticket]]
name = "dense"
dense = true

[[ticket]]
name = "lottery"
scores = { method = "magnitude", of = "trained" }
allocation = { rule = "global", scope = "convolutions" }

[[ticket]]
name = "snip"
scores = { method = "snip" }
allocation = "global"

[[ticket]]
name = "c-snip"
scores = { method = "org.jackpot.c.snip" }
allocation = "global"

[[ticket]]
name = "smart"
scores = { method = "random" }
allocation = "smart-ratio"

[[ticket]]
name = "copied"
scores = { method = "random" }
allocation = { copy = "snip" }

[[check]]
name = "corrupted-data"
on = "data"
steps = ["random-labels", "random-pixels"]
tickets = ["dense", "lottery", "snip", "smart"]

[[check]]
name = "rearrange"
on = "mask"
steps = ["layerwise-rearrange"]
tickets = ["snip", "smart"]
"#;

/// A folder with a store and the study `tiny`.
pub struct Place {
    /// Holds `store` and `tiny`; goes with this value.
    pub folder: tempfile::TempDir,
}

impl Default for Place {
    fn default() -> Place {
        Place::new()
    }
}

impl Place {
    /// An empty store and [`TINY`].
    pub fn new() -> Place {
        Place::with(TINY)
    }

    /// An empty store and this study.
    pub fn with(study: &str) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { folder };
        std::fs::create_dir_all(place.store()).unwrap();
        std::fs::copy(
            root().join("artifacts/FORMAT"),
            place.store().join("FORMAT"),
        )
        .unwrap();
        place.write(study);
        place
    }

    /// The same store and study somewhere else.
    pub fn copy(&self) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let from = self.folder.path().join(".");
        let done = Command::new("cp")
            .arg("-r")
            .arg(from)
            .arg(folder.path())
            .status();
        assert!(done.unwrap().success());
        Place { folder }
    }

    /// Another study in place of the one that is there.
    pub fn write(&self, study: &str) {
        std::fs::create_dir_all(self.study()).unwrap();
        std::fs::write(self.study().join("study.toml"), study).unwrap();
    }

    /// The store's folder.
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// The study's folder.
    pub fn study(&self) -> PathBuf {
        self.folder.path().join("tiny")
    }

    /// `jackpot VERB STUDY`, ready to run.
    pub fn command(&self, verb: &str, more: &[&str]) -> Command {
        let mut command = jackpot();
        command.arg("--store").arg(self.store()).arg(verb);
        command.arg(self.study()).args(more);
        command
    }

    /// Runs the study to its end and says how many actions ran.
    pub fn run(&self, more: &[&str]) -> u64 {
        let (code, out, err) = outcome(self.command("run", more).output().unwrap());
        assert_eq!(code, 0, "{out}{err}");
        ran(&out)
    }

    /// `jackpot audit` of the store.
    pub fn audit(&self) -> (i32, String, String) {
        let store = self.store();
        call(&["--store", store.to_str().unwrap(), "audit", "--deep"])
    }

    /// The bytes of the study's pin.
    pub fn pin(&self) -> Vec<u8> {
        std::fs::read(self.store().join("pins/tiny.json")).unwrap()
    }

    /// The pinned cell of a ticket under a check.
    pub fn cell(&self, ticket: &str, check: &str) -> Value {
        let pin: Value = serde_json::from_slice(&self.pin()).unwrap();
        let cells = pin["cells"].as_array().unwrap();
        let found = cells
            .iter()
            .find(|c| c["ticket"] == ticket && c["check"] == check);
        found
            .unwrap_or_else(|| panic!("no cell {ticket} under {check}"))
            .clone()
    }

    /// Key to outputs of every finished action.
    pub fn actions(&self) -> BTreeMap<String, Value> {
        let mut actions = BTreeMap::new();
        for shard in std::fs::read_dir(self.store().join("actions")).unwrap() {
            for file in std::fs::read_dir(shard.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                let text = std::fs::read(&path).unwrap();
                let value: Value = serde_json::from_slice(&text).unwrap();
                let key = path.file_name().unwrap().to_str().unwrap().to_owned();
                assert!(value["outputs"].is_object(), "{value}");
                actions.insert(key, value["outputs"].clone());
            }
        }
        actions
    }

    /// Where an object lies.
    pub fn object(&self, digest: &str) -> PathBuf {
        self.store().join("objects").join(&digest[..2]).join(digest)
    }

    /// Kinds of the recipes of every finished action, counted.
    pub fn kinds(&self) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        for key in self.actions().keys() {
            let text = std::fs::read(self.object(key)).unwrap();
            let recipe: Value = serde_json::from_slice(&text).unwrap();
            let kind = recipe["kind"].as_str().unwrap().to_owned();
            *kinds.entry(kind).or_insert(0) += 1;
        }
        kinds
    }
}

/// "… 12 ran, …"
pub fn ran(out: &str) -> u64 {
    let before = out.split(" ran,").next().unwrap();
    before
        .rsplit(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap_or_else(|_| panic!("{out}"))
}

/// The tiny study, run once with two workers; tests that change something copy it.
pub fn finished() -> &'static Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(|| {
        let place = Place::new();
        assert!(place.run(&["--workers", "2"]) > 0);
        place
    })
}
