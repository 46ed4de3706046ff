//! Everything that must pass, in the order in which it fails fastest.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::machine::{self, Need};
use crate::{build, cargo, counts, finish, libtorch, tools};

/// Runs every step; the first that fails ends it with its own words.
pub fn run(root: &Path, yes: bool) -> Result<()> {
    let tools = begin(root, yes, &[machine::COMPILERS, machine::READERS])?;
    step("advisories", || tools::advisories(root, &tools))?;
    step("build programs and plugins, Rust and C", || {
        build::with_tests(root)
    })?;
    step("lints", || finish(&mut clippy(root), "clippy"))?;
    step("sparse engine under AddressSanitizer", || {
        finish(&mut sanitized(root), "the address sanitizer")
    })?;
    step("tests", || {
        counts::gather(cargo(root).args(["test", "--release", "--workspace", "--quiet"]))
    })
}

/// What says most in little time: no test that trains, kills, floods or draws.
pub fn quick(root: &Path, yes: bool) -> Result<()> {
    begin(root, yes, &[machine::COMPILERS])?;
    step("lints", || finish(&mut clippy(root), "clippy"))?;
    step("unit tests, ABI, rules of the house", || {
        let mut tests = cargo(root);
        // The whole workspace, so that crates have the features that they were built with.
        tests.args(["test", "--release", "--workspace", "--quiet"]);
        tests.args(["--lib", "--bins", "--test", "abi", "--test", "tidy"]);
        finish(&mut tests, "tests")
    })
}

/// What needs no build, after everything that may have to be installed; the checkers' folder.
fn begin(root: &Path, yes: bool, needs: &[&[Need]]) -> Result<PathBuf> {
    machine::provide(needs, yes)?;
    let tools = tools::setup(yes)?;
    step("libtorch", || {
        libtorch::setup(root, yes).map(|found| println!("{found}"))
    })?;
    step("format", || {
        finish(
            cargo(root).args(["fmt", "--all", "--check"]),
            "run `cargo fmt --all`",
        )
    })?;
    step("spelling", || tools::spelling(root, &tools))?;
    step("licences, versions and sources of dependencies", || {
        tools::dependencies(root, &tools)
    })?;
    Ok(tools)
}

/// The kernels of the sparse engine against its reference, every access looked at. The compiler
/// that is pinned here has the sanitizer; it only wants to be told that we know it is unstable.
fn sanitized(root: &Path) -> Command {
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut command = cargo(root);
    command.env("RUSTC_BOOTSTRAP", "1");
    command.env("RUSTFLAGS", "-Zsanitizer=address");
    command.args(["test", "--release", "--quiet"]);
    // A target that is named keeps the flags from build scripts, and these builds apart.
    command.args(["--target", &triple]);
    command.args(["--package", "jackpot-test-sparse", "--test", "sparse"]);
    command
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
