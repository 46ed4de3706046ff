//! What is a store, what is not, and one that can only be read; names, pins, failures.

use crate::{Sample, child_program, files, recipe};
use jackpot_store::{Digest, Error, FORMAT, Found, Store};
use serde_json::json;
use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path};

#[test]
fn only_this_format() {
    let check = |text: &str, expect: &str| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("FORMAT"), text).unwrap();
        let error = Store::open(folder.path()).unwrap_err();
        assert!(matches!(error, Error::Format { .. }), "{error:?}");
        assert!(error.to_string().contains(expect), "{error}");
        assert!(Store::create(folder.path()).is_err());
        assert_eq!(files(folder.path()).len(), 1, "nothing was made");
    };
    check("jackpot-store 2\n", "the version of Jackpot that wrote it");
    check("jackpot-store 1", "found \"jackpot-store 1\"");
    check("jackpot-store 1\n\n", "expected the line `jackpot-store 1`");
    check("jackpot-store 1\r\n", "expected");
    check("", "not a store that Jackpot made");
    check("\u{0}\u{1}", "not a store that Jackpot made");

    let nowhere = Store::open(Path::new("/nowhere/at/all")).unwrap_err();
    assert!(matches!(nowhere, Error::NotFound { .. }), "{nowhere:?}");
}

#[test]
fn created_once_and_opened_again() {
    let sample = Sample::empty();
    let made = files(sample.root());
    assert_eq!(made[Path::new("FORMAT")], FORMAT.as_bytes());
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../artifacts");
    for name in ["FORMAT", "README.md"] {
        assert_eq!(made[Path::new(name)], fs::read(here.join(name)).unwrap());
    }
    let digest = sample.store.put(b"x").unwrap();
    let again = Store::create(sample.root()).unwrap();
    assert_eq!(again.get(&digest).unwrap(), b"x");
    assert_eq!(again.note(), None);

    // A clone brings FORMAT and README.md and no folders.
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("FORMAT"), FORMAT).unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.put(b"x").unwrap();
    assert_eq!(store.audit(&|_, _| ()).unwrap().problems, []);
}

#[test]
fn no_store_is_made_among_other_things() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "").unwrap();
    let error = Store::create(folder.path()).unwrap_err();
    assert!(error.to_string().contains("`thesis.tex`"), "{error}");
    assert_eq!(files(folder.path()).len(), 1);
}

/// Somebody without the right to write reads, is told so, and changes nothing.
#[test]
fn a_store_that_can_only_be_read() {
    let (sample, [action, _]) = Sample::filled();
    let root = sample.root().to_path_buf();
    let digest = action.outputs["scores"];
    let bad = action.outputs["log"];
    fs::remove_file(sample.object(&bad)).unwrap();
    fs::write(sample.object(&bad), "not the log").unwrap();
    let Sample { store, folder } = sample;
    drop(store);
    // The child may have to run as another user, who must reach its program and the store.
    let program = folder.path().join("child");
    fs::copy(env!("CARGO_BIN_EXE_jackpot-store-child"), &program).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    set_writable(&root, false);
    let before = files(&root);

    let read = |digest: &Digest| {
        let mut command = std::process::Command::new(&program);
        command.args([
            "read".as_ref(),
            root.as_os_str(),
            digest.to_string().as_ref(),
        ]);
        crate::as_nobody(&mut command);
        let output = command.output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let said = read(&digest);
    assert!(
        said.contains("can only be read: Permission denied"),
        "{said}"
    );
    assert!(said.contains("put Err(\"io\")"), "{said}");
    assert!(said.ends_with("got abc\n"), "{said}");
    let said = read(&bad);
    assert!(said.contains("error corrupt: "), "{said}");
    assert!(
        said.contains("could not be moved to `quarantine/`"),
        "{said}"
    );
    assert_eq!(files(&root), before);

    // Without even the lock file it is read all the same, and says what that means.
    fs::remove_file(root.join("locks/store")).unwrap();
    fs::remove_dir(root.join("locks")).unwrap();
    let said = read(&digest);
    assert!(said.contains("no lock is held"), "{said}");
    assert!(said.ends_with("got abc\n"), "{said}");
    set_writable(&root, true);
}

fn set_writable(root: &Path, writable: bool) {
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let mode = if writable { 0o755 } else { 0o555 };
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !writable {
                fs::set_permissions(path, fs::Permissions::from_mode(0o444)).unwrap();
            }
        }
    }
}

