//! Checks that are controls: re-initialisation, another order, pretraining of another length.
use crate::support::{self, behind, cell, head, planned, trained, try_plan};
use jackpot_study::{ActionInput, CellContent, InitRecipe, Plan, Recipe, Role, Study, TrainRecipe};
use std::path::Path;

const CONTROLS: &str = r#"
[[ticket]]
name = "dense"
dense = true

[[ticket]]
name = "lottery"
scores = { method = "magnitude", of = "trained" }
allocation = "global"

[[ticket]]
name = "redrawn"
scores = { method = "random" }
allocation = "uniform"
start = "redrawn"

[[check]]
name = "re-initialised"
start = "redrawn"

[[check]]
name = "other-order"
redraw = ["order"]

[[check]]
name = "long"
pretraining = { epochs = 20 }
"#;

fn plan() -> Plan {
    try_plan(&format!("{}{CONTROLS}", head())).unwrap()
}

/// Weights, mask, keys of order and augmentation of a cell's training.
fn parts(
    plan: &Plan,
    ticket: &str,
    check: &str,
) -> (ActionInput, Option<ActionInput>, String, String) {
    let sparsity = if ticket == "dense" { "0" } else { "0.98" };
    match trained(plan, cell(plan, ticket, check, sparsity, 2)) {
        Recipe::Train(TrainRecipe {
            weights,
            mask,
            order_key,
            augment_key,
            ..
        }) => (*weights, *mask, order_key.clone(), augment_key.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_re_initialised_ticket_differs_in_its_first_weights_alone() {
    let plan = plan();
    for ticket in ["dense", "lottery"] {
        let own = parts(&plan, ticket, "none");
        let again = parts(&plan, ticket, "re-initialised");
        assert_ne!(own.0, again.0, "{ticket}");
        assert_eq!((&own.1, &own.2, &own.3), (&again.1, &again.2, &again.3));
        let key = |input: &ActionInput| match behind(&plan, input).0 {
            Recipe::Init(InitRecipe { key, .. }) => key.clone(),
            other => panic!("{other:?}"),
        };
        assert_ne!(key(&own.0), key(&again.0));
    }
    // A ticket that starts from redrawn weights already cannot change.
    let content = &cell(&plan, "redrawn", "re-initialised", "0.9", 1).content;
    assert!(
        matches!(content, CellContent::Identical { .. }),
        "{content:?}"
    );
}

#[test]
fn another_order_is_of_the_tickets_own_training_alone() {
    let plan = plan();
    for ticket in ["dense", "lottery"] {
        let own = parts(&plan, ticket, "none");
        let other = parts(&plan, ticket, "other-order");
        assert_ne!(own.2, other.2);
        // The same weights, mask and crops; so the pretraining is the same action too.
        assert_eq!((own.0, own.1, own.3), (other.0, other.1, other.3));
    }
}

#[test]
fn pretraining_that_ends_before_its_schedule_is_refused_by_the_plan() {
    let text = format!("{}{CONTROLS}", head());
    let text = text.replace("epochs = 20", "epochs = 2").replacen(
        "schedule = \"cosine\"",
        "schedule = { step = { milestones = [3], factor = 0.1 } }",
        1,
    );
    let error = try_plan(&text).unwrap_err();
    assert!(
        error.contains("under check `long`") && error.contains("`schedule.milestones`"),
        "{error}"
    );
}

#[test]
fn pretraining_of_another_length_moves_the_mask_and_not_the_training() {
    let plan = plan();
    let own = parts(&plan, "lottery", "none");
    let long = parts(&plan, "lottery", "long");
    assert_ne!(own.1, long.1);
    assert_eq!((own.0, &own.2), (long.0, &long.2));
    let lineage = plan
        .lineage(cell(&plan, "lottery", "long", "0.9", 1))
        .unwrap();
    assert_eq!(lineage.pretraining.as_deref(), Some("clean, 20 epochs"));
    assert_eq!(lineage.epochs, "25");
    let content = &cell(&plan, "redrawn", "long", "0.9", 1).content;
    assert!(
        matches!(content, CellContent::Identical { .. }),
        "{content:?}"
    );
}

#[test]
fn slips_in_controls_are_named() {
    let refused = |from: &str, to: &str, words: &[&str]| {
        assert!(CONTROLS.contains(from));
        let text = format!("{}{}", head(), CONTROLS.replacen(from, to, 1));
        let error = Study::parse(&text, Path::new("/somewhere/x")).map(|_| ());
        let error = error.unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "expected `{word}` in: {error}");
        }
    };
    refused(
        "[\"order\"]",
        "[\"ordre\"]",
        &["ordre", "did you mean `order`?"],
    );
    refused(
        "[\"order\"]",
        "[\"order\", \"order\"]",
        &["redraw", "given twice"],
    );
    refused(
        "check]]\nname = \"re-initialised\"\nstart = \"redrawn\"",
        "check]]\nname = \"re-initialised\"\nstart = \"trained\"",
        &["check `re-initialised`: `start`", "the trained weights"],
    );
    refused(
        "epochs = 20",
        "epochs = 0",
        &["check `long`", "pretraining.epochs", "at least 1"],
    );
    refused(
        "redraw = [\"order\"]",
        "redraw = []",
        &["other-order", "change nothing"],
    );
}

#[test]
fn images_that_are_not_here_are_named_with_how_to_get_them() {
    let text = format!("{}{CONTROLS}", head()).replace(
        "set = \"fashion-mnist-10k\"",
        "set = \"fashion-mnist\"\nfolder = \"nowhere\"",
    );
    let folder = Path::new("/somewhere/x");
    let error = planned(&text, folder).unwrap_err();
    for words in [
        "`data.folder`",
        "/somewhere/x/nowhere",
        "dataset-fashion-mnist",
    ] {
        assert!(error.contains(words), "{error}");
    }
    let study = Study::parse(&text, folder).unwrap();
    let (plan, missing) =
        jackpot_study::plan_for_reading(study, support::plugins(1), support::libtorch()).unwrap();
    assert_eq!(missing.len(), 1);
    assert!(missing[0].contains("apt-get install"), "{missing:?}");
    assert!(plan.cells.len() > 10);
}

/// Rearranged, a random ticket of single weights keeps its law; one of whole filters does not.
#[test]
fn a_random_ticket_of_filters_is_no_control_when_it_is_rearranged() {
    let text = format!(
        "{}{}",
        head(),
        r#"
[[ticket]]
name = "weights"
scores = { method = "random" }
allocation = "uniform"

[[ticket]]
name = "filters"
scores = { method = "random" }
allocation = { rule = "uniform", unit = "filters" }

[[ticket]]
name = "smart-filters"
scores = { method = "random" }
allocation = { rule = "smart-ratio", unit = "filters" }

[[check]]
name = "rearrange"
on = "mask"
steps = ["layerwise-rearrange"]
"#
    );
    let study = Study::parse(&text, Path::new("/somewhere/quick")).unwrap();
    let contrasts = study.analysis.contrasts.iter();
    let roles: Vec<(String, Role)> = contrasts.map(|c| (c.name(), c.role)).collect();
    let checked = |ticket: &str, role| (format!("{ticket} − {ticket} under rearrange"), role);
    // Nor is a ticket of filters the smart random ticket, which is a positive control's better arm.
    assert_eq!(
        roles,
        [
            checked("filters", Role::Question),
            checked("smart-filters", Role::Question),
            checked("weights", Role::SameDistribution),
        ]
    );
}
