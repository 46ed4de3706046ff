//! What a report asks beside results: how tickets are made, numbers of others, overlaps of masks.
#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

mod support;

use jackpot_net::Architecture;
use jackpot_prune::Mask;
use jackpot_results::{Outcome, Results, Run, overlaps};
use jackpot_store::{Digest, Store};
use jackpot_study::{Arm, MaskFacts, Study, TicketKind};
use std::path::Path;
use support::QUICK;

const ROW: &str = r#"
[[reference]]
ticket = "snip"
check = "rearrange"
sparsity = 0.9
accuracy = 81.5
source = "a table"
whose = "a reproduction's"
"#;

fn parse(more: &str) -> Result<Study, String> {
    let text = format!("{QUICK}\n{more}");
    Study::parse(&text, Path::new("/somewhere/quick")).map_err(|e| e.to_string())
}

#[test]
fn ways_and_changes_say_how_tickets_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let extra = r#"
[[ticket]]
name = "hybrid"
scores = { method = "magnitude", of = "trained" }
allocation = { rule = "smart-ratio", params = { shape = "cubic" } }
start = "trained"
retrain = { offset_epochs = 1, epochs = 4, lr = 0.05 }
"#;
    std::fs::write(folder.path().join("study.toml"), format!("{QUICK}{extra}")).unwrap();
    let outline = jackpot_results::outline(folder.path()).unwrap();
    assert_eq!(outline.ways["dense"].sparse, None);
    let hybrid = &outline.ways["hybrid"];
    assert_eq!((hybrid.epochs, hybrid.learning_rate), (4, 0.05));
    let sparse = hybrid.sparse.as_ref().unwrap();
    assert!(sparse.start_learned && sparse.of_learned && !sparse.is_random());
    assert_eq!(sparse.allocation, "smart-ratio (shape = cubic)");
    let lottery = outline.ways["lottery"].sparse.as_ref().unwrap();
    assert!(lottery.of_learned && !lottery.start_learned);
    assert_eq!(lottery.allocation, "global over convolutions");
    assert!(outline.ways["smart"].sparse.as_ref().unwrap().is_random());
    let kind = |name: &str| outline.ways[name].sparse.as_ref().unwrap().kind;
    assert_eq!(kind("hybrid"), Some(TicketKind::Hybrid));
    assert_eq!(kind("lottery"), Some(TicketKind::Initial));
    assert_eq!(kind("smart"), Some(TicketKind::Smart));
    assert_eq!(kind("uniform"), Some(TicketKind::Random));
    assert!(outline.changes["corrupted-data"].on_data);
    assert!(!outline.changes["rearrange"].on_data);
    assert_eq!(outline.changes["rearrange"].items, ["layerwise-rearrange"]);
    assert_eq!(outline.subject.network, "ResNet-8");
}

