//! From a bare machine to a finished study, in one command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::{binaries, build, finish, libtorch, report};

/// Installs, builds, runs, reports, and says where to look.
pub fn run(root: &Path, study: &str, yes: bool, workers: Option<u32>) -> Result<()> {
    let start = Instant::now();
    let folder = report::folder(root, study)?;
    println!("{}", libtorch::setup(root, yes)?);
    println!("building `jackpot`, `jackpot-worker`, `jackpot-report` and the plugins");
    build::programs(root)?;
    let built = start.elapsed().as_secs_f64();

    let mut run = Command::new(binaries()?.join("jackpot"));
    run.arg("run").arg(&folder).current_dir(root);
    if let Some(workers) = workers {
        run.arg("--workers").arg(workers.to_string());
    }
    finish(&mut run, "study")?;

    let place = draw(root, &folder, study)?;
    println!(
        "\nreport: {}\naudit:  {} audit\n{:.0} s in all, {built:.0} s of them set-up and build",
        place.join("README.md").display(),
        binaries()?.join("jackpot").display(),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

/// A committed report of the same study stays as it is: what this machine found is
/// written beside it and compared, and where both agree nothing is left to write.
fn draw(root: &Path, folder: &Path, study: &str) -> Result<PathBuf> {
    let mut report = report::program()?;
    report.arg(folder).current_dir(root);
    // `jackpot run` writes the lock before the first training; a report lists its files there.
    let lock = fs::read_to_string(folder.join("study.lock")).unwrap_or_default();
    if !lock.contains("[[output]]") {
        finish(&mut report, "report")?;
        return Ok(folder.to_path_buf());
    }
    let beside = root.join("reports").join(format!("{study}@here"));
    if beside.is_dir() {
        fs::remove_dir_all(&beside)?;
    }
    finish(report.arg("--beside").arg(&beside), "report")?;
    if !beside.is_dir() {
        return Ok(folder.to_path_buf());
    }
    println!("`cargo xtask report {study}` would replace the committed report by this one");
    Ok(beside)
}
