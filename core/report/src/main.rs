//! `jackpot-report`: draws a study's report from the store.

#[macro_use]
#[path = "../../cli/src/output.rs"]
mod output;

use clap::Parser;
use jackpot_report::{
    Error, check_report, compare_report, render_with_evidence, summary_lines, write_report,
};
use jackpot_results::EVIDENCE;
use jackpot_store::Store;
use jackpot_study::{Lock, printable};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Draw the tables, figures and page of a study from the store
#[derive(Parser)]
#[command(name = "jackpot-report", version)]
struct Arguments {
    /// The study's folder, `reports/NAME`
    #[arg(value_name = "REPORTS_FOLDER/NAME")]
    study: PathBuf,
    /// The store [default: $JACKPOT_STORE, else `artifacts/` of the nearest parent folder]
    #[arg(long, value_name = "FOLDER")]
    store: Option<PathBuf>,
    /// Write nothing: compare every byte with what is there, exit 1 if a file differs
    #[arg(long, conflicts_with = "beside")]
    check: bool,
    /// Draw the figure of the last `jackpot probe` instead, into the folder's `probe/`
    #[arg(long, conflicts_with_all = ["check", "beside"])]
    probe: bool,
    /// Draw the measurements of `cargo xtask bench` in that folder instead
    #[arg(long, conflicts_with_all = ["check", "beside", "probe"])]
    speed: bool,
    /// Write here, and say how the result compares with the report in the study's folder
    #[arg(long, value_name = "FOLDER")]
    beside: Option<PathBuf>,
}

fn main() -> ExitCode {
    let done = run(&output::command_line());
    for lack in jackpot_store::lacks() {
        eprintln!("note: {lack}");
    }
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", printable(&error.to_string()));
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    let folder = arguments.study.as_path();
    if arguments.speed {
        return speed(folder);
    }
    let study = |e: jackpot_study::Error| Error::Study(e.to_string());
    let store = |e: jackpot_store::Error| Error::Study(e.to_string());
    let outline = jackpot_results::outline(folder).map_err(study)?;
    let here = std::env::current_dir().map_err(|e| Error::File {
        path: ".".into(),
        message: format!("the current folder cannot be found: {e}"),
    })?;
    if arguments.probe {
        let root = Store::locate(arguments.store.as_deref(), &here).map_err(store)?;
        let opened = Store::open(&root).map_err(store)?;
        let probed = jackpot_study::ProbeResult::read(&opened, &outline.name).map_err(study)?;
        let files = jackpot_report::render_probe(&outline.name, &probed)?;
        write_report(folder, &files)?;
        println!("wrote {} files to {}", files.len(), folder.display());
        return Ok(ExitCode::SUCCESS);
    }
    let opened = source(arguments, &outline.name, &here)?;
    let mut results = jackpot_results::collect(&opened, &outline.name).map_err(study)?;
    if jackpot_report::reads_overlaps(&outline) {
        results.overlaps = jackpot_results::overlaps(&opened, &results).map_err(study)?;
    }
    let evidence = jackpot_results::evidence(&opened, &outline.name).map_err(study)?;
    let files = render_with_evidence(&outline, &results, Some(evidence))?;
    if arguments.check {
        return check(folder, &files, opened.place());
    }
    for line in summary_lines(&outline, &results)? {
        println!("{line}");
    }
    if let Some(beside) = &arguments.beside {
        return compare_beside(folder, beside, &files);
    }
    write_report(folder, &files)?;
    println!("wrote {} files to {}", files.len(), folder.display());
    Ok(ExitCode::SUCCESS)
}

/// Draws the tables and the figure of the measurements in a folder.
fn speed(folder: &Path) -> Result<ExitCode, Error> {
    let path = folder.join(jackpot_report::MEASUREMENTS);
    let bytes = std::fs::read(&path).map_err(|e| Error::File {
        path,
        message: format!("cannot be read: {e}; `cargo xtask bench --only engines` writes it"),
    })?;
    let files = jackpot_report::render_speed(&bytes)?;
    write_report(folder, &files)?;
    println!("wrote {} files to {}", files.len(), folder.display());
    Ok(ExitCode::SUCCESS)
}

/// The store to read. A check asks whether the folder agrees with itself, so it prefers the
/// folder's own evidence; drawing prefers what was run here.
fn source(arguments: &Arguments, name: &str, here: &Path) -> Result<Store, Error> {
    let evidence = arguments.study.join(EVIDENCE);
    let explicit = arguments.store.as_deref();
    if arguments.check && explicit.is_none() && evidence.is_file() {
        return Store::open(&evidence).map_err(|e| Error::Study(e.to_string()));
    }
    jackpot_results::results_of(&arguments.study, name, explicit, here)
        .map_err(|e| Error::Study(e.to_string()))
}

/// Compares with the report in the study's folder. If it is the same byte for byte, nothing is
/// written.
fn compare_beside(
    folder: &Path,
    beside: &Path,
    files: &jackpot_report::ReportFiles,
) -> Result<ExitCode, Error> {
    let lock = Lock::read(folder).map_err(|e| Error::Study(e.to_string()))?;
    // The plan that `jackpot run` declares before the first training is not yet a report.
    let committed = lock.is_some_and(|lock| !lock.output.is_empty());
    if committed && check_report(folder, files)?.is_empty() {
        println!(
            "nothing to write: the report in {} is the same",
            folder.display()
        );
    } else {
        write_report(beside, files)?;
        println!("wrote {} files to {}", files.len(), beside.display());
    }
    if committed {
        compare_report(folder, files)?
            .iter()
            .for_each(|line| println!("{line}"));
    } else {
        println!("{} has no report to compare with", folder.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn check(
    folder: &Path,
    files: &jackpot_report::ReportFiles,
    from: &Path,
) -> Result<ExitCode, Error> {
    let wrong = check_report(folder, files)?;
    if wrong.is_empty() {
        println!(
            "{} files of {} are what {} gives",
            files.len(),
            folder.display(),
            from.display()
        );
        return Ok(ExitCode::SUCCESS);
    }
    for line in &wrong {
        eprintln!("{}: {line}", folder.display());
    }
    Ok(ExitCode::FAILURE)
}
