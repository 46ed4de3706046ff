//! Compares the numbers of the tables with those of SciPy and with numbers computed by hand.

use crate::synthetic::{outline, results, trained};
use jackpot_prune::ThresholdSharpness;
use jackpot_report::render;
use jackpot_results::{Outline, Results, Run, RunOutcome};
use jackpot_stats::Variance;
use jackpot_store::Digest;
use jackpot_study::{Collapse, MaskFacts};
use serde_json::Value;
use std::collections::BTreeMap;

/// The rows of a CSV file without commas in its fields, by column name.
fn rows(outline: &Outline, results: &Results, file: &str) -> Vec<BTreeMap<String, String>> {
    let files = render(outline, results).unwrap();
    let text = String::from_utf8(files[file].clone()).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        let fields = line.split(',').map(String::from);
        header.iter().map(|h| (*h).to_owned()).zip(fields).collect()
    };
    lines.map(row).collect()
}

fn row(rows: &[BTreeMap<String, String>], ticket: &str, check: &str) -> BTreeMap<String, String> {
    let is = |r: &&BTreeMap<String, String>| r["ticket"] == ticket && r["check"] == check;
    rows.iter().find(is).cloned().unwrap()
}

/// The row of `ticket − ticket under check`.
fn under(rows: &[BTreeMap<String, String>], ticket: &str, check: &str) -> BTreeMap<String, String> {
    let minus = format!("{ticket} under {check}");
    let is = |r: &&BTreeMap<String, String>| r["plus"] == ticket && r["minus"] == minus;
    rows.iter().find(is).cloned().unwrap()
}

fn near(field: &str, expected: f64) -> bool {
    field
        .parse::<f64>()
        .is_ok_and(|found| (found - expected).abs() < 1.5e-6)
}

fn run(ticket: &str, check: &str, seed: u64, accuracy: f64) -> Run {
    let name = format!("{ticket} {check} {seed}");
    Run {
        setting: None,
        ticket: ticket.into(),
        check: check.into(),
        sparsity: "0.9".into(),
        seed,
        outcome: RunOutcome::Done(trained(&name, accuracy, 1.0, Vec::new())),
        facts: None,
    }
}

fn fixture() -> Value {
    let all = include_str!("../../../stats/tests/fixture.json");
    serde_json::from_str::<Value>(all).unwrap()["samples"].take()
}

/// One ticket and check for each group of the fixture, whose paired differences are the group.
/// The tickets' accuracies vary more than the differences do: only pairing gives these numbers.
fn grouped(groups: &[Vec<f64>]) -> (Outline, Results) {
    let mut outline = outline();
    outline.seeds = vec![1, 2, 3, 4];
    outline.sparsities.truncate(1);
    outline.analysis.variance = Variance::Pooled;
    let mut results = results();
    results.runs.clear();
    for (group, (ticket, _)) in groups.iter().zip(&crate::synthetic::TICKETS[1..]) {
        for (seed, difference) in (1..).zip(group) {
            let base = 60.0 + 7.0 * seed as f64;
            results.runs.push(run(ticket, "none", seed, base));
            results
                .runs
                .push(run(ticket, "rearrange", seed, base - difference));
        }
    }
    (outline, results)
}

fn groups() -> Vec<Vec<f64>> {
    let group = |g: &Value| {
        g.as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_f64().unwrap())
            .collect()
    };
    fixture()["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(group)
        .collect()
}

#[test]
fn paired_differences_are_scipys() {
    let (outline, results) = grouped(&groups());
    let rows = rows(&outline, &results, "tables/differences.csv");
    let fixture = fixture();
    for (i, (ticket, _)) in crate::synthetic::TICKETS[1..5].iter().enumerate() {
        let row = under(&rows, ticket, "rearrange");
        let interval = &fixture["pooled_intervals"][i];
        assert!(
            near(&row["accuracy_mean"], fixture["means"][i].as_f64().unwrap()),
            "{row:?}"
        );
        assert!(
            near(&row["accuracy_low"], interval[0].as_f64().unwrap()),
            "{row:?}"
        );
        assert!(
            near(&row["accuracy_high"], interval[1].as_f64().unwrap()),
            "{row:?}"
        );
        assert!(
            near(&row["accuracy_sd"], fixture["pooled"][0].as_f64().unwrap()),
            "{row:?}"
        );
        assert!(
            near(&row["accuracy_df"], fixture["pooled"][1].as_f64().unwrap()),
            "{row:?}"
        );
    }
}

