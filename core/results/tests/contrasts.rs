//! Contrasts of more than two arms: differences of differences, trends along a number, and settings
//! against each other; each against the same numbers taken by hand.
#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

mod support;

use jackpot_results::{Finding, Outcome, REFERENCE_SD, Run, Scope, Table, findings, settles};
use jackpot_stats::{Pair, Rules, estimates};
use jackpot_store::Digest;
use jackpot_study::{Analysis, Arm, Study};
use std::path::Path;
use support::QUICK;

/// Two settings, five seeds, and labels corrupted by share.
fn study(contrasts: &str) -> Result<Analysis, String> {
    whole_study(contrasts).map(|s| s.analysis)
}

fn whole_study(contrasts: &str) -> Result<Study, String> {
    let settings =
        "[[setting]]\nname = \"short\"\n[[setting]]\nname = \"long\"\ntraining = { epochs = 9 }\n";
    let labels = r#"
[[check]]
name = "labels-{share}"
title = "Labels, {share}"
on = "data"
steps = [{ check = "random-labels", params = { share = "{share}" } }]
each = { share = [0.25, 0.5, 1.0] }
tickets = ["snip", "smart"]
"#;
    let text = QUICK
        .replace("seeds = [1, 2, 3]", "seeds = [1, 2, 3, 4, 5]")
        .replace("sparsities = [0.9, 0.98]", "sparsities = [0.9]");
    let text = format!("{text}\n{settings}{labels}\n[analysis]\nstandard = false\n{contrasts}");
    let study = Study::parse(&text, Path::new("/somewhere/contrasts"));
    study.map_err(|e| e.to_string())
}

fn contrast(fields: &str) -> String {
    format!("[[analysis.contrast]]\nclaim = \"equivalence\"\n{fields}\n")
}

#[track_caller]
fn refused(fields: &str, expected: &[&str]) {
    let error = match study(&contrast(fields)) {
        Ok(_) => panic!("accepted: {fields}"),
        Err(error) => error,
    };
    for words in expected {
        assert!(error.contains(words), "expected `{words}` in: {error}");
    }
}

/// Accuracies that differ by arm and by seed, and not by the same amount.
fn accuracy(setting: &str, ticket: &str, check: &str, seed: u64) -> f64 {
    let name = format!("{setting}/{ticket}/{check}/{seed}");
    let byte = Digest::of(name.as_bytes()).0[0];
    80.0 + f64::from(byte) / 64.0
}

fn run(setting: &str, ticket: &str, check: &str, seed: u64) -> Run {
    let name = format!("{setting}/{ticket}/{check}/{seed}");
    let accuracy = accuracy(setting, ticket, check, seed);
    Run {
        setting: Some(setting.into()),
        ticket: ticket.into(),
        check: check.into(),
        sparsity: "0.9".into(),
        seed,
        outcome: Outcome::Done(support::made_up(&name, accuracy)),
        facts: None,
    }
}

const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];
const CHECKS: [&str; 5] = [
    "none",
    "labels-0-25",
    "labels-0-5",
    "labels-1-0",
    "rearrange",
];

/// All runs of these settings.
fn runs(settings: &[&str]) -> Vec<Run> {
    let mut all = Vec::new();
    for setting in settings {
        for ticket in ["snip", "smart"] {
            for check in CHECKS {
                all.extend(SEEDS.map(|seed| run(setting, ticket, check, seed)));
            }
        }
    }
    all
}

fn evaluated(analysis: &Analysis, runs: &[Run], across_settings: bool) -> Vec<Finding> {
    let table = Table {
        runs: runs.iter().collect(),
        across_settings,
        sparsities: &["0.9".to_owned()],
        seeds: &SEEDS,
        collapsed: &|_| false,
    };
    findings(analysis, &table).findings
}

/// The one finding, held against the pairs that `value` gives by hand.
#[track_caller]
fn check(found: &[Finding], value: impl Fn(u64) -> f64) {
    let [found] = found else {
        panic!("expected one finding: {}", found.len());
    };
    assert_eq!(found.scope, Scope::Sparsity("0.9".into()));
    let pair = |seed: u64| Pair {
        seed,
        plus: value(seed),
        minus: 0.0,
        margin: Some(0.5),
    };
    let cell = jackpot_stats::Comparison {
        pairs: SEEDS.map(pair).to_vec(),
        ..Default::default()
    };
    let wanted = estimates(&[cell], &Rules::default()).remove(0);
    let close = |a: Option<f64>, b: Option<f64>| (a.unwrap() - b.unwrap()).abs() < 1e-9;
    let own = &found.accuracy.estimate;
    assert_eq!(own.n, SEEDS.len());
    assert!(close(own.mean, wanted.mean), "{own:?} {wanted:?}");
    assert!(close(own.p_difference, wanted.p_difference), "{own:?}");
    let [low, high] = own.interval95.unwrap();
    let [wanted_low, wanted_high] = wanted.interval95.unwrap();
    assert!((low - wanted_low).abs() < 1e-9 && (high - wanted_high).abs() < 1e-9);
}

