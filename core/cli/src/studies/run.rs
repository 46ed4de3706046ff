//! `jackpot run STUDY`
use crate::{Places, progress::Display, study};
use anyhow::{Context, Result};
use jackpot_study::{RunOptions, RunSummary, Trial};
use signal_hook::{consts::TERM_SIGNALS, iterator::Signals};
use std::{
    io::IsTerminal,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

#[derive(clap::Args)]
pub struct Arguments {
    /// A folder, a study file, or the name of a folder under `reports/`
    study: PathBuf,
    #[command(flatten)]
    workers: study::Workers,
    /// Replace the pinned results of another study whose folder has the same name
    #[arg(long)]
    replace_pin: bool,
    /// Try the study: so many steps of each training of the first sparsity and seed, on the CPU, with
    /// whatever images are in its folders; none of it counts as the study
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    first_steps: Option<u64>,
    /// Of a study with settings, try this one alone (can be repeated)
    #[arg(long, value_name = "NAME", requires = "first_steps")]
    setting: Vec<String>,
}

pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let start = Instant::now();
    let trial = arguments.first_steps.map(|steps| Trial {
        steps,
        settings: arguments.setting.clone(),
    });
    // The plan first: a slip in a study starts no store.
    let (plan, programs) = study::plan(places, &arguments.study, trial.as_ref())?;
    let store = study::store_to_run(places)?;
    let options = RunOptions {
        workers: arguments.workers.count(),
        replace_pin: arguments.replace_pin,
        // First steps answer nothing.
        declare: trial.is_none(),
    };
    let stop = stop_on_signals()?;
    let display = Display::new(&plan);
    let finish = jackpot_study::run(&plan, &store, &programs, options, &stop, &|event| {
        display.event(event);
    });
    display.close();
    let finish = finish?;
    let diverged = match finish.diverged {
        0 => String::new(),
        n => format!(", {n} diverged"),
    };
    let skipped = match finish.collapsed.len() {
        0 => String::new(),
        n => format!(", {n} skipped (certain to collapse)"),
    };
    println!(
        "{}: {} actions, {} cached, {} ran, {} failed{diverged}{skipped}; {}; results pinned in {}",
        plan.study.name,
        finish.left.actions,
        finish.left.cached.saturating_sub(finish.ran),
        finish.ran,
        finish.failures.len(),
        study::duration(start.elapsed().as_secs_f64()),
        store
            .root()
            .join("pins")
            .join(format!("{}.json", plan.study.name))
            .display()
    );
    Ok(report(&finish))
}

pub(crate) fn report(finish: &RunSummary) -> ExitCode {
    // Elsewhere than on a terminal each was the line of its action already, and stays there.
    if std::io::stderr().is_terminal() {
        for (title, why) in &finish.failures {
            eprintln!("failed  {title}: {why}");
        }
    }
    if let Some(first) = finish.blocked.first() {
        eprintln!(
            "not run {} actions that wait for a failed one, the first: {first}",
            finish.blocked.len()
        );
    }
    if finish.interrupted {
        say_interrupted();
        return ExitCode::from(130);
    }
    if finish.failures.is_empty() {
        return ExitCode::SUCCESS;
    }
    ExitCode::from(1)
}

fn say_interrupted() {
    eprintln!("interrupted: what is finished stays, `jackpot run` goes on from here");
}

fn cut_short() {
    thread::sleep(PATIENCE);
    // Whoever holds standard error may wait for its reader for ever.
    if thread::Builder::new().spawn(say_interrupted).is_ok() {
        thread::sleep(Duration::from_millis(100));
    }
    std::process::exit(130);
}

/// How long a run may take to end in good order. What it leaves when it is cut short is what a
/// crash leaves, which the next one sweeps.
const PATIENCE: Duration = Duration::from_secs(3);

/// Ctrl-C and its kin start nothing new and kill the workers. A second one ends the program at
/// once; so does time, for what this process itself is at (reading a large data set, waiting
/// for a lock) does not look up.
pub(crate) fn stop_on_signals() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = stop.clone();
    let mut signals = Signals::new(TERM_SIGNALS).context("cannot listen for Ctrl-C")?;
    thread::spawn(move || {
        for _ in signals.forever() {
            if seen.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
            jackpot_host::interrupt();
            // Where there is no thread left to wait in, it ends at once.
            if thread::Builder::new().spawn(cut_short).is_err() {
                std::process::exit(130);
            }
        }
    });
    Ok(stop)
}