/// As in a study without the option: each cell has its own standard deviation.
#[test]
fn without_a_word_every_contrast_has_its_own_deviation() {
    let (mut outline, results) = grouped(&groups());
    outline.analysis.variance = Variance::default();
    let rows = rows(&outline, &results, "tables/differences.csv");
    let fixture = fixture();
    let mut compared = 0;
    for (i, (ticket, _)) in crate::synthetic::TICKETS[1..5].iter().enumerate() {
        let row = under(&rows, ticket, "rearrange");
        let (Some(sd), interval) = (fixture["sds"][i].as_f64(), &fixture["own_intervals"][i])
        else {
            assert_eq!(row["accuracy_sd"], "", "one seed has no deviation");
            continue;
        };
        assert!(near(&row["accuracy_sd"], sd), "{row:?}");
        let bounds = [("accuracy_low", 0), ("accuracy_high", 1)];
        for (column, bound) in bounds {
            assert!(
                near(&row[column], interval[bound].as_f64().unwrap()),
                "{row:?}"
            );
        }
        compared += 1;
    }
    assert!(compared >= 3, "{compared}");
}

#[test]
fn a_broken_pairing_is_seen() {
    let (outline, mut results) = grouped(&groups());
    // Seeds 1 and 2 of one check change places: the mean stays, the spread does not.
    for run in results
        .runs
        .iter_mut()
        .filter(|r| r.ticket == "lottery" && r.check != "none")
    {
        run.seed = match run.seed {
            1 => 2,
            2 => 1,
            seed => seed,
        };
    }
    let rows = rows(&outline, &results, "tables/differences.csv");
    let row = under(&rows, "lottery", "rearrange");
    assert!(near(
        &row["accuracy_mean"],
        fixture()["means"][0].as_f64().unwrap()
    ));
    assert!(!near(
        &row["accuracy_sd"],
        fixture()["pooled"][0].as_f64().unwrap()
    ));
}

#[test]
fn collapsed_cells_use_their_own_spread_and_spare_the_pool() {
    let mut groups = groups();
    groups.truncate(4);
    let (outline, mut results) = grouped(&groups);
    let collapsed = [(1, 10.0), (2, 10.5), (3, 70.0)];
    for (seed, accuracy) in collapsed {
        results.runs.push(run("uniform", "none", seed, 71.0));
        results
            .runs
            .push(run("uniform", "rearrange", seed, accuracy));
    }
    let found = rows(&outline, &results, "tables/differences.csv");
    let spared = under(&found, "lottery", "rearrange");
    assert!(near(
        &spared["accuracy_sd"],
        fixture()["pooled"][0].as_f64().unwrap()
    ));
    let own = under(&found, "uniform", "rearrange");
    // 61, 60.5, 1: mean 40.8333, sd √(2380.1667 / 2).
    assert!(near(&own["accuracy_mean"], 40.833333), "{own:?}");
    assert!(
        near(
            &own["accuracy_sd"],
            (2_380.166_666_666_667_f64 / 2.0).sqrt()
        ),
        "{own:?}"
    );
    assert_eq!(own["accuracy_df"], "2.000000");
    let accuracy = row(
        &rows(&outline, &results, "tables/accuracy.csv"),
        "uniform",
        "rearrange",
    );
    assert_eq!(accuracy["collapsed"], "2");
    // The broken twin: with unknown classes nothing can be called collapsed, and the pool widens.
    let mut unknown = outline.clone();
    unknown.subject.classes = 0;
    let found = rows(&unknown, &results, "tables/differences.csv");
    assert!(!near(
        &under(&found, "lottery", "rearrange")["accuracy_sd"],
        fixture()["pooled"][0].as_f64().unwrap()
    ));
    let accuracy = row(
        &rows(&unknown, &results, "tables/accuracy.csv"),
        "uniform",
        "rearrange",
    );
    assert_eq!(accuracy["collapsed"], "");
}

