//! What a cell is that is identical to its unmodified ticket, or that a check cannot be applied to,
//! in results and in findings.

use jackpot_results::{Finding, Run, RunOutcome, RunTable, collect, findings};
use jackpot_stats::{Claim, Spending, Variance, Verdict};
use jackpot_store::{Digest, Store};
use jackpot_study::{
    Analysis, Arm, CollapsedRuns, Contrast, ControlOf, ManifestCell, Margin, Margins, Role,
    RunManifest,
};
use std::collections::BTreeMap;

const OBJECT: &str = "abababababababababababababababababababababababababababababababab";

fn pinned(ticket: &str, check: &str, seed: u64) -> ManifestCell {
    ManifestCell {
        setting: None,
        ticket: ticket.into(),
        check: check.into(),
        sparsity: "0.9".into(),
        seed: seed.to_string(),
        action: None,
        mask: None,
        selection: None,
        pretraining: None,
        before: None,
        lineage: None,
        identical: None,
        not_applicable: None,
        failed: None,
        collapsed: None,
    }
}

/// Pins of earlier versions call a cell identical whatever became of its ticket.
#[test]
fn a_cell_that_is_identical_is_what_its_ticket_came_to() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path()).unwrap();
    let identical = |ticket: &str, seed| ManifestCell {
        identical: Some("no method of it declares data".into()),
        ..pinned(ticket, "c", seed)
    };
    let failed = ManifestCell {
        failed: Some("score asks: asked for a batch".into()),
        ..pinned("asks", "none", 1)
    };
    let collapsed = ManifestCell {
        collapsed: Some("no path".into()),
        ..pinned("thin", "none", 1)
    };
    // The store has lost this training.
    let gone = ManifestCell {
        action: Some(Digest::of(b"gone")),
        ..pinned("gone", "none", 1)
    };
    let not_applicable = ManifestCell {
        not_applicable: Some("how these weights were made is not known".into()),
        ..pinned("given", "c", 1)
    };
    let pin = RunManifest {
        format: 1,
        study: Digest::of(b"study"),
        title: None,
        device_class: "cpu-avx2".into(),
        libtorch: crate::support::libtorch(),
        architecture: Some(jackpot_net::Architecture::resnet(8, 4, 10, [1, 8, 8])),
        settings: BTreeMap::new(),
        cells: vec![
            failed,
            identical("asks", 1),
            collapsed,
            identical("thin", 1),
            gone,
            identical("gone", 1),
            // Another seed's failure is not this one's, and a ticket that is not there is missing.
            identical("asks", 2),
            not_applicable,
        ],
        actions: Vec::new(),
        survey: None,
    };
    pin.write(&store, "old").unwrap();
    let runs = collect(&store, "old").unwrap().runs;
    let words = |at: usize| match &runs[at].outcome {
        RunOutcome::Failed { why, .. } => format!("failed: {why}"),
        RunOutcome::Collapsed { why } => format!("collapsed: {why}"),
        RunOutcome::NotApplicable { because } => format!("not applicable: {because}"),
        RunOutcome::Missing => "missing".into(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        words(1),
        "failed: identical to the unmodified ticket: score asks: asked for a batch"
    );
    assert_eq!(
        words(3),
        "collapsed: identical to the unmodified ticket: no path"
    );
    assert_eq!((words(5), words(6)), ("missing".into(), "missing".into()));
    assert_eq!(
        words(7),
        "not applicable: how these weights were made is not known"
    );
}

/// A pin as it was written before a check could be not applicable.
#[test]
fn pins_of_earlier_versions_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path()).unwrap();
    let old = format!(
        r#"{{"cells":[{{"check":"c","identical":"the ticket is made without data","seed":"1","sparsity":"0.9","ticket":"smart"}}],"device_class":"cpu-avx2","format":1,"libtorch":{{"build":"{}","version":"2.13.0"}},"study":"{OBJECT}"}}"#,
        "0".repeat(16)
    );
    store.write_pin("old", old.as_bytes()).unwrap();
    let pin = RunManifest::read(&store, "old").unwrap();
    assert_eq!(
        pin.cells[0].identical.as_deref(),
        Some("the ticket is made without data")
    );
    assert_eq!(pin.cells[0].not_applicable, None);
    // And it is written again as it was: nothing new stands in it.
    pin.write(&store, "again").unwrap();
    assert_eq!(store.read_pin("again").unwrap().unwrap(), old.as_bytes());
}

const SEEDS: [u64; 3] = [1, 2, 3];

