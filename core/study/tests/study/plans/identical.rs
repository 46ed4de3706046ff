//! *Identical* is a proof: what a check cannot change by construction, and what it cannot be applied
//! to.

use crate::support::{self, cell, head, try_plan};
use jackpot_store::{Digest, Store};
use jackpot_study::{ActionInput, CellContent, NOT_KNOWN, Origins, Plan, Recipe, TrainRecipe};

const OBJECT: &str = "abababababababababababababababababababababababababababababababab";

/// Tickets of an object, and beside them some that name an object which nothing reads.
fn tickets() -> String {
    let object = format!("{{ object = \"{OBJECT}\" }}");
    let ticket = |name: &str, scores: &str, allocation: &str, more: &str| {
        format!(
            "\n[[ticket]]\nname = \"{name}\"\nscores = {{ {scores} }}\nallocation = {allocation}\n{more}\n"
        )
    };
    let magnitude = format!("method = \"magnitude\", of = {object}");
    let snip = format!("method = \"snip\", of = {object}");
    let drawn = format!("method = \"random\", of = {object}");
    [
        ticket("of", &magnitude, "\"global\"", ""),
        ticket(
            "start",
            "method = \"random\"",
            "\"smart-ratio\"",
            &format!("start = {object}"),
        ),
        ticket("rule", &drawn, "\"by-weights\"", ""),
        ticket("snip", &snip, "\"global\"", ""),
        ticket("copy", "method = \"random\"", "{ copy = \"of\" }", ""),
        ticket(
            "rewound",
            "method = \"magnitude\"",
            "\"global\"",
            &format!("start = \"initial\"\nrounds = {{ share = 0.6, rewind = {object} }}"),
        ),
        // Nobody reads the object: random scores, and the mask of `start` does not need it.
        ticket("unread", &drawn, "\"smart-ratio\"", ""),
        ticket(
            "copy-of-start",
            "method = \"random\"",
            "{ copy = \"start\" }",
            "",
        ),
        ticket("smart", "method = \"random\"", "\"smart-ratio\"", ""),
        ticket(
            "lottery",
            "method = \"magnitude\", of = \"trained\"",
            "\"global\"",
            "",
        ),
    ]
    .concat()
}

fn plan(check: &str) -> Plan {
    let text = format!(
        "{}{}\n[[check]]\nname = \"c\"\n{check}\n",
        head(),
        tickets()
    );
    try_plan(&text).unwrap_or_else(|e| panic!("{check}\n{e}"))
}

/// The tickets whose cells under the check are of a kind, in the file's order.
fn cells(plan: &Plan, is: fn(&CellContent) -> bool) -> String {
    let checked = plan.cells.iter().filter(|c| c.check == "c");
    let mut names: Vec<&str> = checked
        .filter(|c| is(&c.content))
        .map(|c| c.ticket.as_str())
        .collect();
    names.dedup();
    names.join(" ")
}

fn identical(plan: &Plan) -> String {
    cells(plan, |c| matches!(c, CellContent::Identical { .. }))
}

fn not_applicable(plan: &Plan) -> String {
    cells(plan, |c| matches!(c, CellContent::NotApplicable { .. }))
}

#[test]
fn a_check_on_pretraining_is_not_applicable_to_the_weights_of_an_object() {
    let objects = "of start rule snip copy rewound";
    let free = "unread copy-of-start smart";
    for check in [
        "on = \"data\"\nsteps = [\"random-labels\"]",
        "on = \"pretraining-data\"\nsteps = [\"random-labels\"]",
        "pretraining = { order = \"stored\" }",
    ] {
        let plan = plan(check);
        assert_eq!(not_applicable(&plan), objects, "{check}");
        assert_eq!(identical(&plan), free, "{check}");
    }
    // What else a check does cannot save it: a part of it cannot be applied.
    for more in [
        "steps = [\"random-labels\", { check = \"layerwise-rearrange\", on = \"mask\" }]",
        "steps = [\"random-labels\"]\nredraw = [\"order\"]",
    ] {
        let plan = plan(&format!("on = \"data\"\n{more}"));
        assert_eq!(not_applicable(&plan), objects, "{more}");
        assert!(!identical(&plan).contains("of"), "{more}");
    }
    // Other first weights take the place of the ticket's, whose making does not matter then.
    let plan_of_start = plan("on = \"data\"\nsteps = [\"random-labels\"]\nstart = \"redrawn\"");
    assert_eq!(not_applicable(&plan_of_start), "of rule snip copy rewound");
    assert_eq!(identical(&plan_of_start), "");
    let same = format!("start = {{ object = \"{OBJECT}\" }}\n");
    let with_data = plan(&format!("{same}on = \"data\"\nsteps = [\"random-labels\"]"));
    assert_eq!(not_applicable(&with_data), objects);
}

/// The twin: what changes nothing that is trained before is applied to such a ticket, or is seen
/// to leave it alone.
#[test]
fn other_checks_are_applied_to_tickets_of_an_object() {
    let on = |target: &str, step: &str| {
        let plan = plan(&format!("on = \"{target}\"\nsteps = [\"{step}\"]"));
        assert_eq!(not_applicable(&plan), "", "{target}");
        identical(&plan)
    };
    let scored = on("scoring-data", "random-labels");
    assert!(!scored.contains("snip"), "{scored}");
    assert!(scored.starts_with("of start rule copy"), "{scored}");
    assert_eq!(on("mask", "layerwise-rearrange"), "");
    assert_eq!(on("weights", "shuffle-kept"), "");
    let start = plan(&format!("start = {{ object = \"{OBJECT}\" }}"));
    assert_eq!(
        (identical(&start), not_applicable(&start)),
        ("start".into(), "".into())
    );
}

