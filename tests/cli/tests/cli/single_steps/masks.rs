//! Methods that give masks, and every other kind of item, in every place where a user can name one.
use crate::support::{Place, call, outcome, root};
use safetensors::SafeTensors;
use serde_json::Value;
use std::{fs, path::Path, process::Command};

/// Tickets follow.
const HEAD: &str = r#"
title = "Masks"
sparsities = [0.5, 0.9]
seeds = [1]
tables = ["accuracy"]

[data]
set = "fashion-mnist-10k"
resize = 7
train_subset = 100

[network]
family = "resnet"
depth = 8
width = 4

[training]
epochs = 1
batch = 50
lr = 0.1
schedule = "constant"
momentum = 0.9
weight_decay = 1e-4
augment = { crop_padding = 0, flip = false }
"#;

/// A ticket whose method is this item of `masks.c`.
fn ticket(name: &str, item: &str, more: &str) -> String {
    format!(
        "[[ticket]]\nname = \"{name}\"\nscores = {{ method = \"org.test.masks.{item}\" }}\n{more}\n"
    )
}

/// A study, and the plugin of this suite in `plugins/`.
fn place(study: &str) -> Place {
    let place = Place::with(study);
    let plugins = place.folder.path().join("plugins");
    fs::create_dir(&plugins).unwrap();
    let done = Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".into()))
        .args([
            "-std=gnu11",
            "-O1",
            "-ffp-contract=off",
            "-shared",
            "-fPIC",
            "-I",
        ])
        .arg(root().join("core/abi/include"))
        .arg(root().join("tests/cli/plugins/masks.c"))
        .arg("-o")
        .arg(plugins.join("masks.so"))
        .arg("-lm")
        .status();
    assert!(done.unwrap().success());
    place
}

fn study(place: &Place, verb: &str) -> (i32, String, String) {
    let plugins = place.folder.path().join("plugins");
    let with = ["--plugins", plugins.to_str().unwrap()];
    outcome(place.command(verb, &with).output().unwrap())
}

/// Outputs of the one finished action whose recipe names the item and the sparsity.
fn made(place: &Place, item: &str, sparsity: &str) -> Value {
    let of_it = |key: &String| {
        let recipe: Value = serde_json::from_slice(&fs::read(place.object(key)).unwrap()).unwrap();
        recipe["item"] == item && recipe["sparsity"] == sparsity
    };
    let mut found = place.actions().into_iter().filter(|(key, _)| of_it(key));
    let (Some((_, outputs)), None) = (found.next(), found.next()) else {
        panic!("not one action of {item} at {sparsity}");
    };
    outputs
}

fn read(place: &Place, outputs: &Value, name: &str) -> Vec<u8> {
    fs::read(place.object(outputs[name].as_str().unwrap())).unwrap()
}

