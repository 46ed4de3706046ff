//! Runs the C compiler, `make` and `cargo`, and says all they said when they fail.
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Once;

/// The top of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap().to_owned()
}

pub fn run(command: &mut Command) -> Output {
    let output = command.output();
    output.unwrap_or_else(|error| panic!("could not start {command:?}: {error}"))
}

pub fn run_well(command: &mut Command) -> String {
    let output = run(command);
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The compiler of `CC` or `CXX`, else the machine's own.
pub fn compiler(variable: &str, default: &str) -> Command {
    Command::new(std::env::var(variable).unwrap_or_else(|_| default.to_owned()))
}

/// A plugin of `plugins/c`, made by the Makefile that a third party would use.
pub fn c_plugin(name: &str) -> PathBuf {
    static MADE: Once = Once::new();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c");
    MADE.call_once(|| {
        let out = format!("OUT={}", folder.display());
        let mut make = Command::new("make");
        make.arg("-C").arg(root().join("plugins/c")).arg(out);
        run_well(make.args(["--always-make", "CFLAGS=-O2 -Werror"]));
    });
    folder.join(format!("libjackpot_c_{name}.so"))
}

/// The library of a plugin crate, built by cargo in the release profile.
pub fn rust_plugin(package: &str) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args([
            "build",
            "--release",
            "--quiet",
            "--message-format=json",
            "-p",
            package,
        ])
        .current_dir(root());
    let expected = format!("/lib{}.so", package.replace('-', "_"));
    run_well(&mut cargo)
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|message| message["reason"] == "compiler-artifact")
        .flat_map(|message| message["filenames"].as_array().unwrap().clone())
        .filter_map(|file| file.as_str().map(str::to_owned))
        .find(|file| file.ends_with(&expected))
        .unwrap_or_else(|| panic!("cargo built no `{expected}` for `{package}`"))
        .into()
}
