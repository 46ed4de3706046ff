//! Several programs at one store: runs of the same study, and what cleans up behind them.
use crate::mortal::Mortal;
use jackpot_store::Store;
use jackpot_test_cli::support::{jackpot, outcome, ran};
use jackpot_test_faults::{Doing, await_none, count, kill, say, stop, workers};
use std::{
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Child, Output, Stdio},
    time::{Duration, Instant},
};

/// They wait for one another's actions; one is killed in the middle of a training, and the
/// other does it.
#[test]
fn of_three_runs_at_once_one_is_killed_and_nothing_is_done_twice() {
    let expected = Mortal::finished();
    let mortal = Mortal::new();
    let run = || {
        let mut run = mortal.run();
        run.stdout(Stdio::piped()).stderr(Stdio::piped());
        run.spawn().unwrap()
    };
    let mut first = run();
    await_training(&mortal, &mut first);
    // It holds what it is doing, and commits nothing more.
    stop(first.id());
    let by_then = mortal.place.actions().len() as u64;
    let others = [run(), run()];
    std::thread::sleep(Duration::from_millis(500));
    let folder = mortal.place.folder.path();
    kill(first.id());
    assert_eq!(first.wait().unwrap().signal(), Some(9));
    let mut sum = by_then;
    for other in others {
        let (code, out, err) = outcome(other.wait_with_output().unwrap());
        assert_eq!(code, 0, "{out}{err}");
        sum += ran(&out);
    }
    await_none(folder);
    assert_eq!(sum, expected.place.actions().len() as u64);
    mortal.assert_sound("three runs at once");
    mortal.left().assert_is(&expected.left());
}

fn await_training(mortal: &Mortal, run: &mut Child) {
    let start = Instant::now();
    let store = mortal.place.store();
    let trains = |pid| {
        workers(pid, &store)
            .iter()
            .any(|w| w.doing() == Doing::Training)
    };
    while !trains(run.id()) {
        assert!(run.try_wait().unwrap().is_none(), "it ended before");
        assert!(start.elapsed() < Duration::from_secs(60), "no training");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// As long as a run has the store open nothing is removed; when it is over, what it pinned
/// stays and the rest goes.
#[test]
fn garbage_is_not_collected_under_a_run() {
    let expected = Mortal::finished();
    let mortal = Mortal::new();
    // Half a study, which nobody has pinned and the run goes on from, and what nobody needs.
    let half = half_finished(&mortal);
    let left_over = left_over(&mortal);
    let mut run = mortal.start();
    await_training(&mortal, &mut run);
    let mut refused = 0;
    while run.try_wait().unwrap().is_none() {
        let (code, out, err) = outcome(gc(&mortal));
        match code {
            2 => refused += 1,
            // After it had closed the store.
            0 => {}
            _ => panic!("{code}: {out}{err}"),
        }
        if code == 2 {
            assert!(err.contains("in use"), "{err}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(run.wait().unwrap().success(), "{}", mortal.said());
    assert!(refused > 0, "gc was never in the way of the run");
    say(&format!(
        "gc during a run: refused {refused} times; {half} actions were there before"
    ));
    count("collections of garbage withstood", refused, refused);
    let (code, out, err) = outcome(gc(&mortal));
    assert_eq!(code, 0, "{out}{err}");
    assert!(!left_over.exists(), "nobody needs it: {out}");
    mortal.assert_sound("a collection");
    mortal.left().assert_is(&expected.left());
    let (code, out, err) = outcome(mortal.run().output().unwrap());
    assert_eq!((code, ran(&out)), (0, 0), "{out}{err}");
}

/// Where an object lies that nothing refers to.
fn left_over(mortal: &Mortal) -> PathBuf {
    let store = Store::open(&mortal.place.store()).unwrap();
    let name = store.put(b"left over").unwrap();
    mortal.place.object(&name.to_string())
}

/// Kills a run in its first training; how many actions are done by then.
fn half_finished(mortal: &Mortal) -> usize {
    let mut run = mortal.start();
    await_training(mortal, &mut run);
    kill(run.id());
    run.wait().unwrap();
    await_none(mortal.place.folder.path());
    mortal.place.actions().len()
}

fn gc(mortal: &Mortal) -> Output {
    let mut gc = jackpot();
    gc.arg("--store").arg(mortal.place.store());
    gc.args(["gc", "--apply"]).output().unwrap()
}