fn run(ticket: &str, check: &str, seed: u64, outcome: RunOutcome) -> Run {
    Run {
        setting: None,
        ticket: ticket.into(),
        check: check.into(),
        sparsity: "0.9".into(),
        seed,
        outcome,
        facts: None,
    }
}

fn done(ticket: &str, check: &str, seed: u64, accuracy: f64) -> Run {
    let name = format!("{ticket} {check} {seed}");
    let trained = crate::support::made_up(&name, accuracy);
    run(ticket, check, seed, RunOutcome::Done(trained))
}

/// The one finding of a contrast.
fn finding(plus: Arm, minus: Arm, runs: &[Run]) -> Finding {
    let analysis = Analysis {
        format: 1,
        contrasts: vec![Contrast {
            claim: Claim::Equivalence,
            family: "data".into(),
            role: Role::Question,
            control: ControlOf::Allocation,
            plus,
            minus,
            less: None,
            trend: Vec::new(),
            margins: None,
        }],
        margins: Margins {
            accuracy: Margin::Fixed(0.5),
            test_loss: Margin::Fixed(0.02),
        },
        variance: Variance::Cell,
        collapsed: CollapsedRuns::Apart,
        looks: vec![SEEDS.len() as u32],
        spending: Spending::default(),
        pilot: None,
        effects: Vec::new(),
    };
    let mut found = findings(
        &analysis,
        &RunTable {
            runs: runs.iter().collect(),
            across_settings: false,
            sparsities: &["0.9".to_owned()],
            seeds: &SEEDS,
            collapsed: &|_| false,
        },
    );
    assert_eq!(found.findings.len(), 1);
    found.findings.remove(0)
}

#[test]
fn a_finding_is_identical_only_where_every_seed_of_the_ticket_has_run() {
    let identical = |seed| {
        let because = "no method of it declares data".into();
        run("smart", "c", seed, RunOutcome::Identical { because })
    };
    let arms = || (Arm::of("smart"), Arm::under("smart", "c"));
    let whole: Vec<Run> = SEEDS
        .iter()
        .flat_map(|s| [done("smart", "none", *s, 80.0), identical(*s)])
        .collect();
    let found = finding(arms().0, arms().1, &whole);
    assert_eq!(found.accuracy.verdict, Verdict::Identical);
    assert!(found.because.is_some());
    // The twins: a seed of the ticket failed, or has not run.
    for (outcome, lost) in [
        (
            RunOutcome::Failed {
                why: "asked for a batch".into(),
                diverged: false,
            },
            1,
        ),
        (RunOutcome::Missing, 0),
    ] {
        let mut broken = whole.clone();
        broken[2].outcome = outcome;
        let found = finding(arms().0, arms().1, &broken);
        assert_ne!(found.accuracy.verdict, Verdict::Identical);
        assert_eq!((found.because, found.same, found.lost), (None, 2, lost));
        assert!(found.seeds.is_empty());
    }
}

/// A cell is identical to its own ticket, not to whatever it is compared with.
#[test]
fn what_is_identical_stands_for_its_ticket_in_other_contrasts() {
    let mut runs = Vec::new();
    for seed in SEEDS {
        runs.push(done("smart", "none", seed, 80.0 + seed as f64));
        let because = "no method of it declares data".into();
        runs.push(run("smart", "c", seed, RunOutcome::Identical { because }));
        runs.push(done("snip", "none", seed, 85.0));
        runs.push(done("snip", "c", seed, 70.0));
    }
    let found = finding(Arm::under("smart", "c"), Arm::under("snip", "c"), &runs);
    assert_ne!(found.accuracy.verdict, Verdict::Identical);
    assert_eq!(found.seeds, SEEDS);
    assert!((found.accuracy.estimate.mean.unwrap() - 12.0).abs() < 1e-9);
}

#[test]
fn what_is_not_applicable_is_neither_identical_nor_measured() {
    let mut runs = Vec::new();
    for seed in SEEDS {
        runs.push(done("given", "none", seed, 80.0));
        let because = "how these weights were made is not known".into();
        runs.push(run(
            "given",
            "c",
            seed,
            RunOutcome::NotApplicable { because },
        ));
    }
    let found = finding(Arm::of("given"), Arm::under("given", "c"), &runs);
    assert_ne!(found.accuracy.verdict, Verdict::Identical);
    assert!(found.not_applicable.is_some());
    assert_eq!((found.seeds.len(), found.same, found.lost), (0, 0, 0));
    assert_eq!(found.accuracy.estimate.mean, None);
}
