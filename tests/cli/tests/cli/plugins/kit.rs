//! `jackpot plugin check` as the author of a plugin runs it: what it says and how it exits.
use crate::support::{binaries, call, root};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn check(file: &Path, more: &[&str]) -> (i32, String, String) {
    let file = file.to_str().unwrap();
    call(&[&["plugin", "check", file, "--workers", "2"], more].concat())
}

/// A misbehaving plugin of the hostile suite.
fn hostile(source: &str, folder: &Path) -> PathBuf {
    let library = folder.join("hostile.so");
    let done = Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".into()))
        .args(["-std=gnu11", "-O1", "-shared", "-fPIC", "-pthread", "-w"])
        .arg("-I")
        .arg(root().join("core/abi/include"))
        .arg(root().join("tests/hostile/plugins").join(source))
        .arg("-o")
        .arg(&library)
        .arg("-lm")
        .status();
    assert!(done.unwrap().success());
    library
}

#[test]
fn plugins_that_ship_pass() {
    for (library, name) in [
        ("libjackpot_magnitude.so", "magnitude"),
        ("libjackpot_c_snip.so", "org.jackpot.c.snip"),
    ] {
        let (code, out, err) = check(&binaries().join("plugins").join(library), &[]);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        assert!(out.starts_with("plugin `"), "{out}");
        assert!(out.contains(&format!("\n`{name}`\n")), "{out}");
        let (_, last) = out.trim_end().rsplit_once("\n\n").unwrap();
        let (held, rest) = last.split_once(" of ").unwrap();
        assert!(rest.starts_with(&format!("{held} cases hold")), "{last}");
        assert!(held.parse::<usize>().unwrap() >= 10, "{last}");
        assert!(!out.contains("FAIL"), "{out}");
    }
}

#[test]
fn a_hostile_plugin_fails_with_its_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let library = hostile("hostile.c", folder.path());
    let small = ["--case", "a small ResNet", "--seconds", "1"];
    for (item, kind, words) in [
        (
            "null_write",
            "crash",
            "inside the plugin: used a null pointer",
        ),
        ("deaf", "hang", "ran for more than 1 s of its own time"),
        (
            "nan_scores",
            "numeric",
            "`layer1.0.conv2.weight`: entry 5 is NaN",
        ),
        (
            "unwritten",
            "unwritten",
            "left 18 of 18 values of output `conv1.weight`",
        ),
    ] {
        let id = format!("org.test.{item}");
        let only = [&small[..], &["--item", &id]].concat();
        let (code, out, err) = check(&library, &only);
        assert_eq!(code, 1, "{item}: {out}{err}");
        let failed = out.lines().find(|line| line.contains("FAIL")).unwrap();
        assert!(
            failed.contains(&format!("a small ResNet of ten layers: {kind}: ")),
            "{failed}"
        );
        assert!(failed.contains(words), "{failed}");
        assert!(out.contains("1 of 2 cases hold"), "{out}");
    }
    // The same, for machines; beside it the item that does as it should.
    for (item, verdict, expected) in [("null_write", "failed", 1), ("good", "passed", 0)] {
        let id = format!("org.test.{item}");
        let (code, out, err) = check(&library, &[&small[..], &["--item", &id, "--json"]].concat());
        assert_eq!(code, expected, "{out}{err}");
        let value: Value = serde_json::from_str(&out).unwrap();
        let cases = value["cases"].as_array().unwrap();
        let tried = cases
            .iter()
            .find(|case| case["item"] == id.as_str())
            .unwrap();
        assert_eq!(tried["verdict"], verdict, "{value:#}");
    }
    let (code, out, err) = check(&library, &["--item", "org.test.goood"]);
    assert_eq!(code, 2, "{out}");
    assert!(err.contains("did you mean `org.test.good`?"), "{err}");
}

#[test]
fn a_library_without_a_plugin_fails_and_a_file_that_is_none_is_not_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let program = binaries().join("jackpot");
    let whole = fs::read(binaries().join("plugins/libjackpot_magnitude.so")).unwrap();
    let truncated = folder.path().join("truncated.so");
    fs::write(&truncated, &whole[..whole.len() / 2]).unwrap();
    for library in [&program, &truncated] {
        let (code, out, err) = check(library, &[]);
        assert_eq!(code, 1, "{}: {out}{err}", library.display());
        assert!(out.contains("FAIL loads, with a table"), "{out}");
        assert!(out.contains("0 of 1 cases hold"), "{out}");
    }
    let letter = folder.path().join("letter.so");
    fs::write(&letter, "no library").unwrap();
    let empty = folder.path().join("empty.so");
    fs::write(&empty, "").unwrap();
    let absent = folder.path().join("absent.so");
    for file in [&letter, &empty, &absent, &folder.path().to_owned()] {
        let (code, out, err) = check(file, &[]);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        let named = err.contains(&format!("`{}`", file.display()));
        assert!(named && err.contains("expected a plugin"), "{err}");
    }
    let (code, _, err) = check(&program, &["--seconds", "0"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("--seconds <S>': expected a positive number"),
        "{err}"
    );
}
