//! Rows of a grid can be told apart, or the study is refused; those that are one recipe are named.
use crate::support::{QUICK, head, try_plan};
use jackpot_study::{Study, alike};
use std::path::Path;

fn parse(text: &str) -> Result<Study, String> {
    Study::parse(text, Path::new("/somewhere/x")).map_err(|e| e.to_string())
}

fn refused(text: &str, expected: &[&str]) {
    let error = match parse(text) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(error) => error,
    };
    for words in expected {
        assert!(error.contains(words), "expected `{words}` in: {error}");
    }
}

/// The head of `quick`, a dense ticket, and what else a test asks for.
fn study(blocks: &str) -> String {
    format!(
        "{}[[ticket]]\nname = \"dense\"\ndense = true\n{blocks}",
        head()
    )
}

fn swept(name: &str, allocation: &str) -> String {
    study(&format!(
        "[[ticket]]\nname = \"{name}\"\nscores = {{ method = \"random\" }}\nallocation = {allocation}\neach = {{ k = [0.1, 0.3, 0.5] }}\n"
    ))
}

#[test]
fn a_list_that_no_field_uses_is_refused_by_name() {
    let used = r#"{ densities = { "conv1.weight" = "{k}" } }"#;
    assert_eq!(parse(&swept("smart-{k}", used)).unwrap().tickets().len(), 4);
    refused(
        &swept("smart-{k}", "\"uniform\""),
        &[
            "ticket `smart-{k}`",
            "`each`",
            "`k` is used by no field",
            "\"{k}\"",
        ],
    );
    // A title is no field that changes anything, and one list of two is enough.
    refused(
        &swept("smart-{k}\"\ntitle = \"{k} of all", "\"uniform\""),
        &["`k` is used by no field"],
    );
    let check = |steps: &str| {
        study(&format!(
            "[[check]]\nname = \"labels-{{share}}-{{n}}\"\non = \"pretraining-data\"\nsteps = [{steps}]\npretraining = {{ epochs = \"{{n}}\" }}\neach = {{ share = [0.5, 1.0], n = [1, 2] }}\n"
        ))
    };
    let used = r#"{ check = "subset", params = { share = "{share}" } }"#;
    assert_eq!(parse(&check(used)).unwrap().checks.len(), 4);
    refused(
        &check("\"subset\""),
        &["check `labels-", "`share` is used by no field"],
    );
    let setting = |field: &str| {
        format!(
            "{QUICK}\n[[setting]]\nname = \"lr-{{lr}}\"\n{field}\neach = {{ lr = [0.2, 0.1] }}\n"
        )
    };
    assert!(parse(&setting("training = { lr = \"{lr}\" }")).is_ok());
    refused(
        &setting("training = { lr = 0.2 }"),
        &["setting `lr-{lr}`", "`lr` is used by no field"],
    );
}

/// Two tickets, two checks and two settings, each with a title.
fn titled(tickets: [&str; 2], checks: [&str; 2], settings: [&str; 2]) -> String {
    let mut text = study("");
    for (name, title) in ["snip", "grasp"].iter().zip(tickets) {
        text += &format!(
            "[[ticket]]\nname = \"{name}\"\ntitle = \"{title}\"\nscores = {{ method = \"{name}\" }}\nallocation = \"global\"\n"
        );
    }
    for (name, title) in ["rearrange", "inverted"].iter().zip(checks) {
        let step = match *name {
            "inverted" => "{ check = \"invert\", on = \"scores\" }",
            _ => "{ check = \"layerwise-rearrange\", on = \"mask\" }",
        };
        text += &format!("[[check]]\nname = \"{name}\"\ntitle = \"{title}\"\nsteps = [{step}]\n");
    }
    for (name, title) in ["slow", "fast"].iter().zip(settings) {
        let lr = if *name == "slow" { 0.01 } else { 0.1 };
        text += &format!(
            "[[setting]]\nname = \"{name}\"\ntitle = \"{title}\"\ntraining = {{ lr = {lr} }}\n"
        );
    }
    text
}

