//! Clocks that jump: of the files, and under a run.
use crate::mortal::{Mortal, shared_library};
use jackpot_test_cli::support::outcome;
use std::{
    fs::{self, File, FileTimes},
    path::Path,
    time::{Duration, SystemTime},
};

/// Nothing looks at the times of files: neither what is done nor what is sound depends on them.
#[test]
fn clocks_that_jump_change_nothing() {
    let mortal = Mortal::finished();
    let expected = mortal.left();
    let days = Duration::from_secs(86_400 * 365 * 30);
    let now = SystemTime::now();
    for time in [SystemTime::UNIX_EPOCH, now - days, now + days] {
        set_times(&mortal.place.store(), time);
        mortal.assert_sound("a jump of the clock");
        let (code, out, err) = outcome(mortal.run().output().unwrap());
        assert_eq!(code, 0, "{out}{err}");
        assert!(out.contains(" 0 ran,"), "{out}");
        mortal.left().assert_is(&expected);
    }
    // The broken twin: something else than the time.
    let action = expected.actions.keys().next().unwrap();
    let path = mortal
        .place
        .store()
        .join("actions")
        .join(&action[..2])
        .join(action);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "{}").unwrap();
    assert_eq!(mortal.audit().0, 1);
}

fn set_times(folder: &Path, time: SystemTime) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            set_times(&path, time);
        }
        let times = FileTimes::new().set_accessed(time).set_modified(time);
        File::open(&path).unwrap().set_times(times).unwrap();
    }
}

/// A run whose every look at the time of day is thirty years from the last one.
#[test]
fn a_run_under_a_clock_that_jumps_ends_in_the_same_bytes() {
    let mortal = Mortal::new();
    let folder = mortal.place.folder.path();
    let (clock, met) = (folder.join("clock.so"), folder.join("met"));
    shared_library("clock.c", &["-ldl"], &clock);
    let mut run = mortal.run();
    run.env("LD_PRELOAD", &clock)
        .env("JACKPOT_TEST_CLOCK", &met);
    let (code, out, err) = outcome(run.output().unwrap());
    assert_eq!(code, 0, "{out}{err}");
    assert!(met.exists(), "nobody looked at the clock");
    mortal.assert_sound("a clock that jumped");
    mortal.left().assert_is(&Mortal::finished().left());
}
