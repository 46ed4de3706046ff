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
    // The kernels that the shipped studies pin; an environment of the caller's wins.
    for (name, value) in [
        ("ONEDNN_MAX_CPU_ISA", "AVX2"),
        ("ATEN_CPU_CAPABILITY", "avx2"),
        ("MKL_CBWR", "AVX2"),
    ] {
        if std::env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    finish(&mut command, "train_speed")
}
