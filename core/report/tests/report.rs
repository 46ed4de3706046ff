//! The whole report of made-up results.

#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

mod synthetic;

use jackpot_report::{LOCK, render, write_report};
use synthetic::{outline, results};

/// `JACKPOT_DRAW_TO=FOLDER cargo test` leaves the report there, to be looked at.
#[test]
fn the_same_results_give_the_same_bytes() {
    let first = render(&outline(), &results()).unwrap();
    if let Some(folder) = std::env::var_os("JACKPOT_DRAW_TO") {
        write_report(folder.as_ref(), &first).unwrap();
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
        "index.html",
        LOCK,
        "tables/accuracy.csv",
        "tables/accuracy.md",
        "tables/accuracy.parquet",
        "tables/accuracy.tex",
        "tables/collapse.csv",
        "tables/collapse.md",
        "tables/collapse.parquet",
        "tables/collapse.tex",
        "tables/differences.csv",
        "tables/differences.md",
        "tables/differences.parquet",
        "tables/differences.tex",
        "tables/layers.csv",
        "tables/layers.md",
        "tables/layers.parquet",
        "tables/layers.tex",
        "tables/masks.csv",
        "tables/masks.md",
        "tables/masks.parquet",
        "tables/masks.tex",
        "tables/runs.csv",
        "tables/runs.parquet",
        "tables/stages.csv",
        "tables/stages.md",
        "tables/stages.parquet",
        "tables/stages.tex",
        "tables/verdicts.csv",
        "tables/verdicts.md",
        "tables/verdicts.parquet",
        "tables/verdicts.tex",
    ];
    assert_eq!(names, expected);
}
