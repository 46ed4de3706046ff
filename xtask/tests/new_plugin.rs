//! `cargo xtask new-plugin` in a copy of this checkout: what it writes builds, passes the
//! conformance kit and runs in a study, and nothing else was edited.

#![allow(clippy::unwrap_used)] // the helpers of a test are a test

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const XTASK: &str = env!("CARGO_BIN_EXE_xtask");
const KINDS: [&str; 3] = ["scores", "allocation", "check"];

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap().to_path_buf()
}

/// A program that `cargo xtask build` puts beside `xtask`.
fn program(name: &str) -> PathBuf {
    let path = Path::new(XTASK).with_file_name(name);
    assert!(
        path.is_file(),
        "`{}` is not built: run `cargo xtask build`",
        path.display()
    );
    path
}

fn well(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let [out, err] = [stdout, stderr].map(|said| String::from_utf8(said).unwrap());
    assert!(status.success(), "{command:?}: {status}\n{out}{err}");
    out
}

/// What git would commit, without results: enough for cargo to know the workspace.
fn copy_of_this_checkout(to: &Path) {
    let mut git = Command::new("git");
    git.current_dir(root());
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    for name in well(&mut git).lines() {
        let from = root().join(name);
        let skipped = ["artifacts/", "reports/"]
            .iter()
            .any(|f| name.starts_with(f));
        if skipped || !from.is_file() {
            continue;
        }
        let place = to.join(name);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::copy(&from, &place).unwrap();
    }
}

/// Every file of the copy but what cargo writes.
fn texts(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                found.insert(path, bytes);
            }
        }
    }
    found
}

fn new_plugin(copy: &Path, arguments: &[&str]) -> Output {
    let mut xtask = Command::new(XTASK);
    xtask.env("CARGO_MANIFEST_DIR", copy.join("xtask"));
    xtask.arg("new-plugin").args(arguments);
    xtask.output().unwrap()
}

#[test]
fn what_it_writes_builds_passes_and_runs_in_a_study() {
    let folder = tempfile::tempdir().unwrap();
    let (copy, built) = (folder.path().join("copy"), folder.path().join("built"));
    copy_of_this_checkout(&copy);
    let before = texts(&copy);
    for kind in KINDS {
        for language in ["rust", "c"] {
            let name = format!("{kind}-in-{language}");
            let made = new_plugin(&copy, &[&name, "--kind", kind, "--lang", language]);
            let said = String::from_utf8_lossy(&made.stderr);
            assert!(made.status.success(), "{name}: {said}");
        }
    }
    let after = texts(&copy);
    assert_eq!(after.len(), before.len() + 3 * 2 + 3);
    for (path, text) in &before {
        assert!(after[path] == *text, "{} was edited", path.display());
    }
    assert_formatted(&copy);
    let plugins = build(&copy, &built);
    check(&plugins);
    run_study(folder.path(), &plugins);
    // Nothing is overwritten.
    for (name, language) in [
        ("scores-in-c", "rust"),
        ("scores-in-rust", "c"),
        ("snip", "rust"),
    ] {
        let again = new_plugin(&copy, &[name, "--kind", "scores", "--lang", language]);
        let said = String::from_utf8_lossy(&again.stderr);
        assert!(!again.status.success(), "{name} was written again");
        assert!(said.contains("take another name"), "{said}");
    }
}

/// A new crate is as `cargo fmt` would leave it, or its author's first test fails.
fn assert_formatted(copy: &Path) {
    for kind in KINDS {
        let family = if kind == "check" { "checks" } else { "methods" };
        let file = copy.join(format!("plugins/{family}/{kind}-in-rust/src/lib.rs"));
        let config = format!("--config-path={}", copy.display());
        well(
            Command::new("rustfmt")
                .args(["--check", "--edition=2024", &config])
                .arg(file),
        );
    }
}

/// Cargo and make as `cargo xtask build` calls them, on the new plugins alone.
fn build(copy: &Path, built: &Path) -> PathBuf {
    let plugins = built.join("plugins");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(copy).env("CARGO_TARGET_DIR", built);
    cargo.args(["build", "--release", "--quiet", "--offline"]);
    for kind in KINDS {
        cargo.arg("-p").arg(format!("jackpot-{kind}-in-rust"));
    }
    well(&mut cargo);
    well(
        Command::new("make")
            .arg("--directory")
            .arg(copy.join("plugins/c"))
            .arg(format!("OUT={}", plugins.display()))
            .arg("CFLAGS=-O2 -Werror"),
    );
    for kind in KINDS {
        let library = format!("libjackpot_{kind}_in_rust.so");
        std::fs::copy(built.join("release").join(&library), plugins.join(&library)).unwrap();
    }
    // What a study of only these needs of the others.
    let shipped = program("jackpot").with_file_name("plugins");
    for library in ["libjackpot_random.so", "libjackpot_magnitude.so"] {
        std::fs::copy(shipped.join(library), plugins.join(library)).unwrap();
    }
    plugins
}

fn check(plugins: &Path) {
    for kind in KINDS {
        for library in [
            format!("libjackpot_{kind}_in_rust.so"),
            format!("libjackpot_c_{kind}-in-c.so"),
        ] {
            let mut jackpot = Command::new(program("jackpot"));
            well(jackpot.args(["plugin", "check"]).arg(plugins.join(library)));
        }
    }
}

fn run_study(folder: &Path, plugins: &Path) {
    let study = folder.join("mine");
    let store = folder.join("store");
    std::fs::create_dir_all(&study).unwrap();
    std::fs::create_dir_all(&store).unwrap();
    std::fs::copy(root().join("artifacts/FORMAT"), store.join("FORMAT")).unwrap();
    std::fs::write(study.join("study.toml"), STUDY).unwrap();
    let mut jackpot = Command::new(program("jackpot"));
    jackpot.arg("--plugins").arg(plugins);
    let said = well(jackpot.arg("--store").arg(&store).arg("run").arg(&study));
    let mut audit = Command::new(program("jackpot"));
    well(audit.arg("--store").arg(&store).arg("audit"));
    // Three tickets, and a check on one of them in each language.
    assert!(said.contains("0 failed"), "{said}");
}

const STUDY: &str = r#"
title = "Plugins that were just made"
sparsities = [0.5]
seeds = [1]
tables = ["accuracy"]

[data]
set = "fashion-mnist-10k"
resize = 14
train_subset = 60

[network]
family = "lenet-300-100"

[training]
epochs = 1
batch = 60
lr = 0.1
schedule = "constant"
momentum = 0.9
weight_decay = 0
augment = { crop_padding = 0, flip = false }

[[ticket]]
name = "mine"
scores = { method = "org.example.scores-in-rust" }
allocation = "org.example.allocation-in-rust"

[[ticket]]
name = "mine-in-c"
scores = { method = "org.example.scores-in-c", params = { power = 2.0 } }
allocation = "org.example.allocation-in-c"

[[check]]
name = "rotated"
on = "mask"
steps = ["org.example.check-in-rust"]
tickets = ["mine"]

[[check]]
name = "rotated-in-c"
on = "mask"
steps = [{ check = "org.example.check-in-c", params = { places = 5 } }]
tickets = ["mine"]
"#;
