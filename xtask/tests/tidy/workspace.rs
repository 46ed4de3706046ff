//! The workspace as `cargo metadata` describes it, read without a crate for that: the features
//! which such a crate asks of `serde_json` and others would be those of a build of the whole
//! workspace and not those of the programs, and all tests would compile both.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::root;

/// One crate of the workspace.
pub struct Package {
    pub name: String,
    /// Its manifest, from the workspace's root.
    pub manifest: PathBuf,
    pub targets: Vec<Target>,
    /// The crates that its manifest names, those that only its tests need left out.
    pub dependencies: Vec<String>,
}

/// A library, program, test, benchmark or build script.
pub struct Target {
    kinds: Vec<String>,
    pub source: PathBuf,
}

impl Package {
    /// Its folder, from the workspace's root.
    pub fn folder(&self) -> &Path {
        self.manifest.parent().unwrap()
    }
}

impl Target {
    /// Whether it is of this kind, in cargo's words: `bin`, `test`, `bench`, `custom-build`, …
    pub fn is(&self, kind: &str) -> bool {
        self.kinds.iter().any(|its| its == kind)
    }
}

/// Every crate of the workspace.
pub fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata: {said}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    list(&metadata["packages"]).map(package).collect()
}

fn package(value: &Value) -> Package {
    let manifest = Path::new(text(&value["manifest_path"]));
    let target = |value: &Value| Target {
        kinds: list(&value["kind"])
            .map(|kind| text(kind).to_owned())
            .collect(),
        source: text(&value["src_path"]).into(),
    };
    Package {
        name: text(&value["name"]).to_owned(),
        manifest: manifest.strip_prefix(root()).unwrap().to_owned(),
        targets: list(&value["targets"]).map(target).collect(),
        dependencies: list(&value["dependencies"])
            .filter(|dependency| dependency["kind"] != "dev")
            .map(|dependency| text(&dependency["name"]).to_owned())
            .collect(),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap().iter()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Every crate of a build with the features that it is compiled with.
fn features(edges: &str, packages: &[&str]) -> BTreeSet<String> {
    let mut tree = Command::new(env!("CARGO"));
    tree.current_dir(root());
    tree.args(["tree", "--offline", "--prefix=none", "--format={p} {f}"]);
    tree.args(["--edges", edges]).args(packages);
    let output = tree.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree: {said}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| line.trim_end_matches(" (*)"));
    lines.map(|line| line.trim_end().to_owned()).collect()
}

/// Where a crate has other features in a build of everything, cargo compiles it and whatever
/// needs it a second time, after somebody has waited for `cargo xtask reproduce` to build it.
#[test]
fn tests_compile_no_crate_of_the_programs_again() {
    let mut programs = vec!["-pjackpot-cli", "-pjackpot-worker", "-pjackpot-report"];
    let plugins: Vec<String> = packages()
        .iter()
        .filter(|package| package.targets.iter().any(|target| target.is("cdylib")))
        .filter(|package| package.manifest.starts_with("plugins"))
        .map(|package| format!("-p{}", package.name))
        .collect();
    programs.extend(plugins.iter().map(String::as_str));
    let programs = features("normal,build", &programs);
    let everything = features("normal,build,dev", &["--workspace"]);
    assert!(programs.len() > 200, "only {} crates", programs.len());
    let other: Vec<_> = programs.difference(&everything).collect();
    assert!(
        other.is_empty(),
        "compiled twice, since tests or `xtask` ask for other features: {other:#?}"
    );
}
