//! Plans of every pipeline: which actions a few lines of TOML ask for, and which are shared.

use crate::support::{behind, cell, count, head, trained, try_plan};
use jackpot_net::{Order, Training};
use jackpot_prune::Granularity;
use jackpot_study::{
    ActionInput, AllocateRecipe, CellContent, Plan, Recipe, ScoreRecipe, SelectRecipe,
    SelectionCounts, TrainRecipe,
};

/// A plan of these tickets and checks on the shipped study's net: 0.9 and 0.98, three seeds,
/// five epochs of 94 steps.
fn plan(tickets: &str) -> Plan {
    try_plan(&format!("{}\n{tickets}", head())).unwrap_or_else(|e| panic!("{tickets}\n{e}"))
}

fn refused(tickets: &str, expected: &str) {
    match try_plan(&format!("{}\n{tickets}", head())) {
        Ok(_) => panic!("accepted:\n{tickets}"),
        Err(error) => assert!(
            error.contains(expected),
            "expected `{expected}` in: {error}"
        ),
    }
}

/// Start weights, mask and hyperparameters of a cell's training.
fn parts<'a>(
    plan: &'a Plan,
    ticket: &str,
    check: &str,
    sparsity: &str,
) -> (ActionInput, ActionInput, &'a Training) {
    match trained(plan, cell(plan, ticket, check, sparsity, 1)) {
        Recipe::Train(TrainRecipe {
            weights,
            mask: Some(mask),
            training,
            ..
        }) => (*weights, *mask, training),
        other => panic!("{}", other.kind()),
    }
}

fn epochs(plan: &Plan, ticket: &str, check: &str, sparsity: &str) -> String {
    plan.lineage(cell(plan, ticket, check, sparsity, 1))
        .unwrap()
        .epochs
}

const DENSE: &str = "[[ticket]]\nname = \"dense\"\ndense = true\n";

