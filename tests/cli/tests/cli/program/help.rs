//! What the program says of itself, word for word.
use crate::support::{call, jackpot};
use std::process::Stdio;

fn help(arguments: &[&str]) -> String {
    let (code, out, err) = call(arguments);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    out
}

#[test]
fn every_command_explains_itself() {
    insta::assert_snapshot!("jackpot", help(&["--help"]));
    for command in [
        "plan", "run", "report", "probe", "list", "describe", "data", "show", "audit", "explain",
        "diff", "import", "export", "score", "mask", "allocate", "check", "steps",
    ] {
        insta::assert_snapshot!(command, help(&[command, "--help"]));
    }
}

#[test]
fn the_hidden_command_stays_hidden() {
    assert!(!help(&["--help"]).contains("__serve"));
}

#[test]
fn the_list_has_plugins_networks_and_data_sets() {
    let list = help(&["list"]);
    for word in [
        "method `snip` gives scores from weights, data, gradients",
        "method `org.jackpot.c.snip`",
        "method `smart-ratio` gives counts from shapes only",
        "check `layerwise-rearrange` changes masks with random numbers",
        "samples_per_class = 10",
        "linear_keep_ratio = 0.3",
        "resnet",
        "fashion-mnist-10k",
        "built in",
    ] {
        assert!(list.contains(word), "`{word}` is not in:\n{list}");
    }
}

#[test]
fn a_reader_that_leaves_ends_the_program_quietly() {
    let mut list = jackpot()
        .arg("list")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(list.stdout.take());
    let output = list.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(141), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
