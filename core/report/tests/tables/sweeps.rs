//! A sweep gives one table and one figure, whether tickets, checks or settings vary.

use crate::synthetic::{draw, outline, results, trained};
use jackpot_report::{ReportFiles, render};
use jackpot_results::{Named, Outline, Results, Run, RunOutcome, SettingOutline};
use jackpot_study::{Sweep, SweepLevel};
use std::collections::BTreeMap;

const RATES: [f64; 3] = [0.1, 0.03, 0.3];

/// A block `{before}{axis}`, written with `each`, at one value.
fn at(before: &str, axis: &str, value: f64) -> Named {
    let text = value.to_string();
    let level = SweepLevel {
        axis: axis.into(),
        name: text.clone(),
        title: text.clone(),
        number: Some(value),
    };
    Named {
        name: format!("{before}-{}", text.replace('.', "-")),
        title: format!("{before} {text}"),
        series: Some(Sweep {
            name: format!("{before}-{{{axis}}}"),
            title: format!("{before} {{{axis}}}"),
            levels: vec![level],
        }),
    }
}

/// The accuracy of SNIP at a learning rate, which affects only its own training.
fn run(setting: Option<&Named>, ticket: &str, sparsity: &str, rate: f64, seed: u64) -> Run {
    let name = format!("{ticket} {sparsity} {rate} {seed}");
    let accuracy = 80.0 + (4000.0 * draw(&format!("{sparsity} {rate} {seed}"))).round() / 1000.0;
    let mut training = trained(&name, accuracy, 1.0, Vec::new());
    training.curve = vec![accuracy - 2.0, accuracy - 1.0, accuracy];
    Run {
        setting: setting.map(|s| s.name.clone()),
        ticket: ticket.into(),
        check: "none".into(),
        sparsity: sparsity.into(),
        seed,
        outcome: RunOutcome::Done(training),
        facts: None,
    }
}

fn asked() -> (Outline, Results) {
    let (mut outline, mut results) = (outline(), results());
    outline.checks.clear();
    outline.analysis.contrasts.clear();
    outline.tables = ["sweeps", "learning-rates", "accuracy"]
        .map(String::from)
        .to_vec();
    outline.figures = vec!["sweeps".into()];
    outline
        .tickets
        .retain(|t| ["dense", "snip"].contains(&t.name.as_str()));
    results.runs.clear();
    (outline, results)
}

/// `[[ticket]] name = "snip-{lr}" retrain = { lr = "{lr}" }`.
fn by_ticket() -> (Outline, Results) {
    let (mut outline, mut results) = asked();
    let snip = outline.ways["snip"].clone();
    outline.tickets.truncate(1);
    for rate in RATES {
        let ticket = at("snip", "lr", rate);
        let mut way = snip.clone();
        way.learning_rate = rate;
        outline.ways.insert(ticket.name.clone(), way);
        for sparsity in crate::synthetic::SPARSITIES {
            for seed in crate::synthetic::SEEDS {
                let mut run = run(None, "snip", sparsity, rate, seed);
                run.ticket = ticket.name.clone();
                results.runs.push(run);
            }
        }
        outline.tickets.push(ticket);
    }
    for seed in crate::synthetic::SEEDS {
        results.runs.push(run(None, "dense", "0", RATES[0], seed));
    }
    (outline, results)
}

fn setting(outline: &Outline, named: Named, rate: f64, alike: usize) -> SettingOutline {
    let mut ways = outline.ways.clone();
    ways.values_mut().for_each(|way| way.learning_rate = rate);
    SettingOutline {
        named,
        facts: outline.facts.clone(),
        ways,
        subject: outline.subject.clone(),
        but_for_the_rate: alike,
    }
}

