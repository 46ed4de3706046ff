//! The whole report of made-up results.

#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

mod synthetic;

use jackpot_report::{LOCK, compare, render};
use synthetic::{outline, results};

/// `JACKPOT_DRAW_TO=FOLDER cargo test` leaves the report there, to be looked at.
#[test]
fn the_same_results_give_the_same_bytes() {
    let first = render(&outline(), &results()).unwrap();
    if let Some(folder) = std::env::var_os("JACKPOT_DRAW_TO") {
        compare::write(folder.as_ref(), &first).unwrap();
    }
    let mut shuffled = results();
    shuffled.runs.reverse();
    assert_eq!(first, render(&outline(), &shuffled).unwrap());
    let names: Vec<_> = first.keys().map(String::as_str).collect();
    let expected = [
        "README.md",
        "figures/accuracy.png",
        "figures/accuracy.svg",
        "figures/layers.png",
        "figures/layers.svg",
        LOCK,
        "tables/accuracy.csv",
        "tables/accuracy.md",
        "tables/collapse.csv",
        "tables/collapse.md",
        "tables/differences.csv",
        "tables/differences.md",
        "tables/layers.csv",
        "tables/layers.md",
        "tables/masks.csv",
        "tables/masks.md",
        "tables/runs.csv",
        "tables/stages.csv",
        "tables/stages.md",
    ];
    assert_eq!(names, expected);
}
