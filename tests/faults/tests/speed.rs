//! How fast a store is hashed again, beside the program that does nothing else.
use jackpot_store::{Digest, Store};
use jackpot_test_cli::support::{jackpot, outcome};
use jackpot_test_faults::measured;
use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

/// Of each object, and how many.
const BYTES: usize = 4 << 20;
const OBJECTS: usize = 48;

/// No clock is judged; that all bytes are read is, by one bit of the last object.
#[test]
fn every_byte_is_audited() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let store = Store::create(&root).unwrap();
    let paths: Vec<PathBuf> = (0..OBJECTS).map(|n| object(&store, n as u8)).collect();
    drop(store);

    let mut sums = Command::new("sha256sum");
    sums.args(&paths);
    let mut audit = jackpot();
    audit.arg("--store").arg(&root).args(["audit", "--deep"]);
    let (sums, deep) = (best_of_two(&mut sums), best_of_two(&mut audit));
    let rate = |took: Duration| (BYTES * OBJECTS) as f64 / took.as_secs_f64() / 1e6;
    measured(
        "bytes audited a second",
        &format!("{:.0} MB (sha256sum {:.0} MB)", rate(deep), rate(sums)),
    );

    let last = paths.last().unwrap();
    let mut bytes = std::fs::read(last).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::remove_file(last).unwrap();
    std::fs::write(last, bytes).unwrap();
    let (code, out, _) = outcome(audit.output().unwrap());
    assert_eq!(code, 1);
    assert!(
        out.contains(last.file_name().unwrap().to_str().unwrap()),
        "{out}"
    );
}

fn object(store: &Store, number: u8) -> PathBuf {
    let bytes: Vec<u8> = (0..BYTES).map(|at| (at >> 8) as u8 ^ number).collect();
    let name = store.put(&bytes).unwrap();
    assert_eq!(name, Digest::of(&bytes));
    let name = name.to_string();
    store.root().join("objects").join(&name[..2]).join(&name)
}

fn best_of_two(command: &mut Command) -> Duration {
    let mut timed = || {
        let start = Instant::now();
        let (code, _, err) = outcome(command.output().unwrap());
        assert_eq!(code, 0, "{err}");
        start.elapsed()
    };
    timed().min(timed())
}
