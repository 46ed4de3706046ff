//! *Identical* is a proof: what a plan calls so gives the same bytes when it is run all the same,
//! with the real programs; and a plugin whose declaration is a lie is caught by the same test.
use crate::support::{Place, binaries, call, outcome, root};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const HEAD: &str = r#"
title = "Identical"
sparsities = [0.9]
seeds = [SEED]
tables = ["accuracy"]

[data]
set = "fashion-mnist-10k"
resize = 14
train_subset = 200

[network]
family = "resnet"
depth = 8
width = 4

[training]
epochs = 2
batch = 100
lr = 0.1
schedule = "cosine"
momentum = 0.9
weight_decay = 1e-4
augment = { crop_padding = 0, flip = false }

[run]
keep_checkpoints = true

[[ticket]]
name = "dense"
dense = true
"#;

/// The same network, as `jackpot import` is told it.
const NETWORK: [&str; 8] = [
    "--network",
    "resnet8",
    "--width",
    "4",
    "--classes",
    "10",
    "--input",
    "1x14x14",
];

/// Name, scores, allocation, the rest. `STORE` is a checkpoint that the store trained, `GIVEN` one
/// that was imported, `FILE` what a plugin reads behind everybody's back.
const TICKETS: &[[&str; 4]] = &[
    ["initial", "method = \"magnitude\"", "\"global\"", ""],
    [
        "redrawn",
        "method = \"magnitude\", of = \"redrawn\"",
        "\"global\"",
        "start = \"redrawn\"",
    ],
    [
        "trained",
        "method = \"magnitude\", of = \"trained\"",
        "\"global\"",
        "",
    ],
    [
        "epoch",
        "method = \"magnitude\", of = { epoch = 1 }",
        "\"global\"",
        "start = { epoch = 1 }",
    ],
    [
        "tuned",
        "method = \"random\"",
        "\"smart-ratio\"",
        "start = \"trained\"",
    ],
    [
        "rounds",
        "method = \"magnitude\"",
        "\"global\"",
        "rounds = { share = 0.7, rewind = \"initial\" }",
    ],
    ["snip", "method = \"snip\"", "\"global\"", ""],
    [
        "synflow",
        "method = \"synflow\", rounds = 3",
        "\"global\"",
        "",
    ],
    ["smart", "method = \"random\"", "\"smart-ratio\"", ""],
    [
        "of-store",
        "method = \"magnitude\", of = { object = \"STORE\" }",
        "\"global\"",
        "",
    ],
    [
        "of-given",
        "method = \"magnitude\", of = { object = \"GIVEN\" }",
        "\"global\"",
        "",
    ],
    [
        "from-store",
        "method = \"random\"",
        "\"smart-ratio\"",
        "start = { object = \"STORE\" }",
    ],
    [
        "from-given",
        "method = \"snip\"",
        "\"global\"",
        "start = { object = \"GIVEN\" }",
    ],
    [
        "unread",
        "method = \"random\", of = { object = \"GIVEN\" }",
        "\"smart-ratio\"",
        "",
    ],
    ["as-snip", "method = \"random\"", "{ copy = \"snip\" }", ""],
    [
        "as-trained",
        "method = \"random\"",
        "{ copy = \"trained\" }",
        "",
    ],
    [
        "as-tuned",
        "method = \"random\"",
        "{ copy = \"tuned\" }",
        "",
    ],
    [
        "as-store",
        "method = \"random\"",
        "{ copy = \"of-store\" }",
        "",
    ],
    [
        "as-start",
        "method = \"random\"",
        "{ copy = \"from-store\" }",
        "",
    ],
    [
        "liar",
        "method = \"org.test.reads\", params = { file = \"FILE\" }",
        "\"global\"",
        "",
    ],
];

/// Name and what it does.
const CHECKS: &[[&str; 2]] = &[
    [
        "data",
        "on = \"data\"\nsteps = [\"random-labels\", \"random-pixels\"]",
    ],
    [
        "scoring",
        "on = \"scoring-data\"\nsteps = [\"random-labels\"]",
    ],
    [
        "pretraining",
        "on = \"pretraining-data\"\nsteps = [\"random-labels\"]",
    ],
    ["order", "pretraining = { order = \"stored\" }"],
    ["start", "start = \"initial\""],
    ["anew", "start = \"redrawn\""],
    [
        "start-and-data",
        "start = \"initial\"\non = \"data\"\nsteps = [\"random-labels\"]",
    ],
    [
        "from-store-too",
        "start = { object = \"STORE\" }\non = \"scoring-data\"\nsteps = [\"random-labels\"]",
    ],
];

/// Checks that dense networks alone are left alone by.
const ON_MASKS: &[[&str; 2]] = &[
    ["inverted", "on = \"scores\"\nsteps = [\"invert\"]"],
    [
        "rearranged",
        "on = \"mask\"\nsteps = [\"layerwise-rearrange\"]",
    ],
];

