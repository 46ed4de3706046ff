//! Effects of two factors: shares that are known, from tickets that are made up.
#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

mod support;

use jackpot_results::{FoundEffects, Outcome, Run, Scope, Table, effects};
use jackpot_study::{Analysis, CollapsedRuns, Study};
use std::path::Path;
use support::QUICK;

const BLOCK: &str = r#"
[[ticket]]
name = "{score}-in-{rule}"
title = "{score} in {rule}"
scores = "{score}"
allocation = "{rule}"

[ticket.each]
rule = ["uniform", "smart-ratio"]
score = [
    { name = "random", method = "random" },
    { name = "snip", method = "snip" },
    { name = "grasp", method = "grasp" },
]

[[ticket]]
name = "by-{score}"
scores = "{score}"
allocation = "global"
each = { score = [{ name = "snip", method = "snip" }, { name = "grasp", method = "grasp" }] }

[[ticket]]
name = "{one}-and-{other}"
scores = "{one}"
allocation = "{other}"

[ticket.each]
one = [{ name = "snip", method = "snip" }, { name = "grasp", method = "grasp" }]
other = ["uniform"]
"#;

fn study(of: &str) -> Result<Analysis, String> {
    let effects = match of {
        "" => String::new(),
        of => format!("[[analysis.effects]]\nof = \"{of}\"\n"),
    };
    let text = format!("{QUICK}\n{BLOCK}\n[analysis]\nstandard = false\n{effects}");
    let study = Study::parse(&text, Path::new("/somewhere/factorial"));
    study.map(|s| s.analysis).map_err(|e| e.to_string())
}

const SEEDS: [u64; 4] = [1, 2, 3, 4];
const RULES: [&str; 2] = ["uniform", "smart-ratio"];
const SCORES: [&str; 3] = ["random", "snip", "grasp"];

/// At 0.9 the rule is worth ∓1, the score −2, 0 and 2, and half their product stands for what is of
/// both; at 0.98 the rule alone is worth ∓3. Seeds differ, all tickets of one alike.
fn accuracy(rule: usize, score: usize, sparsity: &str, seed: u64) -> f64 {
    let (rule, score) = (2.0 * rule as f64 - 1.0, 2.0 * (score as f64 - 1.0));
    let effects = match sparsity {
        "0.9" => rule + score + 0.5 * rule * score,
        _ => 3.0 * rule,
    };
    70.0 + effects + 0.4 * seed as f64
}

fn runs() -> Vec<Run> {
    let mut all = Vec::new();
    for sparsity in ["0.9", "0.98"] {
        for (i, rule) in RULES.iter().enumerate() {
            for (j, score) in SCORES.iter().enumerate() {
                for seed in SEEDS {
                    let ticket = format!("{score}-in-{rule}");
                    let name = format!("{ticket} {sparsity} {seed}");
                    let accuracy = accuracy(i, j, sparsity, seed);
                    all.push(Run {
                        setting: None,
                        ticket,
                        check: "none".into(),
                        sparsity: sparsity.into(),
                        seed,
                        outcome: Outcome::Done(support::made_up(&name, accuracy)),
                        facts: None,
                    });
                }
            }
        }
    }
    all
}

fn found(analysis: &Analysis, runs: &[Run]) -> Vec<FoundEffects> {
    let table = Table {
        runs: runs.iter().collect(),
        across_settings: false,
        sparsities: &["0.9", "0.98"].map(String::from),
        seeds: &SEEDS,
        collapsed: &|trained| trained.accuracy <= 12.0,
    };
    effects(analysis, &table)
}

#[track_caller]
fn shares(found: &FoundEffects, wanted: [f64; 3], variance: f64) {
    let effects = found.effects.unwrap();
    let own = [effects.rows, effects.columns, effects.interaction];
    for (own, wanted) in own.iter().zip(wanted) {
        assert!((own.estimate - wanted).abs() < 1e-9, "{effects:?}");
        // Nothing but the seed differs between seeds.
        assert!((own.interval[1] - own.interval[0]).abs() < 1e-6);
    }
    assert!((effects.sd - variance.sqrt()).abs() < 1e-9, "{effects:?}");
}

