//! File systems that do not implement all that a store would like to use.
use crate::mortal::{Mortal, shared_library};
use jackpot_test_cli::support::outcome;
use jackpot_test_faults::count;

const EIO: i32 = 5;
const EINVAL: i32 = 22;
const ENOSYS: i32 = 38;
const ENOLCK: i32 = 37;
const ENOTSUP: i32 = 95;

fn run(mortal: &Mortal, lacks: &str, errno: i32) -> (i32, String, String) {
    let shim = mortal.place.folder.path().join("lacking.so");
    shared_library("lacking.c", &["-ldl"], &shim);
    let mut run = mortal.run();
    run.env("LD_PRELOAD", &shim)
        .env("JACKPOT_TEST_LACKS", lacks)
        .env("JACKPOT_TEST_ERRNO", errno.to_string());
    outcome(run.output().unwrap())
}

/// What is not implemented is noted once, and the run ends in the same bytes.
#[test]
fn what_a_file_system_does_not_implement_is_a_note() {
    let expected = Mortal::finished();
    let mut tried = 0;
    for (lacks, errors, words) in [
        ("folders", &[EINVAL, ENOTSUP, ENOSYS][..], "(fsync)"),
        ("files folders", &[EINVAL][..], "(fsync)"),
        (
            "locks",
            &[ENOLCK, ENOTSUP, ENOSYS, EINVAL][..],
            "has no locks",
        ),
        ("files folders locks links", &[ENOTSUP][..], "(fsync)"),
    ] {
        for errno in errors {
            let mortal = Mortal::new();
            let (code, out, err) = run(&mortal, lacks, *errno);
            assert_eq!(code, 0, "{lacks} {errno}: {out}{err}");
            let notes = err.lines().filter(|line| line.starts_with("note: "));
            let notes: Vec<&str> = notes.filter(|line| line.contains(words)).collect();
            assert_eq!(notes.len(), 1, "{lacks} {errno}: {err}");
            assert_eq!(mortal.place.actions(), expected.place.actions());
            tried += 1;
        }
    }
    count("file systems that lack something", tried, tried);
    // Nothing lacks: nothing is said.
    let (code, _, err) = run(&Mortal::new(), "", EINVAL);
    assert_eq!(code, 0, "{err}");
    assert!(!err.contains("note: "), "{err}");
}

/// A disk that fails is no file system that cannot.
#[test]
fn a_failing_disk_is_an_error() {
    for lacks in ["folders", "files"] {
        let (code, out, err) = run(&Mortal::new(), lacks, EIO);
        assert_ne!(code, 0, "{lacks}: {out}{err}");
        assert!(err.contains("Input/output error"), "{lacks}: {err}");
    }
}