#[test]
fn objects_cannot_be_written_by_accident() {
    let (sample, [action, _]) = Sample::filled();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o222;
    assert_eq!(mode(sample.object(&action.record)), 0);
    assert_eq!(mode(crate::named(sample.root(), "actions", &action.key)), 0);
}

#[test]
fn put_file_takes_the_bytes_and_leaves_the_file() {
    let sample = Sample::empty();
    let source = sample.folder.path().join("source");
    let bytes: Vec<u8> = (0..2_000_000u32).map(|i| (i % 251) as u8).collect();
    fs::write(&source, &bytes).unwrap();
    let digest = sample.store.put_file(&source).unwrap();
    assert_eq!(digest, Digest::of(&bytes));
    assert_eq!(digest, Digest::of_file(&source).unwrap());
    assert_eq!(fs::read(&source).unwrap(), bytes);
    assert_eq!(sample.store.get(&digest).unwrap(), bytes);
    let path = sample.store.verified_path(&digest).unwrap();
    assert_eq!(fs::read(path).unwrap(), bytes);
    assert_eq!(sample.store.put(&bytes).unwrap(), digest);
    assert_eq!(sample.audit().objects, 1);
    let absent = sample.store.put_file(&sample.folder.path().join("absent"));
    assert!(matches!(absent.unwrap_err(), Error::Io { .. }));
    let folder = sample.store.put_file(sample.folder.path());
    assert!(matches!(folder.unwrap_err(), Error::Invalid(_)));
    let pipe = sample.folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let refused = sample.store.put_file(&pipe).unwrap_err().to_string();
    assert!(refused.contains("expected a file to store"), "{refused}");
}

#[test]
fn refused_commits_leave_no_action() {
    let sample = Sample::empty();
    let there = sample.store.put(b"x").unwrap();
    let outputs = |name: &str, digest| BTreeMap::from([(name.to_string(), digest)]);
    let good = outputs("result", there);
    let none = BTreeMap::new();
    let absent = outputs("result", Digest::of(b"never stored"));
    let (path, hidden) = (outputs("a/b", there), outputs(".hidden", there));
    let plain = json!({});
    let float = json!({"lr": 0.1});
    let cases = [
        (&float, &good, &plain, "`/lr`: expected an integer or text"),
        (&plain, &good, &float, "the record: `/lr`"),
        (&plain, &none, &plain, "at least one output"),
        (
            &plain,
            &absent,
            &plain,
            "output `result` must be stored before",
        ),
        (&plain, &path, &plain, "`a/b`"),
        (&plain, &hidden, &plain, "`.hidden`"),
    ];
    for (recipe, outputs, record, expect) in cases {
        let error = sample.store.commit(recipe, outputs, record).unwrap_err();
        assert!(error.to_string().contains(expect), "{error}");
    }
    assert_eq!(sample.audit().actions, 0);
    sample.store.commit(&plain, &good, &plain).unwrap();
    assert_eq!(sample.audit().actions, 1);
}

#[test]
fn a_failure_lasts_until_the_success() {
    let sample = Sample::empty();
    let recipe = recipe("flaky");
    let key = Store::key(&recipe).unwrap();
    assert_eq!(sample.store.failure(&key).unwrap(), None);
    for why in ["out of memory", "killed"] {
        let failure = json!({"message": why});
        sample.store.record_failure(&recipe, &failure).unwrap();
        assert_eq!(sample.store.failure(&key).unwrap(), Some(failure));
    }
    assert_eq!(sample.store.action(&key).unwrap(), None, "never a result");
    assert_eq!(sample.store.recipe(&key).unwrap(), recipe);
    assert_eq!(sample.audit().failures, 1);
    let resume = sample.store.resume_folder(&key).unwrap();
    fs::write(resume.join("state"), "").unwrap();
    assert_eq!(sample.store.resume_folder(&key).unwrap(), resume);

    let action = sample.finish("flaky", &[("result", "x")]);
    assert_eq!(action.key, key);
    assert_eq!(sample.store.failure(&key).unwrap(), None);
    assert!(!resume.exists());
    assert_eq!(sample.problems(), [""; 0]);
}

