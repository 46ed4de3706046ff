//! The rules of the house, enforced: which crate may depend on which, where `unsafe` may
//! stand, and how entangled the code may be.

#![allow(clippy::unwrap_used)] // the helpers of a test are a test

mod bounds;
mod circles;
mod modules;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use workspace::packages;

/// Who may name whom: the arrows between crates, of which ARCHITECTURE.md tells. A crate that
/// is not listed here fails the test, so that nobody adds one without drawing its arrows.
const ARROWS: &[(&str, &[&str])] = &[
    ("jackpot-abi", &[]),
    ("jackpot-rng", &[]),
    ("jackpot-stats", &[]),
    ("jackpot-store", &[]),
    ("jackpot-net", &["jackpot-rng"]),
    ("jackpot-prune", &["jackpot-net"]),
    ("jackpot-sparse", &["jackpot-net", "jackpot-prune"]),
    ("jackpot-data", &["jackpot-net", "jackpot-rng"]),
    (
        "jackpot-protocol",
        &[
            "jackpot-abi",
            "jackpot-data",
            "jackpot-net",
            "jackpot-prune",
        ],
    ),
    (
        "jackpot-nn",
        &[
            "jackpot-data",
            "jackpot-net",
            "jackpot-protocol",
            "jackpot-prune",
            "jackpot-rng",
        ],
    ),
    (
        "jackpot-host",
        &[
            "jackpot-abi",
            "jackpot-data",
            "jackpot-net",
            "jackpot-protocol",
            "jackpot-prune",
            "jackpot-rng",
            "jackpot-store",
        ],
    ),
    (
        "jackpot-study",
        &[
            "jackpot-data",
            "jackpot-host",
            "jackpot-net",
            "jackpot-protocol",
            "jackpot-prune",
            "jackpot-rng",
            "jackpot-sparse",
            "jackpot-stats",
            "jackpot-store",
        ],
    ),
    (
        "jackpot-results",
        &[
            "jackpot-data",
            "jackpot-net",
            "jackpot-protocol",
            "jackpot-prune",
            "jackpot-stats",
            "jackpot-store",
            "jackpot-study",
        ],
    ),
    (
        "jackpot-worker",
        &[
            "jackpot-data",
            "jackpot-host",
            "jackpot-net",
            "jackpot-nn",
            "jackpot-protocol",
            "jackpot-prune",
            "jackpot-rng",
            "jackpot-sparse",
        ],
    ),
    (
        "jackpot-cli",
        &[
            "jackpot-data",
            "jackpot-host",
            "jackpot-net",
            "jackpot-protocol",
            "jackpot-prune",
            "jackpot-results",
            "jackpot-rng",
            "jackpot-sparse",
            "jackpot-store",
            "jackpot-study",
        ],
    ),
    ("jackpot-sdk", &["jackpot-abi"]),
    (
        "jackpot-report",
        &[
            "jackpot-prune",
            "jackpot-results",
            "jackpot-stats",
            "jackpot-store",
            "jackpot-study",
        ],
    ),
    ("xtask", &[]),
];

/// The files in which `unsafe` may stand: folders end with a slash.
const UNSAFE: &[&str] = &[
    "core/abi/",
    "core/host/",
    "core/sparse/src/kernels/",
    "plugins/sdk/",
    "tests/abi/",
    "tests/hostile/",
    "tests/sparse/tests/guard.rs",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

#[test]
fn dependencies_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let packages = packages();
    let mut seen = 0;
    for package in &packages {
        let name = package.name.as_str();
        let path = &package.manifest;
        let mine: BTreeSet<&str> = package
            .dependencies
            .iter()
            .map(String::as_str)
            .filter(|name| name.starts_with("jackpot-"))
            .collect();
        let may: BTreeSet<&str> = if path.starts_with("tests/") {
            continue; // a test may look at everything
        } else if path.starts_with("plugins/methods/") || path.starts_with("plugins/checks/") {
            ["jackpot-sdk"].into()
        } else {
            let arrows = allowed.get(name);
            arrows
                .unwrap_or_else(|| panic!("`{name}` has no arrows in xtask/tests/tidy/main.rs"))
                .iter()
                .copied()
                .collect()
        };
        let wrong: Vec<&&str> = mine.difference(&may).collect();
        assert!(wrong.is_empty(), "`{name}` must not depend on {wrong:?}");
        seen += 1;
    }
    assert!(seen > ARROWS.len(), "only {seen} crates were looked at");
}

#[test]
fn only_nn_and_the_worker_link_libtorch() {
    let packages = packages();
    let linking: BTreeSet<&str> = packages
        .iter()
        .filter(|package| !package.manifest.starts_with("tests"))
        .filter(|package| package.dependencies.iter().any(|name| name == "tch"))
        .map(|package| package.name.as_str())
        .collect();
    assert_eq!(linking, BTreeSet::from(["jackpot-nn", "jackpot-worker"]));
}

#[test]
fn plugins_and_the_contract_need_no_registry() {
    for package in &packages() {
        let path = &package.manifest;
        if path.starts_with("plugins") || path.starts_with("core/abi") {
            let outside: Vec<&String> = package
                .dependencies
                .iter()
                .filter(|name| !name.starts_with("jackpot-"))
                .collect();
            assert!(
                outside.is_empty(),
                "`{}` depends on {outside:?}",
                package.name
            );
        }
    }
}

/// Every file that git would commit whose name is like one of these.
fn committed(patterns: &[&str]) -> Vec<String> {
    let listed = std::process::Command::new("git")
        .current_dir(root())
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .args(patterns)
        .output()
        .unwrap();
    let names = String::from_utf8(listed.stdout).unwrap();
    let there = |name: &&str| root().join(name).is_file();
    names.lines().filter(there).map(str::to_owned).collect()
}

/// Every Rust file that git would commit, with its text.
fn sources() -> Vec<(String, String)> {
    let files: Vec<(String, String)> = committed(&["*.rs"])
        .into_iter()
        .map(|name| {
            let text = std::fs::read_to_string(root().join(&name)).unwrap();
            (name, text)
        })
        .collect();
    assert!(
        files.len() > 20,
        "git lists only {} Rust files",
        files.len()
    );
    files
}

/// Whether a line of code, not of prose, opens something unsafe.
fn is_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or("");
    ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"]
        .iter()
        .any(|word| code.contains(word))
}

#[test]
fn unsafe_stands_only_where_it_must() {
    for (name, text) in sources() {
        let may = UNSAFE.iter().any(|place| name.starts_with(place))
            || name == "xtask/tests/tidy/main.rs";
        let found = text.lines().position(is_unsafe);
        assert!(
            may || found.is_none(),
            "{name}:{}: `unsafe` outside {UNSAFE:?}",
            found.unwrap_or(0) + 1
        );
    }
    assert!(is_unsafe("    let x = unsafe { *p };") && !is_unsafe("// unsafe { in prose }"));
}

#[test]
fn every_library_says_what_it_never_does() {
    for (name, text) in sources() {
        let library = name.starts_with("core/") && name.ends_with("/src/lib.rs")
            || name == "plugins/sdk/src/lib.rs";
        assert!(
            !library || text.contains("**Invariant"),
            "{name}: no **Invariant** in its first paragraph"
        );
    }
}
