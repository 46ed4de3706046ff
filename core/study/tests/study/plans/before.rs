//! Which pruned networks are evaluated before their training, and from which weights.

use crate::support::{behind, cell, count, head, try_plan};
use jackpot_study::{
    ActionInput, CellContent, CheckRecipe, EvaluateRecipe, Plan, Recipe, TrainRecipe,
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
name = "rewound"
scores = { method = "magnitude", of = "trained" }
allocation = "global"
start = { step = 100 }
[[ticket]]
name = "rate"
scores = { method = "magnitude", of = "trained" }
allocation = "global"
start = "trained"
retrain = { offset_epochs = 1, epochs = 4 }
[[ticket]]
name = "imp"
scores = { method = "magnitude" }
allocation = "global"
rounds = { share = 0.2, rewind = { epoch = 1 } }
[[ticket]]
name = "snip"
scores = { method = "snip" }
allocation = "global"
[[ticket]]
name = "late"
scores = { method = "random", of = "trained" }
allocation = "smart-ratio"
[[check]]
name = "rearrange"
on = "mask"
steps = ["layerwise-rearrange"]
tickets = ["lottery", "rate"]
[[check]]
name = "labels"
on = "data"
steps = ["random-labels"]
tickets = ["lottery"]
[[check]]
name = "shuffled"
on = "weights"
steps = ["shuffle-kept"]
tickets = ["lottery", "rate"]
[[check]]
name = "redrawn"
start = "redrawn"
tickets = ["rate"]
"#;

fn plan(asked: &str) -> Plan {
    let head = head().replace("tables = [", &format!("tables = [{asked}"));
    assert!(asked.is_empty() || head.contains(asked));
    try_plan(&format!("{head}\n{TICKETS}")).unwrap()
}

/// Weights and mask of a cell's evaluation at 98 %; `None` if it has none.
fn evaluated(plan: &Plan, ticket: &str, check: &str) -> Option<(ActionInput, ActionInput)> {
    let sparsity = if ticket == "dense" { "0" } else { "0.98" };
    let CellContent::Run { before, train, .. } = cell(plan, ticket, check, sparsity, 1).content
    else {
        panic!("{ticket} under {check} is not run");
    };
    let Recipe::Train(TrainRecipe { mask: given, .. }) = &plan.nodes[train].recipe else {
        panic!("no training");
    };
    before.map(|node| match &plan.nodes[node].recipe {
        Recipe::Evaluate(EvaluateRecipe { weights, mask, .. }) => {
            assert_eq!(Some(*mask), *given, "{ticket} under {check}");
            (*weights, *mask)
        }
        other => panic!("{}", other.kind()),
    })
}

#[test]
fn what_trained_weights_were_pruned_is_evaluated_and_nothing_else() {
    let plan = plan("\"before-after\", ");
    for (ticket, check) in [("dense", "none"), ("snip", "none"), ("late", "none")] {
        assert!(evaluated(&plan, ticket, check).is_none(), "{ticket}");
    }
    let weights = |ticket: &str, check: &str| evaluated(&plan, ticket, check).unwrap().0;
    // The whole dense training, wherever the ticket's own training starts.
    let dense = weights("lottery", "none");
    let Recipe::Train(TrainRecipe { training, mask, .. }) = behind(&plan, &dense).0 else {
        panic!("not a training");
    };
    assert_eq!((training.until, *mask), (None, None));
    for (ticket, check) in [
        ("rewound", "none"),
        ("rate", "none"),
        ("rate", "rearrange"),
        ("rate", "redrawn"),
        ("lottery", "rearrange"),
        ("lottery", "shuffled"),
    ] {
        assert_eq!(weights(ticket, check), dense, "{ticket} under {check}");
    }
    // Other data, other weights; of rounds the last training, under its mask.
    assert!(matches!(
        behind(&plan, &weights("lottery", "labels")),
        (Recipe::Train(TrainRecipe { mask: None, .. }), "checkpoint")
    ));
    assert_ne!(weights("lottery", "labels"), dense);
    assert!(matches!(
        behind(&plan, &weights("imp", "none")),
        (
            Recipe::Train(TrainRecipe { mask: Some(_), .. }),
            "checkpoint"
        )
    ));
    // What retraining starts from, the check's change to it included.
    assert!(matches!(
        behind(&plan, &weights("rate", "shuffled")),
        (Recipe::Check(CheckRecipe { on: "weights", .. }), "weights")
    ));
    // Tickets that share weights and mask share the evaluation.
    let masks = ["lottery", "rewound", "rate"].map(|t| evaluated(&plan, t, "none").unwrap());
    assert!(masks.iter().all(|m| *m == masks[0]));
}

#[test]
fn a_study_that_does_not_ask_plans_what_it_planned_before() {
    let (asked, plain) = (plan("\"before-after\", "), plan(""));
    assert_eq!(count(&plain, "evaluate"), 0);
    assert!(count(&asked, "evaluate") > 0);
    for kind in ["init", "train", "score", "allocate", "select", "check"] {
        assert_eq!(count(&asked, kind), count(&plain, kind), "{kind}");
    }
    let figure = head().replace("figures = [", "figures = [\"before-after\", ");
    let figure = try_plan(&format!("{figure}\n{TICKETS}")).unwrap();
    assert_eq!(count(&figure, "evaluate"), count(&asked, "evaluate"));
}
