//! One study over several settings, and blocks that stand for several.
use crate::support::{QUICK, TWO_SETTINGS, head, over, try_plan};
use jackpot_study::{ActionInput, CellContent, Plan, Recipe, Study, TrainRecipe};
use std::{collections::BTreeSet, path::Path};

fn refused(text: &str, expected: &[&str]) {
    let error = match Study::parse(text, Path::new("/somewhere/x")) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(error) => error.to_string(),
    };
    for words in expected {
        assert!(error.contains(words), "expected `{words}` in: {error}");
    }
}

fn training<'a>(plan: &'a Plan, setting: usize, ticket: &str) -> &'a Recipe {
    let cell = (plan.cells.iter()).find(|c| c.setting == setting && c.ticket == ticket);
    match &cell.unwrap().content {
        CellContent::Run { train, .. } => &plan.nodes[*train].recipe,
        other => panic!("{other:?}"),
    }
}

/// The spelling of every recipe whose inputs are all nodes replaced by nothing.
fn spellings(plan: &Plan) -> BTreeSet<String> {
    let spell = |r: &Recipe| serde_json::to_string(r).unwrap();
    let strip = |text: String| {
        let mut out = String::new();
        for (i, part) in text.split("node ").enumerate() {
            out += match i {
                0 => part,
                _ => part.trim_start_matches(|c: char| c.is_ascii_digit()),
            };
        }
        out
    };
    plan.nodes.iter().map(|n| strip(spell(&n.recipe))).collect()
}

#[test]
fn settings_are_grids_of_their_own_and_share_what_they_share() {
    let plan = try_plan(&over(TWO_SETTINGS)).unwrap();
    let alone = try_plan(&QUICK.replace("width = 16", "width = 8")).unwrap();
    assert_eq!(plan.cells.len(), 2 * alone.cells.len());
    // The first setting's actions are those of the study that has only it.
    assert!(spellings(&plan).is_superset(&spellings(&alone)));
    // Another preparation is another data action; the same one is one action.
    let data = plan.nodes.iter().filter(|n| n.recipe.kind() == "data");
    assert_eq!(data.count(), 2);
    let Recipe::Train(TrainRecipe {
        training: own,
        architecture,
        ..
    }) = training(&plan, 1, "lottery")
    else {
        panic!("not a training");
    };
    assert_eq!((own.epochs, own.augment.flip, own.batch), (3, false, 64));
    assert_eq!(architecture.input, [1, 32, 32]);
    let Recipe::Train(TrainRecipe { training: own, .. }) = training(&plan, 0, "lottery") else {
        panic!("not a training");
    };
    assert_eq!((own.epochs, own.augment.flip), (5, true));
    let node = plan.nodes.iter().position(|n| n.title.contains("of `vgg`"));
    assert_eq!(
        plan.network_of(node.unwrap()).architecture,
        plan.networks[1].architecture
    );
}

#[test]
fn two_settings_on_the_same_images_read_one_data_object() {
    let same = TWO_SETTINGS
        .replace("data = { set = \"fashion-mnist-10k\", pad_to = 32 }", "")
        .replace(
            "family = \"vgg\", depth = 19",
            "family = \"resnet\", depth = 20",
        );
    let plan = try_plan(&over(&same)).unwrap();
    let data = plan.nodes.iter().filter(|n| n.recipe.kind() == "data");
    assert_eq!(data.count(), 1);
    let input = |setting| match training(&plan, setting, "snip") {
        Recipe::Train(TrainRecipe { train, .. }) => *train,
        other => panic!("{other:?}"),
    };
    assert_eq!(input(0), input(1));
    assert!(matches!(input(0), ActionInput::Node(_)));
}

#[test]
fn a_study_without_settings_says_nothing_of_them() {
    let study = Study::parse(QUICK, Path::new("/somewhere/x")).unwrap();
    assert_eq!(study.settings.len(), 1);
    assert_eq!(study.settings[0].name, None);
    let plan = try_plan(QUICK).unwrap();
    assert!(plan.nodes.iter().all(|n| !n.title.contains('`')));
}

#[test]
fn slips_in_settings_are_named() {
    refused(&over(""), &["`network`", "every `[[setting]]`"]);
    refused(
        &over(&TWO_SETTINGS.replace("\"narrow\"", "\"vgg\"")),
        &["setting.name", "given twice"],
    );
    refused(
        &over(&TWO_SETTINGS.replace("\"narrow\"", "\"Narrow\"")),
        &["setting.name", "lower-case"],
    );
    refused(
        &over(&TWO_SETTINGS.replace("\"narrow\"", "\"tables\"")),
        &["setting.name", "`tables` is a folder"],
    );
    refused(
        &over(&TWO_SETTINGS.replace("depth = 19", "depth = 18")),
        &["setting `vgg`", "network"],
    );
    refused(
        &over(&TWO_SETTINGS.replace("title =", "titel =")),
        &["did you mean `title`?"],
    );
    refused(
        &over(&TWO_SETTINGS.replace("width = 8 }", "width = 1 }")).replace("0.98", "0.9999"),
        &["setting `narrow`", "0.9999", "keeps 0"],
    );
}

/// The study's head and a dense ticket, then blocks with lists.
fn each(blocks: &str) -> String {
    format!(
        "{}[[ticket]]\nname = \"dense\"\ndense = true\n{blocks}",
        head()
    )
}

