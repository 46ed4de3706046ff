//! What stays in a store and what goes, and what leaves it as one file: `gc`, `pin`, `bundle`.
use crate::support::{Place, TINY, call, finished};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

fn on(place: &Place, arguments: &[&str]) -> (i32, String, String) {
    let store = place.store();
    call(&[&["--store", store.to_str().unwrap()], arguments].concat())
}

/// Runs it and expects it to be done; gives what it said.
fn done(place: &Place, arguments: &[&str]) -> String {
    let (code, out, err) = on(place, arguments);
    assert_eq!(code, 0, "{arguments:?}: {out}{err}");
    out
}

/// "… 12 actions …" after these words.
fn actions_after(out: &str, words: &str) -> usize {
    let (_, rest) = out.split_once(words).unwrap_or_else(|| panic!("{out}"));
    rest.trim_start()
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

/// Every file of the store with its bytes, but for locks, which mean nothing, and `tmp/`.
fn files(place: &Place) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![place.store()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("locks") || path.ends_with("tmp") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    found
}

/// The study of [`finished`] with nothing but its dense network, pinned in place of the whole.
fn with_less_pinned() -> Place {
    let place = finished().copy();
    let (head, _) = TINY.split_once("[[ticket]]").unwrap();
    place.write(&format!(
        "{head}[[ticket]]\nname = \"dense\"\ndense = true\n"
    ));
    assert_eq!(place.run(&[]), 0, "it is a part of what is there");
    place
}

#[test]
fn what_no_pin_needs_is_said_and_goes_only_when_asked() {
    let place = with_less_pinned();
    let dense = place.cell("dense", "none")["action"].clone();
    let keys = |place: &Place| place.actions().into_keys().collect::<Vec<String>>();
    let all = keys(&place);
    let before = files(&place);

    let said = done(&place, &["gc"]);
    let going = actions_after(&said, "would go:");
    assert!(said.contains("for pins/tiny.json"), "{said}");
    assert!(going > 20 && going < all.len(), "{said}");
    assert!(said.contains(" train") && said.contains(" score"), "{said}");
    assert_eq!(files(&place), before, "only said");

    let removed = done(&place, &["gc", "--apply"]);
    assert_eq!(actions_after(&removed, "removed:"), going, "{removed}");
    let left = keys(&place);
    assert_eq!(left.len(), all.len() - going);
    assert!(left.iter().all(|key| all.contains(key)));
    assert!(left.contains(&dense.as_str().unwrap().to_owned()));
    let (code, out, err) = place.audit();
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(place.run(&[]), 0, "what is pinned is all there");
    let again = done(&place, &["gc"]);
    assert_eq!(actions_after(&again, "would go:"), 0, "{again}");

    // What went is made again, the same; and the dense training once more, for its checkpoint,
    // which scores of trained weights need and nobody keeps.
    place.write(TINY);
    assert_eq!(place.run(&["--workers", "2"]) as usize, going + 1);
    assert_eq!(place.actions(), finished().actions());
    assert_eq!(place.pin(), finished().pin());
}

#[test]
fn what_is_pinned_by_hand_stays_until_it_is_let_go() {
    let place = with_less_pinned();
    let of = |ticket: &str| {
        let key = finished().cell(ticket, "none")["action"].clone();
        key.as_str().unwrap().to_owned()
    };
    let (snip, smart) = (of("snip"), of("smart"));
    let is_there = |key: &str| place.actions().contains_key(key);
    assert!(is_there(&snip) && is_there(&smart));

    let said = done(&place, &["pin", "add", "wanted", &snip[..12]]);
    assert!(said.contains("wanted: 1 actions and objects"), "{said}");
    let listed = done(&place, &["pin"]);
    assert!(listed.contains("wanted: 1 "), "{listed}");
    assert!(listed.contains("tiny: a study's results"), "{listed}");
    let said = done(&place, &["gc", "--apply"]);
    assert!(said.contains("for pins/wanted.json"), "{said}");
    assert!(is_there(&snip) && !is_there(&smart), "{said}");
    // With all that it was made of: its derivation reaches the data.
    let tree = done(&place, &["audit", &snip]);
    assert!(tree.contains("200 images of 1×14×14"), "{tree}");
    assert!(tree.contains("; 0 problems"), "{tree}");

    let said = done(&place, &["pin", "remove", "wanted"]);
    assert!(said.contains("nothing else has gone"), "{said}");
    assert!(is_there(&snip));
    done(&place, &["gc", "--apply"]);
    assert!(!is_there(&snip));

    for (arguments, words) in [
        (["pin", "remove", "wanted"].as_slice(), "there are: tiny"),
        (&["pin", "add", "tiny", &of("dense")], "take another name"),
        (&["pin", "add", "wanted", &snip], "no action and no object"),
        (&["pin", "add", "../out", &of("dense")], "name of a pin"),
        (&["gc", "--dead", "elsewhere"], "--apply"),
    ] {
        let (code, out, err) = on(&place, arguments);
        assert_eq!(code, 2, "{arguments:?}: {out}");
        assert!(err.contains(words), "{arguments:?}: {err}");
    }
    // A damaged pin: what it held is not known, so nothing goes.
    let pin = place.store().join("pins/tiny.json");
    fs::write(&pin, "{").unwrap();
    let before = files(&place);
    for more in [None, Some("--apply")] {
        let arguments: Vec<&str> = ["gc"].into_iter().chain(more).collect();
        let (code, out, err) = on(&place, &arguments);
        assert_eq!(code, 2, "{out}");
        assert!(err.contains("pins/tiny.json"), "{err}");
    }
    assert_eq!(files(&place), before);
}

#[test]
fn what_the_lock_of_a_report_lists_stays_with_it() {
    let place = with_less_pinned();
    let key = finished().cell("snip", "none")["action"].clone();
    let key = key.as_str().unwrap();
    let metrics = place.actions()[key]["metrics"].clone();
    let report = place.folder.path().join("reports/other");
    fs::create_dir_all(&report).unwrap();
    let lock = format!(
        "format = 1\nstudy = {metrics}\ndevice_class = \"cpu-avx2\"\nlibtorch = \"\"\n\n[results]\n1 = {metrics}\n"
    );
    fs::write(report.join("study.lock"), lock).unwrap();
    let said = done(&place, &["gc", "--apply"]);
    assert!(said.contains("for reports/other/study.lock"), "{said}");
    let tree = done(&place, &["audit", key]);
    assert!(tree.contains("; 0 problems"), "{tree}");
    fs::remove_dir_all(&report).unwrap();
    done(&place, &["gc", "--apply"]);
    assert!(!place.actions().contains_key(key));
}

#[test]
fn nothing_goes_while_a_study_runs() {
    let place = Place::new();
    let mut run = place.command("run", &["--workers", "1"]);
    let mut run = run
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // At work: it has finished something that no pin holds yet.
    let mut said = BufReader::new(run.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().starts_with("done ")));
    let (code, out, err) = on(&place, &["gc", "--apply"]);
    assert_eq!(code, 2, "{out}");
    let holder = format!("process {} of machine", run.id());
    assert!(err.contains("is in use") && err.contains(&holder), "{err}");
    let rest = std::thread::spawn(move || said.count());
    assert!(run.wait().unwrap().success());
    rest.join().unwrap();
    assert_eq!(place.actions(), finished().actions());
    let said = done(&place, &["gc", "--apply"]);
    assert_eq!(actions_after(&said, "removed:"), 0, "{said}");
}

