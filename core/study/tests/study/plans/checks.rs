//! Plans of checks: what each changes, what it leaves alone, in which order they compose.

use crate::support::{behind, cell, count, head, trained, try_plan};
use jackpot_net::Order;
use jackpot_study::{
    ActionInput, CellContent, CheckRecipe, InitRecipe, Keys, Plan, Recipe, ScoreRecipe,
    SelectRecipe, TrainRecipe,
};

const TICKETS: &str = r#"
[[ticket]]
name = "dense"
dense = true
[[ticket]]
name = "lottery"
scores = { method = "magnitude", of = "trained" }
allocation = "global"
[[ticket]]
name = "snip"
scores = { method = "snip" }
allocation = "global"
[[ticket]]
name = "rate"
scores = { method = "magnitude", of = "trained" }
allocation = "global"
start = "trained"
[[ticket]]
name = "smart"
scores = { method = "random" }
allocation = "smart-ratio"
[[ticket]]
name = "snips-ratios"
scores = { method = "random" }
allocation = { copy = "snip" }
"#;

fn text(check: &str) -> String {
    format!("{}\n{TICKETS}\n[[check]]\nname = \"c\"\n{check}\n", head())
}

fn plan(check: &str) -> Plan {
    try_plan(&text(check)).unwrap_or_else(|e| panic!("{check}\n{e}"))
}

fn refused(check: &str, expected: &[&str]) {
    match try_plan(&text(check)) {
        Ok(_) => panic!("accepted:\n{check}"),
        Err(error) => {
            for words in expected {
                assert!(error.contains(words), "expected `{words}` in: {error}");
            }
        }
    }
}

/// Tickets that the check cannot change, in the file's order.
fn identical(check: &str) -> String {
    let plan = plan(check);
    let mut names: Vec<&str> = plan
        .cells
        .iter()
        .filter(|c| matches!(c.content, CellContent::Identical { .. }))
        .map(|c| c.ticket.as_str())
        .collect();
    names.dedup();
    names.join(" ")
}

#[test]
fn what_a_check_cannot_change_is_known_beforehand() {
    let on =
        |target: &str, step: &str| identical(&format!("on = \"{target}\"\nsteps = [\"{step}\"]"));
    assert_eq!(on("data", "random-labels"), "dense smart");
    assert_eq!(
        on("scoring-data", "random-labels"),
        "dense lottery rate smart"
    );
    assert_eq!(
        on("pretraining-data", "random-labels"),
        "dense snip smart snips-ratios"
    );
    assert_eq!(on("scores", "shuffle-scores"), "dense");
    assert_eq!(on("mask", "layerwise-rearrange"), "dense");
    // Even the dense network starts from weights.
    assert_eq!(on("weights", "shuffle-kept"), "");
    assert_eq!(
        identical("pretraining = { order = \"stored\" }"),
        "dense snip smart snips-ratios"
    );
    // What one step cannot change another may.
    let both = "on = \"data\"\nsteps = [\"random-labels\", { check = \"layerwise-rearrange\", on = \"mask\" }]";
    assert_eq!(identical(both), "dense");
}

/// The data that each stage of a ticket sees under the check.
fn saw(check: &str, ticket: &str) -> (Option<String>, Option<String>, String) {
    let plan = plan(check);
    let lineage = plan.lineage(cell(&plan, ticket, "c", "0.9", 1)).unwrap();
    (lineage.pretraining, lineage.scoring, lineage.training)
}

#[test]
fn each_stage_sees_the_data_that_is_named() {
    let some = |word: &str| Some(word.to_owned());
    let clean = || "clean".to_owned();
    let both = "steps = [\"random-labels\", \"random-pixels\"]";
    let corrupted = || some("random-labels + random-pixels");
    let on = |target: &str, ticket: &str| saw(&format!("on = \"{target}\"\n{both}"), ticket);
    assert_eq!(on("data", "snip"), (None, corrupted(), clean()));
    assert_eq!(on("scoring-data", "snip"), (None, corrupted(), clean()));
    assert_eq!(on("data", "lottery"), (corrupted(), None, clean()));
    assert_eq!(on("pretraining-data", "rate"), (corrupted(), None, clean()));
    assert_eq!(on("data", "snips-ratios"), (None, corrupted(), clean()));
    let published = "pretraining = { order = \"stored\", steps_per_epoch = 47 }";
    let seen = saw(published, "rate");
    assert_eq!(
        seen,
        (
            some("clean, stored order, 47 steps an epoch"),
            None,
            clean()
        )
    );
}

