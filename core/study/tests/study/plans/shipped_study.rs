//! Plans of the shipped study, with plugins that are only described: nothing runs here.

use crate::support::{ALL, QUICK, count, plugins, pretend, try_plan};
use jackpot_net::{Engine, Precision, ScorePrecision};
use jackpot_store::Store;
use jackpot_study::{
    ActionInput, ActionState, Assessment, AssessmentCache, CellContent, CheckRecipe, Plan, Recipe,
    RunManifest, ScoreRecipe, SelectRecipe, TrainRecipe, assess,
};
use std::collections::BTreeMap;

fn quick() -> Plan {
    try_plan(QUICK).unwrap()
}

#[test]
fn the_grid_is_whole_and_shares_its_prefixes() {
    let plan = quick();
    // Dense 1 + five tickets × two sparsities, each plain and under two checks, three seeds;
    // uniform is not rearranged.
    assert_eq!(plan.cells.len(), ((1 + 5 * 2) * 3 - 2) * 3);
    let identical = plan
        .cells
        .iter()
        .filter(|c| matches!(c.content, CellContent::Identical { .. }))
        .count();
    // Dense under both checks, smart and uniform under corrupted data.
    assert_eq!(identical, (2 + 2 * 2) * 3);
    let shares = [
        ("data", 1),
        ("init", 3),
        // Dense and corrupted pretraining once a seed, whatever the sparsity.
        ("train", 3 + 3 + (5 * 2 * 3 - 2 * 2 - 2) * 3),
        // Lottery, SNIP and GraSP on two data sets; random once for both random tickets.
        ("score", (3 * 2 + 1) * 3),
        // Without a draw an allocation is the same for every seed.
        ("allocate", 2 * 2),
        ("select", (3 * 2 + 2) * 2 * 3),
        // Labels and pixels once a seed; rearranging once a ticket, sparsity and seed.
        ("check", 2 * 3 + 4 * 2 * 3),
    ];
    for (kind, expected) in shares {
        assert_eq!(count(&plan, kind), expected, "actions of kind `{kind}`");
    }
    assert!(plan.shared > 100, "{}", plan.shared);
}

#[test]
fn an_action_comes_after_what_it_reads() {
    let plan = quick();
    for (index, node) in plan.nodes.iter().enumerate() {
        for input in node.recipe.inputs() {
            assert!(matches!(input, ActionInput::Node(r) if r.node < index));
        }
    }
}

#[test]
fn a_ticket_and_its_check_share_every_training_key() {
    let plan = quick();
    let keys = |ticket: &str, check: &str, seed: u64| {
        let cell = plan
            .cells
            .iter()
            .find(|c| c.ticket == ticket && c.check == check && c.seed == seed)
            .unwrap();
        let CellContent::Run { train, .. } = cell.content else {
            panic!("{ticket} under {check} is not run");
        };
        match &plan.nodes[train].recipe {
            Recipe::Train(TrainRecipe {
                weights,
                train,
                order_key,
                augment_key,
                ..
            }) => (*weights, *train, order_key.clone(), augment_key.clone()),
            other => panic!("{}", other.kind()),
        }
    };
    let plain = keys("snip", "none", 1);
    assert_eq!(plain, keys("snip", "rearrange", 1));
    assert_eq!(plain, keys("snip", "corrupted-data", 1));
    assert_eq!(plain, keys("lottery", "corrupted-data", 1));
    assert_eq!(plain, keys("dense", "none", 1));
    let other = keys("snip", "none", 2);
    assert_ne!(plain.0, other.0);
    assert_ne!(plain.2, other.2);
    assert_ne!(plain.2, plain.3);
}

#[test]
fn a_data_free_ticket_reads_no_data_and_a_random_one_never_draws_the_checks_key() {
    let plan = quick();
    let mut random = Vec::new();
    let mut rearranged = Vec::new();
    for node in &plan.nodes {
        match &node.recipe {
            Recipe::Score(ScoreRecipe {
                item, data, key, ..
            }) if item.item == "random" => {
                assert!(data.is_none());
                random.extend(key.clone());
            }
            Recipe::Check(CheckRecipe {
                on: "mask", key, ..
            }) => rearranged.extend(key.clone()),
            _ => {}
        }
    }
    assert_eq!(random.len(), 3);
    assert!(random.iter().all(|k| !rearranged.contains(k)));
}