#[test]
fn shares_are_those_that_were_put_in() {
    let analysis = study("{score}-in-{rule}").unwrap();
    let of = &analysis.effects[0];
    assert_eq!(
        (of.rows.name.as_str(), of.columns.name.as_str()),
        ("rule", "score")
    );
    assert_eq!(of.rows.levels, RULES);
    assert_eq!(of.columns.levels, SCORES);
    assert_eq!(of.tickets[1][2], "grasp-in-smart-ratio");
    let all = found(&analysis, &runs());
    let scopes: Vec<&str> = all.iter().map(|f| f.scope.word()).collect();
    assert_eq!(scopes, ["0.9", "0.98", "average"]);
    // Variances 1, 8/3 and (8/3)/4.
    shares(&all[0], [3.0 / 13.0, 8.0 / 13.0, 2.0 / 13.0], 13.0 / 3.0);
    shares(&all[1], [1.0, 0.0, 0.0], 9.0);
    // Of the averages the effects are halves and means: 4, 2/3 and 1/6.
    shares(&all[2], [24.0 / 29.0, 4.0 / 29.0, 1.0 / 29.0], 29.0 / 6.0);
    assert_eq!((all[0].runs, all[2].runs), (24, 48));
    assert_eq!((all[0].keys.len(), all[2].keys.len()), (24, 48));
    assert!(
        all.iter()
            .all(|f| f.seeds == SEEDS && f.asked == 4 && f.collapsed == 0)
    );
}

#[test]
fn a_seed_counts_where_all_its_tickets_were_trained() {
    let analysis = study("{score}-in-{rule}").unwrap();
    let mut runs = runs();
    let lost = |r: &Run| (r.ticket.as_str(), r.sparsity.as_str()) == ("snip-in-uniform", "0.98");
    runs.iter_mut()
        .filter(|r| lost(r) && r.seed == 3)
        .for_each(|r| r.outcome = Outcome::Missing);
    let all = found(&analysis, &runs);
    let seeds: Vec<&[u64]> = all.iter().map(|f| &f.seeds[..]).collect();
    assert_eq!(seeds, [&[1, 2, 3, 4][..], &[1, 2, 4], &[1, 2, 4]]);
    shares(&all[2], [24.0 / 29.0, 4.0 / 29.0, 1.0 / 29.0], 29.0 / 6.0);
    // Under three seeds there is no interval, and a sparsity without a ticket is not one.
    runs.retain(|r| r.seed < 3 && !lost(r));
    let all = found(&analysis, &runs);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].scope, Scope::Sparsity("0.9".into()));
    assert_eq!((all[0].effects, all[0].seeds.len()), (None, 2));
}

#[test]
fn collapsed_runs_are_counted_or_left_out() {
    let mut analysis = study("{score}-in-{rule}").unwrap();
    let mut runs = runs();
    for run in &mut runs {
        if (run.ticket.as_str(), run.sparsity.as_str()) == ("random-in-uniform", "0.98")
            && let Outcome::Done(trained) = &mut run.outcome
        {
            match run.seed {
                1 => trained.accuracy = 10.0,
                2 => trained.test_loss = f64::INFINITY,
                _ => {}
            }
        }
    }
    let counts = |all: &[FoundEffects]| -> Vec<(usize, usize)> {
        all.iter().map(|f| (f.collapsed, f.seeds.len())).collect()
    };
    assert_eq!(counts(&found(&analysis, &runs)), [(0, 4), (2, 4), (2, 4)]);
    analysis.collapsed = CollapsedRuns::Excluded;
    assert_eq!(counts(&found(&analysis, &runs)), [(0, 4), (0, 2), (0, 2)]);
}

#[test]
fn slips_are_named_with_their_remedy() {
    for (of, expected) in [
        (
            "{score}-in-{rules}",
            "`analysis.effects` 1: `of`: expected the name of a ticket's block with `each` over two lists",
        ),
        ("{score}-in-{rules}", "did you mean `{score}-in-{rule}`?"),
        ("snip", "found `snip`"),
        (
            "by-{score}",
            "`by-{score}`: expected `each` over two lists, found 1",
        ),
        (
            "{one}-and-{other}",
            "`other`: expected at least two values, found 1",
        ),
    ] {
        let error = study(of).unwrap_err();
        assert!(
            error.contains(expected),
            "expected `{expected}` in: {error}"
        );
    }
}

#[test]
fn plans_without_them_are_written_as_before() {
    let [without, with] = ["", "{score}-in-{rule}"].map(|of| study(of).unwrap());
    assert!(!without.to_json().unwrap().contains("effects"));
    assert_ne!(without.digest().unwrap(), with.digest().unwrap());
    // And read back from the lock they are what they were.
    let read: Analysis = serde_json::from_str(&with.to_json().unwrap()).unwrap();
    assert_eq!(read, with);
}