/// What comes to the ticket's own recipes is its own training: no cell of it is called identical
/// beforehand, and none is a second run. A change that is spelled otherwise is one.
#[test]
fn a_change_that_equals_the_study_is_the_tickets_own_training() {
    let trainings = |check: &str| {
        let plan = plan(check);
        let train = |check: &str| match cell(&plan, "lottery", check, "0.9", 1).content {
            CellContent::Run { train, .. } => train,
            ref other => panic!("{other:?}"),
        };
        [train("none"), train("c")]
    };
    let epochs = plan("redraw = [\"order\"]").study.settings[0]
        .training
        .epochs;
    let [own, same] = trainings(&format!("pretraining = {{ epochs = {epochs} }}"));
    assert_eq!(own, same);
    let [own, shuffled] = trainings("pretraining = { order = \"shuffled\" }");
    assert_eq!(own, shuffled);
    let [own, other] = trainings(&format!("pretraining = {{ epochs = {} }}", epochs + 1));
    assert_ne!(own, other);
    let [own, drawn] = trainings("redraw = [\"order\"]");
    assert_ne!(own, drawn);
}

#[test]
fn what_nobody_counted_is_said_to_be_not_known() {
    let plan = plan("on = \"mask\"\nsteps = [\"layerwise-rearrange\"]");
    let lineage = |ticket: &str| {
        let cell = cell(&plan, ticket, "none", "0.9", 1);
        plan.lineage(cell).unwrap()
    };
    let unknown = Some(format!("{NOT_KNOWN} (object {})", &OBJECT[..12]));
    for ticket in ["of", "start", "rule", "snip", "copy"] {
        let found = lineage(ticket);
        assert_eq!(found.pretraining, unknown, "{ticket}");
        assert_eq!(found.epochs, NOT_KNOWN, "{ticket}");
    }
    let rewound = lineage("rewound").pretraining.unwrap();
    assert!(
        rewound.starts_with("clean") && rewound.contains(NOT_KNOWN),
        "{rewound}"
    );
    for ticket in ["unread", "copy-of-start", "smart"] {
        let found = lineage(ticket);
        assert_eq!(found.pretraining, None, "{ticket}");
        assert!(found.epochs.parse::<f64>().is_ok(), "{ticket}");
    }
    assert_eq!(lineage("lottery").pretraining, Some("clean".into()));
}

/// The words say how far the store knows the weights.
#[test]
fn the_reason_names_the_action_that_made_the_weights_or_says_that_none_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path()).unwrap();
    let because = |weights: &Digest| {
        let text = format!(
            "{}{}\n[[check]]\nname = \"c\"\non = \"data\"\nsteps = [\"random-labels\"]\n",
            head(),
            tickets().replace(OBJECT, &weights.to_string())
        );
        let plan = try_plan(&text).unwrap();
        let CellContent::NotApplicable { field, weights } =
            &cell(&plan, "copy", "c", "0.9", 1).content
        else {
            panic!("not applicable is expected");
        };
        Origins::of(&plan, &store).unwrap().because(field, weights)
    };
    let unknown = because(&OBJECT.parse().unwrap());
    assert_eq!(
        unknown,
        format!(
            "ticket `of`: `scores.of`: the object {}: how these weights were made is not known",
            &OBJECT[..12]
        )
    );
    // The store makes weights: some drawn, some trained on clean data, some on changed.
    let made = plan("on = \"data\"\nsteps = [\"random-labels\"]");
    while support::pretend(&made, &store, support::ALL) > 0 {}
    let outputs = |wanted: fn(&Recipe) -> bool, output: &str| -> Vec<(Digest, Digest)> {
        let keys = store.action_keys().unwrap().into_iter();
        keys.filter_map(|key| {
            let bytes = store.get(&key).unwrap();
            let recipe = Recipe::read(&key, &bytes).unwrap();
            let action = store.action(&key).unwrap().unwrap();
            wanted(&recipe).then(|| (key, action.outputs[output]))
        })
        .collect()
    };
    let (action, weights) = outputs(|r| matches!(r, Recipe::Init(_)), "weights")[0];
    let drawn = because(&weights);
    assert!(
        drawn.contains(&format!("drawn by action {}", &action.to_string()[..12])),
        "{drawn}"
    );
    let dense = outputs(
        |r| matches!(r, Recipe::Train(TrainRecipe { mask: None, .. })),
        "checkpoint",
    );
    let said: Vec<String> = dense.iter().map(|(_, weights)| because(weights)).collect();
    for ((action, _), said) in dense.iter().zip(&said) {
        let action = format!("by action {};", &action.to_string()[..12]);
        assert!(said.contains(&action), "{said}");
        assert!(
            said.ends_with("would have to train them again: write `\"trained\"`"),
            "{said}"
        );
        assert!(said.contains("trained on fashion-mnist-10k"), "{said}");
    }
    let changed = said
        .iter()
        .filter(|s| s.contains("fashion-mnist-10k under random-labels by"));
    assert!(
        changed.clone().count() > 0 && changed.count() < said.len(),
        "{said:?}"
    );
    let masked = outputs(
        |r| {
            matches!(
                r,
                Recipe::Train(TrainRecipe {
                    mask: Some(ActionInput::Object(_)),
                    ..
                })
            )
        },
        "checkpoint",
    );
    let said = because(&masked[0].1);
    assert!(said.ends_with("would have to train them again"), "{said}");
}
