//! Speed, as ratios within one run: the machines are noisy, ratios less so.

use std::path::Path;

use anyhow::Result;

use crate::{cargo, finish, libtorch};

/// Images a second of one training loop against the same network in plain libtorch calls.
pub fn run(root: &Path) -> Result<()> {
    println!("{}", libtorch::setup(root, false)?);
    let mut command = cargo(root);
    command.args([
        "run",
        "--release",
        "--quiet",
        "--package",
        "jackpot-nn",
        "--example",
        "train_speed",
    ]);
    finish(&mut command, "train_speed")
}
