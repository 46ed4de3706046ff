//! Contrasts of more than two arms, and contrasts between settings, in pages and tables.

use crate::synthetic::{outline, results, trained};
use jackpot_report::{ReportFiles, render};
use jackpot_results::{Named, Outline, Results, Run, RunOutcome, SettingOutline};
use jackpot_stats::Claim;
use jackpot_study::{Arm, ArmPair, Contrast, Dose, Sweep, SweepLevel};

const SETTINGS: [(&str, &str); 2] = [("short", "5 epochs"), ("long", "20 epochs")];
const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];
/// Check, its share, and by how much it lowers SNIP in the short setting.
const DOSES: [(&str, f64); 3] = [
    ("labels-0-25", 0.25),
    ("labels-0-5", 0.5),
    ("labels-1-0", 1.0),
];

fn arm(text: &str) -> Arm {
    Arm::try_from(text.to_owned()).unwrap()
}

fn contrast(claim: Claim, family: &str, plus: &str, minus: &str) -> Contrast {
    Contrast {
        claim,
        family: family.into(),
        role: Default::default(),
        control: Default::default(),
        plus: arm(plus),
        minus: arm(minus),
        less: None,
        trend: Vec::new(),
        margins: None,
    }
}

fn less(plus: &str, minus: &str) -> Option<ArmPair> {
    let (plus, minus) = (arm(plus), arm(minus));
    Some(ArmPair { plus, minus })
}

/// A difference of differences, a trend, a pair, and a comparison of the settings if there are any.
fn contrasts(settings: bool) -> Vec<Contrast> {
    let mut differences = contrast(Claim::Superiority, "kept", "snip", "snip under rearrange");
    differences.less = less("smart", "smart under rearrange");
    let mut trend = contrast(Claim::Superiority, "data", "snip under labels-1-0", "snip");
    let places = [(0.0, Arm::of("snip"))].into_iter();
    let places = places.chain(DOSES.map(|(check, at)| (at, Arm::under("snip", check))));
    trend.trend = places.map(|(at, arm)| Dose { at, arm }).collect();
    let pair = contrast(Claim::Equivalence, "pair", "snip", "snip under rearrange");
    let mut all = vec![differences, trend, pair];
    if settings {
        let (plus, minus) = ("snip in long", "snip under rearrange in long");
        let mut lengths = contrast(Claim::Superiority, "length", plus, minus);
        lengths.less = less("snip in short", "snip under rearrange in short");
        all.push(lengths);
        let (plus, minus) = ("snip in long", "snip in short");
        all.push(contrast(Claim::Superiority, "length", plus, minus));
    }
    all
}

/// The accuracy of a run without the part that depends on the seed.
fn accuracy(setting: &str, ticket: &str, check: &str) -> f64 {
    let dose = DOSES.iter().find(|(name, _)| *name == check);
    let lost = match (ticket, check, setting) {
        ("snip", "rearrange", "long") => 4.0,
        ("snip", "rearrange", _) => 3.0,
        ("smart", "rearrange", _) => 1.0,
        _ => dose.map_or(0.0, |(_, share)| 8.0 * share),
    };
    let gained = if setting == "long" { 6.0 } else { 0.0 };
    80.0 + gained - lost
}

/// Hundredths of a point of which nothing is left over all seeds, and what all runs of a seed share.
fn noise(setting: &str, ticket: &str, check: &str, seed: u64) -> f64 {
    let own = [-0.02, 0.01, 0.0, 0.02, -0.01][seed as usize - 1];
    let times = match (ticket, check, setting) {
        ("snip", "none", "long") => 2.0,
        ("snip", "none", _) => 1.0,
        _ => 0.0,
    };
    0.3 * seed as f64 + times * own
}

fn runs(setting: Option<&str>) -> Vec<Run> {
    let name = setting.unwrap_or("short");
    let mut all = Vec::new();
    for (ticket, checks) in [
        (
            "snip",
            &[
                "none",
                "rearrange",
                "labels-0-25",
                "labels-0-5",
                "labels-1-0",
            ][..],
        ),
        ("smart", &["none", "rearrange"][..]),
    ] {
        for check in checks {
            for seed in SEEDS {
                let run = format!("{name} {ticket} {check} {seed}");
                let accuracy = accuracy(name, ticket, check) + noise(name, ticket, check, seed);
                all.push(Run {
                    setting: setting.map(str::to_owned),
                    ticket: ticket.into(),
                    check: (*check).into(),
                    sparsity: "0.9".into(),
                    seed,
                    outcome: RunOutcome::Done(trained(&run, accuracy, 1.0, Vec::new())),
                    facts: None,
                });
            }
        }
    }
    all
}