/// An archive of this study in a folder of its own, and what was said.
fn exported(place: &Place, name: &str, more: &[&str]) -> (PathBuf, String) {
    let out = place.folder.path().join(name);
    let arguments = ["bundle", "export", "tiny", "--out", out.to_str().unwrap()];
    let said = done(place, &[&arguments, more].concat());
    (out, said)
}

fn verify(file: &Path) -> (i32, String, String) {
    call(&["bundle", "verify", file.to_str().unwrap()])
}

#[test]
fn a_bundle_goes_round_byte_for_byte() {
    let place = finished().copy();
    let (tar, said) = exported(&place, "tiny.tar", &[]);
    let (packed, _) = exported(&place, "tiny.tar.zst", &[]);
    let [large, small] = [&tar, &packed].map(|file| fs::metadata(file).unwrap().len());
    assert!(small < large, "{small} {large}");
    let all = place.actions().len();
    assert_eq!(actions_after(&said, "tiny.tar:"), all, "{said}");

    // Into a store that is not there yet.
    let other = Place::new();
    fs::remove_dir_all(other.store()).unwrap();
    let arguments = ["bundle", "import", packed.to_str().unwrap()];
    let said = done(&other, &arguments);
    assert!(said.contains(&format!("{all} actions are new")), "{said}");
    assert_eq!(other.pin(), place.pin());
    assert_eq!(other.actions(), place.actions());
    let (code, out, err) = other.audit();
    assert_eq!(code, 0, "{out}{err}");
    done(&other, &["audit", "tiny/snip/rearrange/0.9/1"]);
    let (again, _) = exported(&other, "again.tar", &[]);
    assert_eq!(fs::read(again).unwrap(), fs::read(&tar).unwrap());
    let said = done(&other, &arguments);
    assert!(said.contains(" 0 actions are new"), "{said}");
    // What is heavy was left behind; who asks for it, gets it.
    let cell = place.cell("snip", "none");
    let mask = cell["mask"].as_str().unwrap();
    assert!(other.object(mask).is_file());
    let recipe = |key: &str| -> Value {
        serde_json::from_slice(&fs::read(other.object(key)).unwrap()).unwrap()
    };
    let train = recipe(cell["action"].as_str().unwrap())["train"].clone();
    let train = train.as_str().unwrap();
    assert!(place.object(train).is_file() && !other.object(train).exists());
    let (heavy, _) = exported(&place, "heavy.tar.zst", &["--with", "data,scores,weights"]);
    done(&other, &["bundle", "import", heavy.to_str().unwrap()]);
    assert!(other.object(train).is_file());
    // Somebody who has `tar` alone reads it too.
    let listed = Command::new("tar").arg("-tf").arg(&tar).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let named = |path: &str| listed.lines().any(|line| line == path);
    assert!(named(&format!("objects/{}/{mask}", &mask[..2])), "{listed}");
    assert!(
        named("ro-crate-metadata.json") && named("pins/tiny.json"),
        "{listed}"
    );
}

