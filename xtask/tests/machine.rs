//! `cargo xtask test` on a machine that lacks what its tests run: everything that it starts is a
//! script of ours, so that nothing is installed here.

#![allow(clippy::unwrap_used)] // the helpers of a test are a test

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// What answers on every machine here.
const PRESENT: [&str; 5] = ["c++", "cc", "make", "python3", "cargo"];
/// Writes down what it is asked for, and installs scripts that answer.
const APT: &str = r#"here="${0%/*}"
[ "$1" = --version ] && exit 0
echo "$@" >> "$here/asked"
case "$*" in *" install "*)
    for package in "$@"; do
        case "$package" in
            chromium*) program=chromium ;;
            texlive-latex-base) program=pdflatex ;;
            texlive-latex-recommended) program=kpsewhich ;;
            *) continue ;;
        esac
        printf '#!/bin/sh\n' > "$here/$program"
        /bin/chmod +x "$here/$program"
    done
esac
"#;

fn script(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A machine with compilers, Python and this apt, without a browser and a LaTeX.
fn machine(apt: Option<&str>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in PRESENT {
        script(folder.path(), name, "");
    }
    // For whoever is not root: what follows the options is run.
    let sudo = "[ \"$1\" = --version ] && exit 0\n[ \"$1\" = -n ] && shift\nexec \"$@\"\n";
    script(folder.path(), "sudo", sudo);
    script(folder.path(), "env", "exec /usr/bin/env \"$@\"\n");
    if let Some(apt) = apt {
        script(folder.path(), "apt-get", apt);
    }
    folder
}

/// What `cargo xtask` says there when it fails, which it always does: the scripts do nothing.
fn fails(machine: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments)
        .env("PATH", machine)
        .env("CARGO", machine.join("cargo"))
        .env("XDG_CACHE_HOME", machine.join("cache"))
        .env_remove("CI")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

fn asked(machine: &Path) -> String {
    fs::read_to_string(machine.join("asked")).unwrap_or_default()
}

/// The step behind the machine's: Python is there, but downloads nothing.
const NEXT: &str = "pip downloaded another file";

#[test]
fn what_is_missing_is_installed_for_who_says_yes() {
    let machine = machine(Some(APT));
    let said = fails(machine.path(), &["test", "--yes"]);
    assert!(said.contains(NEXT), "{said}");
    let asked = asked(machine.path());
    let lines: Vec<&str> = asked.lines().collect();
    assert_eq!(lines.len(), 2, "{asked}");
    assert!(lines[0].ends_with(" update"), "{asked}");
    let packages = lines[1].split(" install ").nth(1).unwrap();
    let packages: Vec<&str> = packages.split(' ').collect();
    assert!(packages[0].starts_with("chromium"), "{asked}");
    assert_eq!(
        packages[1..],
        ["texlive-latex-base", "texlive-latex-recommended"]
    );
    // Nothing is asked for twice.
    fails(machine.path(), &["test", "--yes"]);
    assert_eq!(self::asked(machine.path()), asked);
}

#[test]
fn without_a_yes_it_is_named_with_what_mends_it() {
    let machine = machine(Some(APT));
    let said = fails(machine.path(), &["test"]);
    for part in [
        "missing on this machine: chromium",
        "say `--yes`",
        "sudo apt-get install chromium",
        "texlive-latex-recommended",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(asked(machine.path()), "");
}

#[test]
fn without_apt_it_is_named_too() {
    let machine = machine(None);
    let said = fails(machine.path(), &["test", "--yes"]);
    assert!(said.contains("missing on this machine: chromium"), "{said}");
    assert!(said.contains("your distribution's packages"), "{said}");
}

#[test]
fn an_installation_that_fails_or_brings_nothing_is_said() {
    let broken = "[ \"$1\" = --version ] && exit 0\nexit 100\n";
    let said = fails(machine(Some(broken)).path(), &["test", "--yes"]);
    assert!(said.contains("apt-get install chromium"), "{said}");
    assert!(said.contains("exit status: 100"), "{said}");
    let said = fails(machine(Some("")).path(), &["test", "--yes"]);
    assert!(
        said.contains("still missing on this machine: chromium"),
        "{said}"
    );
}

#[test]
fn the_quick_tier_needs_neither_browser_nor_latex() {
    let machine = machine(Some(APT));
    let said = fails(machine.path(), &["test", "--quick", "--yes"]);
    assert!(said.contains(NEXT), "{said}");
    assert_eq!(asked(machine.path()), "");
    fs::remove_file(machine.path().join("make")).unwrap();
    let said = fails(machine.path(), &["test", "--quick"]);
    assert!(said.contains("missing on this machine: make"), "{said}");
}
