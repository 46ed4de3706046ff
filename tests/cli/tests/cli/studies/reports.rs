//! `jackpot report`: the users' way to tables and figures, from any folder and without cargo.
use crate::support::{binaries, jackpot, outcome, root};
use std::{fs, process::Command};

/// A copy of a report that ships, in a folder of its own.
fn shipped(name: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let copied = Command::new("cp")
        .arg("-r")
        .arg(root().join("reports").join(name))
        .arg(place.path().join(name))
        .status();
    assert!(copied.unwrap().success());
    place
}

#[test]
fn a_report_is_drawn_and_compared_from_any_folder() {
    let place = shipped("quick");
    let report = |arguments: &[&str]| {
        let mut command = jackpot();
        command.current_dir(place.path()).arg("report");
        outcome(command.args(arguments).output().unwrap())
    };
    // By its folder and by its file; the evidence beside it is what it is held against.
    for study in ["quick", "quick/study.toml"] {
        let (code, out, err) = report(&[study, "--check"]);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        assert!(out.contains(" files of "), "{out}");
    }

    let table = place.path().join("quick/tables/accuracy.md");
    let text = fs::read_to_string(&table).unwrap();
    fs::write(&table, format!("{text}\n")).unwrap();
    let (code, _, err) = report(&["quick", "--check"]);
    assert_eq!(code, 1);
    assert!(err.contains("tables/accuracy.md"), "{err}");

    // Drawn again, it is what it was.
    let evidence = place.path().join("quick/evidence.tar.zst");
    let (code, out, err) = report(&["quick", "--store", evidence.to_str().unwrap()]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(fs::read_to_string(&table).unwrap(), text);
    assert_eq!(report(&["quick", "--check"]).0, 0);

    let (code, _, err) = report(&["qiuck"]);
    assert_eq!(code, 2);
    assert!(err.contains("no study `qiuck`"), "{err}");
}

#[test]
fn without_the_program_that_draws_its_place_is_named() {
    let alone = tempfile::tempdir().unwrap();
    let program = alone.path().join("jackpot");
    fs::copy(binaries().join("jackpot"), &program).unwrap();
    let study = root().join("reports/quick");
    let done = Command::new(&program).arg("report").arg(study).output();
    let (code, out, err) = outcome(done.unwrap());
    assert_eq!((code, out.as_str()), (2, ""));
    let expected = alone.path().join("jackpot-report");
    assert!(err.contains(expected.to_str().unwrap()), "{err}");
    assert!(err.contains("cargo xtask build"), "{err}");
}