#[test]
fn images_steps_and_order_of_half_data_change_alone() {
    let dense_of = |check: &str| {
        let plan = plan(check);
        let Recipe::Train(TrainRecipe { weights, .. }) =
            trained(&plan, cell(&plan, "rate", "c", "0.9", 1))
        else {
            panic!("a training");
        };
        let Recipe::Train(TrainRecipe {
            training, train, ..
        }) = behind(&plan, weights).0
        else {
            panic!("trained weights");
        };
        let item = match behind(&plan, train).0 {
            Recipe::Check(CheckRecipe { item, .. }) => item.item.clone(),
            other => other.kind().to_owned(),
        };
        (item, training.order, training.steps_per_epoch)
    };
    let half = "on = \"pretraining-data\"\nsteps = [\"subset\"]\n";
    let subset = || "subset".to_owned();
    let data = || "data".to_owned();
    // Half the rows, and with them half the steps; as many steps as the whole set has.
    assert_eq!(dense_of(half), (subset(), Order::Shuffled, None));
    let images = format!("{half}pretraining = {{ steps_per_epoch = 1.0 }}");
    assert_eq!(dense_of(&images), (subset(), Order::Shuffled, Some(94)));
    // 6000 rows in batches of 64 are 94 steps.
    let steps = "pretraining = { steps_per_epoch = 0.5 }";
    assert_eq!(dense_of(steps), (data(), Order::Shuffled, Some(47)));
    let order = "pretraining = { order = \"stored\" }";
    assert_eq!(dense_of(order), (data(), Order::Stored, None));
    let all = "pretraining = { order = \"stored\", steps_per_epoch = 40 }";
    assert_eq!(dense_of(all), (data(), Order::Stored, Some(40)));
    refused(
        "pretraining = { steps_per_epoch = 0 }",
        &["steps_per_epoch", "found 0"],
    );
    refused(
        "pretraining = { steps_per_epoch = 1.5 }",
        &["steps_per_epoch", "1.5"],
    );
    refused("pretraining = { order = \"sorted\" }", &["sorted"]);
    refused("pretraining = { steps = 3 }", &["unknown field `steps`"]);
    refused("on = \"data\"\nsteps = []", &["change nothing"]);
}

#[test]
fn an_epoch_of_rows_that_are_left_out_has_no_known_length() {
    let rewound = "\n[[ticket]]\nname = \"rewound\"\nscores = { method = \"random\" }\nallocation = \"global\"\nstart = { epoch = 2 }\n";
    let half = "on = \"data\"\nsteps = [\"subset\"]\ntickets = [\"rewound\"]";
    let with = |check: &str| {
        let whole = format!(
            "{}\n{TICKETS}{rewound}\n[[check]]\nname = \"c\"\n{check}\n",
            head()
        );
        try_plan(&whole).map_err(|e| e.to_string())
    };
    let error = with(half).unwrap_err();
    assert!(
        error.contains("steps_per_epoch") && error.contains("rewound"),
        "{error}"
    );
    let plan = with(&format!("{half}\npretraining = {{ steps_per_epoch = 10 }}")).unwrap();
    let Recipe::Train(TrainRecipe { weights, .. }) =
        trained(&plan, cell(&plan, "rewound", "c", "0.9", 1))
    else {
        panic!("a training");
    };
    assert!(
        matches!(behind(&plan, weights).0, Recipe::Train(TrainRecipe { training, .. }) if training.until == Some(20))
    );
}

/// The items that an input went through, the last one first, and what they were given beside.
fn steps(plan: &Plan, input: &ActionInput) -> Vec<(String, &'static str, Option<ActionInput>)> {
    match behind(plan, input).0 {
        Recipe::Check(CheckRecipe {
            item,
            on,
            input,
            mask,
            donor,
            reference,
            ..
        }) => {
            let beside = mask.or(*donor).or(*reference);
            let mut line = vec![(item.item.clone(), *on, beside)];
            line.extend(steps(plan, input));
            line
        }
        _ => Vec::new(),
    }
}

