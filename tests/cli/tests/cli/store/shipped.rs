//! The report that ships, verified as somebody would who has cloned the repository and run nothing.
use crate::{
    store::audit::nodes,
    support::{jackpot, outcome, root},
};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};

/// Every file below a folder, by its path in it.
fn below(folder: &Path) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder_here) = open.pop() {
        for entry in fs::read_dir(folder_here).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let inside = path.strip_prefix(folder).unwrap();
                found.push(inside.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_file_of_the_shipped_report_is_verified_from_its_evidence() {
    let place = tempfile::tempdir().unwrap();
    let report = place.path().join("quick");
    let shipped = root().join("reports/quick");
    let done = Command::new("cp")
        .arg("-r")
        .args([&shipped, &report])
        .status();
    assert!(done.unwrap().success());
    let audit = |files: &[&str]| {
        let mut command = jackpot();
        command.arg("--store").arg(shipped.join("evidence.tar.zst"));
        command.arg("audit").arg("--json");
        command.args(files.iter().map(|file| report.join(file)));
        let (code, out, err) = outcome(command.output().unwrap());
        let value: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {err}"));
        (code, value)
    };
    let is_output = |file: &&String| !["study.lock", "study.toml"].contains(&file.as_str());
    let all = below(&report);
    let files: Vec<&str> = all.iter().filter(is_output).map(String::as_str).collect();
    assert!(files.len() >= 70, "{files:?}");
    let (code, value) = audit(&files);
    assert_eq!((code, &value["problems"]), (0, &json!(0)), "{value:#}");
    let derivations = value["derivations"].as_array().unwrap();
    assert_eq!(derivations.len(), files.len());
    for (derivation, file) in derivations.iter().zip(&files) {
        let tree = &derivation["tree"];
        assert_eq!(
            (&tree["role"], &tree["verdict"]),
            (&json!(file), &json!("sound"))
        );
        let mut found = Vec::new();
        nodes(tree, "", &mut found);
        let reaches = |what: &str| found.iter().any(|(path, _)| path.ends_with(what));
        assert!(reaches("/train/data/file"), "{file} reaches no data");
        assert!(reaches("/plugin"), "{file} reaches no plugin");
        assert!(reaches("/init"), "{file} reaches no first weights");
    }

    // One byte of a figure; one result of the lock.
    let figure = report.join("figures/corruption.csv");
    let text = fs::read_to_string(&figure).unwrap();
    fs::write(&figure, format!("{text}\n")).unwrap();
    let (code, value) = audit(&["figures/corruption.csv"]);
    assert_eq!(code, 1, "{value:#}");
    fs::write(&figure, text).unwrap();
    assert_eq!(audit(&["figures/corruption.csv"]).0, 0);
    let lock = report.join("study.lock");
    let text = fs::read_to_string(&lock).unwrap();
    let (before, results) = text.split_once("[results]\n1 = \"").unwrap();
    let other = if results.starts_with('0') { '1' } else { '0' };
    let changed = format!("{before}[results]\n1 = \"{other}{}", &results[1..]);
    fs::write(&lock, changed).unwrap();
    let (code, value) = audit(&["tables/accuracy.md"]);
    assert_eq!(code, 1, "{value:#}");
}

/// A clone that has run nothing has a store without results: the report's evidence is beside it.
#[test]
fn without_results_of_ones_own_a_file_is_verified_from_the_evidence() {
    let place = tempfile::tempdir().unwrap();
    let done = Command::new("cp")
        .arg("-r")
        .arg(root().join("reports/quick"))
        .arg(place.path().join("quick"))
        .status();
    assert!(done.unwrap().success());
    fs::create_dir(place.path().join("artifacts")).unwrap();
    fs::write(place.path().join("artifacts/FORMAT"), "jackpot-store 1\n").unwrap();
    let audit = |more: &[&str]| {
        let mut command = jackpot();
        command.current_dir(place.path()).args(more);
        outcome(command.args(["audit", "quick/README.md"]).output().unwrap())
    };
    let (code, out, err) = audit(&[]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("0 problems"), "{out}");
    assert!(err.contains("quick/evidence.tar.zst"), "{err}");
    // The pin that is committed says what was run, not that it was run here.
    let artifacts = place.path().join("artifacts");
    let pin = fs::read(root().join("artifacts/pins/quick.json")).unwrap();
    fs::create_dir_all(artifacts.join("pins")).unwrap();
    fs::write(artifacts.join("pins/quick.json"), &pin).unwrap();
    let (code, _, err) = audit(&[]);
    assert!(code == 0 && err.contains("evidence.tar.zst"), "{err}");
    // A store that has lost all but one damaged training was run on: it is not passed over.
    let pin: Value = serde_json::from_slice(&pin).unwrap();
    let cells = pin["cells"].as_array().unwrap();
    let key = cells.iter().find_map(|c| c["action"].as_str()).unwrap();
    let folder = artifacts.join("actions").join(&key[..2]);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(key), "{").unwrap();
    let (code, out, _) = audit(&[]);
    assert!(code == 1 && out.contains("is not in the store"), "{out}");
    // Whoever names a store gets that one.
    let (code, out, _) = audit(&["--store", "artifacts"]);
    assert!(code == 1 && out.contains("is not in the store"), "{out}");
}
