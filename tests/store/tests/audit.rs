//! What the audit sees and does not see, and that `sha256sum` sees the same.

use crate::{Sample, files, named, recipe};
use jackpot_store::{Fault, Look};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Output},
    sync::Mutex,
};

#[test]
fn counts_what_is_there() {
    let (sample, _) = Sample::filled();
    let seen = Mutex::new(Vec::new());
    let audit = sample
        .store
        .audit(&|done, total| seen.lock().unwrap().push((done, total)))
        .unwrap();
    let objects: Vec<_> = files(&sample.root().join("objects"))
        .into_values()
        .collect();
    // Four outputs, two recipes, two records, the failure's recipe.
    assert_eq!(objects.len(), 9);
    assert_eq!(audit.objects, 9);
    assert_eq!(audit.actions, 2);
    assert_eq!(
        (audit.failures, audit.divergences, audit.quarantined),
        (1, 0, 0)
    );
    assert_eq!(audit.problems, []);
    let bytes: usize = objects.iter().map(Vec::len).sum();
    assert_eq!(audit.bytes, bytes as u64);
    let mut seen = seen.into_inner().unwrap();
    seen.sort();
    assert_eq!(seen.first(), Some(&(0, bytes as u64)));
    assert_eq!(seen.last(), Some(&(bytes as u64, bytes as u64)));
}

#[test]
fn sha256sum_agrees_with_every_name() {
    let (sample, _) = Sample::filled();
    let large: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
    sample.store.put(&large).unwrap();
    for path in files(&sample.root().join("objects")).keys() {
        let path = sample.root().join("objects").join(path);
        let output = Command::new("sha256sum").arg(&path).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said[..64], *path.file_name().unwrap().to_str().unwrap());
    }
}

/// The commands of the store's own README, run as a reader would.
#[test]
fn the_readme_audits_alone() {
    let (sample, [action, _]) = Sample::filled();
    let readme = fs::read_to_string(sample.root().join("README.md")).unwrap();
    let commands: Vec<_> = readme
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    let [objects, actions] = commands[..] else {
        panic!("expected two commands, found {commands:?}");
    };
    assert_eq!(said(run(objects, sample.root())), (true, String::new()));
    assert_eq!(said(run(actions, sample.root())), (true, String::new()));
    let empty = Sample::empty();
    assert_eq!(said(run(objects, empty.root())), (true, String::new()));
    assert_eq!(said(run(actions, empty.root())), (true, String::new()));

    let overwrite = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::remove_file(path).unwrap();
        fs::write(path, bytes).unwrap();
        let relative = path.strip_prefix(sample.root()).unwrap();
        (false, format!("damaged: {}\n", relative.display()))
    };
    let damaged = overwrite(&sample.object(&action.record));
    assert_eq!(said(run(objects, sample.root())), damaged);
    let damaged = overwrite(&named(sample.root(), "actions", &action.key));
    assert_eq!(said(run(actions, sample.root())), damaged);
}

fn run(command: &str, folder: &Path) -> Output {
    Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .output()
        .unwrap()
}

