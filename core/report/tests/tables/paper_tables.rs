//! The tables for the questions of the paper and its reviewers, compared with numbers computed by
//! hand.

use crate::synthetic::{outline, results};
use jackpot_report::render;
use jackpot_results::{
    Before, Outline, Pretrained, PruningSummary, Results, Run, RunOutcome, Subject, TicketSummary,
    TrainedRun,
};
use jackpot_stats::Claim;
use jackpot_store::Digest;
use jackpot_study::{Arm, Contrast, Lineage, Overlap, Reference, Role, TicketKind};

/// The fields of each line of a CSV file without quotes.
fn csv(outline: &Outline, results: &Results, file: &str) -> Vec<Vec<String>> {
    let mut outline = outline.clone();
    let name = file
        .strip_prefix("tables/")
        .and_then(|f| f.strip_suffix(".csv"));
    outline.tables = vec![name.unwrap().to_owned()];
    outline.figures.clear();
    let files = render(&outline, results).unwrap();
    let text = String::from_utf8(files[file].clone()).unwrap();
    let line = |l: &str| l.split(',').map(String::from).collect();
    text.lines().map(line).collect()
}

/// The field in a named column of the row that starts with these words.
#[track_caller]
fn field(rows: &[Vec<String>], starts: &[&str], column: &str) -> String {
    let place = rows[0].iter().position(|c| c == column);
    let row = rows
        .iter()
        .find(|r| r.iter().zip(starts).all(|(a, b)| a == b));
    row.unwrap_or_else(|| panic!("no row {starts:?} in {rows:?}"))[place.unwrap()].clone()
}

#[track_caller]
fn near(found: &str, expected: f64) {
    let number: f64 = found.parse().unwrap();
    assert!(
        (number - expected).abs() < 1.5e-6,
        "{found}, expected {expected}"
    );
}

fn change(results: &mut Results, of: impl Fn(&Run) -> bool, change: impl Fn(u64, &mut TrainedRun)) {
    for run in results.runs.iter_mut().filter(|r| of(r)) {
        if let RunOutcome::Done(t) = &mut run.outcome {
            change(run.seed, t);
        }
    }
}

fn is<'r>(ticket: &'r str, check: &'r str, sparsity: &'r str) -> impl Fn(&Run) -> bool + 'r {
    move |r| (r.ticket.as_str(), r.check.as_str(), r.sparsity.as_str()) == (ticket, check, sparsity)
}

fn lineage(epochs: &str) -> Option<Box<Lineage>> {
    Some(Box::new(Lineage {
        pretraining: None,
        scoring: None,
        training: "clean".into(),
        epochs: epochs.into(),
    }))
}

/// GraSP becomes learning-rate rewinding, SNIP the hybrid ticket of it, and the analysis says so.
fn trained_on(outline: &mut Outline) {
    let contrast = |other: &str| Contrast {
        claim: Claim::Superiority,
        family: "hybrid".into(),
        role: Role::Question,
        plus: Arm::of("snip"),
        minus: Arm::of(other),
        control: Default::default(),
        less: None,
        trend: Vec::new(),
        margins: None,
    };
    outline
        .analysis
        .contrasts
        .extend(["grasp", "smart"].map(contrast));
    for (name, rule, kind) in [
        ("grasp", "global", TicketKind::PartiallyTrained),
        ("snip", "smart-ratio", TicketKind::Hybrid),
    ] {
        let way = outline.ways.get_mut(name).unwrap().sparse.as_mut().unwrap();
        *way = PruningSummary {
            method: "magnitude".into(),
            rule: rule.into(),
            unit: Default::default(),
            of_learned: true,
            of_object: false,
            start_learned: true,
            start_object: false,
            kind: Some(kind),
            ..way.clone()
        };
    }
}