#[test]
fn a_difference_of_differences_is_taken_seed_by_seed() {
    let fields = r#"plus = "snip"
minus = "snip under rearrange"
less = { plus = "smart", minus = "smart under rearrange" }"#;
    let analysis = study(&contrast(fields)).unwrap();
    assert_eq!(
        analysis.contrasts[0].name(),
        "(snip − snip under rearrange) − (smart − smart under rearrange)"
    );
    let at = |ticket, check, seed| accuracy("short", ticket, check, seed);
    let own = |ticket, seed| at(ticket, "none", seed) - at(ticket, "rearrange", seed);
    let found = evaluated(&analysis, &runs(&["short"]), false);
    check(&found, |seed| own("snip", seed) - own("smart", seed));
    // All four trainings lead back to their bytes.
    assert_eq!(found[0].keys.len(), 20);

    // An arm that its check cannot change has the value of the unmodified ticket.
    let mut same = runs(&["short"]);
    for run in &mut same {
        if (run.ticket.as_str(), run.check.as_str()) == ("smart", "rearrange") {
            let because = "by construction".into();
            run.outcome = Outcome::Identical { because };
        }
    }
    check(&evaluated(&analysis, &same, false), |seed| {
        own("snip", seed)
    });

    // One run that is not there yet leaves the contrast unfinished, whichever arm it is of.
    for arm in [("snip", "rearrange"), ("smart", "none")] {
        let mut fewer = runs(&["short"]);
        fewer.retain(|r| (r.ticket.as_str(), r.check.as_str(), r.seed) != (arm.0, arm.1, 3));
        let found = evaluated(&analysis, &fewer, false);
        assert_eq!(found[0].seeds, [1, 2, 4, 5], "{arm:?}");
        let said = format!("{:?}", found[0].accuracy.verdict);
        assert!(said.contains("Unfinished"), "{said}");
    }
}