#[test]
fn a_bundle_that_was_tampered_with_is_refused_and_named() {
    let place = finished().copy();
    let (whole, _) = exported(&place, "whole.tar", &[]);
    let (code, out, err) = verify(&whole);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("pins: tiny"), "{out}");
    let bytes = fs::read(&whole).unwrap();
    let metrics =
        place.actions()[place.cell("snip", "none")["action"].as_str().unwrap()]["metrics"]
            .as_str()
            .unwrap()
            .to_owned();
    // Its name in its header, whose 512 bytes are before its content.
    let path = format!("objects/{}/{metrics}\0", &metrics[..2]);
    let mut windows = bytes.windows(path.len());
    let header = windows.position(|found| found == path.as_bytes()).unwrap();
    let content = header + 512;
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        bytes
    };
    let other = Place::new();
    for (what, bytes, words) in [
        (
            "one bit of a result",
            changed(&|b| b[content] ^= 1),
            metrics.as_str(),
        ),
        (
            "the end is missing",
            changed(&|b| b.truncate(b.len() / 2)),
            "",
        ),
        ("something follows", changed(&|b| b.extend([7; 512])), ""),
        ("another name", changed(&|b| b[header] ^= 1), ""),
        ("no bundle", b"a letter".to_vec(), ""),
        ("nothing", Vec::new(), ""),
    ] {
        let file = place.folder.path().join("changed.tar");
        fs::write(&file, bytes).unwrap();
        let (code, out, err) = verify(&file);
        assert_eq!((code, out.as_str()), (1, ""), "{what}: {err}");
        assert!(
            err.contains("changed.tar") && err.contains(words),
            "{what}: {err}"
        );
        let arguments = ["bundle", "import", file.to_str().unwrap()];
        let (code, out, err) = on(&other, &arguments);
        assert_eq!(code, 2, "{what}: {out}{err}");
        assert!(err.contains(words), "{what}: {err}");
        // Objects that were whole may be there, each under its own hash; nothing that means
        // anything: no action, no pin.
        let taken = |path: &PathBuf| {
            let of = |folder: &str| path.starts_with(other.store().join(folder));
            of("actions") || of("pins")
        };
        assert!(!files(&other).keys().any(taken), "{what}");
        let (code, out, err) = other.audit();
        assert_eq!(code, 0, "{what}: {out}{err}");
    }
    let (code, _, err) = verify(&place.folder.path().join("absent.tar"));
    assert_eq!(code, 2, "{err}");
    // Only what has a pin can be named, and only names that say how they are packed.
    let out = place.folder.path().join("tiny.zip");
    for (study, words) in [("tiny", ".tar.zst"), ("tinier", "pins/tinier.json")] {
        let out = match study {
            "tiny" => out.clone(),
            _ => out.with_extension("tar"),
        };
        let arguments = ["bundle", "export", study, "--out", out.to_str().unwrap()];
        let (code, _, err) = on(&place, &arguments);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(words), "{err}");
        assert!(!out.exists());
    }
}

/// A study is its name, its folder or its file, and a run its name, wherever either is asked for.
#[test]
fn studies_and_runs_are_named_alike_in_every_command() {
    let place = finished().copy();
    let (by_name, _) = exported(&place, "by-name.tar", &[]);
    let by_name = fs::read(by_name).unwrap();
    let folder = place.study();
    let file = folder.join("study.toml");
    for (i, given) in [folder, file].iter().enumerate() {
        let out = place.folder.path().join(format!("{i}.tar"));
        let [given, out] = [given, &out].map(|path| path.to_str().unwrap());
        done(&place, &["bundle", "export", given, "--out", out]);
        assert_eq!(fs::read(out).unwrap(), by_name, "{given}");
    }
    let cell = place.cell("snip", "none");
    let [action, mask] = ["action", "mask"].map(|name| cell[name].as_str().unwrap());
    let run = "tiny/snip/none/0.9/1";
    assert_eq!(
        done(&place, &["show", run]),
        done(&place, &["show", action])
    );
    let export = |what: &[&str]| {
        let out = place.folder.path().join("mask.safetensors");
        let to = ["--out", out.to_str().unwrap()];
        done(&place, &[&["export"], what, &to].concat());
        fs::read(out).unwrap()
    };
    assert_eq!(export(&[run, "--output", "mask"]), export(&[mask]));
    let out = place.folder.path().join("none.safetensors");
    let out = out.to_str().unwrap();
    for (given, expected) in [
        ("tiny/dense/none/0/1", "has no mask"),
        ("tiny/snipp/none/0.9/1", "did you mean `snip`?"),
    ] {
        let arguments = ["export", given, "--output", "mask", "--out", out];
        let (code, _, err) = on(&place, &arguments);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(expected), "{err}");
    }
    let (code, _, err) = on(&place, &["show", "tiny/dense/corrupted-data/0/1"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("has no training"), "{err}");
}