#[test]
fn rewinding_starts_where_the_dense_training_was_and_ends_where_it_ended() {
    let plan = plan(&format!(
        "{DENSE}
[[ticket]]
name = \"weights\"
scores = {{ method = \"magnitude\", of = \"trained\" }}
allocation = \"global\"
start = {{ epoch = 2 }}
[[ticket]]
name = \"step\"
scores = {{ method = \"magnitude\", of = \"trained\" }}
allocation = \"global\"
start = {{ step = 100 }}
[[ticket]]
name = \"rate\"
scores = {{ method = \"magnitude\", of = \"trained\" }}
allocation = \"global\"
start = \"trained\"
retrain = {{ offset_epochs = 1, epochs = 4 }}
[[ticket]]
name = \"tuned\"
scores = {{ method = \"magnitude\", of = \"trained\" }}
allocation = \"global\"
start = \"trained\"
retrain = {{ epochs = 2, lr = 0.001, schedule = \"constant\" }}
[[ticket]]
name = \"again\"
scores = {{ method = \"magnitude\", of = \"trained\" }}
allocation = \"global\"
start = \"redrawn\"
"
    ));
    let prefix = |ticket: &str| {
        let (weights, _, training) = parts(&plan, ticket, "none", "0.9");
        match behind(&plan, &weights) {
            (
                Recipe::Train(TrainRecipe {
                    training: dense,
                    mask: None,
                    ..
                }),
                "checkpoint",
            ) => (
                dense.until,
                dense.epochs,
                training.offset_epochs,
                training.epochs,
            ),
            (other, output) => panic!("{} {output}", other.kind()),
        }
    };
    // The dense training is 5 epochs of 94 steps; step 100 lies in epoch 1.
    assert_eq!(prefix("weights"), (Some(2 * 94), 5, 2, 3));
    assert_eq!(prefix("step"), (Some(100), 5, 1, 4));
    assert_eq!(prefix("rate"), (None, 5, 1, 4));
    assert_eq!(prefix("tuned"), (None, 5, 0, 2));
    let (weights, _, training) = parts(&plan, "again", "none", "0.9");
    assert!(matches!(
        behind(&plan, &weights),
        (Recipe::Init(_), "weights")
    ));
    assert_eq!((training.epochs, training.offset_epochs), (5, 0));
    // Drawn anew: another key than the dense training's first weights.
    assert_eq!(count(&plan, "init"), 2 * 3);
    // One dense training a seed for everything, and one of each prefix.
    assert_eq!(count(&plan, "train"), (1 + 2 + 5 * 2) * 3);
    assert_eq!(count(&plan, "score"), 3);
    // One mask a sparsity for all five.
    assert_eq!(count(&plan, "select"), 2 * 3);
    let cost = |ticket: &str| epochs(&plan, ticket, "none", "0.9");
    // A prefix is part of the dense training, paid once.
    assert_eq!(
        ["weights", "rate", "tuned", "again"].map(cost),
        ["8", "9", "7", "10"]
    );
}

#[test]
fn a_hybrid_ticket_is_one_block() {
    let plan = plan(
        "[[ticket]]
name = \"hybrid\"
scores = { method = \"magnitude\", of = \"trained\" }
allocation = \"smart-ratio\"
start = \"trained\"
",
    );
    let (weights, mask, _) = parts(&plan, "hybrid", "none", "0.9");
    let Recipe::Select(SelectRecipe {
        scores,
        by: SelectionCounts::Counts(counts),
        ..
    }) = behind(&plan, &mask).0
    else {
        panic!("counts choose");
    };
    let Recipe::Score(ScoreRecipe {
        weights: Some(scored),
        ..
    }) = behind(&plan, scores).0
    else {
        panic!("weights are scored");
    };
    assert_eq!(weights, *scored, "what is scored is what is trained on");
    assert!(matches!(behind(&plan, counts).0, Recipe::Allocate(_)));
}

#[test]
fn rounds_are_one_chain_that_every_sparsity_is_cut_from() {
    let imp = |rewind: &str, more: &str| {
        format!(
            "[[ticket]]
name = \"imp\"
scores = {{ method = \"magnitude\" }}
allocation = {{ rule = \"global\", scope = \"convolutions\" }}
rounds = {{ share = 0.5, rewind = {rewind} }}
{more}"
        )
    };
    let plan_of = |rewind: &str| plan(&imp(rewind, ""));
    let chain = plan_of("\"initial\"");
    // 0.5, 0.75, 0.875 lie below 0.9; 0.9375 and 0.96875 below 0.98.
    assert_eq!(count(&chain, "select"), (5 + 2) * 3);
    // Dense, five rounds, and the two tickets.
    assert_eq!(count(&chain, "train"), (1 + 5 + 2) * 3);
    let depth = |sparsity: &str| {
        let (start, mut mask, _) = parts(&chain, "imp", "none", sparsity);
        assert!(matches!(behind(&chain, &start).0, Recipe::Init(_)));
        let mut rounds = 0;
        loop {
            let Recipe::Select(SelectRecipe {
                within,
                by: SelectionCounts::Global { sparsity, .. },
                scores,
                ..
            }) = behind(&chain, &mask).0
            else {
                panic!("a selection");
            };
            let Recipe::Score(ScoreRecipe {
                weights: Some(w),
                mask: seen,
                ..
            }) = behind(&chain, scores).0
            else {
                panic!("scores");
            };
            assert_eq!(
                seen, within,
                "what is scored is what was trained, under its mask"
            );
            assert!(
                matches!(behind(&chain, w), (Recipe::Train(TrainRecipe { mask: m, .. }), "checkpoint") if m == within)
            );
            match within {
                Some(before) => mask = *before,
                None => return (rounds, sparsity.text().to_owned()),
            }
            rounds += 1;
        }
    };
    assert_eq!(depth("0.9"), (3, "0.5".to_owned()));
    assert_eq!(depth("0.98"), (5, "0.5".to_owned()));
    assert_eq!(epochs(&chain, "imp", "none", "0.9"), "25");

    // Rewound to an epoch, a round is the rest of the schedule from there.
    let late = plan_of("{ epoch = 1 }");
    let (start, _, training) = parts(&late, "imp", "none", "0.98");
    assert!(
        matches!(behind(&late, &start).0, Recipe::Train(TrainRecipe { training, .. }) if training.until == Some(94))
    );
    assert_eq!((training.offset_epochs, training.epochs), (1, 4));
    assert_eq!(epochs(&late, "imp", "none", "0.9"), "21");

    // Nothing rewound: each round goes on from the one before, and so does the ticket.
    let on = plan_of("\"trained\"");
    let mut weights = parts(&on, "imp", "none", "0.9").0;
    let mut rounds = 0;
    while let (
        Recipe::Train(TrainRecipe {
            weights: before, ..
        }),
        "checkpoint",
    ) = behind(&on, &weights)
    {
        weights = *before;
        rounds += 1;
    }
    assert_eq!(rounds, 4, "the dense training and three rounds");

    // What scores nothing that is trained trains nothing in rounds.
    let random = plan(&imp("\"initial\"", "").replace("magnitude", "random"));
    assert_eq!(count(&random, "train"), 2 * 3);
    refused(
        &imp("\"initial\"", "").replace("0.5", "0.0001"),
        "200 rounds",
    );
    refused(
        &imp("\"initial\"", "").replace("0.5", "1.0"),
        "`rounds.share`",
    );
    refused(&imp("\"late\"", ""), "which weights");
    refused(
        &imp("\"initial\"", "").replace(
            "{ rule = \"global\", scope = \"convolutions\" }",
            "\"smart-ratio\"",
        ),
        "rounds of training and pruning select globally",
    );
    refused(
        &imp("\"initial\"", "").replace("\"magnitude\" }", "\"magnitude\", of = \"initial\" }"),
        "each round's trained weights are scored",
    );
}

#[test]
fn a_method_in_rounds_selects_itself() {
    let synflow = |scores: &str, allocation: &str| {
        format!(
            "[[ticket]]\nname = \"smart\"\nscores = {{ method = \"random\" }}\nallocation = \"smart-ratio\"\n[[ticket]]\nname = \"flow\"\nscores = {{ method = \"synflow\"{scores} }}\nallocation = {allocation}\n"
        )
    };
    let rounds = |plan: &Plan| {
        let mut found = Vec::new();
        for node in &plan.nodes {
            if let Recipe::Score(ScoreRecipe { item, rounds, .. }) = &node.recipe
                && item.item == "synflow"
            {
                found.push(
                    rounds
                        .as_ref()
                        .map(|r| (r.count, r.sparsity.text().to_owned())),
                );
            }
        }
        found.sort();
        found.dedup();
        found
    };
    let plan_of = |scores: &str, allocation: &str| plan(&synflow(scores, allocation));
    let published = plan_of("", "\"global\"");
    assert_eq!(
        rounds(&published),
        [
            Some((100, "0.9".to_owned())),
            Some((100, "0.98".to_owned()))
        ]
    );
    let (_, mask, _) = parts(&published, "flow", "none", "0.9");
    assert!(matches!(
        behind(&published, &mask),
        (Recipe::Score(_), "mask")
    ));
    // One call serves every sparsity, and is selected as any scores are.
    let one = plan_of(", rounds = 1", "\"global\"");
    assert_eq!(rounds(&one), [None]);
    assert!(matches!(
        behind(&one, &parts(&one, "flow", "none", "0.9").1).0,
        Recipe::Select(_)
    ));
    // Another mask's counts may choose from the last round's scores.
    let copied = plan_of(
        ", rounds = 3, schedule = \"linear\"",
        "{ copy = \"smart\" }",
    );
    let (_, mask, _) = parts(&copied, "flow", "none", "0.98");
    let Recipe::Select(SelectRecipe {
        scores,
        by: SelectionCounts::Mask(_),
        ..
    }) = behind(&copied, &mask).0
    else {
        panic!("a copy");
    };
    assert!(matches!(
        behind(&copied, scores),
        (
            Recipe::Score(ScoreRecipe {
                rounds: Some(_),
                ..
            }),
            "scores"
        )
    ));
    refused(&synflow("", "\"smart-ratio\""), "`synflow` works in rounds");
    refused(&synflow("", "{ densities = { } }"), "found `densities`");
    refused(&synflow(", rounds = 0", "\"global\""), "at least 1");
    refused(
        &synflow("", "\"global\"").replace("\"random\" }", "\"random\", rounds = 3 }"),
        "`random` works in one call",
    );
}

#[test]
fn allocations_keep_layers_whole_copy_another_seed_and_take_a_table() {
    let ticket = |name: &str, allocation: &str| {
        format!(
            "[[ticket]]\nname = \"{name}\"\nscores = {{ method = \"random\" }}\nallocation = {allocation}\n"
        )
    };
    let text = [
        ticket(
            "whole",
            "{ rule = \"global\", whole = [\"first\", \"classifier\"], floor = 3 }",
        ),
        ticket("rule", "{ rule = \"uniform\", whole = [\"classifier\"] }"),
        ticket("table", "{ densities = { \"conv1.weight\" = 0.25 } }"),
        ticket("other", "{ copy = \"whole\", seed = \"next\" }"),
    ]
    .concat();
    let made = plan(&text);
    let select = |ticket: &str| match behind(&made, &parts(&made, ticket, "none", "0.9").1).0 {
        Recipe::Select(SelectRecipe { by, reserve, .. }) => (by.clone(), *reserve),
        other => panic!("{}", other.kind()),
    };
    let (_, reserve) = select("whole");
    assert_eq!(
        (
            reserve.keep_first_dense,
            reserve.keep_classifier_dense,
            reserve.min_weights
        ),
        (true, true, 3)
    );
    assert!(select("rule").1.keep_classifier_dense);
    match select("table").0 {
        SelectionCounts::Table { densities, .. } => assert_eq!(densities["conv1.weight"], "0.25"),
        other => panic!("{other:?}"),
    }
    let SelectionCounts::Mask(donor) = select("other").0 else {
        panic!("a copy");
    };
    // The donor's mask of the next seed; after the last seed comes the first.
    let of_seed = |seed| match trained(&made, cell(&made, "whole", "none", "0.9", seed)) {
        Recipe::Train(TrainRecipe {
            mask: Some(mask), ..
        }) => *mask,
        other => panic!("{}", other.kind()),
    };
    assert_eq!(donor, of_seed(2));
    match trained(&made, cell(&made, "other", "none", "0.9", 3)) {
        Recipe::Train(TrainRecipe {
            mask: Some(mask), ..
        }) => match behind(&made, mask).0 {
            Recipe::Select(SelectRecipe {
                by: SelectionCounts::Mask(donor),
                ..
            }) => assert_eq!(*donor, of_seed(1)),
            other => panic!("{}", other.kind()),
        },
        other => panic!("{}", other.kind()),
    }
    let wrong = |from: &str, to: &str, expected: &str| {
        assert!(text.contains(from), "{from}");
        refused(&text.replacen(from, to, 1), expected);
    };
    wrong("conv1.weight", "conv2.weight", "conv1.weight");
    wrong("0.25", "1.25", "density");
    wrong("\"first\", \"classifier\"", "\"last\"", "last");
    wrong("seed = \"next\"", "seed = \"previous\"", "previous");
    wrong(
        "rule = \"uniform\",",
        "rule = \"uniform\", seed = \"next\",",
        "`seed` has a meaning with `copy` only",
    );
}

#[test]
fn whole_filters_are_a_word_of_the_selection_and_take_counts_a_layer() {
    let ticket = |name: &str, scores: &str, allocation: &str| {
        format!(
            "[[ticket]]\nname = \"{name}\"\nscores = {{ method = \"{scores}\" }}\nallocation = {allocation}\n"
        )
    };
    let filters = "{ rule = \"uniform\", unit = \"filters\" }";
    let text = [
        ticket("filters", "magnitude", filters),
        ticket(
            "others",
            "random",
            "{ copy = \"filters\", unit = \"filters\" }",
        ),
        ticket("plain", "random", "\"uniform\""),
        ticket(
            "weights",
            "random",
            "{ rule = \"uniform\", unit = \"weights\" }",
        ),
    ]
    .concat();
    let made = plan(&text);
    let mask = |ticket: &str| parts(&made, ticket, "none", "0.9").1;
    let select = |ticket: &str| match behind(&made, &mask(ticket)).0 {
        Recipe::Select(SelectRecipe { by, unit, .. }) => (by.clone(), *unit),
        other => panic!("{}", other.kind()),
    };
    let (SelectionCounts::Counts(counts), Granularity::Filters) = select("filters") else {
        panic!("{:?}", select("filters"));
    };
    let (SelectionCounts::Mask(donor), Granularity::Filters) = select("others") else {
        panic!("{:?}", select("others"));
    };
    assert_eq!(donor, mask("filters"));
    // The counts are the rule's, whatever is chosen by them; single weights are no other word.
    let (SelectionCounts::Counts(same), Granularity::Weights) = select("plain") else {
        panic!("{:?}", select("plain"));
    };
    assert_eq!(counts, same);
    assert_eq!(mask("plain"), mask("weights"));
    let words = made.stages(0, &made.study.tickets()[0]);
    assert!(
        words.contains(&"keep by uniform, convolutions by whole filters".to_owned()),
        "{words:?}"
    );

    let wrong = |from: &str, to: &str, expected: &str| {
        assert!(text.contains(from), "{from}");
        refused(&text.replacen(from, to, 1), expected);
    };
    wrong("\"filters\" }", "\"filter\" }", "did you mean `filters`?");
    wrong(
        "\"uniform\", unit",
        "\"global\", unit",
        "`filters` takes counts per layer",
    );
    let rounds = text.replacen(
        filters,
        &format!("{filters}\nrounds = {{ share = 0.2, rewind = \"initial\" }}"),
        1,
    );
    refused(
        &rounds,
        "`rounds` of training and pruning select single weights",
    );
    wrong(
        filters,
        &format!("{filters}\nselection = \"published\""),
        "`published` has a meaning with the allocation `global` only",
    );
    let calls = ticket(
        "flow",
        "synflow",
        "{ copy = \"plain\", unit = \"filters\" }",
    );
    refused(&(text.clone() + &calls), "or write `rounds = 1`");
    let one = calls.replace("\"synflow\"", "\"synflow\", rounds = 1");
    assert!(try_plan(&format!("{}\n{text}{one}", head())).is_ok());
    let linear = "family = \"lenet-300-100\"";
    let head = head().replace("family = \"resnet\"\ndepth = 8\nwidth = 16", linear);
    let error = try_plan(&format!("{head}\n{text}")).unwrap_err();
    assert!(
        error.contains("ticket `filters`: `allocation.unit`") && error.contains("no convolution"),
        "{error}"
    );
}

#[test]
fn a_profile_is_a_preset_of_method_allocation_and_selection() {
    let ticket = |method: &str, allocation: &str, profile: &str| {
        format!(
            "[[ticket]]\nname = \"t\"\nscores = {{ method = \"{method}\" }}\nallocation = {allocation}\nprofile = \"{profile}\"\n"
        )
    };
    let facts = |text: &str| {
        let made = plan(text);
        let (_, mask, _) = parts(&made, "t", "none", "0.9");
        let Recipe::Select(SelectRecipe { by, scores, .. }) = behind(&made, &mask).0 else {
            panic!("a selection");
        };
        let profile = |recipe: &Recipe| match recipe {
            Recipe::Score(ScoreRecipe { item, .. })
            | Recipe::Allocate(AllocateRecipe { item, .. }) => {
                item.config.get("profile").map(ToString::to_string)
            }
            _ => None,
        };
        let rule = match by {
            SelectionCounts::Global { rule, .. } => format!("{rule:?}"),
            SelectionCounts::Counts(counts) => format!("{:?}", profile(behind(&made, counts).0)),
            other => panic!("{other:?}"),
        };
        (profile(behind(&made, scores).0), rule)
    };
    let some = |word: &str| Some(word.to_owned());
    assert_eq!(
        facts(&ticket("grasp", "\"global\"", "published")),
        (some("published"), "PublishedGrasp".into())
    );
    assert_eq!(
        facts(&ticket("grasp", "\"global\"", "corrected")),
        (some("corrected"), "Exact".into())
    );
    assert_eq!(
        facts(&ticket("snip", "\"global\"", "published")),
        (None, "PublishedSnip".into())
    );
    let own = ticket("snip", "\"global\"", "published") + "selection = \"exact\"\n";
    assert_eq!(facts(&own), (None, "Exact".into()));
    assert_eq!(
        facts(&ticket("random", "\"smart-ratio\"", "corrected")),
        (None, format!("{:?}", some("corrected")))
    );
    refused(
        &ticket("random", "\"uniform\"", "published"),
        "has no presets",
    );
    refused(
        &ticket("random", "\"smart-ratio\"", "publishd"),
        "published",
    );
}

#[test]
fn every_input_stands_before_its_reader() {
    let plan = plan(&format!(
        "{DENSE}[[ticket]]\nname = \"imp\"\nscores = {{ method = \"magnitude\" }}\nallocation = \"global\"\nrounds = {{ share = 0.4, rewind = {{ step = 7 }} }}\n[[check]]\nname = \"half\"\non = \"data\"\nsteps = [\"subset\"]\npretraining = {{ order = \"stored\", steps_per_epoch = 47 }}\n"
    ));
    for (index, node) in plan.nodes.iter().enumerate() {
        for input in node.recipe.inputs() {
            assert!(matches!(input, ActionInput::Node(r) if r.node < index));
        }
    }
    let dense = cell(&plan, "dense", "half", "0", 1);
    assert!(matches!(dense.content, CellContent::Identical { .. }));
    // The rounds see what pretraining sees; the ticket's own training sees clean rows.
    let lineage = plan.lineage(cell(&plan, "imp", "half", "0.9", 1)).unwrap();
    assert_eq!(
        lineage.pretraining.as_deref(),
        Some("subset, stored order, 47 steps an epoch")
    );
    assert_eq!(
        (lineage.training.as_str(), lineage.scoring),
        ("clean", None)
    );
    let (_, _, own) = parts(&plan, "imp", "half", "0.9");
    assert_eq!((own.order, own.steps_per_epoch), (Order::Shuffled, None));
}
