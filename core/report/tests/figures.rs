//! Figures of unusual studies: nothing measured, one panel, many layers and panels.
//! `JACKPOT_DRAW_TO=FOLDER cargo test` saves them in that folder.

#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

mod synthetic;

use jackpot_report::{ReportFiles, render, write_report};
use jackpot_results::{Named, Outline, Results, RunOutcome};
use synthetic::{outline, results};

fn drawn(name: &str, outline: &Outline, results: &Results) -> ReportFiles {
    let files = render(outline, results).unwrap();
    if let Some(folder) = std::env::var_os("JACKPOT_DRAW_TO") {
        write_report(&std::path::Path::new(&folder).join(name), &files).unwrap();
    }
    for figure in ["accuracy", "layers"] {
        let svg = String::from_utf8(files[&format!("figures/{figure}.svg")].clone()).unwrap();
        assert!(
            !svg.contains("<text"),
            "text is outlines, the same in every viewer"
        );
        assert!(svg.contains("<path") && svg.contains("viewBox=\"0 0 1360 "));
        let png = &files[&format!("figures/{figure}.png")];
        assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
        assert_eq!(
            png[16..20],
            1360u32.to_be_bytes(),
            "the width in the header"
        );
    }
    files
}

#[test]
fn a_study_of_which_nothing_finished() {
    let mut results = results();
    for run in &mut results.runs {
        run.outcome = RunOutcome::Missing;
    }
    let files = drawn("nothing", &outline(), &results);
    let page = String::from_utf8(files["README.md"].clone()).unwrap();
    assert!(page.contains("93 runs: 0 measured by 0 trainings, 0 identical by construction and not run, 0 failed, 93 missing."));
}

#[test]
fn one_sparsity_without_checks() {
    let (mut outline, mut results) = (outline(), results());
    outline.sparsities.truncate(1);
    outline.checks.clear();
    results
        .runs
        .retain(|r| r.check == "none" && r.sparsity != "0.98");
    drawn("small", &outline, &results);
}

#[test]
fn many_layers_and_panels() {
    let (mut outline, mut results) = (outline(), results());
    outline.tickets[2].title = "SNIP, scored once on one balanced batch of the training set".into();
    outline.sparsities = ["0.5", "0.9", "0.98", "0.995"].map(String::from).to_vec();
    outline.checks.push(Named {
        name: "shuffle".into(),
        title: "Weights shuffled".into(),
        series: None,
    });
    let runs = results.runs.clone();
    for (new, old) in [("0.5", "0.9"), ("0.995", "0.98")] {
        let copies = runs.iter().filter(|r| r.sparsity == old).cloned();
        results.runs.extend(copies.map(|mut r| {
            r.sparsity = new.into();
            r
        }));
    }
    for run in &mut results.runs {
        if let RunOutcome::Done(trained) = &mut run.outcome
            && !trained.layers.is_empty()
        {
            let of = |i: usize| {
                let (name, weights, kept) = &trained.layers[i * 10 / 34];
                (format!("{i}.{name}"), *weights, *kept)
            };
            trained.layers = (0..34).map(of).collect();
        }
    }
    drawn("large", &outline, &results);
}
