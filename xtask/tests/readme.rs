//! Everything that the README says is true of this checkout: its excerpts are the
//! files' own lines, its links and folders exist, its commands are commands.

#![allow(clippy::unwrap_used)] // the helpers of a test are a test

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).unwrap()
}

/// The text between ``<!-- from: PATH -->`` and ``<!-- end -->``, without a code fence.
fn excerpts(text: &str) -> Vec<(String, String)> {
    text.split("<!-- from: ")
        .skip(1)
        .map(|rest| {
            let (path, rest) = rest.split_once(" -->").unwrap();
            let (body, _) = rest
                .split_once("<!-- end -->")
                .expect("an excerpt has an end");
            let lines = body.trim().lines().filter(|line| !line.starts_with("```"));
            (path.to_owned(), lines.collect::<Vec<_>>().join("\n"))
        })
        .collect()
}

/// Whether `file` has these lines in this order, one after the other.
fn holds(file: &str, lines: &str) -> bool {
    !lines.trim().is_empty() && file.contains(lines.trim())
}

#[test]
fn excerpts_are_the_files_own_lines() {
    let excerpts = excerpts(&readme());
    assert_eq!(excerpts.len(), 4);
    for (path, lines) in excerpts {
        let file = std::fs::read_to_string(root().join(&path)).unwrap();
        assert!(
            holds(&file, &lines),
            "README.md: the excerpt of {path} is not what the file says"
        );
        assert!(!holds(&file, &format!("{lines}\nx = 1")) && !holds(&file, ""));
    }
}

#[test]
fn every_link_leads_somewhere() {
    let text = readme();
    let targets: Vec<&str> = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .collect();
    assert!(targets.len() >= 8, "only {} links found", targets.len());
    for target in targets {
        assert!(
            root().join(target).exists(),
            "README.md links to {target}, which is not there"
        );
    }
}

#[test]
fn the_map_names_folders_that_exist() {
    let text = readme();
    let map = text
        .split("```text")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let folders: Vec<&str> = map
        .lines()
        .filter_map(|line| line.split("   ").next())
        .flat_map(|names| names.split(", "))
        .filter_map(|name| name.split_whitespace().next())
        .collect();
    assert!(folders.len() >= 15, "only {} folders found", folders.len());
    for folder in folders {
        assert!(
            root().join(folder).is_dir(),
            "README.md names {folder}, which is no folder"
        );
    }
}

/// The lines of the README's shell blocks.
fn commands(text: &str) -> Vec<&str> {
    text.split("```sh\n")
        .skip(1)
        .flat_map(|rest| rest.split("```").next().unwrap().lines())
        .collect()
}

#[test]
fn every_command_is_one() {
    let text = readme();
    let commands = commands(&text);
    assert!(
        commands.len() >= 7,
        "only {} commands found",
        commands.len()
    );
    for command in commands {
        let mut words = command.split_whitespace();
        let output = match words.next().unwrap() {
            // Its subcommand and arguments parse: `--help` after them runs nothing.
            "cargo" => Command::new(env!("CARGO_BIN_EXE_xtask"))
                .args(words.skip(1).take(1))
                .arg("--help")
                .output(),
            program => {
                let folder = Path::new(env!("CARGO_BIN_EXE_xtask")).parent().unwrap();
                let program = folder.join(Path::new(program).file_name().unwrap());
                assert!(
                    program.is_file(),
                    "`{}` is not built: run `cargo xtask build`",
                    program.display()
                );
                Command::new(program)
                    .args(words.take(1))
                    .arg("--help")
                    .output()
            }
        };
        let output = output.unwrap();
        assert!(
            output.status.success(),
            "`{command}`: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert!(
        !Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg("reproduc")
            .output()
            .unwrap()
            .status
            .success()
    );
}

#[test]
fn ci_runs_the_readmes_test_command() {
    let script = std::fs::read_to_string(root().join(".ci/run")).unwrap();
    let text = readme();
    let test = commands(&text)
        .into_iter()
        .find(|command| command.ends_with(" test"))
        .unwrap();
    assert!(
        script
            .lines()
            .any(|line| line == format!("exec {test} --yes")),
        "`.ci/run` does not run `{test} --yes`"
    );
}