#[test]
fn tickets_that_need_no_training_stand_first_and_rounds_last() {
    let (mut outline, mut results) = (outline(), results());
    outline.tables = vec!["tickets".into()];
    outline.figures.clear();
    for (ticket, epochs) in [
        ("smart", "5"),
        ("uniform", "5"),
        ("snip", "10"),
        ("lottery", "60"),
    ] {
        change(
            &mut results,
            |r| r.ticket == ticket,
            |_, t| t.lineage = lineage(epochs),
        );
    }
    let files = render(&outline, &results).unwrap();
    let table = String::from_utf8(files["tables/tickets.md"].clone()).unwrap();
    let place = |title: &str| table.find(&format!("| {title} |")).unwrap();
    assert!(place("Smart random") < place("Uniform random"));
    assert!(place("Uniform random") < place("SNIP") && place("SNIP") < place("Lottery ticket"));
    let rows = csv(&outline, &results, "tables/tickets.csv");
    near(&field(&rows, &["smart"], "epochs_before"), 0.0);
    near(&field(&rows, &["lottery"], "epochs_before"), 55.0);
    near(&field(&rows, &["lottery"], "epochs"), 60.0);
}

#[test]
fn hybrid_tickets_are_compared_seed_by_seed_with_and_without_collapsed() {
    let (mut outline, mut results) = (outline(), results());
    trained_on(&mut outline);
    let at = "0.9";
    change(&mut results, is("snip", "none", at), |s, t| {
        t.accuracy = [81.0, 83.0, 82.0][s as usize - 1]
    });
    change(&mut results, is("grasp", "none", at), |s, t| {
        t.accuracy = [80.0, 80.0, 10.0][s as usize - 1]
    });
    change(&mut results, is("snip", "none", "0.98"), |s, t| {
        t.accuracy = [71.0, 73.0, 72.0][s as usize - 1]
    });
    change(&mut results, is("grasp", "none", "0.98"), |_, t| {
        t.accuracy = 70.0
    });
    let rows = csv(&outline, &results, "tables/hybrid.csv");
    let row = [at, "snip", "grasp"];
    // Of 1, 3 and 72, with its own deviation, for one has collapsed: t(0.975, 2) = 4.302653.
    let (mean, squares): (f64, f64) = (76.0 / 3.0, 1.0 + 9.0 + 5184.0);
    let sd = ((squares - 3.0 * mean * mean) / 2.0).sqrt();
    near(&field(&rows, &row, "difference_mean"), mean);
    let low = mean - 4.302_652_729_7 * sd / 3f64.sqrt();
    near(&field(&rows, &row, "difference_low"), low);
    near(&field(&rows, &row, "pairs_collapsed"), 1.0);
    let average = |scope| field(&rows, &[scope, "snip", "grasp"], "difference_mean");
    near(&average("average"), (2.0 + mean) / 2.0);
    near(&average("average without collapse"), 2.0);
    let none = csv(&crate::synthetic::outline(), &results, "tables/hybrid.csv");
    assert_eq!(none.len(), 1, "without a hybrid ticket there is no row");
}

#[test]
fn an_effect_is_in_standard_deviations_of_a_pair() {
    let (mut outline, mut results) = (outline(), results());
    trained_on(&mut outline);
    outline.checks.truncate(2);
    let at = "0.9";
    results
        .runs
        .retain(|r| r.ticket == "snip" && r.sparsity == at && r.check != "corrupted");
    change(&mut results, is("snip", "none", at), |_, t| {
        t.accuracy = 80.0
    });
    change(&mut results, is("snip", "rearrange", at), |s, t| {
        t.accuracy = 79.0 - s as f64
    });
    let rows = csv(&outline, &results, "tables/partially-trained.csv");
    let row = [at, "snip", "rearrange"];
    near(&field(&rows, &row, "difference_mean"), 3.0);
    // 2, 3 and 4: sd 1.
    near(&field(&rows, &row, "effect"), 3.0);
}