/// The training of a ticket at 90 %, seed 1, and the node that its mask comes from.
fn trained(plan: &Plan, ticket: &str, check: &str) -> (usize, usize) {
    let cell = plan
        .cells
        .iter()
        .find(|c| c.ticket == ticket && c.check == check)
        .unwrap();
    match &cell.content {
        CellContent::Run {
            train,
            mask: Some(mask),
            ..
        } => (*train, mask.node),
        other => panic!("{ticket} under {check}: {other:?}"),
    }
}

/// The kinds and items of the actions that made an input, the last one first.
fn lineage(plan: &Plan, input: &ActionInput) -> Vec<String> {
    let ActionInput::Node(r) = input else {
        panic!("a plan names nodes");
    };
    match &plan.nodes[r.node].recipe {
        Recipe::Check(CheckRecipe { item, input, .. }) => {
            let mut line = vec![item.item.clone()];
            line.extend(lineage(plan, input));
            line
        }
        other => vec![format!("{} {}", other.kind(), r.output)],
    }
}

#[test]
fn corrupted_data_reaches_what_finds_the_mask_and_nothing_else() {
    let plan = quick();
    let clean = vec!["data train".to_owned()];
    let corrupted = ["random-pixels", "random-labels", "data train"].map(String::from);
    for (check, seen) in [("none", &clean[..]), ("corrupted-data", &corrupted)] {
        for ticket in ["snip", "grasp", "lottery"] {
            let (training, mask) = trained(&plan, ticket, check);
            let Recipe::Train(TrainRecipe { train, test, .. }) = &plan.nodes[training].recipe
            else {
                panic!("{ticket}");
            };
            assert_eq!(lineage(&plan, train), clean, "{ticket} is trained");
            assert_eq!(lineage(&plan, test), ["data test"]);
            let Recipe::Select(SelectRecipe {
                scores: ActionInput::Node(scores),
                ..
            }) = &plan.nodes[mask].recipe
            else {
                panic!("{ticket}");
            };
            let Recipe::Score(ScoreRecipe { weights, data, .. }) = &plan.nodes[scores.node].recipe
            else {
                panic!("{ticket}");
            };
            let Some(ActionInput::Node(weights)) = weights else {
                panic!("{ticket} scores weights");
            };
            // SNIP and GraSP score first weights on the data; the lottery ticket scores the
            // weights that a dense training left on it.
            let source = match (&plan.nodes[weights.node].recipe, data) {
                (Recipe::Init(_), Some(data)) => &data.train,
                (
                    Recipe::Train(TrainRecipe {
                        train,
                        test,
                        mask: None,
                        ..
                    }),
                    None,
                ) => {
                    assert_eq!(lineage(&plan, test), ["data test"]);
                    train
                }
                (other, _) => panic!("{ticket}: {}", other.kind()),
            };
            assert_eq!(lineage(&plan, source), seen, "{ticket} under {check}");
        }
    }
}

#[test]
fn an_allocation_that_reads_trained_weights_depends_on_the_data() {
    let with = |stage: &str| {
        let scores = "{ method = \"random\" }\nallocation = \"uniform\"";
        assert!(QUICK.contains(scores));
        let other =
            format!("{{ method = \"random\", of = \"{stage}\" }}\nallocation = \"by-weights\"");
        let plan = try_plan(&QUICK.replacen(scores, &other, 1)).unwrap();
        let mut cells = plan.cells.into_iter();
        let cell = cells.find(|c| c.ticket == "uniform" && c.check == "corrupted-data");
        matches!(cell.unwrap().content, CellContent::Identical { .. })
    };
    assert!(with("initial"));
    assert!(!with("trained"));
}

#[test]
fn threads_are_those_of_what_uses_them() {
    let plan = try_plan(&QUICK.replacen("threads = 1", "threads = 4", 1)).unwrap();
    for node in &plan.nodes {
        match &node.recipe {
            Recipe::Train(TrainRecipe { platform, .. }) => assert_eq!(platform.threads, 4),
            Recipe::Score(ScoreRecipe {
                platform: Some(platform),
                ..
            }) => assert_eq!(platform.threads, 1),
            _ => {}
        }
    }
}