fn ticket([name, scores, allocation, more]: &[&str; 4]) -> String {
    format!(
        "\n[[ticket]]\nname = \"{name}\"\nscores = {{ {scores} }}\nallocation = {allocation}\n{more}\n"
    )
}

/// What the tickets of a study are given.
struct Given {
    store: String,
    object: String,
    file: PathBuf,
}

impl Given {
    fn filled(&self, text: &str) -> String {
        text.replace("STORE", &self.store)
            .replace("GIVEN", &self.object)
            .replace("FILE", self.file.to_str().unwrap())
            .replace("SEED", "1")
    }
}

/// The programs' own plugins and this suite's.
fn plugins(folder: &Path) -> PathBuf {
    let place = folder.join("plugins");
    fs::create_dir(&place).unwrap();
    for entry in fs::read_dir(binaries().join("plugins")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "so") {
            fs::copy(&path, place.join(path.file_name().unwrap())).unwrap();
        }
    }
    let done = Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".into()))
        .args(["-std=gnu11", "-O1", "-shared", "-fPIC"])
        .arg("-I")
        .arg(root().join("core/abi/include"))
        .arg(root().join("tests/cli/plugins/undeclared.c"))
        .arg("-o")
        .arg(place.join("libundeclared.so"))
        .arg("-lm")
        .status();
    assert!(done.unwrap().success());
    place
}

fn command(place: &Place, plugins: &Path, verb: &str, more: &[&str]) -> (i32, String, String) {
    let mut command = place.command(verb, more);
    command.env("JACKPOT_PLUGINS", plugins);
    outcome(command.output().unwrap())
}

/// The checkpoint of the one training that a store has.
fn checkpoint(place: &Place) -> String {
    let mut outputs = place.actions().into_values();
    let trained = outputs.find_map(|o| Some(o["checkpoint"].as_str()?.to_owned()));
    trained.unwrap()
}

