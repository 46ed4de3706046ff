//! Garbage collection: what a pin or a running study needs stays, the rest goes, and nobody
//! is read under.

use crate::{Sample, child, files, named, recipe, release};
use jackpot_store::{Action, Digest, Error, Root, Store};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader},
    sync::atomic::{AtomicUsize, Ordering},
};

/// A chain of three actions by content (data → scores → mask), and two that nobody pins.
fn chain() -> (Sample, [Action; 3], [Action; 2]) {
    let sample = Sample::empty();
    let link = |kind: &str, reads: Option<Digest>, made: &str| -> Action {
        let recipe = json!({"kind": kind, "input": reads});
        let outputs =
            BTreeMap::from([("out".to_owned(), sample.store.put(made.as_bytes()).unwrap())]);
        sample
            .store
            .commit(&recipe, &outputs, &json!({"of": kind}))
            .unwrap();
        let key = Store::key(&recipe).unwrap();
        sample.store.action(&key).unwrap().unwrap()
    };
    let out = |action: &Action| Some(action.outputs["out"]);
    let data = link("data", None, "images");
    let scores = link("score", out(&data), "scores");
    let mask = link("select", out(&scores), "mask");
    let other = link("another score", out(&data), "other scores");
    let lone = link("lone", None, "lone");
    let pin = json!({"cells": [{"action": mask.key}], "format": 1});
    let pin = jackpot_store::canonical::to_bytes(&pin).unwrap();
    sample.store.write_pin("study", &pin).unwrap();
    (sample, [data, scores, mask], [other, lone])
}

#[test]
fn what_a_pin_needs_stays() {
    let (sample, kept, gone) = chain();
    let before = files(sample.root());
    let garbage = sample.store.garbage(&[]).unwrap();
    assert_eq!(files(sample.root()), before, "a look changes nothing");
    let keys = |actions: &[Action]| actions.iter().map(|a| a.key).collect::<BTreeSet<_>>();
    assert_eq!(
        garbage.actions.iter().copied().collect::<BTreeSet<_>>(),
        keys(&gone)
    );
    // Each has a recipe, an output and a record.
    assert_eq!(garbage.objects.len(), 6);
    assert_eq!(garbage.kept.len(), 1);
    assert_eq!(garbage.kept[0].root, "pins/study.json");
    assert_eq!((garbage.kept[0].actions, garbage.kept[0].objects), (3, 9));

    assert_eq!(sample.store.collect_garbage(&[]).unwrap(), garbage);
    for action in &kept {
        assert!(sample.store.action(&action.key).unwrap().is_some());
        assert!(sample.store.has(&action.outputs["out"]));
    }
    for action in &gone {
        assert!(!named(sample.root(), "actions", &action.key).exists());
        assert!(!sample.store.has(&action.outputs["out"]));
    }
    assert_eq!(sample.problems(), [""; 0]);
    let left = sample.store.garbage(&[]).unwrap();
    assert_eq!((left.actions.len(), left.objects.len()), (0, 0));

    // A root of the caller's holds as a pin does; without the pin nothing but it stays.
    assert!(sample.store.remove_pin("study").unwrap());
    assert!(!sample.store.remove_pin("study").unwrap());
    let root = Root {
        name: "a report".into(),
        digests: [kept[1].key].into(),
    };
    let garbage = sample.store.collect_garbage(&[root]).unwrap();
    assert_eq!(garbage.actions, [kept[2].key]);
    assert!(sample.store.has(&kept[0].outputs["out"]));
    assert_eq!(sample.store.collect_garbage(&[]).unwrap().actions.len(), 2);
    assert_eq!(files(&sample.root().join("objects")), BTreeMap::new());
    assert_eq!(sample.problems(), [""; 0]);
}

#[test]
fn imported_objects_can_be_pinned() {
    let sample = Sample::empty();
    let weights = sample.store.put(b"imported weights").unwrap();
    let pin = json!({"format": 1, "pinned": [weights]});
    let pin = jackpot_store::canonical::to_bytes(&pin).unwrap();
    sample.store.write_pin("mine", &pin).unwrap();
    assert_eq!(sample.store.pin_names().unwrap(), ["mine"]);
    assert_eq!(sample.store.collect_garbage(&[]).unwrap().objects, []);
    assert!(sample.store.has(&weights));
    sample.store.remove_pin("mine").unwrap();
    assert_eq!(sample.store.collect_garbage(&[]).unwrap().objects.len(), 1);
    assert!(!sample.store.has(&weights));
}

