//! Runs the binary on a real store: what it writes, what it compares, and its exit codes.
//!
//! The store is filled by hand with one dense and one pruned training of the study below.

#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

use jackpot_prune::Mask;
use jackpot_store::Store;
use jackpot_study::{Libtorch, ManifestCell, RunManifest, Study};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const STUDY: &str = r#"
title = "By hand"
sparsities = [0.9]
seeds = [7]
tables = ["accuracy", "layers"]
figures = ["accuracy", "layers"]

[data]
set = "fashion-mnist-10k"
resize = 14

[network]
family = "resnet"
depth = 8
width = 4

[training]
epochs = 1
batch = 64
lr = 0.2
schedule = "cosine"
warmup_epochs = 1
momentum = 0.9
weight_decay = 1e-4
augment = { crop_padding = 0, flip = true }

[run]
device = "cpu"
device_class = "cpu-avx2"
threads = 1

[[ticket]]
name = "dense"
title = "Dense"
dense = true

[[ticket]]
name = "smart"
title = "Smart random"
scores = { method = "random" }
allocation = "smart-ratio"
"#;

/// A training whose metrics say `accuracy`, as one action of the store.
fn training(store: &Store, study: &Study, ticket: &str, accuracy: &str) -> ManifestCell {
    let pruned = ticket != "dense";
    let metrics = json!({
        "test_accuracy": accuracy, "best_test_accuracy": accuracy, "test_loss": "5e-1",
        "test_correct": 1, "test_rows": 1, "kept": 1,
    });
    let metrics = store.put(metrics.to_string().as_bytes()).unwrap();
    let recipe = json!({
        "kind": "train", "ticket": ticket,
        "architecture": serde_json::to_value(&study.settings[0].architecture).unwrap(),
    });
    let outputs = BTreeMap::from([
        ("metrics".to_owned(), metrics),
        ("result".to_owned(), metrics),
    ]);
    store
        .commit(&recipe, &outputs, &json!({"who": "a test"}))
        .unwrap();
    let mut mask = Mask::dense(&study.settings[0].architecture.build().unwrap());
    mask.layers[0]
        .kept
        .iter_mut()
        .skip(2)
        .for_each(|kept| *kept = false);
    ManifestCell {
        setting: None,
        ticket: ticket.into(),
        check: "none".into(),
        sparsity: if pruned { "0.9" } else { "0" }.into(),
        seed: "7".into(),
        action: Some(Store::key(&recipe).unwrap()),
        mask: pruned.then(|| store.put(&mask.to_bytes()).unwrap()),
        selection: None,
        lineage: None,
        pretraining: None,
        before: None,
        identical: None,
        not_applicable: None,
        failed: None,
        collapsed: None,
    }
}

fn fill(store: &Path, folder: &Path) {
    fill_with(store, folder, "8.1e1");
}

/// As [`fill`], with another accuracy of the smart random ticket.
fn fill_with(store: &Path, folder: &Path, smart: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("study.toml"), STUDY).unwrap();
    let study = Study::load(folder).unwrap();
    let store = Store::create(store).unwrap();
    let cells = [("dense", "8.6525e1"), ("smart", smart)];
    let cells = cells.map(|(ticket, accuracy)| training(&store, &study, ticket, accuracy));
    let pin = RunManifest {
        format: 1,
        study: study.digest,
        title: Some(study.title.clone()),
        device_class: "cpu-avx2".into(),
        libtorch: Libtorch {
            version: "2.13.0".into(),
            build: "0123456789abcdef".into(),
        },
        architecture: Some(study.settings[0].architecture.clone()),
        settings: BTreeMap::new(),
        cells: cells.to_vec(),
        actions: Vec::new(),
        survey: None,
    };
    pin.write(&store, &study.name).unwrap();
}

fn report(store: &Path, folder: &Path, more: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_jackpot-report"))
        .arg(folder)
        .arg("--store")
        .arg(store)
        .args(more)
        .output()
        .unwrap();
    said(output)
}

/// As whoever has the folder and no store.
fn check_alone(folder: &Path) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_jackpot-report"))
        .args([folder, Path::new("--check")])
        .current_dir(folder)
        .output()
        .unwrap();
    said(output)
}