const SHAPES: &str = r#"
[[ticket]]
name = "{scores}-{shape}"
title = "{scores} in {shape}"
each.shape = ["uniform", { name = "whole", title = "ERK, whole", rule = "smart-ratio", floor = 1 }]
each.scores = [{ name = "random", method = "random" }, { name = "lottery", method = "magnitude", of = "trained" }]
scores = "{scores}"
allocation = "{shape}"

[[check]]
name = "labels-{share}"
title = "{share} of the labels"
each = { share = [0.25, 1] }
on = "pretraining-data"
steps = [{ check = "subset", params = { share = "{share}" } }]
tickets = ["{scores}-{shape}"]
"#;

#[test]
fn a_block_with_lists_is_every_combination() {
    let study = Study::parse(&each(SHAPES), Path::new("/somewhere/x")).unwrap();
    let names: Vec<&str> = study.tickets()[1..]
        .iter()
        .map(|t| t.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "random-uniform",
            "random-whole",
            "lottery-uniform",
            "lottery-whole"
        ]
    );
    let last = &study.tickets()[4];
    assert_eq!(last.title, "lottery in ERK, whole");
    let series = last.series.as_ref().unwrap();
    assert_eq!(
        (series.name.as_str(), series.levels.len()),
        ("{scores}-{shape}", 2)
    );
    let sparse = last.sparse.as_ref().unwrap();
    assert_eq!(
        (sparse.method.as_str(), sparse.reserve.min_weights),
        ("magnitude", 1)
    );
    let checks: Vec<&str> = study.checks.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(checks, ["labels-0-25", "labels-1"]);
    // The name of the block is all of its tickets; a number stays a number.
    assert_eq!(study.checks[0].tickets.as_ref().unwrap().len(), 4);
    assert_eq!(study.checks[0].steps[0].params["share"].to_string(), "0.25");
    let numbers = study
        .checks
        .iter()
        .map(|c| c.series.as_ref().unwrap().levels[0].number);
    assert_eq!(numbers.collect::<Vec<_>>(), [Some(0.25), Some(1.0)]);
}

#[test]
fn settings_are_a_list_too_and_sparsities_keep_their_spelling() {
    let lr =
        "[[setting]]\nname = \"lr-{lr}\"\neach.lr = [0.2, 0.05]\ntraining = { lr = \"{lr}\" }\n";
    let text = format!("{QUICK}\n{lr}").replacen("0.9, 0.98", "0.300000000000000041, 0.9500", 1);
    let study = Study::parse(&text, Path::new("/somewhere/x")).unwrap();
    let rates: Vec<f64> = study.settings.iter().map(|s| s.training.lr).collect();
    assert_eq!(rates, [0.2, 0.05]);
    let sparsities: Vec<&str> = study.sparsities.iter().map(|s| s.text()).collect();
    assert_eq!(sparsities, ["0.300000000000000041", "0.95"]);
}

#[test]
fn slips_in_lists_are_named() {
    let refused = |from: &str, to: &str, words: &[&str]| {
        assert!(SHAPES.contains(from));
        refused(&each(&SHAPES.replacen(from, to, 1)), words);
    };
    refused(
        "{scores}-{shape}",
        "{shape}",
        &["`each`", "write `{scores}` into `name`"],
    );
    refused(
        "[0.25, 1]",
        "[]",
        &["check `labels-{share}`", "share", "an empty one"],
    );
    refused("[0.25, 1]", "0.25", &["expected a list", "a float"]);
    refused(
        "[0.25, 1]",
        "[0.25, 0.25]",
        &["check.name", "labels-0-25", "given twice"],
    );
    refused("name = \"whole\", ", "", &["`shape`", "expected a `name`"]);
    refused("\"{scores}\"\nalloc", "\"{score}\"\nalloc", &["scores"]);
    refused(
        "tickets = [\"{scores}-",
        "tickets = [\"{score}-",
        &["tickets", "{score}-{shape}"],
    );
    refused(
        "each = { share = [0.25, 1] }",
        "each = 3",
        &["expected a table of lists"],
    );
}

#[test]
fn errors_in_a_file_with_lists_name_the_lines_that_were_written() {
    let line_of = |text: &str, words: &str| {
        let at = text.find(words).unwrap();
        format!("line {}", text[..at].matches('\n').count() + 1)
    };
    let good = each(SHAPES);
    assert!(Study::parse(&good, Path::new("/somewhere/x")).is_ok());
    // Before, within and behind a block that stands for several; in the list itself.
    for (from, to, words, at) in [
        (
            "epochs = 5",
            "epoks = 5",
            "unknown field `epoks`",
            "epoks = 5",
        ),
        (
            "allocation = \"{shape}\"",
            "allocate = \"{shape}\"",
            "unknown field `allocate`",
            "allocate = ",
        ),
        (
            "on = \"pretraining-data\"",
            "onn = \"pretraining-data\"",
            "unknown field `onn`",
            "onn = ",
        ),
        (
            "method = \"random\" }",
            "method = 7 }",
            "invalid type: integer `7`",
            "each.scores",
        ),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        let line = line_of(&text, at);
        refused(&text, &[words, &line, to.split(' ').next().unwrap()]);
    }
    let broken = good.replacen("epochs = 5", "epochs = = 5", 1);
    refused(
        &broken,
        &["TOML parse error", &line_of(&broken, "epochs = = 5")],
    );
}
