//! Writes a plugin to begin with: a crate under `plugins/`, or a file of `plugins/c`. The
//! workspace and the Makefile take whatever lies there, so nothing else is edited.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// What the new plugin gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// A method that scores every weight.
    Scores,
    /// A method that says how many weights each layer keeps.
    Allocation,
    /// A check that changes masks.
    Check,
}

/// The language that it is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// A crate on `plugins/sdk`.
    Rust,
    /// One file on `jackpot.h`.
    C,
}

/// Stands in the templates for the plugin's name.
const NAME: &str = "new-plugin";
const LONGEST: usize = 40;

/// Makes the plugin, and says what to do next.
pub fn run(root: &Path, name: &str, kind: Kind, language: Language) -> Result<()> {
    let files = files(name, kind, language)?;
    free(root, name)?;
    for (path, text) in &files {
        let path = root.join(path);
        let folder = path.parent().context("a file lies in a folder")?;
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        println!("wrote {}", path.display());
    }
    let library = match language {
        Language::Rust => format!("libjackpot_{}.so", name.replace('-', "_")),
        Language::C => format!("libjackpot_c_{name}.so"),
    };
    let study = match kind {
        Kind::Scores => format!("scores = {{ method = \"org.example.{name}\" }}"),
        Kind::Allocation => format!("allocation = \"org.example.{name}\""),
        Kind::Check => format!("[[check]] with steps = [\"org.example.{name}\"]"),
    };
    println!(
        "\nBuild it, hold it to the contract, ask for it in a study:\n  \
         cargo xtask build\n  \
         target/release/jackpot plugin check target/release/plugins/{library}\n  \
         {study}\n\
         `org.example` is nobody: put a name of your own before the first study."
    );
    Ok(())
}

/// Paths from the root, and texts.
fn files(name: &str, kind: Kind, language: Language) -> Result<Vec<(PathBuf, String)>> {
    check_name(name)?;
    let (rust, c) = match kind {
        Kind::Scores => (
            include_str!("../templates/scores.rs"),
            include_str!("../templates/scores.c"),
        ),
        Kind::Allocation => (
            include_str!("../templates/allocation.rs"),
            include_str!("../templates/allocation.c"),
        ),
        Kind::Check => (
            include_str!("../templates/check.rs"),
            include_str!("../templates/check.c"),
        ),
    };
    let named = |text: &str| text.replace(NAME, name);
    let family = match kind {
        Kind::Scores | Kind::Allocation => "methods",
        Kind::Check => "checks",
    };
    let folder = Path::new("plugins").join(family).join(name);
    Ok(match language {
        Language::C => vec![(format!("plugins/c/{name}.c").into(), named(c))],
        Language::Rust => vec![
            (
                folder.join("Cargo.toml"),
                named(include_str!("../templates/Cargo.toml")),
            ),
            (
                folder.join("src/lib.rs"),
                named(rust).replace("NEW_PLUGIN", &name.replace('-', "_").to_uppercase()),
            ),
        ],
    })
}

/// A name that is a crate's, a file's and an id's at once.
fn check_name(name: &str) -> Result<()> {
    let letter = |c: char| c.is_ascii_lowercase();
    let word = |word: &str| {
        word.starts_with(letter) && word.chars().all(|c| letter(c) || c.is_ascii_digit())
    };
    if name.len() > LONGEST || !name.split('-').all(word) {
        bail!(
            "`{name}`: expected words of small letters and digits joined by `-`, at most \
             {LONGEST} characters, like `hessian-trace`"
        );
    }
    // `c-snip` in Rust would be built over `snip` in C: both are `libjackpot_c_snip.so`.
    if name.starts_with("c-") {
        bail!("`{name}`: `c-` begins the names of plugins in C: take another name");
    }
    Ok(())
}

/// No crate, file or folder of this name may be there: nothing is overwritten.
fn free(root: &Path, name: &str) -> Result<()> {
    let places = ["methods", "checks"].map(|family| root.join("plugins").join(family).join(name));
    let file = root.join("plugins/c").join(format!("{name}.c"));
    let mut taken = places.into_iter().chain([file]);
    if let Some(there) = taken.find(|place| place.exists()) {
        bail!("`{}` is there already: take another name", there.display());
    }
    for manifest in manifests(root)? {
        let text = fs::read_to_string(&manifest).with_context(|| manifest.display().to_string())?;
        let package = format!("name = \"jackpot-{name}\"");
        if text.lines().any(|line| line == package) {
            bail!(
                "`{}` is the crate `jackpot-{name}` already: take another name",
                manifest.display()
            );
        }
    }
    Ok(())
}

/// Of every crate that a plugin's name could collide with.
fn manifests(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in [
        "core",
        "plugins",
        "plugins/methods",
        "plugins/checks",
        "tests",
        "xtask",
    ] {
        let folder = root.join(folder);
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let manifest = entry?.path().join("Cargo.toml");
            if manifest.is_file() {
                found.push(manifest);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_crates_files_and_ids() {
        for good in ["l1", "hessian-trace", "a2-b3"] {
            check_name(good).unwrap();
        }
        let long = "a".repeat(41);
        for bad in [
            "", "-", "a-", "A", "a_b", "../a", "1a", "a b", "ä", "a--b", &long,
        ] {
            let why = check_name(bad).unwrap_err().to_string();
            assert!(why.contains("expected words"), "{why}");
        }
        let taken = check_name("c-snip").unwrap_err().to_string();
        assert!(taken.contains("take another name"), "{taken}");
    }

    #[test]
    fn no_template_keeps_its_own_name() {
        for kind in [Kind::Scores, Kind::Allocation, Kind::Check] {
            for language in [Language::Rust, Language::C] {
                for (path, text) in files("some-name", kind, language).unwrap() {
                    assert!(text.contains("some-name"), "{}", path.display());
                    assert!(!text.to_lowercase().replace('_', "-").contains(NAME));
                }
            }
        }
    }
}