#[test]
fn failures_divergences_and_resume_points() {
    let (sample, kept, gone) = chain();
    for action in [&kept[0], &gone[1]] {
        let other = BTreeMap::from([("out".to_owned(), sample.store.put(b"other").unwrap())]);
        let recipe = sample.store.recipe(&action.key).unwrap();
        sample
            .store
            .commit(&recipe, &other, &json!({"by": "another"}))
            .unwrap();
    }
    sample
        .store
        .record_failure(&recipe("failed"), &json!("why"))
        .unwrap();
    let interrupted = Digest::of(b"interrupted");
    for key in [&interrupted, &kept[2].key] {
        fs::write(
            sample.store.resume_folder(key).unwrap().join("state"),
            "half",
        )
        .unwrap();
    }
    sample.store.collect_garbage(&[]).unwrap();
    assert_eq!(sample.problems(), [""; 0]);
    let listed = sample.store.divergences().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].key, kept[0].key);
    assert!(sample.store.has(&Digest::of(b"other")));
    let failed = Store::key(&recipe("failed")).unwrap();
    assert_eq!(sample.store.failure(&failed).unwrap(), Some(json!("why")));
    let resume = |key: &Digest| sample.root().join("resume").join(key.to_string()).exists();
    assert!(resume(&interrupted), "a training that can go on");
    assert!(!resume(&kept[2].key), "one that is finished");
}

/// What a pin that rots held must not go with it; nor does looking move it.
#[test]
fn a_damaged_pin_holds_everything() {
    let (sample, kept, _) = chain();
    fs::write(sample.root().join("pins/study.json"), "{").unwrap();
    for _ in 0..3 {
        let error = sample.store.collect_garbage(&[]).unwrap_err().to_string();
        assert!(error.contains("study.json"), "{error}");
        assert!(sample.root().join("pins/study.json").exists());
        assert!(sample.store.has(&kept[0].outputs["out"]));
    }
}

/// An action that rots hides what it was made of, and nothing goes while it is there; neither
/// looking nor trying to remove moves it.
#[test]
fn a_damaged_action_holds_everything() {
    let (sample, kept, _) = chain();
    let key = kept[2].key.to_string();
    let path = sample.root().join("actions").join(&key[..2]).join(&key);
    fs::write(&path, "{").unwrap();
    let before = files(sample.root());
    for _ in 0..2 {
        for tried in [sample.store.garbage(&[]), sample.store.collect_garbage(&[])] {
            let error = tried.unwrap_err().to_string();
            assert!(
                error.contains(&key) && error.contains("audit --quarantine"),
                "{error}"
            );
        }
    }
    assert_eq!(files(sample.root()), before);
}

/// While another process has the store open, nothing is removed, and a writing one is named.
#[test]
fn not_while_another_has_the_store_open() {
    let (sample, _, _) = chain();
    let before = files(sample.root());
    let mut reader = child("scratch", sample.root(), "");
    let mut line = String::new();
    let said = BufReader::new(reader.stdout.take().unwrap()).read_line(&mut line);
    assert!(said.unwrap() > 0);
    let error = sample.store.collect_garbage(&[]).unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    let process = format!("process {} of machine", reader.id());
    assert!(error.to_string().contains(&process), "{error}");
    for (path, bytes) in &before {
        assert_eq!(fs::read(sample.root().join(path)).unwrap(), *bytes);
    }
    drop(reader.stdin.take());
    reader.wait().unwrap();
    assert_eq!(sample.store.collect_garbage(&[]).unwrap().actions.len(), 2);
    // Afterwards the store is shared again.
    let said = release(child("claim", sample.root(), &Digest::of(b"x").to_string()));
    assert_eq!(said, "held\n");
}

/// One process commits and pins while another collects: what is pinned is never gone.
#[test]
fn collecting_during_a_run() {
    let (sample, kept, _) = chain();
    let root = sample.root().to_owned();
    let folder = sample.folder;
    drop(sample.store);
    // Which of the two gets the store is the machine's affair: the one goes on until the other
    // has had it ten times, and the bound only ends a test that would fail.
    let collected = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut committed = 0;
            for number in 0..40_000 {
                if committed >= 40 && collected.load(Ordering::SeqCst) >= 10 {
                    break;
                }
                // As a run does: open, commit, pin, close.
                let store = match Store::open(&root) {
                    Ok(store) => store,
                    Err(Error::Busy { .. }) => continue,
                    Err(error) => panic!("{error}"),
                };
                let made = store.put(format!("made {number}").as_bytes()).unwrap();
                let recipe = json!({"kind": "run", "number": number});
                let outputs = BTreeMap::from([("out".to_owned(), made)]);
                store.commit(&recipe, &outputs, &json!({})).unwrap();
                let key = Store::key(&recipe).unwrap();
                let pin = jackpot_store::canonical::to_bytes(&json!([key])).unwrap();
                store.write_pin("run", &pin).unwrap();
                assert!(store.has(&made), "nobody collects while this store is open");
                committed += 1;
            }
            committed
        });
        while !writer.is_finished() {
            match Store::open(&root).and_then(|store| store.collect_garbage(&[])) {
                Ok(_) => _ = collected.fetch_add(1, Ordering::SeqCst),
                Err(Error::Busy { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert!(writer.join().unwrap() >= 40);
    });
    assert!(collected.into_inner() >= 10);
    let store = Store::open(&root).unwrap();
    store.collect_garbage(&[]).unwrap();
    assert_eq!(store.audit(&|_, _| ()).unwrap().problems, []);
    assert!(store.action(&kept[2].key).unwrap().is_some());
    drop(folder);
}