fn study(settings: bool) -> (Outline, Results) {
    let (mut outline, mut results) = (outline(), results());
    outline.seeds = SEEDS.to_vec();
    outline.sparsities = vec!["0.9".into()];
    outline.tables = ["verdicts", "differences", "hybrid", "partially-trained"]
        .map(String::from)
        .to_vec();
    outline.figures.clear();
    let labels = DOSES.map(|(name, share)| Named {
        name: name.into(),
        title: format!("Labels, {share}"),
        series: Some(Sweep {
            name: "labels-{share}".into(),
            title: "Labels, {share}".into(),
            levels: vec![SweepLevel {
                axis: "share".into(),
                name: share.to_string(),
                title: share.to_string(),
                number: Some(share),
            }],
        }),
    });
    outline.checks.extend(labels);
    outline.analysis.looks = vec![5];
    outline.analysis.contrasts = contrasts(settings);
    results.runs = if settings {
        SETTINGS
            .iter()
            .flat_map(|(name, _)| runs(Some(name)))
            .collect()
    } else {
        runs(None)
    };
    if settings {
        outline.settings = SETTINGS
            .map(|(name, title)| SettingOutline {
                named: Named {
                    name: name.into(),
                    title: title.into(),
                    series: None,
                },
                facts: outline.facts.clone(),
                ways: outline.ways.clone(),
                subject: outline.subject.clone(),
                but_for_the_rate: 0,
            })
            .to_vec();
    }
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

/// The row of a CSV file with this beginning.
#[track_caller]
fn row<'t>(table: &'t str, start: &str) -> &'t str {
    let row = table.lines().find(|l| l.starts_with(start));
    row.unwrap_or_else(|| panic!("`{start}`: {table}"))
}

#[test]
fn differences_of_differences_and_trends_are_said_in_words() {
    let (outline, results) = study(false);
    let files = render(&outline, &results).unwrap();
    let page = text(&files, "README.md");
    holds(
        &page,
        &[
            "**Kept.** The first difference is greater: (SNIP − SNIP (Layerwise rearrange)) − (Smart random − Smart random (Layerwise rearrange)) +2.0",
            "**Does the ticket depend on the data it was made with.** Accuracy falls: SNIP (Labels, …), line from share 0 to 1 −8.0",
            // As many words as ever where there are two arms, and not the numbers of the four.
            "**Layerwise rearrange.** Sensitive, beyond the margin: SNIP +3.0",
        ],
    );
    let verdicts = text(&files, "tables/verdicts.md");
    holds(
        &verdicts,
        &[
            "| SNIP − SNIP (Layerwise rearrange) | Smart random − Smart random (Layerwise rearrange) |",
            "| SNIP (Labels, …): line at share 1 | line at share 0 |",
            "of four runs.",
            "least squares",
        ],
    );
    let html = text(&files, "index.html");
    holds(
        &html,
        &[
            "line at share 1",
            "(SNIP − SNIP (Layerwise rearrange)) − (Smart",
        ],
    );

    // The numbers are those of all four arms, and of the pair alone beside them.
    let csv = text(&files, "tables/differences.csv");
    let differences = row(
        &csv,
        "difference-of-differences,0.9,snip − snip under rearrange,smart − smart under rearrange,question,measured,2.0",
    );
    assert!(differences.contains(",5,5,"), "{differences}");
    row(
        &csv,
        "ticket-check,0.9,snip,snip under rearrange,question,measured,3.0",
    );
    row(
        &csv,
        "trend,0.9,snip under labels-{share} at 1,snip under labels-{share} at 0,question,measured,-8.0",
    );
}

#[test]
fn what_is_made_of_two_arms_alone_has_no_words_of_more() {
    let (mut outline, results) = study(false);
    outline.analysis.contrasts.retain(Contrast::is_pair);
    let verdicts = text(&render(&outline, &results).unwrap(), "tables/verdicts.md");
    for words in ["of four runs", "least squares", "across"] {
        assert!(!verdicts.contains(words), "{verdicts}");
    }
}

