//! Numbers beyond reason, in every field of a study: refused by name, or understood; never a
//! panic or a hang.

use crate::support::try_plan;
use std::{
    panic::catch_unwind,
    time::{Duration, Instant},
};

/// A study with every field that takes a number.
const STUDY: &str = r#"
title = "Numbers"
sparsities = [0.9, 0.5]
seeds = { values = [1, 2], init = 5, others = 7 }
tables = ["accuracy"]

[data]
set = "fashion-mnist-10k"
resize = 14
crop = 12
pad_to = 16
train_subset = 200
memory_mb = 64

[network]
family = "resnet"
depth = 8
width = 4

[training]
epochs = 4
batch = 50
lr = 0.1
schedule = { step = { milestones = [1, 2], factor = 0.1 } }
warmup_epochs = 0.5
momentum = 0.9
weight_decay = 1e-4
label_smoothing = 0.1
augment = { crop_padding = 1, flip = true, crop = 14 }
steps_per_epoch = 3
offset_epochs = 1
validation_rows = 20

[run]
threads = 1
plugin_seconds = 100.0
plugin_memory_mb = 4096
plugin_scratch_mb = 512

[probe]
widths = [4, 8]

[analysis]
margin = 0.5
loss_margin = 0.01
looks = [2, 3]

[[ticket]]
name = "dense"
dense = true

[[ticket]]
name = "snip"
scores = { method = "snip" }
allocation = "global"
retrain = { lr = 0.05, epochs = 3 }

[[ticket]]
name = "synflow"
scores = { method = "synflow", rounds = 3 }
allocation = { rule = "global", floor = 1 }

[[ticket]]
name = "lottery"
scores = { method = "magnitude" }
allocation = "global"
rounds = { share = 0.5, epochs = 2, rewind = { step = 1 } }

[[ticket]]
name = "early"
scores = { method = "magnitude", of = { epoch = 2 } }
allocation = "global"
start = { epoch = 1 }
"#;

/// What is neither small nor usual.
const EXTREMES: [&str; 16] = [
    "0",
    "-1",
    "1",
    "1000000000",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-0.0",
    "5e-324",
    "1e40",
    "1.7e308",
    "nan",
    "inf",
];

/// The study with every number in turn replaced.
fn changed(value: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = STUDY.lines().collect();
    let mut studies = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        for (start, end) in numbers(line) {
            let with = format!("{}{value}{}", &line[..start], &line[end..]);
            let mut study = lines.clone();
            study[at] = &with;
            studies.push((with.clone(), study.join("\n")));
        }
    }
    studies
}

/// Where the numbers of a line are, names and texts aside.
fn numbers(line: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let Some(equals) = line.find('=') else {
        return found;
    };
    let bytes = line.as_bytes();
    let (mut at, mut in_text) = (equals, false);
    while at < bytes.len() {
        in_text ^= bytes[at] == b'"';
        let before = bytes[at - 1];
        let begins = bytes[at].is_ascii_digit() && matches!(before, b' ' | b'[');
        if begins && !in_text {
            let is_number = |b: &u8| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'-');
            let length = bytes[at..].iter().take_while(|b| is_number(b)).count();
            found.push((at, at + length));
            at += length;
        } else {
            at += 1;
        }
    }
    found
}

#[test]
fn every_number_of_a_study_is_refused_by_name_or_understood() {
    try_plan(STUDY).unwrap_or_else(|e| panic!("{e}"));
    let (mut refused, mut taken) = (0, 0);
    for value in EXTREMES {
        for (line, study) in changed(value) {
            let start = Instant::now();
            let planned = catch_unwind(|| try_plan(&study).map(|plan| plan.nodes.len()));
            let planned = planned.unwrap_or_else(|_| panic!("`{line}` panics"));
            let took = start.elapsed();
            assert!(took < Duration::from_secs(5), "`{line}` takes {took:?}");
            match planned {
                Ok(_) => taken += 1,
                Err(why) => {
                    // The field, or the line of the file.
                    let name = line.split(['=', ' ']).next().unwrap();
                    assert!(why.contains('`') || why.contains(name), "{line}: {why}");
                    refused += 1;
                }
            }
        }
    }
    assert!(
        refused > 300 && taken > 50,
        "{refused} refused, {taken} taken"
    );
}

/// Rates are numbers of 32 bits in libtorch and in the sparse engine.
#[test]
fn rates_beyond_32_bits_are_refused_by_their_names() {
    for (from, to, field) in [
        ("lr = 0.1", "lr = 1e40", "`lr`"),
        (
            "weight_decay = 1e-4",
            "weight_decay = 1e40",
            "`weight_decay`",
        ),
        ("factor = 0.1", "factor = 1e40", "`schedule.factor`"),
        ("factor = 0.1", "factor = 1e30", "`schedule.factor`"),
        ("lr = 0.05", "lr = 1e40", "`lr`"),
    ] {
        assert!(STUDY.contains(from));
        let why = try_plan(&STUDY.replace(from, to)).err().unwrap();
        assert!(
            why.contains(field) && why.contains("at most 3.4e38"),
            "{to}: {why}"
        );
    }
    for lr in ["lr = 3e38", "lr = 1e30"] {
        try_plan(&STUDY.replace("lr = 0.1", lr)).unwrap_or_else(|e| panic!("{lr}: {e}"));
    }
}