/// `[[setting]] name = "lr-{lr}" training = { lr = "{lr}" }`.
fn by_setting() -> (Outline, Results) {
    let (mut outline, mut results) = asked();
    for rate in RATES {
        let named = at("rate", "lr", rate);
        for seed in crate::synthetic::SEEDS {
            let runs = &mut results.runs;
            runs.push(run(Some(&named), "dense", "0", rate, seed));
            for sparsity in crate::synthetic::SPARSITIES {
                runs.push(run(Some(&named), "snip", sparsity, rate, seed));
            }
        }
        let setting = setting(&outline, named, rate, 0);
        outline.settings.push(setting);
    }
    (outline, results)
}

fn text(files: &ReportFiles, name: &str) -> String {
    String::from_utf8(files[name].clone()).unwrap()
}

/// The rows of a CSV file without quotes by their columns.
fn rows(files: &ReportFiles, name: &str) -> Vec<BTreeMap<String, String>> {
    let text = text(files, name);
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        let fields = line.split(',').map(String::from);
        header.iter().map(|h| (*h).to_owned()).zip(fields).collect()
    };
    lines.map(row).collect()
}

fn picked(rows: &[BTreeMap<String, String>], columns: &[&str]) -> Vec<Vec<String>> {
    let sparse = rows.iter().filter(|row| row["sparsity"] != "0");
    let pick = |row: &BTreeMap<String, String>| columns.iter().map(|c| row[*c].clone()).collect();
    let mut all: Vec<Vec<String>> = sparse.map(pick).collect();
    all.sort();
    all
}

