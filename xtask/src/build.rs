//! Builds the programs, and the plugins into `plugins/` beside them.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{binaries, cargo, finish};

/// All that the tests run, in the one compilation that `cargo test` then finds done: built
/// one by one, crates would be compiled again with the features that the tests add.
pub fn with_tests(root: &Path) -> Result<()> {
    let mut command = cargo(root);
    command.args([
        "build",
        "--release",
        "--quiet",
        "--workspace",
        "--all-targets",
    ]);
    finish(&mut command, "build")?;
    gather(root, &plugin_crates(root)?)
}

/// Everything a user runs.
pub fn programs(root: &Path) -> Result<()> {
    let crates = plugin_crates(root)?;
    let mut command = cargo(root);
    command.args(["build", "--release", "--quiet"]);
    for package in ["jackpot-cli", "jackpot-worker", "jackpot-report"] {
        command.args(["--package", package]);
    }
    for plugin in &crates {
        command.args(["--package", &plugin.package]);
    }
    finish(&mut command, "build")?;
    gather(root, &crates)
}

/// A crate under `plugins/` that is built into a dynamic library.
struct PluginCrate {
    package: String,
    library: String,
}

/// One crate a folder of `plugins/methods` and `plugins/checks`; its name stands in its manifest.
fn plugin_crates(root: &Path) -> Result<Vec<PluginCrate>> {
    let mut crates = Vec::new();
    for family in ["plugins/methods", "plugins/checks"] {
        let folder = root.join(family);
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let manifest = entry?.path().join("Cargo.toml");
            let text =
                fs::read_to_string(&manifest).with_context(|| manifest.display().to_string())?;
            let package = text
                .lines()
                .find_map(|line| {
                    line.strip_prefix("name = ")?
                        .trim()
                        .strip_prefix('"')?
                        .strip_suffix('"')
                })
                .with_context(|| format!("{}: no `name = \"…\"`", manifest.display()))?;
            let library = format!("lib{}.so", package.replace('-', "_"));
            crates.push(PluginCrate {
                package: package.to_owned(),
                library,
            });
        }
    }
    crates.sort_by(|one, other| one.package.cmp(&other.package));
    Ok(crates)
}

/// Puts every plugin, Rust's and C's, where `jackpot` looks for it, and nothing else.
fn gather(root: &Path, crates: &[PluginCrate]) -> Result<()> {
    let from = binaries()?;
    let to = from.join("plugins");
    fs::create_dir_all(&to)?;
    for plugin in crates {
        let (built, place) = (from.join(&plugin.library), to.join(&plugin.library));
        // A new file under the old name: a worker that has the old one mapped keeps it.
        let fresh = to.join(format!("{}.new", plugin.library));
        fs::copy(&built, &fresh).with_context(|| built.display().to_string())?;
        fs::rename(&fresh, &place)?;
    }
    let mut make = Command::new("make");
    make.arg("--silent")
        .arg("--directory")
        .arg(root.join("plugins/c"))
        .arg(format!("OUT={}", to.display()));
    finish(&mut make, "the C plugins")
}
