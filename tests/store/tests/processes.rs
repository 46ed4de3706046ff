//! Several at once: one result wins, a claim is held by one, what differs is kept.

use crate::{Sample, child, recipe, release};
use jackpot_store::{Committed, Digest, Error, Store};
use serde_json::json;
use std::{collections::BTreeMap, fs::File, sync::Barrier, thread};

#[test]
fn one_process_commits_first() {
    let sample = Sample::empty();
    let racers: Vec<_> = (0..8)
        .map(|_| child("race", sample.root(), "same result"))
        .collect();
    let mut said: Vec<_> = racers.into_iter().map(release).collect();
    said.sort();
    let mut expect = vec!["New\n"];
    expect.extend(["Same\n"; 7]);
    assert_eq!(said, expect);
    assert_eq!(sample.problems(), [""; 0]);
    assert_eq!(sample.audit().actions, 1);
}

#[test]
fn threads_at_the_same_instant() {
    for _ in 0..20 {
        let sample = Sample::empty();
        let start = Barrier::new(8);
        let committed: Vec<_> = thread::scope(|scope| {
            let run = |number: usize| {
                let (store, start) = (&sample.store, &start);
                move || {
                    start.wait();
                    let bytes = if number < 6 { "majority" } else { "minority" };
                    let result = store.put(bytes.as_bytes()).unwrap();
                    let outputs = BTreeMap::from([("result".to_string(), result)]);
                    let record = json!({"thread": number});
                    store.commit(&recipe("race"), &outputs, &record).unwrap()
                }
            };
            let threads: Vec<_> = (0..8).map(|number| scope.spawn(run(number))).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let count = |wanted: &Committed| committed.iter().filter(|c| *c == wanted).count();
        let key = Store::key(&recipe("race")).unwrap();
        let first = sample.store.action(&key).unwrap().unwrap().outputs;
        let won_by_majority = first["result"] == Digest::of(b"majority");
        let (same, other) = if won_by_majority { (5, 2) } else { (1, 6) };
        assert_eq!(count(&Committed::New), 1);
        assert_eq!(count(&Committed::Same), same);
        assert_eq!(count(&Committed::Diverged { first }), other);
        let listed = sample.store.divergences().unwrap();
        assert_eq!(listed.len(), 1, "one other result, kept once");
        assert_ne!(
            won_by_majority,
            listed[0].outputs["result"] == Digest::of(b"majority")
        );
        assert_eq!(sample.problems(), [""; 0]);
    }
}

#[test]
fn a_claim_is_held_by_one() {
    let sample = Sample::empty();
    let key = Digest::of(b"key");
    let other = Digest::of(b"other");
    let claim = sample.store.claim(&key).unwrap();
    assert!(claim.is_some());
    assert!(sample.store.claim(&key).unwrap().is_none());
    assert_eq!(
        release(child("claim", sample.root(), &key.to_string())),
        "taken\n"
    );
    assert_eq!(
        release(child("claim", sample.root(), &other.to_string())),
        "held\n"
    );
    drop(claim);
    assert_eq!(
        release(child("claim", sample.root(), &key.to_string())),
        "held\n"
    );

    // Killed, it holds nothing.
    use std::io::{BufRead, BufReader};
    let mut holder = child("claim", sample.root(), &key.to_string());
    let mut said = BufReader::new(holder.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    assert!(sample.store.claim(&key).unwrap().is_none());
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(sample.store.claim(&key).unwrap().is_some());
}

#[test]
fn never_two_claims_at_once() {
    use std::sync::atomic::{AtomicU32, Ordering};
    let sample = Sample::empty();
    let key = Digest::of(b"key");
    let path = sample.root().join("locks").join(key.to_string());
    let (inside, refused) = (AtomicU32::new(0), AtomicU32::new(0));
    let work = || {
        let mut entered = 0;
        while entered < 300 {
            let Some(_claim) = sample.store.claim(&key).unwrap() else {
                refused.fetch_add(1, Ordering::SeqCst);
                thread::yield_now();
                continue;
            };
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
            // The lock is on the file that others will find, not on one unlinked meanwhile.
            let found = File::open(&path).unwrap();
            assert!(found.try_lock().is_err());
            inside.fetch_sub(1, Ordering::SeqCst);
            entered += 1;
        }
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(work);
        }
    });
    assert!(refused.into_inner() > 0, "they never met");
}

#[test]
fn garbage_collection_keeps_users_out() {
    let sample = Sample::empty();
    let lock = File::open(sample.root().join("locks/store")).unwrap();
    assert!(lock.try_lock().is_err(), "a user keeps it out");
    let root = sample.root().to_path_buf();
    let Sample { store, folder } = sample;
    drop(store);
    lock.try_lock().unwrap();
    let error = Store::open(&root).unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error:?}");
    lock.unlock().unwrap();
    let (one, two) = (Store::open(&root).unwrap(), Store::open(&root).unwrap());
    assert_eq!((one.note(), two.note()), (None, None));
    drop(folder);
}

/// What one run no longer needs another may be about to read: only the last run removes.
#[test]
fn only_a_run_that_is_alone_removes() {
    let sample = Sample::empty();
    let other = Store::open(sample.root()).unwrap();
    let mine = sample.store.running().unwrap();
    let alone = |running: &jackpot_store::Running| {
        let mut done = false;
        let said = running.if_alone::<Error>(|| {
            done = true;
            Ok(())
        });
        assert_eq!(said.unwrap(), done);
        done
    };
    assert!(alone(&mine));
    let theirs = other.running().unwrap();
    assert!(!alone(&mine) && !alone(&theirs));
    // Having asked, it still counts as running.
    drop(mine);
    assert!(alone(&theirs));
    let again = sample.store.running().unwrap();
    assert!(!alone(&theirs) && !alone(&again));
    // An error of the work is passed on, and the lock is shared again.
    drop(again);
    let failed = theirs.if_alone(|| Err(Error::Invalid("broken".into())));
    assert!(failed.is_err());
    let late = other.running().unwrap();
    assert!(!alone(&late));
}
