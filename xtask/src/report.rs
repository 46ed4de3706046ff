//! Draws a study's tables and figures again from the store.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::{binaries, build, cargo, finish};

/// Draws, after what draws is built: with all programs where they have been built, else alone,
/// which needs no libtorch.
pub fn run(root: &Path, study: &str, check: bool) -> Result<()> {
    // Built alone it has fewer features of some dependencies: with the others there, cargo would
    // compile all of it a second time.
    if binaries()?.join("jackpot-worker").is_file() {
        build::programs(root)?;
    } else {
        let mut command = cargo(root);
        command.args(["build", "--release", "--quiet"]);
        command.args(["--package", "jackpot-report"]);
        finish(&mut command, "build of the report")?;
    }
    let folder = folder(root, study)?;
    let mut report = program()?;
    report.arg(folder).current_dir(root);
    if check {
        report.arg("--check");
    }
    finish(&mut report, "report")
}

/// The binary that draws.
pub fn program() -> Result<Command> {
    Ok(Command::new(binaries()?.join("jackpot-report")))
}

/// The folder of a study, named by its name.
pub fn folder(root: &Path, study: &str) -> Result<std::path::PathBuf> {
    let reports = root.join("reports");
    let folder = reports.join(study);
    if folder.join("study.toml").is_file() {
        return Ok(folder);
    }
    let mut known: Vec<String> = std::fs::read_dir(&reports)?
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.path().join("study.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    known.sort();
    bail!(
        "no study `{study}`: `reports/{study}/study.toml` is missing; there are: {}",
        known.join(", ")
    )
}