/// What the scores of a plan that need derivatives are computed in.
fn precisions(plan: &Plan) -> Vec<ScorePrecision> {
    let of = |node: &jackpot_study::ActionNode| match &node.recipe {
        Recipe::Score(ScoreRecipe { platform, .. }) => platform.as_ref().map(|p| p.precision),
        _ => None,
    };
    plan.nodes.iter().filter_map(of).collect()
}

#[test]
fn scores_are_computed_in_what_the_study_says_and_silence_is_named() {
    let unsaid = QUICK.replacen("[scoring]\nprecision = \"f64\"\n", "", 1);
    let with = |precision: ScorePrecision| {
        let section = format!(
            "[scoring]\nprecision = \"{}\"\n\n[training]\n",
            precision.name()
        );
        try_plan(&unsaid.replacen("[training]\n", &section, 1)).unwrap()
    };
    let silent = try_plan(&unsaid).unwrap();
    let scores = precisions(&silent);
    assert!(scores.len() >= 6, "{}", scores.len());
    assert!(scores.iter().all(|p| *p == ScorePrecision::F32));
    let note = silent.unsaid_precision().unwrap();
    for words in ["f32, channels last", "`[scoring]`", "`precision = \"f64\"`"] {
        assert!(note.contains(words), "{note}");
    }
    let spelled = |plan: &Plan| -> Vec<serde_json::Value> {
        plan.nodes
            .iter()
            .map(|n| n.recipe.to_value().unwrap())
            .collect()
    };
    for precision in ScorePrecision::ALL {
        let plan = with(precision);
        assert_eq!(plan.unsaid_precision(), None);
        assert!(precisions(&plan).iter().all(|p| *p == precision));
        // It and nothing else is what recipes say otherwise.
        for (now, before) in spelled(&plan).into_iter().zip(spelled(&silent)) {
            let mut now = now;
            if let Some(spelled) = now.get_mut("platform").and_then(|p| p.get_mut("precision")) {
                assert_eq!(*spelled, precision.name());
                *spelled = "f32".into();
            }
            assert_eq!(now, before);
        }
    }
    // A plan that differentiates nothing has nothing to say.
    let end = unsaid.find("[[ticket]]").unwrap();
    let random = "[[ticket]]\nname = \"random\"\nscores = { method = \"random\" }\nallocation = \"global\"\n";
    let head = &unsaid[..end];
    let plan = try_plan(&format!("{head}{random}")).unwrap();
    assert_eq!(plan.unsaid_precision(), None);
}

/// Nothing is known: every action is to run.
fn nothing_yet(plan: &Plan) -> Assessment {
    Assessment {
        states: vec![ActionState::ToRun; plan.nodes.len()],
        ..Assessment::default()
    }
}

#[test]
fn masks_are_trained_by_the_engine_that_is_asked_for_and_the_rest_by_libtorch() {
    let text = QUICK.replacen("[training]\n", "[training]\nengine = \"sparse\"\n", 1);
    let plan = try_plan(&text).unwrap();
    let mut masked = 0;
    for node in &plan.nodes {
        match &node.recipe {
            Recipe::Train(TrainRecipe { mask, platform, .. }) => {
                let sparse = platform.engine == Engine::Sparse;
                assert_eq!(sparse, mask.is_some(), "{}", node.title);
                masked += usize::from(sparse);
            }
            Recipe::Score(ScoreRecipe {
                platform: Some(platform),
                ..
            }) => assert_eq!(platform.engine, Engine::Libtorch),
            _ => {}
        }
    }
    assert_eq!(masked, (5 * 2 * 3 - 2 * 2 - 2) * 3);
    let uses = plan.engines(&nothing_yet(&plan));
    let told: Vec<(Engine, bool, usize)> = uses
        .iter()
        .map(|u| (u.compute.engine, u.sparse, u.trainings))
        .collect();
    let expected = [(Engine::Libtorch, false, 6), (Engine::Sparse, true, masked)];
    assert_eq!(told, expected);
    // Everything but those trainings is what it was without the engine.
    let plain = quick();
    assert_eq!(plain.nodes.len(), plan.nodes.len());
    let others = plain.nodes.iter().zip(&plan.nodes);
    for (before, now) in others {
        let same = serde_json::to_value(&before.recipe).unwrap()
            == serde_json::to_value(&now.recipe).unwrap();
        let masked = matches!(now.recipe, Recipe::Train(TrainRecipe { mask: Some(_), .. }));
        assert_eq!(same, !masked, "{}", now.title);
    }
}