fn said(output: Output) -> (bool, String) {
    (
        output.status.success(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

#[test]
fn strangers_are_named() {
    let (sample, [action, _]) = Sample::filled();
    let root = sample.root();
    let inside = sample.object(&action.record);
    let inside = inside.parent().unwrap();
    let digest = action.record.to_string();
    fs::write(root.join("notes.txt"), "").unwrap();
    fs::write(root.join("objects/file"), "").unwrap();
    fs::create_dir(root.join("objects/zz")).unwrap();
    fs::create_dir(root.join("objects/AB")).unwrap();
    fs::write(inside.join("x"), "").unwrap();
    fs::write(inside.join(digest.to_uppercase()), "").unwrap();
    fs::create_dir(inside.join("folder")).unwrap();
    symlink("/etc/passwd", inside.join("link")).unwrap();
    fs::write(root.join("actions/file"), "").unwrap();
    fs::create_dir_all(root.join("divergences").join(&digest)).unwrap();
    fs::write(root.join("divergences").join(&digest).join("x"), "").unwrap();
    fs::write(root.join("divergences/file"), "").unwrap();
    fs::write(root.join("failures/file"), "").unwrap();
    symlink("/etc/passwd", root.join("pins/link")).unwrap();
    // And what may lie there.
    for free in [
        "tmp/x",
        "locks/x",
        "resume/x",
        "quarantine/x",
        "pins/.gitkeep",
    ] {
        fs::write(root.join(free), "").unwrap();
    }
    fs::create_dir(root.join("datasets")).unwrap();
    fs::write(root.join("datasets/images.gz"), "").unwrap();

    let problems = sample.problems();
    assert_eq!(problems.len(), 13, "{problems:#?}");
    let belongs_not = problems
        .iter()
        .filter(|p| p.contains("does not belong here"));
    assert_eq!(belongs_not.count(), 13, "{problems:#?}");
    for place in [
        "notes.txt: a file",
        "pins/link: a symbolic link",
        "objects/AB: a folder",
    ] {
        assert!(problems.iter().any(|p| p.starts_with(place)), "{place}");
    }
    let mut sorted = problems.clone();
    sorted.sort();
    assert_eq!(problems, sorted, "the order is that of the paths");
    assert_eq!(sample.problems(), problems, "the audit changes nothing");
}

#[test]
fn a_damaged_pin_is_named() {
    let sample = Sample::empty();
    let committed = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../artifacts/pins/quick.json"
    );
    let pin = fs::read(committed).unwrap();
    // Its actions are not in this store, as in a fresh clone.
    sample.store.write_pin("quick", &pin).unwrap();
    assert_eq!(sample.problems(), [""; 0]);

    let spaced = [&pin[..], b"\n"].concat();
    for damaged in [&pin[..pin.len() - 1], &spaced, b"", b"{\"b\":1,\"a\":1}"] {
        sample.store.write_pin("quick", damaged).unwrap();
        let problems = sample.problems();
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert!(
            problems[0].starts_with("pins/quick.json: expected canonical JSON"),
            "{problems:#?}"
        );
    }
    sample.store.write_pin("quick", &pin).unwrap();
    assert_eq!(sample.problems(), [""; 0]);
}

#[test]
fn a_root_folder_that_is_a_link() {
    let (sample, _) = Sample::filled();
    let elsewhere = sample.folder.path().join("elsewhere");
    fs::rename(sample.root().join("actions"), &elsewhere).unwrap();
    symlink(&elsewhere, sample.root().join("actions")).unwrap();
    assert_eq!(
        sample.problems(),
        ["actions: expected a folder, found a symbolic link"]
    );
}

#[test]
fn only_a_checkpoint_may_be_gone() {
    let (sample, [first, second]) = Sample::filled();
    sample.store.remove(&second.outputs["checkpoint"]).unwrap();
    assert!(!sample.store.has(&second.outputs["checkpoint"]));
    assert_eq!(sample.problems(), [""; 0]);
    // The rest of the action still serves, and removing what is gone is no error.
    assert_eq!(sample.store.get(&second.outputs["mask"]).unwrap(), b"0110");
    sample.store.remove(&second.outputs["checkpoint"]).unwrap();

    for (digest, expect) in [
        (second.outputs["mask"], "output `mask`"),
        (second.record, "its record"),
        (second.key, "its recipe"),
    ] {
        let bytes = sample.store.get(&digest).unwrap();
        sample.store.remove(&digest).unwrap();
        let problems = sample.problems();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains(expect), "{problems:?}");
        assert!(
            problems[0].contains(&second.key.to_string()),
            "{problems:?}"
        );
        sample.store.put(&bytes).unwrap();
    }
    assert_eq!(sample.problems(), [""; 0]);
    assert!(sample.store.has(&first.key));
}

#[test]
fn divergences_are_counted_and_checked() {
    let (sample, [first, _]) = Sample::filled();
    let other = BTreeMap::from([("scores".to_string(), sample.store.put(b"abd").unwrap())]);
    let record = serde_json::json!({"where": "another machine"});
    for _ in 0..2 {
        let committed = sample.store.commit(&recipe("first"), &other, &record);
        let jackpot_store::Committed::Diverged { first: kept } = committed.unwrap() else {
            panic!("another result under the same key must diverge");
        };
        assert_eq!(kept, first.outputs);
    }
    assert_eq!(
        sample.store.action(&first.key).unwrap(),
        Some(first.clone())
    );
    let listed = sample.store.divergences().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].key, &listed[0].outputs), (first.key, &other));
    let audit = sample.audit();
    assert_eq!((audit.divergences, audit.problems.len()), (1, 0));

    // Its name is the sha256 of its outputs, by `sha256sum`'s account.
    let folder = sample
        .root()
        .join("divergences")
        .join(first.key.to_string());
    let name = fs::read_dir(&folder).unwrap().next().unwrap().unwrap();
    let outputs = format!(r#"{{"scores":"{}"}}"#, other["scores"]);
    let output = run(&format!("printf %s '{outputs}' | sha256sum"), &folder);
    let (_, text) = said(output);
    assert_eq!(text[..64], *name.file_name().to_str().unwrap());

    fs::rename(name.path(), folder.join(first.key.to_string())).unwrap();
    let problems = sample.problems();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("as its name"), "{problems:?}");
}