#[test]
fn a_method_that_gives_masks_makes_a_ticket_with_its_certificate_and_its_checks() {
    let checks = r#"
[[check]]
name = "rearranged"
on = "mask"
steps = ["layerwise-rearrange"]
tickets = ["exact", "in-rounds"]

[[check]]
name = "shuffled"
on = "weights"
steps = ["shuffle-kept"]
tickets = ["two-of-four"]

[[check]]
name = "inverted"
on = "scores"
steps = ["invert"]
tickets = ["exact", "copied"]
"#;
    let tickets = [
        ticket("two-of-four", "two_of_four", ""),
        ticket("exact", "first_ones", ""),
        ticket("in-rounds", "in_rounds", ""),
        ticket("copied", "mixed", "allocation = { copy = \"exact\" }"),
    ];
    let place = place(&format!("{HEAD}{}{checks}", tickets.concat()));
    let (code, out, err) = study(&place, "plan");
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("keep what org.test.masks.first_ones chooses"),
        "{out}"
    );
    assert!(
        out.contains("it has no scores that could be changed"),
        "{out}"
    );
    let (code, out, err) = study(&place, "run");
    assert_eq!(code, 0, "{out}{err}");

    // Exactly as many as were asked for, and nothing to be said.
    for (item, total) in [
        ("first_ones", true),
        ("in_rounds", true),
        ("two_of_four", false),
    ] {
        for sparsity in ["0.5", "0.9"] {
            let id = format!("org.test.masks.{item}");
            let outputs = made(&place, &id, sparsity);
            assert!(outputs["scores"].is_null(), "{outputs}");
            let certificate = read(&place, &outputs, "certificate");
            let certificate: Value = serde_json::from_slice(&certificate).unwrap();
            let achieved = &certificate["achieved"];
            let [kept, asked] = ["kept", "asked"].map(|f| achieved[f].as_u64().unwrap());
            // Half of four are two: at other densities the pattern misses.
            let reached = total || sparsity == "0.5";
            assert_eq!(
                kept == asked,
                reached,
                "{item} at {sparsity}: {certificate}"
            );
            let promised = certificate["promises"].to_string();
            assert_eq!(promised.contains("keeps-total-count"), total, "{promised}");
            let mut lines = err.lines();
            let warned = lines.any(|l| {
                l.starts_with("warning ")
                    && l.contains(&id)
                    && l.contains(&format!(" at {sparsity}, seed 1: "))
                    && l.contains(&format!(
                        "keeps {kept} weights where {asked} were asked for"
                    ))
            });
            assert_eq!(warned, !reached, "{item} at {sparsity}: {err}");
        }
    }
    // Two of four are two of four, in every layer.
    let outputs = made(&place, "org.test.masks.two_of_four", "0.5");
    let file = place.folder.path().join("two-of-four.safetensors");
    let store = place.store();
    let [store, out] = [&store, &file].map(|path| path.to_str().unwrap());
    let digest = outputs["mask"].as_str().unwrap();
    let (code, _, err) = call(&["--store", store, "export", digest, "--out", out]);
    assert_eq!(code, 0, "{err}");
    assert_two_of_four(&file);

    let (code, out, _) = place.audit();
    assert_eq!(code, 0, "{out}");
    for (ticket, check) in [
        ("two-of-four", "shuffled"),
        ("exact", "rearranged"),
        ("in-rounds", "rearranged"),
        ("copied", "inverted"),
    ] {
        assert!(
            place.cell(ticket, check)["action"].is_string(),
            "{ticket} under {check}"
        );
    }
    assert!(place.cell("exact", "inverted")["identical"].is_string());
    // A second run finds all of it.
    let (_, out, _) = study(&place, "run");
    assert_eq!(crate::support::ran(&out), 0, "{out}");
}

/// Every whole four of every layer keeps two.
fn assert_two_of_four(file: &Path) {
    let bytes = fs::read(file).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    assert!(tensors.len() > 5);
    for (name, view) in tensors.tensors() {
        for four in view.data().chunks_exact(4) {
            assert_eq!(four.iter().sum::<u8>(), 2, "{name}");
        }
    }
}

