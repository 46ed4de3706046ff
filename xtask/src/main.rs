//! `cargo xtask`: everything that is done to this repository, one file a command.
//!
//! **Invariant:** never computes a result. It installs, builds, starts programs and
//! says what they found; numbers come from `jackpot`, tables from `jackpot-report`.

#[macro_use]
#[path = "../../core/cli/src/output.rs"]
mod output;

mod bench;
mod build;
mod counts;
mod libtorch;
mod machine;
mod new_plugin;
mod report;
mod reproduce;
mod test;
mod tools;
mod wheels;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

/// Install, build, test, reproduce and report.
#[derive(Parser)]
#[command(name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// From a bare machine to a finished study: libtorch, build, run, report.
    Reproduce {
        /// A folder of `reports/`.
        #[arg(default_value = "quick")]
        study: String,
        /// Do not ask before a download or an installation.
        #[arg(long)]
        yes: bool,
        /// Trainings at the same time, one thread each. Default: one per core.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=4096))]
        workers: Option<u32>,
    },
    /// Everything that must pass: format, spelling, dependencies, lints, plugins in C and Rust,
    /// all tests.
    Test {
        /// What says most in five minutes, once built: format, spelling, dependencies, lints, unit
        /// tests, the ABI. Needs neither a browser nor a LaTeX.
        #[arg(long)]
        quick: bool,
        /// Do not ask before a download or an installation.
        #[arg(long)]
        yes: bool,
    },
    /// Draw a study's tables and figures again from the store.
    Report {
        /// A folder of `reports/`.
        study: String,
        /// Compare with the files on disk instead of writing them.
        #[arg(long)]
        check: bool,
    },
    /// Find libtorch, or install the pinned wheel into the user's cache folder.
    Setup {
        /// Do not ask before a download or an installation.
        #[arg(long)]
        yes: bool,
    },
    /// Build `jackpot`, `jackpot-worker`, `jackpot-report` and all plugins.
    Build {
        /// Do not ask before a download or an installation.
        #[arg(long)]
        yes: bool,
    },
    /// Write a plugin to begin with, which builds, passes `jackpot plugin check` and runs in a
    /// study.
    NewPlugin {
        /// Its name: small letters and digits, words joined by `-`.
        name: String,
        /// What it gives.
        #[arg(long, value_enum)]
        kind: new_plugin::Kind,
        /// What it is written in.
        #[arg(long, value_enum, default_value = "rust")]
        lang: new_plugin::Language,
    },
    /// Measure speed: training against plain libtorch, seconds a mask, seconds a large report,
    /// the sparse engine against libtorch.
    Bench {
        /// Measure this alone; may be given several times
        #[arg(long, value_enum)]
        only: Vec<bench::What>,
        /// Rounds of SynFlow; published: 100.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        synflow_rounds: u32,
        #[command(flatten)]
        engines: bench::Engines,
    },
}

fn main() -> ExitCode {
    let arguments: Arguments = output::command_line();
    match run(arguments.task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    machine::supported()?;
    let root = root()?;
    match task {
        Task::Reproduce {
            study,
            yes,
            workers,
        } => reproduce::run(&root, &study, yes, workers),
        Task::Test { quick: true, yes } => test::quick(&root, yes),
        Task::Test { quick: false, yes } => test::run(&root, yes),
        Task::Report { study, check } => report::run(&root, &study, check),
        Task::Setup { yes } => libtorch::setup(&root, yes).map(|found| println!("{found}")),
        Task::Build { yes } => {
            libtorch::setup(&root, yes)?;
            build::programs(&root)
        }
        Task::NewPlugin { name, kind, lang } => new_plugin::run(&root, &name, kind, lang),
        Task::Bench {
            only,
            synflow_rounds,
            engines,
        } => bench::run(&root, &only, synflow_rounds, &engines),
    }
}

/// The workspace that `cargo xtask` is called in; of the program without cargo the one around the
/// current folder, or else the one it was built from.
fn root() -> Result<PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    let around = here.ancestors().map(|folder| folder.join("xtask"));
    let around = || around.into_iter().find(|x| x.join("Cargo.toml").is_file());
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .or_else(around)
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    let root = manifest
        .parent()
        .context("xtask lies in the workspace's root")?;
    if !root.join("rust-toolchain.toml").is_file() {
        bail!(
            "`{}` is no checkout of jackpot: run `cargo xtask` inside one",
            root.display()
        );
    }
    Ok(root.to_path_buf())
}

/// Where cargo puts the release binaries: the folder of this very binary.
fn binaries() -> Result<PathBuf> {
    let me = std::env::current_exe().context("where this program lies")?;
    let folder = me.parent().context("a program lies in a folder")?;
    Ok(folder.to_path_buf())
}

/// Cargo as the toolchain that runs us, in the workspace's root.
fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// Runs a command to its end and fails with its own words when it fails.
fn finish(command: &mut Command, what: &str) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("{what}: cannot start `{}`", command.get_program().display()))?;
    if !status.success() {
        bail!(
            "{what}: `{}` ended with {status}",
            command.get_program().display()
        );
    }
    Ok(())
}