#[test]
fn accuracy_is_a_mean_with_its_deviation() {
    let (outline, mut results) = grouped(&[]);
    for (seed, accuracy) in [(1, 80.0), (2, 82.0), (4, 84.0)] {
        results.runs.push(run("snip", "none", seed, accuracy));
    }
    let row = row(
        &rows(&outline, &results, "tables/accuracy.csv"),
        "snip",
        "none",
    );
    assert_eq!(
        (row["accuracy_mean"].as_str(), row["accuracy_sd"].as_str()),
        ("82.000000", "2.000000")
    );
    assert_eq!(row["best_accuracy_mean"], "82.150000");
    assert_eq!(
        (
            row["n"].as_str(),
            row["n_asked"].as_str(),
            row["missing"].as_str()
        ),
        ("3", "4", "1")
    );
    assert_eq!(row["state"], "incomplete");
}

/// Only a study that selects epochs on validation rows has columns for the selection.
#[test]
fn the_selected_epoch_stands_beside_the_last_and_the_best() {
    let (outline, mut results) = grouped(&[]);
    for (seed, accuracy) in [(1, 80.0), (2, 82.0)] {
        results.runs.push(run("snip", "none", seed, accuracy));
    }
    let file = |results: &Results, name: &str| {
        let files = render(&outline, results).unwrap();
        String::from_utf8(files[name].clone()).unwrap()
    };
    for name in [
        "tables/accuracy.csv",
        "tables/accuracy.md",
        "tables/runs.csv",
    ] {
        assert!(!file(&results, name).contains("selected"), "{name}");
    }
    for run in &mut results.runs {
        if let RunOutcome::Done(trained) = &mut run.outcome {
            trained.selected_accuracy = Some(trained.accuracy - 1.0);
        }
    }
    let all = rows(&outline, &results, "tables/accuracy.csv");
    let snip = row(&all, "snip", "none");
    assert_eq!(snip["selected_accuracy_mean"], "80.000000");
    assert_eq!(snip["accuracy_mean"], "81.000000");
    let page = file(&results, "tables/accuracy.md");
    assert!(
        page.contains("selected epoch, %") && page.contains("80.00 ± 1.41"),
        "{page}"
    );
    assert!(file(&results, "tables/runs.csv").contains("selected_accuracy"));
    if let RunOutcome::Done(trained) = &mut results.runs[0].outcome {
        trained.selected_accuracy = Some(101.0);
    }
    let error = render(&outline, &results).unwrap_err().to_string();
    assert!(error.contains("selected 101"), "{error}");
}

#[test]
fn one_seed_has_no_deviation() {
    let (outline, mut results) = grouped(&[]);
    results.runs = vec![
        run("snip", "none", 1, 80.0),
        run("snip", "rearrange", 1, 79.0),
    ];
    let accuracy = row(
        &rows(&outline, &results, "tables/accuracy.csv"),
        "snip",
        "none",
    );
    assert_eq!(
        (
            accuracy["accuracy_mean"].as_str(),
            accuracy["accuracy_sd"].as_str()
        ),
        ("80.000000", "")
    );
    let difference = under(
        &rows(&outline, &results, "tables/differences.csv"),
        "snip",
        "rearrange",
    );
    assert_eq!(difference["accuracy_mean"], "1.000000");
    assert_eq!(
        (
            difference["accuracy_low"].as_str(),
            difference["accuracy_df"].as_str()
        ),
        ("", "")
    );
}

#[test]
fn what_is_identical_is_never_a_measured_zero() {
    for table in ["tables/accuracy.csv", "tables/differences.csv"] {
        let mut found = rows(&outline(), &results(), table);
        found.retain(|r| r["sparsity"] == "0.9");
        for ticket in ["smart", "snip"] {
            let row = match table {
                "tables/accuracy.csv" => row(&found, ticket, "corrupted"),
                _ => under(&found, ticket, "corrupted"),
            };
            assert_eq!(
                (row["state"].as_str(), row["n"].as_str()),
                ("identical", "0")
            );
            assert_eq!(
                (
                    row["accuracy_mean"].as_str(),
                    row["test_loss_mean"].as_str()
                ),
                ("", "")
            );
        }
    }
    // The broken twin: equal numbers from different actions were measured, and are shown as 0.
    let (outline, mut results) = grouped(&[]);
    for seed in 1..=4 {
        let equal = 80.0 + seed as f64;
        results.runs.extend([
            run("snip", "none", seed, equal),
            run("snip", "rearrange", seed, equal),
        ]);
    }
    let row = under(
        &rows(&outline, &results, "tables/differences.csv"),
        "snip",
        "rearrange",
    );
    assert_eq!(
        (row["state"].as_str(), row["accuracy_mean"].as_str()),
        ("measured", "0.000000")
    );
}