#[test]
fn recipes_come_back() {
    let (sample, [action, _]) = Sample::filled();
    assert_eq!(sample.store.recipe(&action.key).unwrap(), recipe("first"));
    let absent = sample.store.recipe(&Digest::of(b"absent")).unwrap_err();
    assert!(matches!(absent, Error::NotFound { .. }), "{absent:?}");
    let scores = sample.store.recipe(&action.outputs["scores"]).unwrap_err();
    assert!(scores.to_string().contains("is not a recipe"), "{scores}");
    assert!(sample.store.has(&action.outputs["scores"]), "and stays");
}

#[test]
fn pins_are_replaced_whole() {
    let sample = Sample::empty();
    assert_eq!(sample.store.read_pin("quick").unwrap(), None);
    for text in ["{\"a\":1}", "{}"] {
        sample.store.write_pin("quick", text.as_bytes()).unwrap();
        let read = sample.store.read_pin("quick").unwrap().unwrap();
        assert_eq!(read, text.as_bytes());
        assert_eq!(
            fs::read(sample.root().join("pins/quick.json")).unwrap(),
            read
        );
    }
    for bad in ["../quick", "", "a/b", ".quick"] {
        assert!(sample.store.write_pin(bad, b"").is_err(), "{bad}");
        assert!(sample.store.read_pin(bad).is_err(), "{bad}");
    }
}

#[test]
fn found_by_the_first_digits() {
    let (sample, [action, _]) = Sample::filled();
    let key = action.key.to_string();
    let is_action = vec![Found::Action(action.key)];
    // The recipe has the same name: it is found once, as the action.
    assert_eq!(sample.store.find(&key[..8]).unwrap(), is_action);
    assert_eq!(sample.store.find(&key).unwrap(), is_action);
    let scores = action.outputs["scores"];
    let found = sample.store.find(&scores.to_string()[..12]).unwrap();
    assert_eq!(found, [Found::Object(scores)]);
    assert_eq!(sample.store.find("0000000000").unwrap(), []);
    for bad in [
        "",
        "abc",
        "ABCD",
        "wxyz",
        "../..",
        &format!("{key}0"),
        "éééé",
    ] {
        let error = sample.store.find(bad).unwrap_err();
        assert!(error.to_string().contains("4 to 64 digits"), "{error}");
    }
    // Four digits may fit several: all are listed, in order.
    let put = |n: u32| sample.store.put(&n.to_le_bytes()).unwrap();
    let mut many: Vec<_> = (0..3000)
        .map(|n| Digest::of(&u32::to_le_bytes(n)))
        .collect();
    many.sort();
    let twins = many
        .windows(2)
        .find(|pair| pair[0].0[..2] == pair[1].0[..2])
        .unwrap();
    let numbers = (0..3000).filter(|n| twins.contains(&Digest::of(&u32::to_le_bytes(*n))));
    for number in numbers {
        put(number);
    }
    let found = sample.store.find(&twins[0].to_string()[..4]).unwrap();
    let expect: Vec<_> = twins.iter().map(|twin| Found::Object(*twin)).collect();
    assert!(expect.iter().all(|twin| found.contains(twin)), "{found:?}");
    assert!(found.is_sorted());
}

#[test]
fn the_environment_names_the_store() {
    let sample = Sample::empty();
    let elsewhere = tempfile::tempdir().unwrap();
    let locate = |named: Option<&Path>| {
        let mut command = child_program();
        command.current_dir(elsewhere.path());
        match named {
            Some(path) => command.env("JACKPOT_STORE", path),
            None => command.env_remove("JACKPOT_STORE"),
        };
        let output = command.args(["locate", "", ""]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let said = locate(Some(sample.root()));
    assert_eq!(said, format!("{}\n", sample.root().display()));
    assert!(locate(None).contains("error not found"));
    assert!(locate(Some(Path::new(""))).contains("error not found"));
}
