//! `jackpot-mortal STEP COUNT PROGRAMS STORE PLUGINS STUDY`: runs a study as `jackpot run` does, and
//! kills itself with SIGKILL when the store has reached STEP for the COUNT-th time.
//!
//! **Invariant**: nothing that ships can be told to die. The store says to whoever links it
//! which step of a write it has reached; only this program listens.

use jackpot_store::{Store, steps};
use jackpot_study::{Plugins, Programs, RunOptions, Study};
use rustix::process::{Signal, getpid, kill_process};
use std::{
    num::NonZeroUsize,
    path::Path,
    process::ExitCode,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

static STEP: OnceLock<String> = OnceLock::new();
static LEFT: AtomicU64 = AtomicU64::new(0);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [step, count, programs, store, plugins, study] = &arguments[..] else {
        eprintln!("usage: jackpot-mortal STEP COUNT PROGRAMS STORE PLUGINS STUDY");
        return ExitCode::from(2);
    };
    LEFT.store(count.parse().expect("a count"), Ordering::SeqCst);
    STEP.set(step.clone()).expect("the only step");
    steps::HOOK.set(die_there).expect("the only hook");
    let programs = Programs {
        jackpot: Path::new(programs).join("jackpot"),
        worker: Path::new(programs).join("jackpot-worker"),
    };
    match live(
        &programs,
        Path::new(store),
        Path::new(plugins),
        Path::new(study),
    ) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn live(
    programs: &Programs,
    store: &Path,
    plugins: &Path,
    study: &Path,
) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let study = Study::load(study)?;
    let plugins = Plugins::open(programs, &[plugins.to_owned()])?;
    let plan = jackpot_study::plan(study, plugins, programs.libtorch()?)?;
    let store = Store::open(store)?;
    let options = RunOptions {
        workers: NonZeroUsize::MIN,
        replace_pin: false,
        declare: true,
    };
    let never = AtomicBool::new(false);
    let finish = jackpot_study::run(&plan, &store, programs, options, &never, &|_| ())?;
    Ok(if finish.failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn die_there(step: &'static str, _: &Path) {
    let mine = STEP.get().is_some_and(|mine| mine == step);
    if mine && LEFT.fetch_sub(1, Ordering::SeqCst) == 1 {
        let _ = kill_process(getpid(), Signal::KILL);
    }
}
