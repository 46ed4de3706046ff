//! The table of effects of two factors, with shares that are known.

use crate::synthetic::{outline, results, trained};
use jackpot_report::{ReportFiles, render};
use jackpot_results::{Named, Outline, Results, Run, RunOutcome};
use jackpot_study::{Factor, Factorial};

const RULES: [&str; 2] = ["uniform", "smart"];
const SCORES: [&str; 2] = ["random", "snip"];

/// The rule is worth ∓1 at 90 %, the score ∓2, by so many seeds.
fn study(seeds: u64) -> (Outline, Results) {
    let (mut outline, mut results) = (outline(), results());
    outline.seeds = (1..=seeds).collect();
    outline.sparsities = vec!["0.9".into()];
    outline.tables = vec!["effects".into()];
    outline.figures.clear();
    outline.analysis.contrasts.clear();
    outline.tickets.clear();
    results.runs.clear();
    let ticket = |rule: &str, score: &str| format!("{score}-in-{rule}");
    for (i, rule) in RULES.iter().enumerate() {
        for (j, score) in SCORES.iter().enumerate() {
            let name = ticket(rule, score);
            outline.tickets.push(Named {
                title: name.clone(),
                name: name.clone(),
                series: None,
            });
            for seed in 1..=seeds {
                let accuracy = 70.0 + 2.0 * i as f64 + 4.0 * j as f64 + seed as f64;
                let run = trained(&format!("{name} {seed}"), accuracy, 1.0, Vec::new());
                results.runs.push(Run {
                    setting: None,
                    ticket: name.clone(),
                    check: "none".into(),
                    sparsity: "0.9".into(),
                    seed,
                    outcome: RunOutcome::Done(run),
                    facts: None,
                });
            }
        }
    }
    let factor = |name: &str, levels: [&str; 2]| Factor {
        name: name.into(),
        levels: levels.map(String::from).to_vec(),
    };
    let row = |rule: &&str| SCORES.iter().map(|score| ticket(rule, score)).collect();
    outline.analysis.effects = vec![Factorial {
        of: "{score}-in-{rule}".into(),
        rows: factor("rule", RULES),
        columns: factor("score", SCORES),
        tickets: RULES.iter().map(row).collect(),
    }];
    (outline, results)
}

fn text(files: &ReportFiles, name: &str) -> String {
    String::from_utf8(files[name].clone()).unwrap()
}

#[track_caller]
fn holds(text: &str, words: &[&str]) {
    for words in words {
        assert!(text.contains(words), "expected `{words}` in: {text}");
    }
}

#[test]
fn every_factor_has_its_share_with_an_interval() {
    let (outline, mut results) = study(4);
    let files = render(&outline, &results).unwrap();
    let table = text(&files, "tables/effects.md");
    holds(
        &table,
        &[
            "rule × score: `{score}-in-{rule}`",
            "| 90 % | rule | 20.0 \\[20.0, 20.0\\] | 2.24 | 4 |",
            "| 90 % | score | 80.0 \\[80.0, 80.0\\] | 2.24 | 4 |",
            "| 90 % | rule × score | 0.0 \\[0.0, 0.0\\] | 2.24 | 4 |",
        ],
    );
    assert!(!table.contains("runs in it collapsed"), "{table}");
    let csv = text(&files, "tables/effects.csv");
    let header = "tickets,scope,factor,share_mean,share_low,share_high,sd,n,n_asked,notes";
    holds(&csv, &[header, "{score}-in-{rule},0.9,interaction,"]);
    // A share leads to all its runs.
    let page = text(&files, "index.html");
    let (_, cell) = page
        .split_once("20.0 [20.0, 20.0]</button>")
        .map_or(("", ""), |(a, _)| a.rsplit_once("data-runs=\"").unwrap());
    assert_eq!(
        cell.trim_end_matches("\">").split(' ').count(),
        16,
        "{cell}"
    );

    if let RunOutcome::Done(trained) = &mut results.runs[0].outcome {
        trained.accuracy = 10.0;
    }
    let table = text(&render(&outline, &results).unwrap(), "tables/effects.md");
    holds(&table, &["1 of 16 runs in it collapsed or diverged"]);
}

#[test]
fn what_cannot_be_said_is_said_to_be_so() {
    let (outline, results) = study(2);
    let table = text(&render(&outline, &results).unwrap(), "tables/effects.md");
    holds(&table, &["| 90 % | rule | – | – | 2 | needs 3 seeds"]);
    let (mut outline, mut results) = study(4);
    for run in &mut results.runs {
        if let RunOutcome::Done(trained) = &mut run.outcome {
            trained.accuracy = 70.0;
        }
    }
    let table = text(&render(&outline, &results).unwrap(), "tables/effects.md");
    holds(
        &table,
        &["nothing is left when the noise of single runs is taken off"],
    );
    outline.analysis.effects.clear();
    let table = text(&render(&outline, &results).unwrap(), "tables/effects.md");
    holds(&table, &["declares no effects of two factors"]);
}