#[test]
fn a_changed_mask_is_apart_as_far_as_its_counts_say() {
    let (outline, mut results) = (outline(), results());
    let at = "0.9";
    let layers = |kept: [u64; 2]| {
        vec![
            ("a".to_owned(), 100, kept[0]),
            ("b".to_owned(), 300, kept[1]),
        ]
    };
    results
        .runs
        .retain(|r| r.ticket == "snip" && r.sparsity == at);
    change(&mut results, |_| true, |_, t| t.layers = layers([30, 30]));
    // The mask is another one, or the check's training would be the ticket's own.
    change(&mut results, is("snip", "corrupted", at), |s, t| {
        t.key = Digest::of(format!("another {s}").as_bytes());
        t.layers = layers([15, 45]);
    });
    results.overlaps = vec![Overlap {
        setting: None,
        sparsity: at.into(),
        seed: 1,
        first: ("snip".into(), "none".into()),
        second: ("snip".into(), "corrupted".into()),
        masks: [Digest::of(b"a"), Digest::of(b"b")],
        kept: [60, 60],
        shared: 30,
        chance: 9.0,
        width: 6.0,
    }];
    let rows = csv(&outline, &results, "tables/corruption.csv");
    let row = [at, "snip", "corrupted"];
    // Shares 30 and 10 % against 15 and 15 %.
    near(&field(&rows, &row, "largest_mean"), 15.0);
    near(&field(&rows, &row, "mean_difference_mean"), 10.0);
    near(&field(&rows, &row, "moved_mean"), 25.0);
    near(&field(&rows, &row, "overlap_mean"), 50.0);
    near(&field(&rows, &row, "chance"), 15.0);
    near(&field(&rows, &row, "chance_low"), 5.0);
    let overlaps = csv(&outline, &results, "tables/overlaps.csv");
    near(
        &field(
            &overlaps,
            &[at, "snip", "none", "snip", "corrupted"],
            "overlap_percent",
        ),
        50.0,
    );
}

#[test]
fn volatility_and_the_best_learning_rate() {
    let (mut outline, mut results) = (outline(), results());
    let slow = TicketSummary {
        learning_rate: 0.01,
        ..outline.ways["snip"].clone()
    };
    outline.ways.insert("grasp".into(), slow);
    let at = "0.9";
    change(&mut results, is("snip", "none", at), |_, t| {
        t.accuracy = 80.0;
        // A fifth of ten epochs, the last two: 78 and 80.
        t.curve = vec![10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 75.0, 78.0, 80.0];
    });
    change(&mut results, is("grasp", "none", at), |_, t| {
        t.accuracy = 82.0
    });
    let rows = csv(&outline, &results, "tables/learning-rates.csv");
    let row = [at, "snip", "none"];
    near(&field(&rows, &row, "volatility"), 2f64.sqrt());
    near(&field(&rows, &row, "last_epochs"), 2.0);
    let best: Vec<_> = rows
        .iter()
        .filter(|r| r[0] == at && r[1] == "snip" && r[2] == "none")
        .collect();
    let place = |name: &str| rows[0].iter().position(|c| c == name).unwrap();
    let best = best
        .iter()
        .find(|r| !r[place("best_learning_rate")].is_empty())
        .unwrap();
    near(&best[place("fixed_learning_rate")], 0.1);
    near(&best[place("fixed_accuracy_mean")], 80.0);
    near(&best[place("best_learning_rate")], 0.01);
    near(&best[place("best_rate_accuracy_mean")], 82.0);
}

#[test]
fn what_was_memorised_stands_beside_what_came_of_it() {
    let (outline, mut results) = (outline(), results());
    let none = csv(&outline, &results, "tables/pretraining.csv");
    assert_eq!(none.len(), 1);
    let at = "0.9";
    for (check, fitted, accuracy) in [("none", 95.0, 84.0), ("corrupted", 12.5, 82.0)] {
        change(&mut results, is("lottery", check, at), |_, t| {
            t.accuracy = accuracy;
            t.pretraining = Some(Box::new(Pretrained {
                key: Digest::of(check.as_bytes()),
                metrics: Digest::of(check.as_bytes()),
                epochs: 5,
                train_accuracy: fitted,
                test_accuracy: 50.0,
            }));
        });
    }
    let rows = csv(&outline, &results, "tables/pretraining.csv");
    near(
        &field(&rows, &[at, "lottery", "corrupted"], "fitted_mean"),
        12.5,
    );
    near(
        &field(&rows, &[at, "lottery", "corrupted"], "difference_mean"),
        2.0,
    );
    assert_eq!(
        field(&rows, &[at, "lottery", "none"], "difference_mean"),
        ""
    );
}