#[test]
fn checks_compose_in_the_order_written() {
    let check = r#"
on = "data"
steps = [
  "random-labels", "random-pixels",
  { check = "invert", on = "scores" },
  { check = "layerwise-rearrange", on = "mask" },
  { check = "shuffle-kept", on = "weights" },
]
tickets = ["snip"]
"#;
    let plan = plan(check);
    let Recipe::Train(TrainRecipe {
        weights,
        mask: Some(mask),
        train,
        ..
    }) = trained(&plan, cell(&plan, "snip", "c", "0.9", 1))
    else {
        panic!("a training");
    };
    assert_eq!(steps(&plan, train), [], "its own training is clean");
    assert_eq!(
        steps(&plan, weights),
        [("shuffle-kept".into(), "weights", Some(*mask))]
    );
    assert_eq!(
        steps(&plan, mask),
        [("layerwise-rearrange".into(), "mask", None)]
    );
    let Recipe::Check(CheckRecipe { input, .. }) = behind(&plan, mask).0 else {
        panic!("a check");
    };
    let Recipe::Select(SelectRecipe { scores, .. }) = behind(&plan, input).0 else {
        panic!("a selection");
    };
    assert_eq!(steps(&plan, scores), [("invert".into(), "scores", None)]);
    let Recipe::Check(CheckRecipe { input, .. }) = behind(&plan, scores).0 else {
        panic!("a check");
    };
    let Recipe::Score(ScoreRecipe {
        data: Some(data), ..
    }) = behind(&plan, input).0
    else {
        panic!("scores");
    };
    let items: Vec<String> = steps(&plan, &data.train).into_iter().map(|s| s.0).collect();
    assert_eq!(items, ["random-pixels", "random-labels"]);
    refused(
        "on = \"mask\"\nsteps = [\"layerwise-rearrange\", { check = \"invert\", on = \"scores\" }]",
        &[
            "`invert` on the scores stands after `layerwise-rearrange` on the mask",
            "data, scores, mask, weights",
        ],
    );
    refused(
        "steps = [\"invert\"]",
        &["`on`", "`invert`", "found nothing"],
    );
    refused(
        "on = \"weights\"\nsteps = [\"invert\"]",
        &["gives weights", "gives scores"],
    );
    refused(
        "on = \"score\"\nsteps = [\"invert\"]",
        &["did you mean `scores`?"],
    );
}

#[test]
fn a_transported_mask_is_the_next_seeds() {
    let check = "on = \"mask\"\nsteps = [\"transport\"]\ntickets = [\"snip\"]";
    let made = plan(check);
    let mask =
        |check: &str, seed: u64| match trained(&made, cell(&made, "snip", check, "0.98", seed)) {
            Recipe::Train(TrainRecipe {
                mask: Some(mask), ..
            }) => *mask,
            other => panic!("{}", other.kind()),
        };
    for (seed, next) in [(1, 2), (2, 3), (3, 1)] {
        let Recipe::Check(CheckRecipe { donor, input, .. }) = behind(&made, &mask("c", seed)).0
        else {
            panic!("a check");
        };
        assert_eq!(
            (*input, *donor),
            (mask("none", seed), Some(mask("none", next)))
        );
    }
    // The masks are shared with the plain tickets; two of the five are one selection.
    assert_eq!(count(&made, "select"), 4 * 2 * 3);
    let one = text(check).replace("seeds = [1, 2, 3]", "seeds = [1]");
    let error = try_plan(&one).unwrap_err();
    assert!(
        error.contains("`transport`") && error.contains("add a second"),
        "{error}"
    );
}

#[test]
fn scores_of_a_donor_are_its_own() {
    let made = plan("on = \"scores\"\nsteps = [\"invert\"]\ntickets = [\"snips-ratios\"]");
    let Recipe::Train(TrainRecipe {
        mask: Some(mask), ..
    }) = trained(&made, cell(&made, "snips-ratios", "c", "0.9", 1))
    else {
        panic!("a training");
    };
    let Recipe::Select(SelectRecipe {
        scores,
        by: jackpot_study::SelectionCounts::Mask(donor),
        ..
    }) = behind(&made, mask).0
    else {
        panic!("a copy");
    };
    assert_eq!(steps(&made, scores)[0].0, "invert");
    let Recipe::Select(SelectRecipe { scores, .. }) = behind(&made, donor).0 else {
        panic!("the donor's selection");
    };
    assert_eq!(steps(&made, scores), []);
}