#[test]
fn a_trend_is_the_line_of_least_squares_from_the_unmodified_ticket() {
    let analysis = study(&contrast(r#"trend = "snip under labels-{share}""#)).unwrap();
    let trend = &analysis.contrasts[0];
    assert_eq!(trend.name(), "trend from snip to snip under labels-1-0");
    let places: Vec<f64> = trend.trend.iter().map(|dose| dose.at).collect();
    assert_eq!(places, [0.0, 0.25, 0.5, 1.0]);

    // The slope by the normal equations, over the whole range of shares.
    let slope = |seed: u64| {
        let points = [
            (0.0, "none"),
            (0.25, "labels-0-25"),
            (0.5, "labels-0-5"),
            (1.0, "labels-1-0"),
        ];
        let (mut x, mut y, mut xx, mut xy) = (0.0, 0.0, 0.0, 0.0);
        for (share, check) in points {
            let value = accuracy("short", "snip", check, seed);
            (x, y, xx, xy) = (x + share, y + value, xx + share * share, xy + share * value);
        }
        (4.0 * xy - x * y) / (4.0 * xx - x * x)
    };
    check(&evaluated(&analysis, &runs(&["short"]), false), slope);
}

#[test]
fn settings_are_compared_where_every_arm_names_its_own() {
    let fields = r#"plus = "snip in long"
minus = "snip under rearrange in long"
less = { plus = "snip in short", minus = "snip under rearrange in short" }"#;
    let both = contrast(fields) + &contrast("plus = \"snip\"\nminus = \"smart\"");
    let analysis = study(&both).unwrap();
    let own = |setting, seed| {
        accuracy(setting, "snip", "none", seed) - accuracy(setting, "snip", "rearrange", seed)
    };
    let all = runs(&["short", "long"]);
    check(&evaluated(&analysis, &all, true), |seed| {
        own("long", seed) - own("short", seed)
    });
    // In each setting alone there is the other contrast, and nothing of this one.
    for setting in ["short", "long"] {
        check(&evaluated(&analysis, &runs(&[setting]), false), |seed| {
            accuracy(setting, "snip", "none", seed) - accuracy(setting, "smart", "none", seed)
        });
    }
}

#[test]
fn slips_are_named_with_their_remedy() {
    refused(
        r#"plus = "snip""#,
        &[
            "`analysis.contrast` 1",
            "`plus` and `minus`",
            "`trend` alone",
        ],
    );
    refused(
        "trend = \"snip under labels-{share}\"\nplus = \"smart\"\nminus = \"snip\"",
        &["`trend` alone"],
    );
    refused(
        r#"trend = "snip under labels-{shard}""#,
        &["`each` over one list of numbers", "found `labels-{shard}`"],
    );
    refused(
        r#"trend = "snip under rearrange""#,
        &["`each` over one list of numbers", "found `rearrange`"],
    );
    refused(
        "plus = \"snip in lomg\"\nminus = \"smart in short\"",
        &["expected a setting of this study, found `lomg`", "`long`"],
    );
    refused(
        "plus = \"snip in long\"\nminus = \"smart\"",
        &["`snip in long − smart`", "a setting for every arm"],
    );
    refused(
        "plus = \"snip\"\nminus = \"smart\"\nless = { plus = \"snip\", minus = \"smrat\" }",
        &["expected a ticket of this study, found `smrat`", "`smart`"],
    );
    refused(
        "plus = \"snip in\"\nminus = \"smart\"",
        &["expected a ticket (`snip`)", "found `snip in`"],
    );
}

#[test]
fn plans_without_them_are_written_as_before() {
    let fields = "plus = \"snip\"\nminus = \"smart\"";
    let json = study(&contrast(fields)).unwrap().to_json().unwrap();
    for field in ["less", "trend", "pilot", "setting"] {
        assert!(!json.contains(&format!("\"{field}\":")), "{json}");
    }
    // And what they add is part of the plan's hash.
    let with = |fields: &str| study(&contrast(fields)).unwrap().digest().unwrap();
    let all = [
        with(fields),
        with(&format!(
            "{fields}\nless = {{ plus = \"smart\", minus = \"snip\" }}"
        )),
        with("trend = \"snip under labels-{share}\""),
        with("trend = \"smart under labels-{share}\""),
    ];
    for (i, one) in all.iter().enumerate() {
        assert!(!all[..i].contains(one), "{i}");
    }
    let pilot = |words: &str| {
        let text = format!("pilot = \"{words}\"\n{}", contrast(fields));
        study(&text).unwrap()
    };
    assert_eq!(pilot("seed 901").pilot.as_deref(), Some("seed 901"));
    assert_ne!(
        pilot("seed 901").digest().unwrap(),
        pilot("seeds 901 and 902").digest().unwrap()
    );
    // Arms are read back as they were written.
    for arm in [
        "snip",
        "snip under rearrange",
        "snip in long",
        "snip under rearrange in long",
    ] {
        assert_eq!(Arm::try_from(arm.to_owned()).unwrap().to_string(), arm);
    }
}

#[test]
fn a_family_is_corrected_whole_whatever_its_contrasts_are_made_of() {
    let standard =
        contrast("family = \"data\"\nplus = \"snip\"\nminus = \"snip under labels-0-5\"");
    let trend = contrast("family = \"data\"\ntrend = \"snip under labels-{share}\"");
    let other = contrast(
        "family = \"other\"\nplus = \"smart\"\nminus = \"snip\"\nless = { plus = \"smart under rearrange\", minus = \"snip under rearrange\" }",
    );
    let found = |text: &str| evaluated(&study(text).unwrap(), &runs(&["short"]), false);
    let all = found(&(standard + &trend + &other));
    let p = |f: &Finding| f.accuracy.estimate.p_difference.unwrap();
    let wanted = jackpot_stats::holm(&[p(&all[0]), p(&all[1])]);
    for (found, wanted) in all.iter().zip(&wanted) {
        assert_eq!(found.accuracy.adjusted_difference, Some(*wanted));
    }
    assert!(wanted[0] > p(&all[0]) || wanted[1] > p(&all[1]));
    assert_eq!(all[2].accuracy.adjusted_difference, Some(p(&all[2])));
}

#[test]
fn a_plan_foresees_what_each_kind_settles() {
    let text = contrast("plus = \"snip\"\nminus = \"snip under rearrange\"")
        + &contrast(
            "plus = \"snip\"\nminus = \"snip under rearrange\"\nless = { plus = \"smart\", minus = \"smart under rearrange\" }",
        )
        + &contrast("trend = \"snip under labels-{share}\"")
        + &contrast("plus = \"snip in long\"\nminus = \"snip in short\"");
    let folder = tempfile::tempdir().unwrap();
    let store = jackpot_store::Store::create(folder.path()).unwrap();
    let all = settles(&whole_study(&text).unwrap(), &store).unwrap();
    let kinds: Vec<&str> = all.iter().map(|s| s.what.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "a ticket and its check",
            "two arms of any settings",
            "a difference of differences",
            "a trend over 4 places"
        ]
    );
    let times: Vec<f64> = all.iter().map(|s| s.sd / REFERENCE_SD).collect();
    // Of four runs the variance is twice that of two; of the line its slope's over the range, in
    // that of two: 1 / (2 Σ (x − mean)²).
    let square: f64 = [0.0, 0.25, 0.5, 1.0]
        .map(|x| f64::powi(x - 0.4375, 2))
        .iter()
        .sum();
    for (own, wanted) in times
        .iter()
        .zip([1.0, 1.0, 2f64.sqrt(), (0.5 / square).sqrt()])
    {
        assert!((own - wanted).abs() < 1e-9, "{times:?}");
    }
    assert!(
        all.iter()
            .all(|s| s.seeds == 5 && s.df == 4.0 && s.margin.is_some())
    );
    assert!(all[0].margin.unwrap() < all[2].margin.unwrap());
}
