//! The curves of a finished study as TensorBoard's files.
use crate::support::{finished, outcome};
use std::path::{Path, PathBuf};

/// Every file below a folder, by its path in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all.sort();
    all
}

#[test]
fn every_training_is_a_run_of_tensorboard_and_the_others_say_why_not() {
    let place = finished();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str| {
        let out = folder.path().join(name);
        let arguments = ["--out", out.to_str().unwrap()];
        (
            outcome(place.command("tensorboard", &arguments).output().unwrap()),
            out,
        )
    };
    let ((code, said, left_out), out) = write("runs");
    assert_eq!(code, 0, "{said}{left_out}");
    assert!(said.contains("tensorboard --logdir"), "{said}");
    let written = files(&out);
    assert!(said.starts_with(&written.len().to_string()), "{said}");
    let snip = out.join("snip/none/0.9/seed-1/events.out.tfevents.0.jackpot");
    assert!(written.contains(&snip), "{written:?}");
    let bytes = std::fs::read(&snip).unwrap();
    let holds = |tag: &[u8]| bytes.windows(tag.len()).any(|window| window == tag);
    for tag in ["brain.Event:2", "accuracy/test", "loss/train", "lr", "kept"] {
        assert!(holds(tag.as_bytes()), "{tag}");
    }
    assert!(!holds(b"validation"));
    let identical = "left out dense/corrupted-data/0/seed-1: identical to its ticket";
    assert!(left_out.contains(identical), "{left_out}");

    let ((code, ..), again) = write("again");
    assert_eq!(code, 0);
    assert_eq!(std::fs::read(&snip).unwrap(), {
        let inside = snip.strip_prefix(&out).unwrap();
        std::fs::read(again.join(inside)).unwrap()
    });
    let ((code, _, error), _) = write("runs");
    assert_eq!(code, 2);
    assert!(error.contains("absent or empty"), "{error}");
}
