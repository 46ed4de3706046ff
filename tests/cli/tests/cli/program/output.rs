//! Output that has no room: an error with a line and a code, never a panic.
use crate::{
    commands::Commands,
    support::{binaries, outcome},
};
use std::{
    fs::File,
    process::{Command, Stdio},
};

fn full() -> Stdio {
    File::options()
        .write(true)
        .open("/dev/full")
        .unwrap()
        .into()
}

fn is_said(what: &str, (code, _, err): (i32, String, String)) {
    assert_eq!(code, 2, "{what}: {err}");
    assert!(
        err.contains("error: could not write to standard output: No space left on device"),
        "{what}: {err}"
    );
    assert!(!err.contains("panicked"), "{what}: {err}");
}

#[test]
fn every_command_says_that_its_output_has_no_room() {
    let (whole, cut) = (Commands::new(), Commands::new());
    let mut said = 0;
    for ((name, mut whole), (_, mut cut)) in whole.all().zip(cut.all()) {
        let (_, out, _) = outcome(whole.output().unwrap());
        let answer = outcome(cut.stdout(full()).output().unwrap());
        // What prints nothing has nothing to say of it.
        if !out.is_empty() {
            is_said(name, answer);
            said += 1;
        }
    }
    assert!(said > 20, "{said} commands print");
}

/// What is told beside the output is lost, and nothing else is.
#[test]
fn every_command_works_where_standard_error_has_no_room() {
    let commands = Commands::new();
    for (name, mut command) in commands.all() {
        let answer = command.stderr(full()).output().unwrap();
        let expected = match name {
            "data fetch" | "pin remove" => 2,
            _ => 0,
        };
        assert_eq!(answer.status.code(), Some(expected), "{name}");
    }
}

#[test]
fn help_and_version_and_the_other_programs_say_it_too() {
    let store = Commands::new();
    let study = store.place.study();
    let report = |more: &[&str]| {
        let mut report = Command::new(binaries().join("jackpot-report"));
        report.arg("--store").arg(store.place.store());
        report.arg(&study).args(more);
        report
    };
    let with = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(binaries().join(program));
        command.args(arguments);
        command
    };
    let all = [
        with("jackpot", &["--help"]),
        with("jackpot", &["--version"]),
        with("jackpot", &["help", "run"]),
        with("jackpot", &["run", "--help"]),
        with("jackpot-report", &["--help"]),
        with("jackpot-worker", &["--help"]),
        with("jackpot-worker", &["--describe"]),
        report(&[]),
    ];
    for mut command in all {
        let what = format!("{command:?}");
        let (code, ..) = outcome(command.output().unwrap());
        assert_eq!(code, 0, "{what}");
        is_said(&what, outcome(command.stdout(full()).output().unwrap()));
    }
}