#[test]
fn structure_is_audited_without_hashing_what_was_made() {
    let (sample, [first, second]) = Sample::filled();
    let quick = || sample.store.audit_structure(&|_, _| ()).unwrap();
    // The recipes alone: of two finished actions and a failed one.
    let audit = quick();
    assert_eq!(
        (audit.objects, audit.hashed, audit.problems),
        (9, 3, vec![])
    );
    assert_eq!(sample.audit().hashed, 9);

    let rot = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        bytes[0] ^= 1;
        fs::remove_file(path).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let mask = sample.object(&second.outputs["mask"]);
    rot(&mask);
    assert_eq!(quick().problems, []);
    let deep = sample.audit().problems;
    assert_eq!(deep.len(), 1);
    assert_eq!(deep[0].fault, Fault::Damaged);
    assert!(mask.ends_with(&deep[0].path));
    // A recipe that is not its key is seen at once.
    rot(&sample.object(&first.key));
    let found = quick().problems;
    assert!(
        found
            .iter()
            .any(|p| sample.object(&first.key).ends_with(&p.path)),
        "{found:#?}"
    );
    // And so is what an action names that is not there.
    fs::remove_file(&mask).unwrap();
    let found = quick().problems;
    assert!(
        found.iter().any(|p| p.fault == Fault::Missing),
        "{found:#?}"
    );
}

#[test]
fn quarantine_moves_what_is_damaged_and_nothing_else() {
    let (sample, [first, second]) = Sample::filled();
    let root = sample.root();
    let scores = sample.object(&first.outputs["scores"]);
    fs::remove_file(&scores).unwrap();
    fs::write(&scores, "other bytes").unwrap();
    let action = named(root, "actions", &second.key);
    fs::remove_file(&action).unwrap();
    fs::write(&action, "no action").unwrap();
    fs::write(root.join("notes.txt"), "mine").unwrap();
    let before = files(root);
    let audit = sample.audit();
    assert_eq!(audit.problems.len(), 3, "{:#?}", audit.problems);
    assert_eq!(files(root), before, "an audit changes nothing");

    let moved = sample.store.quarantine_damaged(&audit).unwrap();
    assert_eq!(moved.len(), 2, "{moved:?}");
    for (from, to) in &moved {
        assert_eq!(before[from], fs::read(root.join(to)).unwrap());
        assert!(!root.join(from).exists());
    }
    assert_eq!(fs::read(root.join("notes.txt")).unwrap(), b"mine");
    // What was damaged is now absent; an action that is absent is no problem, an output is.
    let faults: Vec<Fault> = sample.audit().problems.iter().map(|p| p.fault).collect();
    assert_eq!(faults, [Fault::Missing, Fault::Stranger]);
    assert_eq!(
        sample.store.quarantine_damaged(&sample.audit()).unwrap(),
        []
    );

    // An action whose record is lost is moved, too: the next run does it again.
    let (sample, [first, _]) = Sample::filled();
    sample.store.remove(&first.record).unwrap();
    let moved = sample.store.quarantine_damaged(&sample.audit()).unwrap();
    assert_eq!(moved.len(), 1);
    assert_eq!(sample.store.action(&first.key).unwrap(), None);
    assert_eq!(sample.problems(), [""; 0]);
}

#[test]
fn a_look_leaves_everything_where_it_is() {
    let (sample, [first, _]) = Sample::filled();
    let scores = first.outputs["scores"];
    assert_eq!(
        sample.store.look(&scores).unwrap(),
        Look::Sound(b"abc".to_vec())
    );
    assert_eq!(
        sample.store.look_action(&first.key).unwrap(),
        Look::Sound(first.clone())
    );
    let absent = jackpot_store::Digest([7; 32]);
    assert_eq!(sample.store.look(&absent).unwrap(), Look::Absent);
    assert_eq!(sample.store.look_action(&absent).unwrap(), Look::Absent);
    let damage = |path: &Path| {
        fs::remove_file(path).unwrap();
        fs::write(path, "x").unwrap();
    };
    damage(&sample.object(&scores));
    damage(&named(sample.root(), "actions", &first.key));
    let before = files(sample.root());
    let Look::Damaged(found) = sample.store.look(&scores).unwrap() else {
        panic!("other bytes are not the object");
    };
    assert!(found.contains("found 1 bytes with sha256 2d71"), "{found}");
    assert!(matches!(
        sample.store.look_action(&first.key).unwrap(),
        Look::Damaged(_)
    ));
    fs::remove_file(sample.object(&scores)).unwrap();
    fs::create_dir(sample.object(&scores)).unwrap();
    let found = sample.store.look(&scores).unwrap();
    assert_eq!(
        found,
        Look::Damaged("expected a file, found a folder".into())
    );
    fs::remove_dir(sample.object(&scores)).unwrap();
    let mut left = before;
    left.retain(|path, _| !sample.object(&scores).ends_with(path));
    assert_eq!(files(sample.root()), left);
}

#[test]
fn a_look_leaves_a_damaged_pin_where_it_is() {
    let (sample, _) = Sample::filled();
    let path = sample.root().join("pins/study.json");
    let sound = sample.store.look_pin("study").unwrap();
    assert_eq!(sound, Look::Sound(b"{}".to_vec()));
    fs::write(&path, b"{ }").unwrap();
    for _ in 0..2 {
        let found = sample.store.look_pin("study").unwrap();
        assert!(matches!(found, Look::Damaged(_)), "{found:?}");
    }
    sample.store.read_pin("study").unwrap_err();
    assert_eq!(sample.store.look_pin("study").unwrap(), Look::Absent);
}