#[test]
fn a_plan_says_which_trainings_would_gain_from_which_engine() {
    let gains = |text: &str| {
        let plan = try_plan(text).unwrap();
        plan.engine_gains(&nothing_yet(&plan))
    };
    let all = gains(QUICK);
    let [gain] = &all[..] else {
        panic!("`cpu-avx2` has kernels of the sparse engine for f32 alone: {all:?}");
    };
    assert_eq!(
        (gain.compute.engine, gain.compute.precision),
        (Engine::Sparse, Precision::F32)
    );
    assert_eq!(gain.of, (5 * 2 * 3 - 2 * 2 - 2) * 3);
    assert!(gain.trainings > 0 && gain.trainings <= gain.of, "{gain:?}");
    assert!(gain.instead < gain.seconds, "{gain:?}");
    let sparse = QUICK.replacen("[training]\n", "[training]\nengine = \"sparse\"\n", 1);
    let again = gains(&sparse);
    assert!(again.iter().all(|g| g.compute.engine == Engine::Libtorch));
    // At a tenth of a per cent pruned there is nothing to gain, and much to lose.
    let full = "sparsities = [0.001]";
    let dense = QUICK.replacen("sparsities = [0.9, 0.98]", full, 1);
    assert!(gains(&dense).is_empty());
    let dense = sparse.replacen("sparsities = [0.9, 0.98]", full, 1);
    assert!(!gains(&dense).is_empty());
    // What is cached has nothing to gain.
    let plan = quick();
    let cached = Assessment {
        states: vec![ActionState::Cached; plan.nodes.len()],
        ..Assessment::default()
    };
    assert!(plan.engine_gains(&cached).is_empty());
}

#[test]
fn what_plugins_do_not_offer_is_named() {
    let refused = |from: &str, to: &str, expected: &str| {
        assert!(QUICK.contains(from));
        let error = match try_plan(&QUICK.replacen(from, to, 1)) {
            Ok(_) => panic!("`{to}` was accepted"),
            Err(error) => error,
        };
        assert!(
            error.contains(expected),
            "expected `{expected}` in: {error}"
        );
    };
    refused("\"snip\" }", "\"snipp\" }", "did you mean `snip`?");
    refused("\"snip\" }", "\"uniform\" }", "gives counts");
    refused(
        "\"snip\" }",
        "\"snip\", params = { t = 1 } }",
        "no parameter `t`",
    );
    refused(
        "allocation = \"uniform\"",
        "allocation = \"random\"",
        "gives scores",
    );
    refused(
        "[\"layerwise-rearrange\"]",
        "[\"random-labels\"]",
        "gives labels",
    );
    refused("on = \"mask\"", "on = \"data\"", "images or labels");
    refused(
        "allocation = \"uniform\"",
        "allocation = \"uniform\"\nselection = \"published\"",
        "`global` only",
    );
    refused(
        "{ method = \"random\" }\nallocation = \"uniform\"",
        "{ method = \"random\" }\nallocation = \"global\"\nselection = \"published\"",
        "no published rule is known for `random`",
    );
}

#[test]
fn a_width_of_any_number_of_channels_is_planned() {
    let plan = |width: &str| try_plan(&QUICK.replacen("width = 16", width, 1));
    assert!(plan("width = 12").is_ok());
    let error = match plan("widen = 1") {
        Ok(_) => panic!("a resnet has no widen factor"),
        Err(error) => error,
    };
    assert!(error.contains("only a `wrn`"), "{error}");
}

