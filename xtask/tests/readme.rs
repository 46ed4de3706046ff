//! Everything that the documents say is true of this checkout: excerpts are the files' own
//! lines, links lead somewhere, commands and their options are those of the programs.

#![allow(clippy::unwrap_used)] // the helpers of a test are a test

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What people read who use or change Jackpot.
const DOCUMENTS: [&str; 10] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "artifacts/README.md",
    "core/abi/CONTRACT.md",
    "core/study/STUDY.md",
    "examples/README.md",
    "reports/README.md",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

fn read(document: &str) -> String {
    std::fs::read_to_string(root().join(document)).unwrap()
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
    let excerpts = excerpts(&read("README.md"));
    assert_eq!(excerpts.len(), 2);
    for (path, lines) in excerpts {
        let file = read(&path);
        assert!(
            holds(&file, &lines),
            "README.md: the excerpt of {path} is not what the file says"
        );
        assert!(!holds(&file, &format!("{lines}\nx = 1")) && !holds(&file, ""));
    }
}

#[test]
fn every_link_leads_somewhere() {
    let mut found = 0;
    for document in DOCUMENTS {
        let text = read(document);
        let targets = text.split("](").skip(1).map(|rest| {
            let (target, _) = rest.split_once(')').unwrap();
            target
        });
        let folder = root().join(document).parent().unwrap().to_path_buf();
        for target in targets.filter(|target| !target.starts_with("https://")) {
            assert!(
                folder.join(target).exists(),
                "{document} links to {target}, which is not there"
            );
            found += 1;
        }
    }
    assert!(found >= 30, "only {found} links found");
}

#[test]
fn the_speed_is_the_measured_one() {
    let text = read("reports/speed/speed.md");
    let (_, table) = text.split_once("## At 98 % sparsity").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows = table.lines().filter(|line| line.contains(" to "));
    let times: Vec<f64> = rows
        .filter_map(|row| row.split('|').nth(2)?.split_whitespace().next())
        .filter_map(|number| number.parse().ok())
        .collect();
    assert_eq!(times.len(), 5, "{times:?}");
    let least = times.iter().copied().fold(f64::INFINITY, f64::min);
    let most = times.iter().copied().fold(0.0, f64::max);
    let said = format!("are {least:.0} to {most:.0} times as fast as libtorch's");
    assert!(read("README.md").contains(&said), "README.md: {said}");
}

/// The lines of a document's shell blocks.
fn commands(text: &str) -> Vec<&str> {
    text.split("```sh\n")
        .skip(1)
        .flat_map(|rest| rest.split("```").next().unwrap().lines())
        .collect()
}

/// What stands between single backticks, outside blocks of code.
fn spans(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose
        .flat_map(|prose| prose.split('`').skip(1).step_by(2))
        .collect()
}

/// Asks the program for the help of a command as it is written in a document: its subcommands
/// must be there, and its options in what the help says. `None` for another program.
fn help(command: &str) -> Option<Result<(), String>> {
    let mut words = command.split_whitespace().peekable();
    let program = match words.next()? {
        "cargo" => {
            words.next_if_eq(&"xtask")?;
            PathBuf::from(env!("CARGO_BIN_EXE_xtask"))
        }
        "jackpot" | "target/release/jackpot" => {
            let program = Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name("jackpot");
            assert!(
                program.is_file(),
                "`{}` is not built: run `cargo xtask build`",
                program.display()
            );
            program
        }
        _ => return None,
    };
    let is_subcommand = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let mut called = Command::new(program);
    while let Some(word) = words.next_if(|word| is_subcommand(word) && !word.starts_with('-')) {
        called.arg(word);
    }
    let Output {
        status,
        stdout,
        stderr,
    } = called.arg("--help").output().unwrap();
    if !status.success() {
        let said = String::from_utf8_lossy(&stderr);
        return Some(Err(format!("`{command}`: {said}")));
    }
    let text = String::from_utf8(stdout).unwrap();
    let names: Vec<&str> = text
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .collect();
    let unknown = words
        .filter(|word| word.starts_with("--"))
        .find(|option| !names.contains(option));
    Some(match unknown {
        None => Ok(()),
        Some(option) => Err(format!("`{command}`: no option `{option}`")),
    })
}