#[test]
fn a_sweep_by_settings_has_the_rows_of_the_same_sweep_by_tickets() {
    let (outline, results) = by_ticket();
    let tickets = render(&outline, &results).unwrap();
    let (outline, results) = by_setting();
    let settings = render(&outline, &results).unwrap();
    let sweep = [
        "axis",
        "sparsity",
        "at",
        "accuracy_mean",
        "accuracy_sd",
        "n",
    ];
    let file = "tables/sweeps.csv";
    let (one, other) = (rows(&tickets, file), rows(&settings, file));
    assert_eq!(picked(&one, &sweep).len(), 6);
    assert_eq!(picked(&one, &sweep), picked(&other, &sweep));
    // Of settings the dense network is swept, too; of tickets there is one.
    let dense = |rows: &[BTreeMap<String, String>]| {
        let dense = rows.iter().filter(|row| row["sparsity"] == "0");
        dense.count()
    };
    assert_eq!((dense(&one), dense(&other)), (0, 3));
    // The line's name holds nothing of the setting: there is one line.
    assert!(
        other
            .iter()
            .all(|r| ["SNIP", "Dense"].contains(&r["line"].as_str()))
    );
    assert_eq!(other[0]["setting"], "rate-0-03");
    let points = |files: &ReportFiles| {
        let rows = rows(files, "figures/sweeps.csv");
        let columns: Vec<&str> = rows[0].keys().map(String::as_str).collect();
        let kept = |c: &&&str| !["series", "panel"].contains(*c);
        let columns: Vec<&str> = columns.iter().filter(kept).copied().collect();
        let own = rows.iter().filter(|r| !r.values().any(|v| v == "Dense"));
        let own = own.map(|r| columns.iter().map(|c| r[*c].clone()).collect::<Vec<_>>());
        own.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(points(&tickets), points(&settings));
    let rates = "tables/learning-rates.csv";
    let chosen = [
        "sparsity",
        "learning_rate",
        "accuracy_mean",
        "volatility",
        "fixed_learning_rate",
        "fixed_accuracy_mean",
        "best_learning_rate",
        "best_rate_accuracy_mean",
    ];
    let (one, other) = (rows(&tickets, rates), rows(&settings, rates));
    assert_eq!(picked(&one, &chosen), picked(&other, &chosen));
    let fixed = picked(&other, &["fixed_learning_rate"]);
    assert_eq!(fixed.iter().filter(|f| f[0] == "0.100000").count(), 2);
    // The study's page shows both tables and the figure.
    for page in ["README.md", "index.html"] {
        let page = text(&settings, page);
        for words in ["along a number", "fixed against best", "figures/sweeps.png"] {
            let shown = page.contains(words) || page.contains("id=\"figure-sweeps\"");
            assert!(shown, "{words}");
        }
    }
    assert!(text(&settings, "index.html").contains("rate 0.3: SNIP, unmodified, Sparsity 90 %"));
}

#[test]
fn a_setting_says_where_the_sweep_is_and_settings_without_numbers_have_none() {
    let (mut outline, results) = by_setting();
    let own = text(
        &render(&outline, &results).unwrap(),
        "rate-0-1/tables/sweeps.md",
    );
    assert!(own.contains("in the study's own folder"), "{own}");
    for setting in &mut outline.settings {
        setting.named.series = None;
    }
    let files = render(&outline, &results).unwrap();
    let none = text(&files, "tables/sweeps.md");
    assert!(none.contains("Nothing of this study is written with `each`"));
    assert!(!text(&files, "README.md").contains("Table: along a number"));
    // Two of the rates are those of another network: no pair differs in the rate alone.
    for (place, setting) in outline.settings.iter_mut().enumerate() {
        setting.but_for_the_rate = place;
    }
    let files = render(&outline, &results).unwrap();
    assert!(!text(&files, "tables/learning-rates.md").contains("fixed against best"));
    assert!(!text(&files, "README.md").contains("Table: learning rates"));
}

#[test]
fn a_tickets_number_in_several_settings_is_a_line_for_each() {
    let (mut both, mut runs) = by_ticket();
    let alone = std::mem::take(&mut runs.runs);
    for (place, name) in ["narrow", "wide"].into_iter().enumerate() {
        let named = Named {
            name: name.into(),
            title: name.into(),
            series: None,
        };
        let mut own = setting(&both, named, 0.1, place);
        own.ways = both.ways.clone();
        both.settings.push(own);
        runs.runs.extend(alone.iter().cloned().map(|mut run| {
            run.setting = Some(name.into());
            run
        }));
    }
    let files = render(&both, &runs).unwrap();
    let rows = rows(&files, "tables/sweeps.csv");
    let lines: std::collections::BTreeSet<&str> = rows.iter().map(|r| r["line"].as_str()).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    // A comma stands in the line's name, so that it is quoted.
    assert!(text(&files, "tables/sweeps.csv").contains("\"narrow, snip …\""));
    assert!(text(&files, "tables/learning-rates.md").contains("| wide |"));
}

#[test]
fn two_numbers_of_settings_are_two_axes() {
    let (mut outline, mut results) = asked();
    for (place, (width, epochs)) in [(8.0, 1.0), (8.0, 2.0), (16.0, 1.0), (16.0, 2.0)]
        .into_iter()
        .enumerate()
    {
        let mut named = at("net", "width", width);
        let series = named.series.as_mut().unwrap();
        series
            .levels
            .insert(0, at("", "epochs", epochs).series.unwrap().levels.remove(0));
        series.title = "width {width} for {epochs}".into();
        named.name = format!("w{width}-e{epochs}");
        named.title = format!("width {width} for {epochs}");
        let run = run(Some(&named), "snip", "0.9", width + epochs, 1);
        results.runs.push(run);
        let setting = setting(&outline, named, 0.1, place);
        outline.settings.push(setting);
    }
    let files = render(&outline, &results).unwrap();
    let found = rows(&files, "tables/sweeps.csv");
    let of = |axis: &str| -> Vec<(String, String)> {
        let own = found.iter().filter(|r| r["axis"] == axis);
        own.map(|r| (r["line"].clone(), r["at"].clone())).collect()
    };
    assert_eq!((of("width").len(), of("epochs").len()), (4, 4));
    let all = text(&files, "tables/sweeps.csv");
    assert!(all.contains("\"width … for 1, SNIP\""), "{all}");
    assert!(all.contains("\"width 16 for …, SNIP\""), "{all}");
}
