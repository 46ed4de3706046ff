//! Which masks a probe asks for, with plugins that are only described: nothing runs here.

use crate::support::{QUICK, libtorch, plugins};
use jackpot_study::{
    ActionInput, InitRecipe, Probe, ProbePart, ProbeRequest, Recipe, ScoreRecipe, SelectRecipe,
    Study, plan, probe,
};
use std::{collections::BTreeSet, path::Path};

fn study(text: &str) -> Study {
    Study::parse(text, Path::new("/somewhere/quick")).unwrap()
}

fn try_probe(text: &str, sparsities: &[&str]) -> Result<Probe, String> {
    let sparsities: Vec<String> = sparsities.iter().map(|s| (*s).to_owned()).collect();
    probe(study(text), &plugins(1), &libtorch(), &sparsities).map_err(|e| e.to_string())
}

fn of<'p>(part: &'p ProbePart, ticket: &str) -> Vec<&'p ProbeRequest> {
    let own = part.asked.iter().filter(|a| a.ticket == ticket);
    own.filter(|a| a.sparsity == "0.9" && a.seed == 2).collect()
}

#[test]
fn tickets_that_read_data_are_compared_and_trained_ones_are_left_out_by_name() {
    let probe = try_probe(QUICK, &[]).unwrap();
    assert_eq!(probe.parts.len(), 1);
    let part = &probe.parts[0];
    assert_eq!(probe.left_out.len(), 1);
    assert_eq!(probe.left_out[0].ticket, "lottery");
    assert!(probe.left_out[0].why.contains("trained weights"));
    let kinds: BTreeSet<&str> = part.plan.nodes.iter().map(|n| n.recipe.kind()).collect();
    assert!(
        !kinds.contains("train"),
        "a probe trains nothing: {kinds:?}"
    );
    let all = [
        "itself",
        "another batch",
        "another initialisation",
        "corrupted-data",
        "rearrange",
    ];
    for ticket in ["snip", "grasp"] {
        let made_from: Vec<&str> = of(part, ticket).iter().map(|a| a.made_from()).collect();
        assert_eq!(made_from, all, "{ticket}");
    }
    for ticket in ["smart", "uniform"] {
        let made_from: Vec<&str> = of(part, ticket).iter().map(|a| a.made_from()).collect();
        assert_eq!(made_from, ["itself"], "{ticket}");
    }
    assert_eq!(part.asked.len(), (2 * 5 + 2) * 2 * 3);
}

/// The keys of the batch and of the first weights behind a mask.
fn keys(part: &ProbePart, asked: &ProbeRequest) -> (String, String) {
    let nodes = &part.plan.nodes;
    let Recipe::Select(SelectRecipe {
        scores: ActionInput::Node(scores),
        ..
    }) = &nodes[asked.mask.node].recipe
    else {
        panic!("{:?}", nodes[asked.mask.node].recipe);
    };
    let Recipe::Score(ScoreRecipe {
        weights: Some(ActionInput::Node(weights)),
        key,
        ..
    }) = &nodes[scores.node].recipe
    else {
        panic!("{:?}", nodes[scores.node].recipe);
    };
    let Recipe::Init(InitRecipe { key: init, .. }) = &nodes[weights.node].recipe else {
        panic!("{:?}", nodes[weights.node].recipe);
    };
    (key.clone().unwrap(), init.clone())
}

#[test]
fn another_batch_and_another_initialisation_differ_in_that_alone() {
    let probe = try_probe(QUICK, &[]).unwrap();
    let part = &probe.parts[0];
    let masks = of(part, "snip");
    let [own, batch, init] = [0, 1, 2].map(|at| keys(part, masks[at]));
    assert!(own.0 != batch.0 && own.1 == batch.1);
    assert!(own.0 == init.0 && own.1 != init.1);
    // No seed of the study draws that batch or those weights.
    for seed in part
        .asked
        .iter()
        .filter(|a| a.ticket == "snip" && a.made_from() == "itself")
    {
        let (key, weights) = keys(part, seed);
        assert!(key != batch.0 && weights != init.1);
    }
}

#[test]
fn a_probe_asks_for_the_very_actions_of_a_run() {
    let probe = try_probe(QUICK, &[]).unwrap();
    let run = plan(study(QUICK), plugins(1), libtorch()).unwrap();
    let spelled = |plan: &jackpot_study::Plan, kind: &str| -> BTreeSet<String> {
        let own = plan.nodes.iter().filter(|n| n.recipe.kind() == kind);
        own.filter_map(|n| n.recipe.key().ok())
            .map(|k| k.to_string())
            .collect()
    };
    let init = (spelled(&probe.parts[0].plan, "init"), spelled(&run, "init"));
    assert!(
        init.1.is_subset(&init.0),
        "the study's first weights are the probe's"
    );
    assert_eq!(init.0.len(), 2 * init.1.len(), "and as many others");
    let titles = |plan: &jackpot_study::Plan| -> BTreeSet<String> {
        let own = plan.nodes.iter().filter(|n| n.recipe.kind() == "select");
        own.map(|n| n.title.clone()).collect()
    };
    let run: BTreeSet<String> = titles(&run);
    let lottery = |title: &&String| !title.contains("lottery");
    assert!(
        run.iter()
            .filter(lottery)
            .all(|t| titles(&probe.parts[0].plan).contains(t))
    );
}

#[test]
fn the_collapse_map_has_a_part_for_each_width() {
    let text = QUICK.replace("[run]", "[probe]\nwidths = [8, 16, 32]\n\n[run]");
    let probe = try_probe(&text, &["0.995"]).unwrap();
    let widths: Vec<u32> = probe
        .parts
        .iter()
        .map(|p| p.plan.study.settings[0].architecture.width)
        .collect();
    assert_eq!(widths, [16, 8, 32], "the study's own first");
    for part in &probe.parts[1..] {
        assert!(
            part.asked
                .iter()
                .all(|a| a.made_from() == "itself" && a.sparsity == "0.995")
        );
    }
    for (widths, expected) in [
        ("[8, 8]", "`probe.widths`: `8` is given twice"),
        ("[2000]", "`probe.widths`: 2000:"),
    ] {
        let text = text.replace("[8, 16, 32]", widths);
        let error = Study::parse(&text, Path::new("/somewhere/quick")).map_err(|e| e.to_string());
        let error = error
            .and_then(|_| try_probe(&text, &[]).map(|_| ()))
            .unwrap_err();
        assert!(error.contains(expected), "{widths}: {error}");
    }
}

#[test]
fn sparsities_of_ones_own_are_checked() {
    let probe = try_probe(QUICK, &["0.5"]).unwrap();
    assert!(probe.parts[0].asked.iter().all(|a| a.sparsity == "0.5"));
    for (given, expected) in [
        ("0", "prunes nothing"),
        ("1.5", "expected a decimal between 0 and 1"),
        ("0.999999999", "keeps 0; a mask must keep some"),
    ] {
        let error = try_probe(QUICK, &[given]).unwrap_err();
        assert!(error.contains(expected), "{given}: {error}");
    }
}
