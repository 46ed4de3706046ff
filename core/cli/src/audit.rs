//! `jackpot audit`
use crate::{Places, study};
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use std::{io::IsTerminal, process::ExitCode};

/// Exit 0: everything is what its name says. 1: something is not. 2: could not look.
pub fn run(places: &Places) -> Result<ExitCode> {
    let store = study::store(places)?;
    let bar = match std::io::stderr().is_terminal() {
        true => ProgressBar::no_length().with_style(
            ProgressStyle::with_template("{bar:26} {pos} of {len} files, {eta} left")
                .expect("the template is well-formed"),
        ),
        false => ProgressBar::hidden(),
    };
    let audit = store.audit(&|done, all| {
        bar.set_length(all);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    for problem in &audit.problems {
        println!("problem {}: {}", problem.path.display(), problem.what);
    }
    for diverged in store.divergences()? {
        println!(
            "divergence of action {}: another run gave other bytes",
            diverged.key
        );
    }
    println!(
        "{}: {} objects, {} actions, {} hashed, {} divergences, {} problems",
        store.root().display(),
        audit.objects,
        audit.actions,
        study::bytes(audit.bytes),
        audit.divergences,
        audit.problems.len()
    );
    Ok(match audit.problems.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(1),
    })
}