/// What each kind of item is in each place: what works, and what is refused by which words.
#[test]
fn every_kind_of_item_works_where_it_belongs_and_is_refused_by_name_elsewhere() {
    let place = place(HEAD);
    let at = |name: &str| place.folder.path().join(name).display().to_string();
    let (plugins, file) = (at("plugins"), at("out.safetensors"));
    let by_hand = |verb: &str, more: &[&str]| {
        let network = [
            "--plugins",
            &plugins,
            verb,
            "--network",
            "lenet-300-100",
            "--classes",
            "10",
        ];
        call(&[&network[..], more].concat())
    };
    let in_study = |item: &str, more: &str| {
        place.write(&format!("{HEAD}{}", ticket("one", item, more)));
        study(&place, "plan")
    };
    let works = |(code, out, err): (i32, String, String)| {
        assert_eq!(code, 0, "{out}{err}");
        out
    };
    let refused = |(code, out, err): (i32, String, String), words: &str| {
        assert_eq!(code, 2, "{out}{err}");
        assert!(err.contains(words), "{words}: {err}");
    };
    let id = |item: &str| format!("org.test.masks.{item}");
    let [masks, rounds, counts, scores] = ["first_ones", "in_rounds", "front", "mixed"].map(id);

    // Masks: a ticket without an allocation, `mask`, and nowhere else.
    works(in_study("first_ones", ""));
    for (more, words) in [
        (
            "allocation = \"global\"",
            "`allocation`: `org.test.masks.first_ones` gives masks",
        ),
        (
            "selection = \"exact\"",
            "`selection`: `org.test.masks.first_ones` gives masks",
        ),
        (
            "rounds = { share = 0.2, rewind = \"initial\" }",
            "`rounds`: `org.test.masks.first_ones` gives masks",
        ),
    ] {
        refused(in_study("first_ones", more), words);
    }
    refused(
        in_study("mixed", "allocation = \"org.test.masks.first_ones\""),
        "gives masks",
    );
    for (method, rounds) in [(&masks, false), (&rounds, true)] {
        let out = works(by_hand(
            "mask",
            &["--method", method, "--sparsity", "0.9", "--out", &file],
        ));
        let said: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            said["kept"], said["certificate"]["achieved"]["asked"],
            "{said}"
        );
        assert_eq!(said["certificate"]["rounds"].is_object(), rounds, "{said}");
        refused(
            by_hand(
                "mask",
                &[
                    "--method",
                    method,
                    "--sparsity",
                    "0.9",
                    "--allocation",
                    "uniform",
                    "--out",
                    &file,
                ],
            ),
            "chooses itself which weights are kept",
        );
        refused(
            by_hand("score", &["--method", method, "--out", &file]),
            "use `jackpot mask`",
        );
        refused(
            by_hand("allocate", &["--allocation", method, "--sparsity", "0.9"]),
            "`--method` of `jackpot mask`",
        );
    }
    refused(
        by_hand("check", &["--check", &masks, "--in", &file, "--out", &file]),
        "expected a check",
    );
    refused(
        by_hand(
            "mask",
            &[
                "--method",
                &id("miscounts"),
                "--sparsity",
                "0.9",
                "--out",
                &file,
            ],
        ),
        "promises `keeps-total-count`",
    );

    // Scores: a ticket with an allocation, `score`, `mask`.
    works(in_study("mixed", "allocation = \"global\""));
    refused(in_study("mixed", ""), "expected `allocation = \"global\"`");
    works(by_hand("score", &["--method", &scores, "--out", &file]));
    works(by_hand(
        "mask",
        &["--method", &scores, "--sparsity", "0.9", "--out", &file],
    ));
    refused(
        by_hand("allocate", &["--allocation", &scores, "--sparsity", "0.9"]),
        "`--method` of `jackpot mask`",
    );

    // Counts: a ticket's allocation, `allocate`, `mask --allocation`.
    works(in_study("mixed", "allocation = \"org.test.masks.front\""));
    refused(
        in_study("front", "allocation = \"global\""),
        "which gives counts",
    );
    works(by_hand(
        "allocate",
        &["--allocation", &counts, "--sparsity", "0.9"],
    ));
    works(by_hand(
        "mask",
        &[
            "--method",
            &scores,
            "--allocation",
            &counts,
            "--sparsity",
            "0.9",
            "--out",
            &file,
        ],
    ));
    refused(
        by_hand("score", &["--method", &counts, "--out", &file]),
        "which gives counts",
    );
    refused(
        by_hand(
            "mask",
            &["--method", &counts, "--sparsity", "0.9", "--out", &file],
        ),
        "which gives counts",
    );

    // `plugin check` takes each for what it is.
    let library = at("plugins/masks.so");
    let (code, out, err) = call(&["plugin", "check", &library, "--workers", "2"]);
    assert_eq!(code, 1, "{out}{err}");
    let mut failed = Vec::new();
    let mut item = "";
    for line in out.lines() {
        if let Some(id) = line.strip_prefix('`') {
            item = id;
        }
        if line.contains("FAIL") {
            failed.push(item);
        }
    }
    assert!(
        !failed.is_empty() && failed.iter().all(|i| i.contains("miscounts")),
        "{out}"
    );
}

#[test]
fn a_mask_that_breaks_its_promise_fails_its_ticket_alone() {
    let tickets = [
        ticket("broken", "miscounts", ""),
        ticket("exact", "first_ones", ""),
    ];
    let place = place(&format!("{HEAD}{}", tickets.concat()));
    let (code, out, err) = study(&place, "run");
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains("promises `keeps-total-count`"), "{err}");
    assert!(place.cell("exact", "none")["action"].is_string());
    assert!(place.cell("broken", "none")["failed"].is_string());
}