fn said(output: Output) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = output;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn writes_checks_and_compares() {
    let root = tempfile::tempdir().unwrap();
    let (store, folder) = (
        root.path().join("artifacts"),
        root.path().join("reports/by-hand"),
    );
    fill(&store, &folder);

    let (code, _, stderr) = report(&store, &folder, &["--check"]);
    assert_eq!(code, 1, "nothing is drawn yet: {stderr}");
    assert!(stderr.contains("`study.lock` is missing"), "{stderr}");

    let (code, stdout, stderr) = report(&store, &folder, &[]);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    let table = fs::read_to_string(folder.join("tables/accuracy.md")).unwrap();
    assert!(
        table.contains("| Dense | – | 86.53 | 86.53 | 0.5000 | 1 |  |"),
        "{table}"
    );
    assert!(
        table.contains("| Smart random | – | 81.00 | 81.00 | 0.5000 | 1 |  |"),
        "{table}"
    );
    assert!(
        table.contains("chance (10.0 %)"),
        "the classes are read from the facts: {table}"
    );
    let layers = fs::read_to_string(folder.join("tables/layers.md")).unwrap();
    assert!(
        layers.contains("| conv1.weight | 36 | 5.56 |"),
        "2 of 36: {layers}"
    );

    assert_eq!(report(&store, &folder, &["--check"]).0, 0);
    let beside = root.path().join("beside");
    let (code, stdout, _) = report(&store, &folder, &["--beside", beside.to_str().unwrap()]);
    assert_eq!(code, 0);
    assert!(stdout.contains("nothing to write"), "{stdout}");
    assert!(!beside.exists());

    let csv = folder.join("tables/accuracy.csv");
    let bent = fs::read_to_string(&csv)
        .unwrap()
        .replace("81.000000", "91.000000");
    fs::write(&csv, bent).unwrap();
    let (code, _, stderr) = report(&store, &folder, &["--check"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("`tables/accuracy.csv` differs"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");

    let (code, stdout, stderr) = report(&store, &folder, &["--beside", beside.to_str().unwrap()]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(
        stdout.contains("results: 2 of 2 runs that both have are bit for bit the same"),
        "{stdout}"
    );
    assert!(beside.join("figures/layers.png").is_file());
}

#[test]
fn an_analysis_that_was_declared_is_no_report_to_compare_with() {
    let root = tempfile::tempdir().unwrap();
    let (store, folder) = (
        root.path().join("artifacts"),
        root.path().join("reports/by-hand"),
    );
    fill(&store, &folder);
    let study = Study::load(&folder).unwrap();
    let lock = format!(
        "format = 1\nstudy = \"{}\"\ndevice_class = \"cpu-avx2\"\nlibtorch = \"2.13.0\"\n",
        study.digest
    );
    fs::write(folder.join("study.lock"), lock).unwrap();
    let beside = root.path().join("beside");
    let (code, stdout, stderr) = report(&store, &folder, &["--beside", beside.to_str().unwrap()]);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    assert!(stdout.contains("has no report to compare with"), "{stdout}");
    assert!(beside.join("tables/accuracy.md").is_file());
}

#[test]
fn a_study_edited_after_its_run_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let (store, folder) = (
        root.path().join("artifacts"),
        root.path().join("reports/by-hand"),
    );
    fill(&store, &folder);
    fs::write(
        folder.join("study.toml"),
        STUDY.replace("By hand", "By head"),
    )
    .unwrap();
    let (code, stdout, stderr) = report(&store, &folder, &[]);
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("run the study again"), "{stderr}");
    assert!(!folder.join("tables").exists(), "nothing was written");
}

#[test]
fn a_rotten_result_is_an_error_and_no_number() {
    let root = tempfile::tempdir().unwrap();
    let (store, folder) = (
        root.path().join("artifacts"),
        root.path().join("reports/by-hand"),
    );
    fill(&store, &folder);
    let csv = {
        assert_eq!(report(&store, &folder, &[]).0, 0);
        fs::read_to_string(folder.join("tables/runs.csv")).unwrap()
    };
    let smart = csv.lines().find(|l| l.contains(",smart,")).unwrap();
    let digest = smart.split(',').nth(5).unwrap();
    let object = store.join("objects").join(&digest[..2]).join(digest);
    let metrics = fs::read_to_string(&object).unwrap();
    let mut permissions = fs::metadata(&object).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    fs::set_permissions(&object, permissions).unwrap();
    fs::write(&object, metrics.replace("8.1e1", "9.1e1")).unwrap();
    let (code, _, stderr) = report(&store, &folder, &[]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains(&digest[..8]), "{stderr}");
}

/// Another accuracy in the evidence, every hash of it made again: the evidence is whole, and the
/// report is not what it gives. One changed without its hash is no evidence at all.
#[test]
fn another_number_in_the_evidence_fails_the_check() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("reports/by-hand");
    let store = root.path().join("artifacts");
    fill(&store, &folder);
    assert_eq!(report(&store, &folder, &[]).0, 0);
    fs::remove_dir_all(&store).unwrap();
    let (code, stdout, stderr) = check_alone(&folder);
    assert_eq!(code, 0, "{stdout}{stderr}");
    let evidence = folder.join("evidence.tar.zst");
    let lock = folder.join("study.lock");
    let (good, named) = (
        fs::read(&evidence).unwrap(),
        fs::read_to_string(&lock).unwrap(),
    );

    let (twin, elsewhere) = (
        root.path().join("twin"),
        root.path().join("twin-of/by-hand"),
    );
    fill_with(&twin, &elsewhere, "8.2e1");
    let opened = Store::open(&twin).unwrap();
    let forged = jackpot_results::evidence(&opened, "by-hand").unwrap();
    fs::write(&evidence, &forged).unwrap();
    Store::verify_bundle(&evidence).unwrap();
    let sha = |bytes: &[u8]| jackpot_store::Digest::of(bytes).to_string();
    // Even where the lock names the forged file.
    fs::write(&lock, named.replace(&sha(&good), &sha(&forged))).unwrap();
    let (code, stdout, stderr) = check_alone(&folder);
    assert_eq!(code, 1, "{stdout}{stderr}");
    for file in [
        "tables/accuracy.csv",
        "tables/runs.csv",
        "index.html",
        "README.md",
    ] {
        assert!(
            stderr.contains(&format!("`{file}` differs")),
            "{file}: {stderr}"
        );
    }
    assert!(
        !stderr.contains("tables/layers.csv"),
        "its masks are the same: {stderr}"
    );

    fs::write(&lock, &named).unwrap();
    let mut tar = zstd::decode_all(good.as_slice()).unwrap();
    let from = br#""test_accuracy":"8.1e1""#;
    let at: Vec<usize> = (0..tar.len() - from.len())
        .filter(|i| tar[*i..].starts_with(from))
        .collect();
    assert_eq!(at.len(), 1, "one result has that accuracy");
    tar[at[0] + from.len() - 5] = b'9';
    fs::write(&evidence, zstd::encode_all(tar.as_slice(), 3).unwrap()).unwrap();
    let (code, stdout, stderr) = check_alone(&folder);
    assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
    assert!(stderr.contains("objects/"), "the object is named: {stderr}");
}

/// What is committed is what its evidence gives, for whoever has run nothing.
#[test]
fn every_shipped_report_is_what_its_evidence_gives() {
    let reports = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports");
    let root = tempfile::tempdir().unwrap();
    let mut checked = Vec::new();
    for folder in fs::read_dir(reports).unwrap() {
        let folder = folder.unwrap().path();
        if !folder.join("evidence.tar.zst").is_file() {
            continue;
        }
        let name = folder.file_name().unwrap();
        let copy = root.path().join(name);
        let copied = Command::new("cp").arg("-r").args([&folder, &copy]).status();
        assert!(copied.unwrap().success());
        let (code, stdout, stderr) = check_alone(&copy);
        assert_eq!(code, 0, "{stdout}{stderr}");
        checked.push(name.to_str().unwrap().to_owned());
    }
    for name in ["channels", "engines", "quick"] {
        assert!(checked.iter().any(|checked| checked == name), "{checked:?}");
    }
}