/// The synthetic results, with other outcomes of the smart ticket under corrupted data.
fn with_outcomes(of: impl Fn(u64) -> Option<RunOutcome>) -> Results {
    let mut results = results();
    let cells = results.runs.iter_mut();
    for run in cells.filter(|r| r.ticket == "smart" && r.check == "corrupted") {
        run.outcome = of(run.seed).unwrap_or_else(|| run.outcome.clone());
    }
    results
}

#[test]
fn what_is_not_applicable_is_counted_apart_and_never_among_the_identical() {
    let because = "how these weights were made is not known";
    let results = with_outcomes(|_| {
        let because = because.into();
        Some(RunOutcome::NotApplicable { because })
    });
    for table in ["tables/accuracy.csv", "tables/differences.csv"] {
        let found = rows(&outline(), &results, table);
        let row = match table {
            "tables/accuracy.csv" => row(&found, "smart", "corrupted"),
            _ => under(&found, "smart", "corrupted"),
        };
        let state = (row["state"].as_str(), row["n"].as_str());
        assert_eq!(state, ("not applicable", "0"), "{table}");
        assert_eq!(row["accuracy_mean"], "", "{table}");
        let missing = row.get("missing").map(String::as_str);
        assert_eq!(missing.unwrap_or("0"), "0", "{table}");
        assert!(row["notes"].starts_with(because), "{row:?}");
    }
    let files = render(&outline(), &results).unwrap();
    let text = |file: &str| String::from_utf8(files[file].clone()).unwrap();
    let said = format!("Not applicable ({because}): Smart random");
    let page = text("README.md");
    let identical = |page: &str| {
        let counted = page.split(" identical by construction").next().unwrap();
        counted.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let before = render(&outline(), &crate::synthetic::results()).unwrap();
    let before = String::from_utf8(before["README.md"].clone()).unwrap();
    let seeds = 2 * crate::synthetic::SEEDS.len() as u64;
    assert_eq!(identical(&before) - identical(&page), seeds);
    assert!(
        page.contains(&format!(" and not run, {seeds} not applicable, ")),
        "{page}"
    );
    assert!(page.contains(&said), "{page}");
    assert!(!before.contains("not applicable") && !before.contains("Not applicable"));
    let mut listed = text("tables/runs.csv");
    listed.retain(|c| c != '\r');
    let listed = listed.lines().filter(|l| l.contains(",not applicable,"));
    assert_eq!(listed.count() as u64, seeds);
}

/// A cell is not identical at a seed whose ticket failed.
#[test]
fn a_cell_is_identical_where_its_ticket_is_there_and_failed_where_that_failed() {
    let why = "identical to the unmodified ticket: asked for a batch";
    let failed = |seed| {
        (seed == 1).then(|| RunOutcome::Failed {
            why: why.into(),
            diverged: false,
        })
    };
    let mut results = with_outcomes(failed);
    for run in &mut results.runs {
        if (run.ticket.as_str(), run.check.as_str(), run.seed) == ("smart", "none", 1) {
            run.outcome = RunOutcome::Failed {
                why: "asked for a batch".into(),
                diverged: false,
            };
        }
    }
    let found = row(
        &rows(&outline(), &results, "tables/accuracy.csv"),
        "smart",
        "corrupted",
    );
    assert_eq!(
        (found["state"].as_str(), found["failed"].as_str()),
        ("incomplete", "1")
    );
    let found = under(
        &rows(&outline(), &results, "tables/differences.csv"),
        "smart",
        "corrupted",
    );
    assert_eq!(found["state"], "missing", "{found:?}");
    let page = render(&outline(), &results).unwrap();
    let page = String::from_utf8(page["README.md"].clone()).unwrap();
    assert!(page.contains(&format!("seed 1: {why}")), "{page}");
}

#[test]
fn controls_are_marked_where_they_are() {
    let found = rows(&outline(), &results(), "tables/differences.csv");
    let roles = |role: &str| {
        let of_role = found
            .iter()
            .filter(|r| r["role"] == role && r["sparsity"] == "0.9");
        let names: Vec<_> = of_role
            .map(|r| (r["plus"].clone(), r["minus"].clone()))
            .collect();
        names
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(
        roles("a/a control"),
        [
            pair("smart", "smart under rearrange"),
            pair("uniform", "uniform under rearrange")
        ]
    );
    assert_eq!(roles("positive control"), [pair("smart", "uniform")]);
}

#[test]
fn kept_shares_are_means_over_seeds() {
    let (outline, mut results) = grouped(&[]);
    for (seed, kept) in [(1, 10), (2, 20), (3, 60)] {
        let layers = vec![
            ("conv1".to_owned(), 200, kept),
            ("linear".to_owned(), 50, 0),
        ];
        let outcome = RunOutcome::Done(trained(&format!("{seed}"), 80.0, 1.0, layers));
        results.runs.push(Run {
            outcome,
            ..run("snip", "none", seed, 80.0)
        });
    }
    let found = rows(&outline, &results, "tables/layers.csv");
    // 5, 10 and 30 %: mean 15, sd √175.
    assert_eq!(
        (
            found[0]["layer"].as_str(),
            found[0]["kept_percent_mean"].as_str()
        ),
        ("conv1", "15.000000")
    );
    assert!(near(&found[0]["kept_percent_sd"], 175f64.sqrt()));
    assert_eq!(found[1]["kept_percent_mean"], "0.000000");
}

/// A mask of 1,000 weights that keeps 100.
fn facts(name: &str, effective: u64, collapse: Collapse) -> Option<MaskFacts> {
    Some(MaskFacts {
        mask: Digest::of(name.as_bytes()),
        total: 1000,
        kept: 100,
        effective,
        constant: 2,
        smallest: ("conv1".into(), 3),
        empty: Vec::new(),
        collapse,
        depth: None,
        selected: Some(ThresholdSharpness { ties: 4, near: 5 }),
    })
}

#[test]
fn masks_and_what_they_predicted_are_counted_against_what_happened() {
    let (outline, mut results) = grouped(&[]);
    let certain = || Collapse::Certain("no path".into());
    let risk = || Collapse::AtRisk("1 of 8 channels".into());
    let chance = RunOutcome::Done(trained("chance", 10.4, 2.3, Vec::new()));
    let learned = |name: &str| RunOutcome::Done(trained(name, 80.0, 1.0, Vec::new()));
    let diverged = RunOutcome::Done(trained("diverged", 10.0, f64::INFINITY, Vec::new()));
    let skipped = RunOutcome::Collapsed {
        why: "no path".into(),
    };
    let cells = [
        ("snip", 1, certain(), 0, chance),
        ("snip", 2, certain(), 0, skipped),
        ("snip", 3, risk(), 40, learned("a")),
        ("snip", 4, Collapse::None, 80, learned("b")),
        ("grasp", 1, Collapse::None, 90, diverged),
    ];
    for (ticket, seed, collapse, effective, outcome) in cells {
        results.runs.push(Run {
            outcome,
            facts: facts(&format!("{ticket} {seed}"), effective, collapse),
            ..run(ticket, "none", seed, 80.0)
        });
    }
    let found = rows(&outline, &results, "tables/collapse.csv");
    let pairs: Vec<(&str, &str)> = found
        .iter()
        .map(|r| (r["predicted"].as_str(), r["happened"].as_str()))
        .collect();
    let expected = [
        ("none", "diverged"),
        ("certain", "at chance"),
        ("certain", "skipped"),
        ("at risk", "learned"),
        ("none", "learned"),
    ];
    assert_eq!(pairs, expected);
    let files = render(&outline, &results).unwrap();
    let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    // Columns: learned, at chance, diverged, failed, skipped, missing.
    for line in [
        "| certain | 0 | 1 | 0 | 0 | 1 | 0 |",
        "| at risk | 1 | 0 | 0 | 0 | 0 | 0 |",
        "| none | 1 | 0 | 1 | 0 | 0 | 0 |",
    ] {
        assert!(text("tables/collapse.md").contains(line), "{line}");
    }
    let masks = rows(&outline, &results, "tables/masks.csv");
    assert_eq!(masks[3]["effective"], "40");
    assert_eq!(
        (&*masks[3]["ties"], &*masks[3]["predicted"]),
        ("4", "at risk")
    );
    assert!(near(&masks[3]["near_share"], 0.005));
    // SNIP's effective sparsity: 100, 100, 96 and 92 %.
    let row = "| 90.000 | 97.000 | 2.0 | conv1: 3 | 0.0 | 4.0 | 0.0050000 | certain: 2 of 4, at risk: 1 of 4 |";
    assert!(
        text("tables/masks.md").contains(row),
        "{}",
        text("tables/masks.md")
    );
    assert!(text("README.md").contains("1 skipped, certain to collapse,"));
}