#[test]
fn every_command_is_one() {
    let mut found = 0;
    for document in DOCUMENTS {
        let text = read(document);
        // The shell blocks of the store's page are run by its own tests.
        let blocks = commands(&text).into_iter();
        for command in blocks.chain(spans(&text)) {
            match help(command) {
                Some(Ok(())) => found += 1,
                Some(Err(wrong)) => panic!("{document}: {wrong}"),
                None => {}
            }
        }
    }
    assert!(found >= 60, "only {found} commands found");
    for wrong in [
        "cargo xtask reproduc",
        "jackpot planning STUDY",
        "jackpot run --worker",
    ] {
        assert!(help(wrong).unwrap().is_err(), "`{wrong}`");
    }
}

#[test]
fn a_test_that_is_named_can_be_run() {
    let text = read("CONTRIBUTING.md");
    let all = commands(&text).into_iter().chain(spans(&text));
    let mut found = 0;
    for command in all.filter(|command| command.starts_with("cargo test ")) {
        let (_, rest) = command.split_once("--test ").unwrap();
        let name = rest.split(' ').next().unwrap();
        assert!(command.contains(" --release --workspace "), "`{command}`");
        let place = root().join("xtask/tests").join(name);
        assert!(place.join("main.rs").is_file(), "`{command}`");
        found += 1;
    }
    assert!(found >= 2);
}

#[test]
fn ci_runs_the_readmes_test_command() {
    let script = read(".ci/run");
    let text = read("README.md");
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

/// Whether a span is a path from the root: it begins with a folder or is a file that lies there.
fn is_path(span: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-@".contains(c);
    let (first, _) = span.split_once('/').unwrap_or(("", ""));
    let folders = [
        ".ci",
        "artifacts",
        "core",
        "examples",
        "plugins",
        "reports",
        "tests",
        "xtask",
    ];
    // `reports/NAME/study.toml` is one that the reader has.
    let stands_for_another = span
        .split('/')
        .any(|part| part.contains(char::is_uppercase) && !part.contains('.') && part != "FORMAT");
    folders.contains(&first) && span.chars().all(plain) && !stands_for_another
}

#[test]
fn every_path_is_there() {
    let mut found = 0;
    for document in DOCUMENTS {
        let text = read(document);
        for path in spans(&text).into_iter().filter(|span| is_path(span)) {
            assert!(
                root().join(path).exists(),
                "{document} names {path}, which is not there"
            );
            found += 1;
        }
    }
    assert!(found >= 80, "only {found} paths found");
    assert!(is_path("core/net") && is_path(".ci/run") && !is_path("reports/NAME/FILE"));
}

/// The first block of text of the chapter "The map": folders and what each is.
#[test]
fn the_map_names_every_crate() {
    let text = read("ARCHITECTURE.md");
    let (_, map) = text.split_once("## The map\n\n```text\n").unwrap();
    let (map, _) = map.split_once("```").unwrap();
    let mut folders: Vec<&str> = map
        .lines()
        .filter_map(|line| line.split("   ").next())
        .flat_map(|names| names.split(", "))
        .filter_map(|name| name.split_whitespace().next())
        .collect();
    for folder in &folders {
        assert!(root().join(folder).is_dir(), "{folder} is no folder");
    }
    folders.retain(|folder| folder.starts_with("core/"));
    folders.sort();
    let mut crates: Vec<String> = std::fs::read_dir(root().join("core"))
        .unwrap()
        .map(|entry| format!("core/{}", entry.unwrap().file_name().display()))
        .filter(|folder| root().join(folder).join("Cargo.toml").is_file())
        .collect();
    crates.sort();
    assert_eq!(folders, crates);
    for name in crates {
        let paragraph = text
            .lines()
            .find(|line| line.starts_with(&format!("**`{name}`** ")));
        let paragraph = paragraph.unwrap_or_else(|| panic!("{name} has no paragraph"));
        assert!(paragraph.contains("*Invariant:*"), "{name}");
    }
}
