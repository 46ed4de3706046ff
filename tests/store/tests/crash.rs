//! A process that dies at any moment of its writing leaves garbage in `tmp/` and nothing else.

use crate::{child_program, recipe};
use jackpot_store::{Action, Committed, Digest, Store};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
};

const OUTPUTS: [(&str, &str); 2] = [("metrics", "metrics"), ("bits", "resume point")];

#[test]
fn killed_at_every_step() {
    let mut seen_action = BTreeSet::new();
    let (mut seen_garbage, mut seen_leftovers) = (0, 0);
    let mut steps = 0;
    for step in 1.. {
        let folder = crate::folder();
        let root = folder.path().join("store");
        let output = child_program()
            .args([
                "crash".as_ref(),
                root.as_os_str(),
                step.to_string().as_ref(),
            ])
            .output()
            .unwrap();
        if output.status.success() {
            assert_eq!(output.stdout, b"done\n");
            assert_sound(&Store::open(&root).unwrap());
            break;
        }
        assert_eq!(output.status.signal(), Some(9), "step {step}: {output:?}");
        steps = step;
        seen_garbage += usize::from(entries(&root.join("tmp")) > 0);

        let store = Store::create(&root).unwrap();
        assert_eq!(entries(&root.join("tmp")), 0, "step {step}: swept");
        assert_sound(&store);
        let done = store.action(&life_key()).unwrap();
        seen_action.insert(done.is_some());
        seen_leftovers += usize::from(done.is_some() && leftovers(&store) > 0);
        store.forget_leftovers().unwrap();
        let unfinished = leftovers(&store) > 0;
        assert!(!(unfinished && done.is_some()), "step {step}");
        finish(&store, done);
    }
    // The steps of a store's making, of six files and of their folders.
    assert!(steps > 40, "only {steps} steps");
    assert!(seen_garbage > steps / 2, "{seen_garbage} of {steps}");
    assert_eq!(seen_action.len(), 2, "deaths before and after the commit");
    assert!(seen_leftovers > 0, "deaths directly after the commit");
}

fn leftovers(store: &Store) -> usize {
    entries(&store.root().join("failures")) + entries(&store.root().join("resume"))
}

/// The audit finds nothing, and an action that is there is there wholly.
fn assert_sound(store: &Store) {
    let audit = store.audit(&|_, _| ()).unwrap();
    assert_eq!(audit.problems, []);
    if let Some(action) = store.action(&life_key()).unwrap() {
        for (name, bytes) in OUTPUTS {
            let found = store.get(&action.outputs[name]).unwrap();
            assert_eq!(found, bytes.as_bytes());
        }
        assert_eq!(store.get(&action.record).unwrap(), br#"{"seconds":"1e0"}"#);
    }
}

/// The next run ends what the dead one began.
fn finish(store: &Store, done: Option<Action>) {
    let put = |(name, bytes): (&str, &str)| {
        let digest = store.put(bytes.as_bytes()).unwrap();
        (name.to_string(), digest)
    };
    let outputs: BTreeMap<_, _> = OUTPUTS.into_iter().map(put).collect();
    let committed = store
        .commit(&recipe("life"), &outputs, &json!({"seconds": "1e0"}))
        .unwrap();
    let expect = match done {
        Some(_) => Committed::Same,
        None => Committed::New,
    };
    assert_eq!(committed, expect);
    assert_eq!(store.failure(&life_key()).unwrap(), None);
    assert_eq!(entries(&store.root().join("resume")), 0);
    assert_sound(store);
}

fn life_key() -> Digest {
    Store::key(&recipe("life")).unwrap()
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

/// Durability is the order of the calls: bytes before their name, a name before what refers
/// to it.
#[test]
fn synced_before_named_and_parts_before_the_whole() {
    let folder = crate::folder();
    let root = folder.path().join("store");
    let output = child_program()
        .args(["trace".as_ref(), root.as_os_str(), "0".as_ref()])
        .output()
        .unwrap();
    let trace = String::from_utf8(output.stdout).unwrap();
    let steps: Vec<_> = trace
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(step, path)| (step, Path::new(path)))
        .collect();
    let mut durable = BTreeSet::new();
    let mut placed = Vec::new();
    for (at, (step, path)) in steps.iter().enumerate() {
        if *step != "placed" {
            continue;
        }
        assert_eq!(steps[at - 1].0, "synced", "before {}", path.display());
        let after = ("folder synced", path.parent().unwrap());
        assert_eq!(steps[at + 1], after, "after {}", path.display());
        placed.push(*path);
        durable.insert(*path);
        if path.starts_with(root.join("actions")) {
            // Both outputs, the recipe and the record are durable by now.
            let objects = durable
                .iter()
                .filter(|path| path.starts_with(root.join("objects")));
            assert_eq!(objects.count(), 4);
        }
    }
    let last_of_commit = placed.iter().rev().nth(1).unwrap();
    assert!(last_of_commit.starts_with(root.join("actions")), "{trace}");
    // What was there already is made durable as well: another process may have placed it just now.
    let object = crate::named(&root, "objects", &Digest::of(b"metrics"));
    let folder = object.parent().unwrap();
    let count = |wanted: &str, at: &dyn Fn(&Path) -> bool| {
        let found = steps
            .iter()
            .filter(|(step, path)| *step == wanted && at(path));
        found.count()
    };
    let placed_there = count("placed", &|path| path.parent() == Some(folder));
    let synced_there = count("folder synced", &|path| path == folder);
    assert!(synced_there > placed_there, "{trace}");
    let made = steps.iter().filter(|(step, _)| *step == "folder made");
    for (_, path) in made {
        let parent = ("folder synced", path.parent().unwrap());
        assert!(steps.contains(&parent), "{}", path.display());
    }
}

#[test]
fn a_living_process_is_not_swept() {
    let folder = crate::folder();
    let root = folder.path().join("store");
    let store = Store::create(&root).unwrap();
    let scratch = store.scratch().unwrap();
    fs::write(scratch.path.join("work"), "in progress").unwrap();
    let other = Store::open(&root).unwrap();
    let other_scratch = other.scratch().unwrap();
    assert_ne!(scratch.path, other_scratch.path);
    assert_eq!(fs::read(scratch.path.join("work")).unwrap(), b"in progress");

    // It outlives the store it came from, and goes with itself.
    drop(store);
    drop(Store::open(&root).unwrap());
    assert!(scratch.path.exists());
    drop((scratch, other_scratch, other));
    assert_eq!(entries(&root.join("tmp")), 0);
}

#[test]
fn a_dead_process_is_swept() {
    use std::io::{BufRead, BufReader};
    let folder = crate::folder();
    let root = folder.path().join("store");
    drop(Store::create(&root).unwrap());
    let mut child = crate::child("scratch", &root, "");
    let mut line = String::new();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    said.read_line(&mut line).unwrap();
    let scratch = Path::new(line.trim());
    assert!(scratch.is_dir());
    drop(Store::open(&root).unwrap());
    assert!(scratch.is_dir(), "it lives");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(scratch.is_dir(), "it left its folder");
    drop(Store::open(&root).unwrap());
    assert_eq!(entries(&root.join("tmp")), 0);
}