/// What a table groups by is what the analysis compares by.
#[test]
fn a_kind_is_one_thing_for_tables_and_for_the_analysis() {
    let folder = tempfile::tempdir().unwrap();
    let kind_of = |scores: &str, allocation: &str, more: &str| {
        let ticket = format!(
            "\n[[ticket]]\nname = \"this\"\nscores = {{ {scores} }}\nallocation = \"{allocation}\"\n{more}\n"
        );
        std::fs::write(folder.path().join("study.toml"), format!("{QUICK}{ticket}")).unwrap();
        let outline = jackpot_results::outline(folder.path()).unwrap();
        let this = Arm::of("this");
        let families = outline
            .analysis
            .contrasts
            .iter()
            .filter(|c| (c.plus == this || c.minus == this) && !c.is_within_ticket());
        let families: Vec<String> = families.map(|c| c.family.clone()).collect();
        (outline.ways["this"].sparse.as_ref().unwrap().kind, families)
    };
    let magnitude = r#"method = "magnitude", of = "trained""#;
    let random = r#"method = "random""#;
    let trained = r#"start = "trained""#;
    let (kind, families) = kind_of(magnitude, "smart-ratio", trained);
    assert_eq!(kind, Some(TicketKind::Hybrid));
    assert_eq!(families, ["hybrid"]);
    let (kind, families) = kind_of(magnitude, "global", trained);
    assert_eq!(kind, Some(TicketKind::PartiallyTrained));
    assert_eq!(families, Vec::<String>::new());
    // Early weights are no trained ones: weight rewinding is of the initial tickets.
    let (kind, families) = kind_of(magnitude, "global", "start = { epoch = 1 }");
    assert_eq!(kind, Some(TicketKind::Initial));
    assert_eq!(families, ["random-tickets"]);
    // The same ticket initialised again is no second smart ticket, but its A/A control.
    let (kind, families) = kind_of(random, "smart-ratio", r#"start = "redrawn""#);
    assert_eq!(kind, Some(TicketKind::Random));
    assert_eq!(families, ["same-law"]);
    let (kind, families) = kind_of(random, "erk", "start = { epoch = 1 }");
    assert_eq!((kind, families), (None, Vec::new()));
    // How the weights of an object were made is not known: neither random nor initial nor trained.
    let object = format!("start = {{ object = \"{}\" }}", "ab".repeat(32));
    for (scores, allocation) in [(random, "smart-ratio"), (magnitude, "global")] {
        let (kind, families) = kind_of(scores, allocation, &object);
        assert_eq!((kind, families), (None, Vec::new()), "{scores}");
    }
}

#[test]
fn numbers_of_others_stand_beside_a_cell_of_the_study_or_are_refused() {
    let row = parse(ROW).unwrap().references.remove(0);
    assert_eq!((row.accuracy, row.runs), (81.5, None));
    let refused = |from: &str, to: &str, expected: &str| {
        let error = parse(&ROW.replace(from, to)).unwrap_err();
        assert!(error.contains(expected), "{error}");
    };
    refused("\"snip\"", "\"snipp\"", "did you mean `snip`?");
    refused("\"rearrange\"", "\"rearange\"", "did you mean `rearrange`?");
    refused(
        "0.9\n",
        "0.95\n",
        "expected one of the study's `sparsities`",
    );
    refused(
        "\"snip\"",
        "\"dense\"",
        "expected 0, for the ticket is dense",
    );
    refused("81.5", "815", "expected percent between 0 and 100");
    refused("a table", " ", "`source`: expected words");
    refused("whose", "who", "unknown field `who`");
}

/// A mask that keeps, in each layer, the weights that `keeps` says.
fn mask(store: &Store, keeps: impl Fn(usize) -> bool) -> (Digest, MaskFacts) {
    let network = Architecture::resnet(8, 4, 10, [1, 8, 8]).build().unwrap();
    let mut mask = Mask::dense(&network);
    for layer in &mut mask.layers {
        for (i, kept) in layer.kept.iter_mut().enumerate() {
            *kept = keeps(i);
        }
    }
    let digest = store.put(&mask.to_bytes()).unwrap();
    (digest, MaskFacts::of(&network, &mask, digest).unwrap())
}

#[test]
fn overlaps_are_counted_weight_by_weight() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path()).unwrap();
    let even = mask(&store, |i| i % 2 == 0);
    let fourth = mask(&store, |i| i % 4 == 0);
    let odd = mask(&store, |i| i % 2 == 1);
    let run = |ticket: &str, check: &str, seed, mask: &(Digest, MaskFacts)| Run {
        setting: None,
        ticket: ticket.into(),
        check: check.into(),
        sparsity: "0.5".into(),
        seed,
        outcome: Outcome::Missing,
        facts: Some(mask.1.clone()),
    };
    let mut results = Results {
        recipes: Default::default(),
        study: Digest::of(b""),
        device_class: "cpu-avx2".into(),
        libtorch: "2.13.0".into(),
        runs: vec![
            run("a", "none", 1, &even),
            run("a", "rearrange", 1, &odd),
            run("b", "none", 1, &fourth),
            run("b", "rearrange", 1, &even),
            run("b", "none", 2, &odd),
        ],
        overlaps: Vec::new(),
    };
    let found = overlaps(&store, &results).unwrap();
    let names: Vec<_> = found
        .iter()
        .map(|o| (o.first.0.as_str(), o.second.0.as_str(), o.second.1.as_str()))
        .collect();
    let expected = [
        ("a", "b", "none"),
        ("a", "a", "rearrange"),
        ("b", "b", "rearrange"),
    ];
    assert_eq!(
        names, expected,
        "other seeds and other tickets' checks are no pairs"
    );
    let (kept, fewer) = (even.1.kept, fourth.1.kept);
    assert_eq!((found[0].shared, found[0].kept), (fewer, [kept, fewer]));
    assert_eq!(found[1].shared, 0);
    assert_eq!(found[2].shared, fewer);
    assert!((found[1].chance - kept as f64 * 0.5).abs() < 1.0);
    let object = store.root().join("objects").join(&odd.0.to_string()[..2]);
    std::fs::remove_dir_all(object).unwrap();
    assert!(
        overlaps(&store, &results).is_err(),
        "a mask that is gone is no overlap of 0"
    );
    results
        .runs
        .retain(|r| r.facts.as_ref().unwrap().mask != odd.0);
    assert_eq!(overlaps(&store, &results).unwrap().len(), 2);
}