#[test]
fn settings_are_compared_on_the_studys_own_page_alone() {
    let (outline, results) = study(true);
    let files = render(&outline, &results).unwrap();
    let page = text(&files, "README.md");
    holds(
        &page,
        &[
            "## Findings",
            "**Length.** The first difference is greater: (SNIP in 20 epochs − SNIP (Layerwise rearrange) in 20 epochs) − (SNIP in 5 epochs − SNIP (Layerwise rearrange) in 5 epochs) +1.0",
            "More accurate: SNIP in 20 epochs − SNIP in 5 epochs +6.0",
        ],
    );
    let verdicts = text(&files, "tables/verdicts.md");
    holds(
        &verdicts,
        &["| across | SNIP in 20 epochs − SNIP (Layerwise rearrange) in 20 epochs |"],
    );
    let csv = text(&files, "tables/differences.csv");
    row(
        &csv,
        "across,settings,0.9,snip in long,snip in short,question,measured,6.0",
    );
    row(
        &csv,
        "across,difference-of-differences,0.9,snip in long − snip under rearrange in long,snip in short − snip under rearrange in short,question,measured,1.0",
    );
    for (setting, _) in SETTINGS {
        let own = text(&files, &format!("{setting}/tables/verdicts.csv"));
        assert!(own.contains("snip − snip under rearrange"), "{own}");
        assert!(!own.contains(" in long"), "{own}");
        assert!(!text(&files, &format!("{setting}/README.md")).contains("Length"));
    }
    // Every number of a finding leads to its runs, of both settings.
    let html = text(&files, "index.html");
    let (_, item) = html.split_once("<em>Length</em>").unwrap();
    let (item, _) = item.split_once("</li>").unwrap();
    let (_, runs) = item.split_once("data-runs=\"").unwrap();
    let (runs, _) = runs.split_once('"').unwrap();
    assert_eq!(runs.split(' ').count(), 20, "{item}");
    holds(
        &html,
        &[
            "5 epochs: SNIP, unmodified",
            "20 epochs: SNIP, Layerwise rearrange",
        ],
    );

    // Without such a contrast the page has no findings of its own.
    let (mut outline, results) = study(true);
    outline
        .analysis
        .contrasts
        .retain(|c| !c.is_across_settings());
    let files = render(&outline, &results).unwrap();
    assert!(!text(&files, "README.md").contains("## Findings"));
    assert!(!text(&files, "tables/verdicts.csv").contains("across"));
}

#[test]
fn a_collapse_is_one_of_its_own_setting() {
    let (mut outline, mut results) = study(true);
    // At chance with two classes; far above it with ten.
    outline.settings[0].subject.classes = 2;
    let is = |r: &&mut Run| (r.ticket.as_str(), r.check.as_str(), r.seed) == ("snip", "none", 1);
    for run in results.runs.iter_mut().filter(is) {
        if let RunOutcome::Done(trained) = &mut run.outcome {
            trained.accuracy = 50.0;
        }
    }
    let note = |results: &Results| {
        let table = text(&render(&outline, results).unwrap(), "tables/verdicts.csv");
        row(&table, "across,length,superiority,question,snip in long,").to_owned()
    };
    assert!(note(&results).contains("collapsed or diverged runs"));
    let short = |r: &&mut Run| r.setting.as_deref() == Some("short");
    for run in results.runs.iter_mut().filter(short).filter(is) {
        if let RunOutcome::Done(trained) = &mut run.outcome {
            trained.accuracy = 80.0;
        }
    }
    assert!(!note(&results).contains("collapsed or diverged runs"));
}

#[test]
fn what_was_seen_before_the_plan_stands_beside_the_findings() {
    let words = "Seen before the plan was declared, and not pooled: seed 901, two epochs.";
    for settings in [false, true] {
        let (mut outline, results) = study(settings);
        let without = render(&outline, &results).unwrap();
        outline.analysis.pilot = Some("seed 901,\n two epochs".into());
        let with = render(&outline, &results).unwrap();
        for (file, title) in [
            ("README.md", "**Pilot.** "),
            ("index.html", "<em>Pilot</em>. "),
            ("tables/verdicts.md", ""),
        ] {
            let words = format!("{title}{words}");
            assert_eq!(text(&with, file).matches(&words).count(), 1, "{file}");
            assert!(!text(&without, file).contains("Seen before"), "{file}");
        }
        if settings {
            holds(&text(&with, "long/README.md"), &[words]);
        }
    }
}