/// Mask and checkpoint of a cell, and the key of its training.
fn made(place: &Place, ticket: &str, check: &str) -> (Value, Value, String) {
    let cell = place.cell(ticket, check);
    let key = cell["action"].as_str();
    let key = key.unwrap_or_else(|| panic!("{ticket} under {check}: {cell}"));
    let outputs = &place.actions()[key];
    (
        cell["mask"].clone(),
        outputs["checkpoint"].clone(),
        key.to_owned(),
    )
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// Ticket and check of the plan's cells that have a word, sorted.
fn cells(plan: &Value, word: &str) -> BTreeSet<(String, String)> {
    let all = plan["cells"].as_array().unwrap().iter();
    let text = |cell: &Value, name: &str| cell[name].as_str().unwrap().to_owned();
    all.filter(|cell| cell[word].is_string())
        .map(|cell| (text(cell, "ticket"), text(cell, "check")))
        .collect()
}

/// For every ticket, check and origin of weights: each cell that the plan calls identical is run
/// all the same, in a store that has none of its results. What forces it is a check that also
/// draws the crops anew, of which these trainings have none.
#[test]
fn what_is_called_identical_gives_the_same_bytes_when_it_is_run_all_the_same() {
    let natural = Place::with(&HEAD.replace("SEED", "7"));
    let plugins = plugins(natural.folder.path());
    assert!(natural.run(&[]) > 0);
    let foreign = Place::with(&HEAD.replace("SEED", "8"));
    assert!(foreign.run(&[]) > 0);
    let file = foreign.object(&checkpoint(&foreign));
    let store = natural.store();
    let import = [
        "--store",
        store.to_str().unwrap(),
        "import",
        file.to_str().unwrap(),
    ];
    let (code, said, err) = call(&[&import[..], &NETWORK].concat());
    assert_eq!(code, 0, "{said}{err}");
    let given = Given {
        store: checkpoint(&natural),
        object: said.trim().rsplit(' ').next().unwrap().to_owned(),
        file: natural.folder.path().join("file"),
    };
    // Another store, with the same two objects and no more of this study than the first has.
    let forced = natural.copy();
    fs::write(&given.file, b"\x01").unwrap();
    let tickets: String = TICKETS.iter().map(ticket).collect();
    let all = || {
        CHECKS
            .iter()
            .map(|c| (c, true))
            .chain(ON_MASKS.iter().map(|c| (c, false)))
    };
    let checks: String = all()
        .map(|([name, what], on_all)| {
            let only = if on_all {
                ""
            } else {
                "tickets = [\"dense\"]\n"
            };
            format!("\n[[check]]\nname = \"{name}\"\n{what}\n{only}")
        })
        .collect();
    natural.write(&given.filled(&format!("{HEAD}{tickets}{checks}")));
    let (code, plan, err) = command(&natural, &plugins, "plan", &["--json"]);
    assert_eq!(code, 0, "{err}");
    let plan = json(&plan);
    let identical = cells(&plan, "identical");
    let not_applicable = cells(&plan, "not_applicable");
    expected(&identical, &not_applicable);
    // The tickets themselves, whose bytes the others are held against.
    natural.write(&given.filled(&format!("{HEAD}{tickets}")));
    let (code, out, err) = command(&natural, &plugins, "run", &[]);
    assert_eq!(code, 0, "{out}{err}");
    fs::write(&given.file, b"\x02").unwrap();
    let mut called: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (ticket, check) in &identical {
        called.entry(check).or_default().push(ticket);
    }
    let checks: String = all()
        .filter_map(|([name, what], _)| {
            let tickets = called.get(name)?;
            Some(format!(
                "\n[[check]]\nname = \"{name}\"\n{what}\nredraw = [\"augment\"]\ntickets = {tickets:?}\n"
            ))
        })
        .collect();
    forced.write(&given.filled(&format!("{HEAD}{tickets}{checks}")));
    let (code, out, err) = command(&forced, &plugins, "run", &[]);
    assert_eq!(code, 0, "{out}{err}");
    let mut broken = BTreeSet::new();
    for (ticket, check) in &identical {
        let (mask, weights, own) = made(&natural, ticket, "none");
        let (again, trained, key) = made(&forced, ticket, check);
        assert_ne!(own, key, "{ticket} under {check} was not run again");
        assert!(weights.is_string() && (mask.is_string() || ticket == "dense"));
        if (mask, weights) != (again, trained) {
            broken.insert(ticket.as_str());
        }
    }
    // The declaration of this one is a lie, and only its.
    assert_eq!(broken, BTreeSet::from(["liar"]));
}

/// What is known of some cells, so that the property is not one of nothing.
fn expected(identical: &BTreeSet<(String, String)>, not_applicable: &BTreeSet<(String, String)>) {
    let of = |cells: &BTreeSet<(String, String)>, check: &str| -> String {
        let mut names: Vec<&str> = Vec::new();
        for [name, ..] in TICKETS {
            if cells.contains(&((*name).to_owned(), check.to_owned())) {
                names.push(name);
            }
        }
        names.join(" ")
    };
    let free = "initial redrawn synflow smart unread as-tuned as-start liar";
    let objects = "of-store of-given from-store from-given as-store";
    assert_eq!(of(identical, "data"), free);
    for check in ["data", "pretraining", "order"] {
        assert_eq!(of(not_applicable, check), objects, "{check}");
    }
    assert_eq!(of(not_applicable, "scoring"), "");
    let unscored = "initial redrawn trained epoch tuned rounds synflow smart of-store of-given from-store unread as-trained as-tuned as-store as-start liar";
    assert_eq!(of(identical, "scoring"), unscored);
    assert_eq!(of(identical, "anew"), "redrawn");
    assert_eq!(of(identical, "from-store-too"), "from-store");
    for check in ["data", "start", "inverted", "rearranged"] {
        assert!(
            identical.contains(&("dense".into(), check.into())),
            "{check}"
        );
    }
}

/// A method that declares no data and asks for some fails, and so does every cell that would be
/// identical to it: no run stands behind them.
#[test]
fn what_is_identical_to_a_failed_cell_is_failed() {
    let study = format!(
        "{}{}{}\n[[check]]\nname = \"data\"\non = \"data\"\nsteps = [\"random-labels\"]\n",
        HEAD.replace("SEED", "1"),
        ticket(&["asks", "method = \"org.test.asks\"", "\"global\"", ""]),
        ticket(&["smart", "method = \"random\"", "\"smart-ratio\"", ""]),
    );
    let place = Place::with(&study);
    let plugins = plugins(place.folder.path());
    let (code, out, err) = command(&place, &plugins, "plan", &[]);
    assert_eq!(code, 0, "{out}{err}");
    let declares =
        "under data: 1 not run: no method of it declares data, and nothing is trained before it";
    for ticket in ["asks", "smart"] {
        assert!(out.contains(&format!("{ticket} {declares}")), "{out}");
    }
    let (code, out, err) = command(&place, &plugins, "run", &[]);
    assert_eq!(code, 1, "{out}{err}");
    let own = place.cell("asks", "none");
    let cell = place.cell("asks", "data");
    let why = cell["failed"].as_str().unwrap_or_else(|| panic!("{cell}"));
    assert!(cell.get("identical").is_none(), "{cell}");
    let expected = format!(
        "identical to the unmodified ticket: {}",
        own["failed"].as_str().unwrap()
    );
    assert_eq!(why, expected);
    // The twin: the ticket beside it ran.
    assert!(place.cell("smart", "data")["identical"].is_string());
}