#[test]
fn initial_weights_are_given_where_they_are_asked_for() {
    let made = plan("on = \"weights\"\nsteps = [\"sign-only\"]\ntickets = [\"rate\"]");
    let Recipe::Train(TrainRecipe { weights, .. }) =
        trained(&made, cell(&made, "rate", "c", "0.9", 1))
    else {
        panic!("a training");
    };
    let Recipe::Check(CheckRecipe {
        reference: Some(reference),
        input,
        ..
    }) = behind(&made, weights).0
    else {
        panic!("a check with a reference");
    };
    assert!(matches!(behind(&made, reference).0, Recipe::Init(_)));
    assert!(matches!(
        behind(&made, input),
        (Recipe::Train(_), "checkpoint")
    ));
}

/// The keys of the first weights, the order, and the corrupted labels, per seed.
fn keys(seeds: &str) -> Vec<[String; 3]> {
    let text = text("on = \"data\"\nsteps = [\"random-labels\"]\ntickets = [\"lottery\"]")
        .replace("seeds = [1, 2, 3]", seeds);
    let plan = try_plan(&text).unwrap_or_else(|e| panic!("{seeds}: {e}"));
    let of = |seed: u64| {
        let Recipe::Train(TrainRecipe {
            weights,
            mask: Some(mask),
            order_key,
            ..
        }) = trained(&plan, cell(&plan, "lottery", "c", "0.9", seed))
        else {
            panic!("a training");
        };
        let Recipe::Init(InitRecipe { key: init, .. }) = behind(&plan, weights).0 else {
            panic!("first weights");
        };
        let Recipe::Select(SelectRecipe { scores, .. }) = behind(&plan, mask).0 else {
            panic!("a selection");
        };
        let Recipe::Score(ScoreRecipe {
            weights: Some(dense),
            ..
        }) = behind(&plan, scores).0
        else {
            panic!("scores");
        };
        let Recipe::Train(TrainRecipe { train, .. }) = behind(&plan, dense).0 else {
            panic!("a dense training");
        };
        let Recipe::Check(CheckRecipe {
            key: Some(labels), ..
        }) = behind(&plan, train).0
        else {
            panic!("labels");
        };
        [init.clone(), order_key.clone(), labels.clone()]
    };
    plan.study.seeds.iter().map(|s| of(*s)).collect()
}

#[test]
fn any_key_is_held_or_varied_alone() {
    let of = |seed: u64| {
        let keys = Keys::of(seed);
        [
            keys.init(),
            keys.order(),
            keys.corruption("random-labels", 0),
        ]
        .map(|k| k.to_hex())
    };
    let [one, two] = [of(1), of(2)];
    assert_eq!(keys("seeds = [1, 2]"), [one.clone(), two.clone()]);
    let init = of(5)[0].clone();
    let held = keys("seeds = { values = [1, 2], init = 5 }");
    assert_eq!(held[0], [init.clone(), one[1].clone(), one[2].clone()]);
    assert_eq!(held[1], [init, two[1].clone(), two[2].clone()]);
    // The order alone: the noise floor of a ticket.
    let seven = of(7);
    let alone = keys("seeds = { values = [1, 2], order = \"varied\", others = 7 }");
    assert_eq!(
        alone[0],
        [seven[0].clone(), one[1].clone(), seven[2].clone()]
    );
    assert_eq!(
        alone[1],
        [seven[0].clone(), two[1].clone(), seven[2].clone()]
    );
    // One corruption for all, as published.
    let published = keys("seeds = { values = [1, 2], corruption = \"published\" }");
    assert_eq!([&published[0][2], &published[1][2]], [&of(12345)[2]; 2]);
    let wrong = |seeds: &str, expected: &str| {
        let error = try_plan(
            &text("on = \"data\"\nsteps = [\"random-labels\"]").replace("seeds = [1, 2, 3]", seeds),
        );
        let error = error.err().unwrap_or_else(|| panic!("accepted {seeds}"));
        assert!(
            error.contains(expected),
            "expected `{expected}` in: {error}"
        );
    };
    wrong("seeds = { init = 5 }", "values");
    wrong(
        "seeds = { values = [1], inits = 5 }",
        "did you mean `init`?",
    );
    wrong("seeds = { values = [1], init = -5 }", "0 or more");
    wrong("seeds = { values = [1], init = \"varied\" }", "`others");
    wrong(
        "seeds = { values = [1], order = \"published\" }",
        "seed or `varied`",
    );
    wrong("seeds = { values = [1, 1], order = 5 }", "twice");
}