#[test]
fn titles_that_cannot_be_told_apart_are_refused() {
    const ONE: [&str; 2] = ["One", "Another"];
    assert!(
        parse(&titled(ONE, ONE, ONE)).is_ok(),
        "kinds stand in columns of their own"
    );
    for (name, other) in [("One", "title"), ("  One ", "title")] {
        let same = ["One", name];
        let words = format!("`One` is also the {other} of the");
        refused(
            &titled(same, ONE, ONE),
            &["ticket `grasp`: `title`", &words, "`snip`"],
        );
        refused(
            &titled(ONE, same, ONE),
            &["check `inverted`: `title`", &words],
        );
        refused(
            &titled(ONE, ONE, same),
            &["setting `fast`: `title`", &words],
        );
    }
    // A title that is another's name, whichever stands first; its own name is what it has anyway.
    refused(
        &titled(["grasp", "Two"], ONE, ONE),
        &["`grasp` is also the name of the ticket"],
    );
    refused(
        &titled(["Two", "snip"], ONE, ONE),
        &["`snip` is also the name of the ticket"],
    );
    assert!(parse(&titled(["snip", "GraSP"], ONE, ONE)).is_ok());
    refused(
        &titled([" ", "Two"], ONE, ONE),
        &["ticket `snip`: `title`", "expected words"],
    );
    refused(
        &titled(ONE, ["unmodified", "Two"], ONE),
        &["check `rearrange`: `title`", "the unmodified ticket"],
    );
    // One title for a whole block is one title for several.
    let block = swept("smart-{k}", r#"{ densities = { "conv1.weight" = "{k}" } }"#);
    refused(
        &block.replace("\nscores", "\ntitle = \"Smart\"\nscores"),
        &["`Smart` is also the title", "`each`"],
    );
}

#[test]
fn text_that_cannot_be_shown_is_refused_by_its_field() {
    for (code, name) in [
        ("\\u0001", "0001"),
        ("\\u001b[31m", "001B"),
        ("\\u202e", "202E"),
    ] {
        let found = format!("U+{name}");
        let title = format!("a{code}b");
        let good = ["One", "Another"];
        let bad = ["One", title.as_str()];
        refused(
            &titled(bad, good, good),
            &["ticket `grasp`: `title`", &found, "character 2"],
        );
        refused(
            &titled(good, bad, good),
            &["check `inverted`: `title`", &found],
        );
        refused(
            &titled(good, good, bad),
            &["setting `fast`: `title`", &found],
        );
        let (first, rest) = QUICK.split_once("\ntitle = \"").unwrap();
        refused(
            &format!("{first}\ntitle = \"{title}{rest}"),
            &["`title`: expected text", &found],
        );
        let whose = format!(
            "{QUICK}\n[[reference]]\nticket = \"dense\"\nsparsity = 0\naccuracy = 90\nsource = \"x\"\nwhose = \"{title}\"\n"
        );
        refused(&whose, &["reference 1: `whose`", &found]);
    }
    let lines = titled(
        ["One\\ntwo\\tthree", "Größe √2 – “x”"],
        ["a", "b"],
        ["c", "d"],
    );
    assert!(
        parse(&lines).is_ok(),
        "white space and other scripts are text"
    );
}

#[test]
fn rows_that_are_one_recipe_are_named() {
    assert_eq!(alike(&try_plan(QUICK).unwrap()), [[""; 0]; 0]);
    let twins = r#"
[[ticket]]
name = "snip-again"
title = "SNIP again"
scores = { method = "snip" }
allocation = "global"

[[ticket]]
name = "redrawn"
scores = { method = "snip" }
allocation = "global"
start = "redrawn"

[[check]]
name = "re-initialised"
start = "redrawn"
tickets = ["snip", "snip-again"]

[[check]]
name = "inverted"
steps = [{ check = "invert", on = "scores" }]
tickets = ["snip"]

[[check]]
name = "upside-down"
steps = [{ check = "invert", on = "scores" }]
tickets = ["snip"]
"#;
    let plan = try_plan(&format!("{QUICK}\n{twins}")).unwrap();
    let told = alike(&plan);
    let has = |rows: &[&str]| told.iter().any(|group| group.as_slice() == rows);
    assert!(has(&["snip", "snip-again"]), "{told:?}");
    let start = [
        "snip under re-initialised",
        "snip-again under re-initialised",
        "redrawn",
    ];
    assert!(has(&start), "{told:?}");
    let checks = ["snip under inverted", "snip under upside-down"];
    assert!(has(&checks), "{told:?}");
    // What follows from two tickets being one is not said again.
    let pair = |check: &str| {
        [
            format!("snip under {check}"),
            format!("snip-again under {check}"),
        ]
    };
    assert!(
        !told.iter().any(|group| *group == pair("corrupted-data")),
        "{told:?}"
    );
    assert_eq!(told.len(), 3, "{told:?}");
}

#[test]
fn settings_that_are_one_are_named() {
    let two = "[[setting]]\nname = \"one\"\ntraining = { lr = 0.2 }\n[[setting]]\nname = \"two\"\ntraining = { lr = 0.2 }\n";
    let told = alike(&try_plan(&format!("{QUICK}\n{two}")).unwrap());
    assert!(
        told.contains(&vec!["dense of one".into(), "dense of two".into()]),
        "{told:?}"
    );
    let other = two.replacen("0.2 }\n[[", "0.1 }\n[[", 1);
    assert!(alike(&try_plan(&format!("{QUICK}\n{other}")).unwrap()).is_empty());
}

#[test]
fn actions_of_one_item_have_titles_of_their_own() {
    let more = r#"
[[ticket]]
name = "grasp-published"
scores = { method = "grasp" }
allocation = "global"
profile = "published"

[[ticket]]
name = "grasp-corrected"
scores = { method = "grasp" }
allocation = "global"
profile = "corrected"

[[check]]
name = "pixels-first"
on = "data"
steps = ["random-pixels", "random-labels"]
tickets = ["grasp-published"]
"#;
    let plan = try_plan(&format!("{QUICK}\n{more}")).unwrap();
    let titles = |kind: &str| {
        let own = plan.nodes.iter().filter(|n| n.recipe.kind() == kind);
        own.map(|n| n.title.as_str()).collect::<Vec<_>>()
    };
    for kind in ["score", "check"] {
        let all = titles(kind);
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "{all:?}");
    }
    let scores = titles("score");
    assert!(scores.contains(&"score snip, seed 1"), "{scores:?}");
    let for_ticket = "score grasp for grasp-corrected, seed 1";
    assert!(scores.contains(&for_ticket), "{scores:?}");
}
