//! A store that several machines share: who holds what is named, and what another machine
//! left is not swept.

use crate::{Sample, child, release};
use jackpot_store::{Digest, Store};
use std::{
    fs,
    io::{BufRead, BufReader},
};

#[test]
fn a_claim_says_whose_it_is() {
    let sample = Sample::empty();
    let key = Digest::of(b"key");
    assert_eq!(sample.store.claimed_by(&key), None);
    let mut holder = child("claim", sample.root(), &key.to_string());
    let mut out = BufReader::new(holder.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    let found = sample.store.claimed_by(&key).unwrap();
    assert_eq!(found.process, holder.id());
    assert!(found.is_here());
    // Sudden death: the lock file stays, and means nothing.
    holder.kill().unwrap();
    holder.wait().unwrap();
    let left = sample.root().join("locks").join(key.to_string());
    assert!(left.is_file());
    assert_eq!(sample.store.claimed_by(&key), None);
    assert!(sample.store.claim(&key).unwrap().is_some());
    drop(holder);
}

/// A shared lock on a network file system needs a file that is open for reading, a whole one
/// a file that is open for writing: every lock file is open for both.
#[test]
fn lock_files_are_open_both_ways() {
    let sample = Sample::empty();
    let running = sample.store.running().unwrap();
    let claim = sample.store.claim(&Digest::of(b"key")).unwrap();
    let scratch = sample.store.scratch().unwrap();
    let mut modes = Vec::new();
    for entry in fs::read_dir("/proc/self/fd").unwrap().flatten() {
        let Ok(target) = fs::read_link(entry.path()) else {
            continue;
        };
        let is_lock = target.starts_with(sample.root().join("locks"))
            || target.extension().is_some_and(|e| e == "lock");
        if target.starts_with(sample.root()) && is_lock {
            let info = format!("/proc/self/fdinfo/{}", entry.file_name().display());
            let info = fs::read_to_string(info).unwrap();
            let flags = info.lines().find_map(|l| l.strip_prefix("flags:")).unwrap();
            let flags = u32::from_str_radix(flags.trim(), 8).unwrap();
            modes.push((target, flags & 0o3));
        }
    }
    assert_eq!(modes.len(), 4, "{modes:?}");
    assert!(modes.iter().all(|(_, mode)| *mode == 2), "{modes:?}");
    drop((running, claim, scratch));
}

#[test]
fn another_machine_is_not_swept() {
    let sample = Sample::empty();
    let tmp = sample.root().join("tmp");
    let here = release(child("scratch", sample.root(), ""));
    let here = here.trim();
    assert!(
        !std::path::Path::new(here).exists(),
        "a process that ends sweeps its own"
    );
    // What a process of another machine would have left, and one of an older version.
    for name in ["elsewhere-7-0", "7-0"] {
        fs::create_dir(tmp.join(name)).unwrap();
        fs::write(tmp.join(name).join("file-0"), "half").unwrap();
        fs::write(tmp.join(format!("{name}.lock")), "").unwrap();
    }
    let store = Store::open(sample.root()).unwrap();
    assert!(tmp.join("elsewhere-7-0/file-0").is_file());
    assert!(!tmp.join("7-0").exists(), "as it was before");
    let strangers = store.processes_elsewhere();
    assert_eq!(strangers.len(), 1);
    assert_eq!(strangers[0].to_string(), "process 7 of machine `elsewhere`");
    store.forget_machine("another").unwrap();
    assert!(tmp.join("elsewhere-7-0/file-0").is_file());
    store.forget_machine("elsewhere").unwrap();
    assert!(!tmp.join("elsewhere-7-0").exists());
    assert_eq!(store.processes_elsewhere(), []);
    assert_eq!(sample.problems(), [""; 0]);
}

/// Two processes at work at once: neither sweeps the other.
#[test]
fn two_processes_keep_what_they_write() {
    let sample = Sample::empty();
    let mut first = child("scratch", sample.root(), "");
    let mut path = String::new();
    BufReader::new(first.stdout.take().unwrap())
        .read_line(&mut path)
        .unwrap();
    let second = release(child("scratch", sample.root(), ""));
    assert_ne!(path, second);
    assert!(std::path::Path::new(path.trim()).is_dir());
    drop(first.stdin.take());
    first.wait().unwrap();
    assert!(!std::path::Path::new(path.trim()).exists());
}
