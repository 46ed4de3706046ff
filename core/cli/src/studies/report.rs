//! `jackpot report`: draws a study's tables, figures and page.
//!
//! The drawing is another program's, `jackpot-report` beside this one: this program serves
//! plugins, and never links what tables and figures are drawn with.
use crate::{Places, study};
use anyhow::{Context, Result, bail};
use std::{
    env,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, ExitCode},
};

const PROGRAM: &str = "jackpot-report";

#[derive(clap::Args)]
pub struct Arguments {
    /// The study's folder, its `study.toml`, or its name under `reports/`
    study: PathBuf,
    /// Write nothing: compare every byte with what is there, exit 1 if a file differs
    #[arg(long, conflicts_with = "beside")]
    check: bool,
    /// Draw the figure of the last `jackpot probe` instead, into the folder's `probe/`
    #[arg(long, conflicts_with_all = ["check", "beside"])]
    probe: bool,
    /// Write here, and say how the result compares with the report in the study's folder
    #[arg(long, value_name = "FOLDER")]
    beside: Option<PathBuf>,
}

/// Becomes `jackpot-report`, whose exit code, words and end by a signal are then this command's.
pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let mut folder = study::find(&arguments.study)?;
    if folder.is_file() {
        folder.pop();
    }
    let here = env::current_exe().context("the path of this program")?;
    let program = here.with_file_name(PROGRAM);
    if !program.is_file() {
        bail!(
            "{}: expected the program that draws reports beside this one, found none; `cargo xtask build` makes both",
            program.display()
        );
    }
    let mut report = Command::new(&program);
    report.arg(&folder);
    if let Some(store) = &places.store {
        report.arg("--store").arg(store);
    }
    for (asked, option) in [(arguments.check, "--check"), (arguments.probe, "--probe")] {
        if asked {
            report.arg(option);
        }
    }
    if let Some(beside) = &arguments.beside {
        report.arg("--beside").arg(beside);
    }
    // Only a failure comes back.
    Err(report.exec()).with_context(|| format!("{}: cannot be started", program.display()))
}
