//! Everything that must pass, in the order in which it fails fastest.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::{build, cargo, counts, finish, libtorch, machine};

/// Runs every step; the first that fails ends it with its own words.
pub fn run(root: &Path, yes: bool) -> Result<()> {
    machine::readers()?;
    step("format", || {
        finish(
            cargo(root).args(["fmt", "--all", "--check"]),
            "run `cargo fmt --all`",
        )
    })?;
    step("libtorch", || {
        libtorch::setup(root, yes).map(|found| println!("{found}"))
    })?;
    step("build programs and plugins, Rust and C", || {
        build::with_tests(root)
    })?;
    step("lints", || finish(&mut clippy(root), "clippy"))?;
    step("tests", || {
        counts::gather(cargo(root).args(["test", "--release", "--workspace", "--quiet"]))
    })
}

/// Warnings are errors here, and only here: a build at a desk may warn.
fn clippy(root: &Path) -> Command {
    let mut command = cargo(root);
    command.args([
        "clippy",
        "--release",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ]);
    command
}

fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("── {name}");
    let start = Instant::now();
    work()?;
    println!("   {name}: {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}