#[test]
fn a_pruned_network_stands_beside_what_its_training_made_of_it() {
    let (mut outline, mut results) = (outline(), results());
    let none = csv(&outline, &results, "tables/before-after.csv");
    assert_eq!(none.len(), 1, "no evaluation, no row: {none:?}");
    for (check, before, after) in [("none", 40.0, 84.0), ("rearrange", 11.0, 83.0)] {
        change(&mut results, is("lottery", check, "0.9"), |seed, t| {
            let name = format!("{check} {seed}");
            t.accuracy = after + seed as f64;
            t.test_loss = 0.5;
            t.before = Some(Before {
                key: Digest::of(name.as_bytes()),
                metrics: Digest::of(format!("metrics {name}").as_bytes()),
                accuracy: before,
                test_loss: 2.0,
            });
        });
    }
    let rows = csv(&outline, &results, "tables/before-after.csv");
    assert_eq!(rows.len(), 3, "{rows:?}");
    let of = |check: &str, column: &str| field(&rows, &["0.9", "lottery", check], column);
    let mean = |of: &dyn Fn(f64) -> f64| {
        let seeds = &outline.seeds;
        seeds.iter().map(|s| of(*s as f64)).sum::<f64>() / seeds.len() as f64
    };
    near(&of("none", "before_mean"), 40.0);
    near(&of("none", "before_sd"), 0.0);
    near(&of("none", "gained_mean"), mean(&|s| 44.0 + s));
    near(&of("rearrange", "after_mean"), mean(&|s| 83.0 + s));
    near(&of("rearrange", "gained_mean"), mean(&|s| 72.0 + s));
    near(&of("rearrange", "loss_before_mean"), 2.0);
    near(&of("rearrange", "loss_after_mean"), 0.5);

    // The page opens both runs behind such a number.
    outline.tables = vec!["before-after".into()];
    outline.figures.clear();
    let files = render(&outline, &results).unwrap();
    let page = String::from_utf8(files["index.html"].clone()).unwrap();
    let before = Digest::of(format!("none {}", outline.seeds[0]).as_bytes());
    assert!(page.contains(&format!("jackpot audit {before}")));
    assert!(page.contains("before its training"));
}

/// The study as one of ResNet-32 on CIFAR-10.
fn of_the_paper() -> Outline {
    Outline {
        subject: Subject {
            set: "cifar-10".into(),
            network: "ResNet-32".into(),
            width: 32,
            classes: 10,
        },
        ..outline()
    }
}

#[test]
fn published_numbers_stand_beside_the_same_network_and_data_alone() {
    let results = results();
    let rows = csv(&of_the_paper(), &results, "tables/references.csv");
    let of = |whose: &str| {
        let is =
            |r: &&Vec<String>| r[1] == "smart" && r[0] == "0.9" && r.contains(&whose.to_owned());
        let row = rows.iter().find(is).unwrap().clone();
        field(&[rows[0].clone(), row], &["0.9"], "theirs_mean")
    };
    near(&of("the paper's"), 92.97);
    near(&of("a reproduction's"), 92.84);
    let reproduced = rows.iter().filter(|r| r[1] == "snip" && r[0] == "0.98");
    assert_eq!(
        reproduced.count(),
        2,
        "unmodified and rearranged; labels alone are no corrupted data"
    );
    let mut narrow = of_the_paper();
    narrow.subject.width = 16;
    assert_eq!(csv(&narrow, &results, "tables/references.csv").len(), 1);
    let mut other = of_the_paper();
    other
        .ways
        .get_mut("smart")
        .unwrap()
        .sparse
        .as_mut()
        .unwrap()
        .rule = "erk".into();
    let rows = csv(&other, &results, "tables/references.csv");
    assert!(
        rows.iter().all(|r| r[1] != "smart"),
        "a ticket is known by what it is made of"
    );
}

#[test]
fn a_users_own_numbers_stand_beside_the_cell_that_they_name() {
    let (mut outline, results) = (outline(), results());
    outline.references = vec![Reference {
        setting: None,
        ticket: "grasp".into(),
        check: "none".into(),
        sparsity: 0.9,
        accuracy: 70.25,
        sd: Some(0.5),
        runs: Some(4),
        source: "a notebook".into(),
        whose: "mine".into(),
        differences: "twice the epochs".into(),
    }];
    let rows = csv(&outline, &results, "tables/references.csv");
    assert_eq!(rows.len(), 2);
    near(&field(&rows, &["0.9", "grasp"], "theirs_sd"), 0.5);
    assert_eq!(
        field(&rows, &["0.9", "grasp"], "differences"),
        "twice the epochs"
    );
}
