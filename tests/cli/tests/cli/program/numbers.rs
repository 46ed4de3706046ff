//! Numbers beyond reason, in every option: refused by name, or understood; never a panic or a
//! hang.
use crate::support::{jackpot, outcome};
use std::{
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

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

/// Ten seconds, then it is called a hang.
fn within(command: &mut Command, what: &str) -> Output {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(10) {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{what}: still at it after ten seconds");
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    child.wait_with_output().unwrap()
}

#[test]
fn every_number_of_the_command_line_is_refused_by_name_or_understood() {
    let by_hand = "--network resnet8 --classes 10 --width 4 --input 1x14x14";
    let all = [
        ("describe resnet8 --classes", ""),
        ("describe resnet --depth", ""),
        ("describe resnet8 --width", ""),
        ("describe wrn-28-10 --widen", ""),
        (
            "allocate --sparsity 0.9 --allocation uniform --network resnet8 --classes",
            "",
        ),
        ("allocate --allocation uniform --sparsity", by_hand),
        (
            "allocate --allocation uniform --sparsity 0.9 --floor",
            by_hand,
        ),
        (
            "allocate --allocation uniform --sparsity 0.9 --seed",
            by_hand,
        ),
        (
            "allocate --allocation smart-ratio --sparsity 0.9 --plugin-seconds",
            by_hand,
        ),
        ("score --method random --out /dev/null --rounds", by_hand),
        ("score --method random --out /dev/null --seed", by_hand),
        (
            "mask --method random --sparsity 0.9 --out /dev/null --rounds",
            by_hand,
        ),
        ("plugin check /nowhere --seconds", ""),
        ("plugin check /nowhere --workers", ""),
        ("run /nowhere --workers", ""),
        ("run /nowhere --first-steps", ""),
        ("probe /nowhere --workers", ""),
        ("probe /nowhere --sparsity", ""),
        ("plan /nowhere --workers", ""),
        ("audit --store /nowhere --rerun", ""),
        ("steps --weights /nowhere --batch /nowhere --steps", by_hand),
        ("steps --weights /nowhere --batch /nowhere --lr", by_hand),
        (
            "steps --weights /nowhere --batch /nowhere --momentum",
            by_hand,
        ),
        (
            "steps --weights /nowhere --batch /nowhere --weight-decay",
            by_hand,
        ),
    ];
    for (before, after) in all {
        for value in EXTREMES {
            let what = format!("{before}={value} {after}");
            let (before, option) = before.rsplit_once(' ').unwrap();
            let mut command = jackpot();
            command
                .args(before.split(' '))
                .arg(format!("{option}={value}"));
            command.args(after.split_whitespace());
            let (code, out, err) = outcome(within(&mut command, &what));
            assert!(!err.contains("panicked"), "{what}: {err}");
            assert!([0, 1, 2].contains(&code), "{what}: {code}\n{out}{err}");
        }
    }
}