#[test]
fn a_plan_says_what_is_cached_to_run_and_not_yet_knowable() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("store")).unwrap();
    let plan = quick();
    let look = |plan: &Plan| {
        let mut memo = AssessmentCache::default();
        let a = assess(plan, &store, &mut memo, &mut |d| store.has(d)).unwrap();
        a.summary(plan)
    };
    let first = look(&plan);
    // Only data, first weights, random scores and the allocations need no other action.
    assert_eq!(first.to_run, 1 + 3 + 3 + 4);
    assert_eq!(first.cached, 0);
    assert_eq!(first.actions, first.to_run + first.unknown);
    assert!(first.seconds > 0.0 && first.bytes > 0);

    while pretend(&plan, &store, ALL) > 0 {}
    let done = look(&plan);
    assert_eq!(done.cached, done.actions);
    assert_eq!((done.to_run, done.unknown), (0, 0));
    assert_eq!(done.seconds, 0.0);
}

#[test]
fn a_finished_training_whose_checkpoint_is_gone_is_a_hit_until_somebody_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("store")).unwrap();
    let plan = quick();
    while pretend(&plan, &store, ALL) > 0 {}
    let mut memo = AssessmentCache::default();
    let mut a = assess(&plan, &store, &mut memo, &mut |d| store.has(d)).unwrap();
    for (node, outputs) in plan.nodes.iter().zip(&a.outputs) {
        if node.recipe.kind() == "train" {
            store
                .remove(&outputs.as_ref().unwrap()["checkpoint"])
                .unwrap();
        }
    }
    a = assess(&plan, &store, &mut memo, &mut |d| store.has(d)).unwrap();
    assert_eq!(a.summary(&plan).cached, plan.nodes.len());

    // Another magnitude reads the trained weights again, so those trainings are wanted.
    let libtorch = plan.libtorch.clone();
    let rebuilt = jackpot_study::plan(plan.study.clone(), plugins(2), libtorch).unwrap();
    a = assess(
        &rebuilt,
        &store,
        &mut AssessmentCache::default(),
        &mut |d| store.has(d),
    )
    .unwrap();
    let wanted: Vec<&str> = rebuilt
        .nodes
        .iter()
        .zip(&a.states)
        .filter(|(n, s)| n.recipe.kind() == "train" && **s == ActionState::ToRun)
        .map(|(n, _)| n.title.as_str())
        .collect();
    assert!(
        wanted.contains(&"train dense on the clean data, seed 1"),
        "{wanted:?}"
    );
    assert_eq!(wanted.len(), 3, "{wanted:?}");
}

#[test]
fn a_broken_metrics_file_is_one_training_again_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("store")).unwrap();
    let plan = quick();
    while pretend(&plan, &store, ALL) > 0 {}
    let mut memo = AssessmentCache::default();
    let a = assess(&plan, &store, &mut memo, &mut |d| store.has(d)).unwrap();
    let last = plan.nodes.len() - 1;
    let lost = a.outputs[last].as_ref().unwrap()["metrics"];
    store.remove(&lost).unwrap();
    let a = assess(&plan, &store, &mut memo, &mut |d| store.has(d)).unwrap();
    let s = a.summary(&plan);
    assert_eq!((s.to_run, s.unknown), (1, 0));
    assert_eq!(a.states[last], ActionState::ToRun);
}

#[test]
fn the_pin_of_another_study_with_the_same_name_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("store")).unwrap();
    let plan = quick();
    let refuse = |title: &str| RunManifest::refuse_strangers(&store, "quick", title);
    refuse("Quick").unwrap();
    let pin = RunManifest {
        format: 1,
        study: plan.study.digest,
        title: Some("Quick".into()),
        device_class: "cpu-avx2".into(),
        libtorch: plan.libtorch.clone(),
        architecture: None,
        settings: BTreeMap::new(),
        cells: Vec::new(),
        actions: Vec::new(),
        survey: None,
    };
    pin.write(&store, "quick").unwrap();
    refuse("Quick").unwrap();
    let error = refuse("Another").unwrap_err().to_string();
    assert!(
        error.contains("`Quick`") && error.contains("--replace-pin"),
        "{error}"
    );
    // A pin of the first release does not say whose it is.
    let old = RunManifest { title: None, ..pin };
    old.write(&store, "quick").unwrap();
    refuse("Another").unwrap();
}
