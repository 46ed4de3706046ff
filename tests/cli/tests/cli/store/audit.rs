//! Where a number came from: the tree reaches keys, data and plugins, and whatever is changed on
//! the way is named with its path.
use crate::support::{Place, finished, jackpot, outcome};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

const RUN: &str = "tiny/snip/rearrange/0.9/1";

fn call(place: &Place, arguments: &[&str]) -> (i32, String, String) {
    let mut command = jackpot();
    command.arg("--store").arg(place.store()).args(arguments);
    outcome(command.output().unwrap())
}

fn in_json(place: &Place, arguments: &[&str]) -> (i32, Value) {
    let (code, out, err) = call(place, &[arguments, &["--json"]].concat());
    let value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}{err}"));
    (code, value)
}

/// What `sha256sum` says of these bytes.
fn sha256sum(bytes: &[u8]) -> String {
    let mut child = Command::new("sha256sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let out = child.wait_with_output().unwrap();
    String::from_utf8(out.stdout).unwrap()[..64].to_owned()
}

fn overwrite(path: &Path, bytes: &[u8]) {
    fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Looks into a store as a stranger would, and changes it as a forger would.
trait Forge {
    fn metrics(&self, ticket: &str, check: &str) -> String;
    fn action_file(&self, key: &str) -> std::path::PathBuf;
    fn recipe(&self, key: &str) -> Value;
    /// The action of that kind that made this object.
    fn maker(&self, kind: &str, digest: &str) -> String;
    /// Says of an action that it made something else, as a forger would who knows the format.
    fn forge(&self, key: &str, output: &str, digest: &str);
    /// The paths of what is wrong in the derivation of `what`, with the words.
    fn wrong(&self, what: &str) -> Vec<String>;
}

impl Forge for Place {
    fn metrics(&self, ticket: &str, check: &str) -> String {
        let key = self.cell(ticket, check)["action"]
            .as_str()
            .unwrap()
            .to_owned();
        self.actions()[&key]["metrics"].as_str().unwrap().to_owned()
    }

    fn action_file(&self, key: &str) -> std::path::PathBuf {
        self.store().join("actions").join(&key[..2]).join(key)
    }

    fn recipe(&self, key: &str) -> Value {
        serde_json::from_slice(&fs::read(self.object(key)).unwrap()).unwrap()
    }

    fn maker(&self, kind: &str, digest: &str) -> String {
        let made = |outputs: &Value| outputs.as_object().unwrap().values().any(|d| d == digest);
        let found = self.actions().into_iter();
        let mut found = found.filter(|(key, o)| made(o) && self.recipe(key)["kind"] == kind);
        found.next().unwrap().0
    }

    fn forge(&self, key: &str, output: &str, digest: &str) {
        let path = self.action_file(key);
        let mut value: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        value["outputs"][output] = json!(digest);
        value.as_object_mut().unwrap().remove("sum");
        // Members of this map are sorted, as canonical JSON wants them.
        value["sum"] = json!(sha256sum(value.to_string().as_bytes()));
        overwrite(&path, value.to_string().as_bytes());
    }

    fn wrong(&self, what: &str) -> Vec<String> {
        let (code, value) = in_json(self, &["audit", what]);
        let problems = value["derivations"][0]["problems"].as_array().unwrap();
        assert_eq!(code, i32::from(!problems.is_empty()), "{value:#}");
        let text = |p: &Value| {
            format!(
                "{}: {}",
                p["path"].as_str().unwrap(),
                p["what"].as_str().unwrap()
            )
        };
        problems.iter().map(text).collect()
    }
}

/// Every node of a tree with its path of roles.
pub fn nodes<'a>(link: &'a Value, above: &str, found: &mut Vec<(String, &'a Value)>) {
    let path = format!("{above}/{}", link["role"].as_str().unwrap());
    for below in link["from"].as_array().into_iter().flatten() {
        nodes(below, &path, found);
    }
    found.push((path, link));
}

#[test]
fn the_tree_of_a_number_reaches_keys_data_and_plugins() {
    let place = finished();
    let metrics = place.metrics("snip", "rearrange");
    let (code, value) = in_json(place, &["audit", &metrics]);
    assert_eq!(code, 0, "{value:#}");
    let mut found = Vec::new();
    nodes(&value["derivations"][0]["tree"], "", &mut found);
    let mask = "/metrics/train/mask/check/mask/select/scores/score";
    for path in [
        mask.to_owned(),
        format!("{mask}/weights/init"),
        format!("{mask}/train/data/file"),
        format!("{mask}/plugin"),
        "/metrics/train/mask/check/plugin".to_owned(),
        "/metrics/train/test/data".to_owned(),
    ] {
        assert!(
            found
                .iter()
                .any(|(p, _)| *p == path || p.starts_with(&path)),
            "{path}: {value:#}"
        );
    }
    // Whatever the tree calls sound is what `sha256sum` says it is.
    let mut hashed = 0;
    for (path, node) in &found {
        let hash = node["hash"].as_str().unwrap();
        assert_ne!(node["verdict"], "wrong", "{path}");
        if node["verdict"] == "sound" && !path.ends_with("/file") {
            assert_eq!(
                sha256sum(&fs::read(place.object(hash)).unwrap()),
                hash,
                "{path}"
            );
            hashed += 1;
        }
    }
    assert!(hashed >= 15, "{hashed}");

    let (code, tree, _) = call(place, &["audit", &metrics[..10]]);
    assert_eq!(code, 0);
    for words in [
        "✓ metrics",
        "[tiny: snip under rearrange at 0.9, seed 1]",
        "layerwise-rearrange on the mask, seed 1; used rng/1",
        "the largest of all layers at sparsity 0.9",
        "used autodiff/1",
        "one draw of batches",
        "ResNet-8 of width 8, seed 1",
        "200 images of 1×14×14",
        "as above",
        "; 0 problems",
    ] {
        assert!(tree.contains(words), "`{words}` is not in\n{tree}");
    }
    assert!(
        !tree.contains(&metrics),
        "whole hashes are for --json:\n{tree}"
    );
}

#[test]
fn a_run_is_named_as_reports_name_it() {
    let place = finished();
    let key = place.cell("snip", "rearrange")["action"]
        .as_str()
        .unwrap()
        .to_owned();
    let by_key = call(place, &["audit", &key]);
    assert_eq!(by_key.0, 0, "{}", by_key.2);
    assert!(by_key.1.contains("· made checkpoint"), "{}", by_key.1);
    for name in [RUN, "tiny: `snip` under `rearrange` at 0.9, seed 1"] {
        assert_eq!(call(place, &["audit", name]), by_key, "{name}");
    }
    for (name, words) in [
        ("tiny/snup/none/0.9/1", "did you mean `snip`?"),
        ("tiny/snip/none/0.99/1", "no run with the sparsity `0.99`"),
        ("tinier/snip/none/0.9/1", "pins/tinier.json"),
        ("tiny/smart/corrupted-data/0.9/1", "has no training"),
        ("xyz", "expected the first 4 to 64 digits"),
        ("00000000000000", "no action and no object"),
    ] {
        let (code, out, err) = call(place, &["audit", name]);
        assert_eq!(code, 2, "{name}: {out}{err}");
        assert!(err.contains(words), "{name}: {err}");
    }
}

#[test]
fn what_was_changed_is_named_with_its_path() {
    let whole = finished();
    let metrics = whole.metrics("snip", "rearrange");
    let key = whole.cell("snip", "rearrange")["action"]
        .as_str()
        .unwrap()
        .to_owned();
    let plain = whole.cell("snip", "none")["mask"]
        .as_str()
        .unwrap()
        .to_owned();
    let other = whole.cell("smart", "none")["mask"]
        .as_str()
        .unwrap()
        .to_owned();
    let select = whole.maker("select", &plain);
    let scores = whole.recipe(&select)["scores"].as_str().unwrap().to_owned();
    let train = whole.recipe(&key)["train"].as_str().unwrap().to_owned();
    assert_eq!(whole.wrong(&metrics), [""; 0]);

    let check = |break_it: &dyn Fn(&Place), what: &str, path: &str, words: &str| {
        let place = whole.copy();
        break_it(&place);
        let wrong = place.wrong(what);
        let named = wrong
            .iter()
            .any(|w| w.starts_with(&format!("{path}: ")) && w.contains(words));
        assert!(named, "`{path}` and `{words}` are not in {wrong:#?}");
    };
    let behind = "metrics ← train ← mask ← check ← mask ← select";
    // One field of a recipe, still canonical JSON.
    let edit = |place: &Place| {
        let text = fs::read_to_string(place.object(&select)).unwrap();
        overwrite(
            &place.object(&select),
            text.replace("\"0.9\"", "\"0.8\"").as_bytes(),
        );
    };
    check(
        &edit,
        &metrics,
        // What cannot be read as a recipe has no kind.
        "metrics ← train ← mask ← check ← mask ← action",
        "expected bytes with the sha256 of its name",
    );
    // The same, with the action moved under the edited recipe's own key.
    let move_it = |place: &Place| {
        let text = fs::read_to_string(place.object(&select)).unwrap();
        let text = text.replace("\"0.9\"", "\"0.8\"");
        let new = sha256sum(text.as_bytes());
        for folder in ["objects", "actions"] {
            fs::create_dir_all(place.store().join(folder).join(&new[..2])).unwrap();
        }
        fs::write(place.object(&new), &text).unwrap();
        let action = fs::read_to_string(place.action_file(&select)).unwrap();
        fs::write(place.action_file(&new), action.replace(&select, &new)).unwrap();
        fs::remove_file(place.action_file(&select)).unwrap();
        place.forge(&new, "mask", &plain);
    };
    check(&move_it, &metrics, behind, "when it is done again");
    // Another valid mask, from above and from below.
    let swap = |place: &Place| place.forge(&select, "mask", &other);
    check(
        &swap,
        &metrics,
        "metrics ← train ← mask ← check ← mask",
        "no action of this store made",
    );
    check(&swap, &select, "select", "its output `mask`: expected");
    // Another training's result.
    let rename = |place: &Place| place.forge(&key, "metrics", &whole.metrics("dense", "none"));
    check(&rename, &key, "train", "metrics: `kept`: expected");
    // The pin says another mask.
    let repin = |place: &Place| {
        let mask = place.cell("snip", "rearrange")["mask"]
            .as_str()
            .unwrap()
            .to_owned();
        let pin = String::from_utf8(place.pin())
            .unwrap()
            .replace(&mask, &other);
        overwrite(&place.store().join("pins/tiny.json"), pin.as_bytes());
    };
    check(&repin, RUN, "train", "pins/tiny.json, snip under rearrange");
    let flip = |digest: &str| {
        let digest = digest.to_owned();
        move |place: &Place| {
            let mut bytes = fs::read(place.object(&digest)).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            overwrite(&place.object(&digest), &bytes);
        }
    };
    check(
        &flip(&scores),
        &metrics,
        &format!("{behind} ← scores"),
        "found",
    );
    let score = whole.maker("score", &scores);
    let plugin = whole.recipe(&score)["plugin"].as_str().unwrap().to_owned();
    check(
        &flip(&plugin),
        &metrics,
        &format!("{behind} ← scores ← score ← plugin"),
        "found",
    );
    check(
        &flip(&train),
        &metrics,
        &format!("{behind} ← scores ← score ← train"),
        "found",
    );
    let record = |place: &Place| {
        let text = fs::read(place.action_file(&select)).unwrap();
        let action: Value = serde_json::from_slice(&text).unwrap();
        fs::remove_file(place.object(action["record"].as_str().unwrap())).unwrap();
    };
    check(&record, &metrics, behind, "its record");
    let gone = |place: &Place| fs::remove_file(place.object(&scores)).unwrap();
    check(
        &gone,
        &metrics,
        &format!("{behind} ← scores"),
        "is not in the store",
    );
}

#[test]
fn a_file_of_a_report_is_traced_to_its_runs() {
    let place = finished().copy();
    let mut metrics: Vec<String> = Vec::new();
    let pin: Value = serde_json::from_slice(&place.pin()).unwrap();
    for cell in pin["cells"].as_array().unwrap() {
        if let Some(key) = cell["action"].as_str() {
            metrics.push(place.actions()[key]["metrics"].as_str().unwrap().to_owned());
        }
    }
    metrics.sort();
    metrics.dedup();
    let table = place.study().join("tables/accuracy.md");
    fs::create_dir_all(table.parent().unwrap()).unwrap();
    fs::write(&table, "a table").unwrap();
    // As the report would write it; `inputs` are their digest, `listed` what is said of them.
    let lock = |table: &str, inputs: &[String], listed: &str| {
        let lines: String = inputs.iter().map(|m| format!("{m}\n")).collect();
        let lock = format!(
            "format = 1\nstudy = {}\ndevice_class = \"cpu-avx2\"\nlibtorch = \"\"\n\n[[output]]\npath = \"tables/accuracy.md\"\ninputs = \"{}\"\nsha256 = \"{}\"\n{listed}",
            pin["study"],
            sha256sum(lines.as_bytes()),
            sha256sum(table.as_bytes())
        );
        fs::write(place.study().join("study.lock"), lock).unwrap();
    };
    let listed = |digest_of: &[String], results: &[String], places: &str| {
        let lines: String = digest_of.iter().map(|m| format!("{m}\n")).collect();
        let numbered = results.iter().enumerate();
        let numbered: String = numbered
            .map(|(i, m)| format!("{} = \"{m}\"\n", i + 1))
            .collect();
        format!(
            "\n[[inputs]]\nsha256 = \"{}\"\nresults = \"{places}\"\n\n[results]\n{numbered}",
            sha256sum(lines.as_bytes())
        )
    };
    let n = metrics.len();
    let (most, all) = (format!("1, 3-{n}"), format!("1-{n}"));
    let path = table.to_str().unwrap();
    // Not a set that anybody would guess.
    let mut odd = metrics.clone();
    odd.remove(1);
    lock("a table", &odd, &listed(&odd, &metrics, &most));
    assert_eq!(place.wrong(path), [""; 0]);
    lock("a table", &metrics, &listed(&metrics, &metrics, &all));
    let (code, out, err) = call(&place, &["audit", path]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains(&format!("drawn from {n} results")), "{out}");
    let folded = out.lines().filter(|l| l.contains(" more nodes, ")).count();
    assert_eq!(folded, n, "{out}");
    assert_eq!(place.wrong(path), [""; 0]);

    let expect = |words: &str| {
        let wrong = place.wrong(path);
        assert!(wrong.iter().any(|w| w.contains(words)), "{wrong:#?}");
    };
    lock("another table", &metrics, &listed(&metrics, &metrics, &all));
    expect("of `study.lock`, found");
    lock("a table", &metrics, "");
    expect("does not say which results it was drawn from");
    lock("a table", &odd, &listed(&metrics, &metrics, &all));
    expect("expected the results of `tables/accuracy.md`, found none");
    lock("a table", &metrics, &listed(&metrics, &metrics, &most));
    expect("the results that it names have the sha256");
    lock("a table", &metrics, &listed(&metrics, &metrics, "1-999"));
    expect(&format!("expected places from 1 to {n}"));
    // A result of nobody's, and one that the store made for another study.
    let mut more = metrics.clone();
    more.push("ff".repeat(32));
    lock(
        "a table",
        &more,
        &listed(&more, &more, &format!("1-{}", n + 1)),
    );
    expect("which is no result of pins/tiny.json");
    expect("no action of this store made");
    lock("a table", &metrics, &listed(&metrics, &metrics, &all));
    let pins = place.store().join("pins");
    fs::rename(pins.join("tiny.json"), pins.join("other.json")).unwrap();
    expect("pins/tiny.json is not in the store");
    fs::rename(pins.join("other.json"), pins.join("tiny.json")).unwrap();
    overwrite(&place.object(&metrics[0]), b"{}");
    expect("expected bytes with the sha256 of its name");
}

/// Every file of the store but its locks and what is on its way.
fn files(place: &Place) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![place.store()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("locks") || path.ends_with("tmp") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    found
}

#[test]
fn quarantine_is_the_only_repair() {
    let place = finished().copy();
    let metrics = place.metrics("smart", "none");
    overwrite(&place.object(&metrics), b"{}");
    let before = files(&place);
    // The quick audit follows names, the deep one hashes.
    let (code, out, _) = call(&place, &["audit"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("`--deep` hashes every object again"), "{out}");
    let (code, out, err) = call(&place, &["audit", "--deep"]);
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains(&metrics) && out.contains("--deep --quarantine"),
        "{out}"
    );
    assert!(err.contains("/s"), "{err}");
    let (code, value) = in_json(&place, &["audit", "--deep"]);
    assert_eq!(code, 1);
    assert_eq!(value["problems"][0]["fault"], "damaged", "{value:#}");
    call(&place, &["audit", &metrics]);
    call(&place, &["explain", RUN]);
    assert_eq!(files(&place), before, "an audit only reads");

    let (code, out, _) = call(&place, &["audit", "--deep", "--quarantine"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains(&format!("to quarantine/{metrics}")), "{out}");
    // What is missing now, the quick audit sees, too; the next run mends it.
    let (code, out, _) = call(&place, &["audit"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("output `metrics`"), "{out}");
    assert_eq!(place.run(&[]), 1);
    let (code, out, _) = call(&place, &["audit", "--deep"]);
    assert_eq!(code, 0, "{out}");
    assert_eq!(place.pin(), finished().pin());
}

#[test]
fn a_hit_and_a_miss_are_explained_field_by_field() {
    let place = finished().copy();
    let study = fs::read_to_string(place.study().join("study.toml")).unwrap();
    // A study is found by its folder's path, too, but a run names it as reports do.
    let reports = place.folder.path().join("reports");
    fs::create_dir(&reports).unwrap();
    fs::rename(place.study(), reports.join("tiny")).unwrap();
    let explain = |study: &str, run: &str| -> Vec<Value> {
        fs::write(reports.join("tiny/study.toml"), study).unwrap();
        let mut command = jackpot();
        command.current_dir(place.folder.path());
        command.arg("--store").arg(place.store());
        let (code, out, err) = outcome(command.args(["explain", run, "--json"]).output().unwrap());
        assert_eq!(code, 0, "{out}{err}");
        serde_json::from_str::<Value>(&out)
            .unwrap()
            .as_array()
            .unwrap()
            .clone()
    };
    let kind = |all: &[Value], kind: &str| -> Value {
        all.iter().rfind(|e| e["kind"] == kind).unwrap().clone()
    };
    let run = "tiny/snip/none/0.9/1";
    let all = explain(&study, run);
    assert!(all.iter().all(|e| e["verdict"] == "hit"), "{all:#?}");
    let key = place.cell("snip", "none")["action"].clone();
    assert_eq!(kind(&all, "train")["key"], key);

    // Another learning rate is another training, and the same mask.
    let all = explain(&study.replace("lr = 0.1", "lr = 0.2"), run);
    assert_eq!(kind(&all, "select")["verdict"], "hit");
    let train = kind(&all, "train");
    assert_eq!(train["verdict"], "miss");
    assert_eq!(train["nearest"]["key"], key);
    assert_eq!(
        train["nearest"]["fields"],
        json!([{"field": "training.lr", "here": "2e-1", "there": "1e-1"}])
    );
    // Another batch of SNIP: its scores are to be made, and nobody knows the mask before.
    let other = "{ method = \"snip\", params = { samples_per_class = 3 } }";
    let all = explain(&study.replacen("{ method = \"snip\" }", other, 1), run);
    let score = kind(&all, "score");
    assert_eq!(score["verdict"], "miss");
    let field = &score["nearest"]["fields"][0];
    assert_eq!(field["field"], "config.samples_per_class", "{score:#}");
    assert_eq!(kind(&all, "train")["verdict"], "unknown");
    // By its key, for people.
    let (code, out, err) = call(&place, &["explain", &key.as_str().unwrap()[..12]]);
    assert_eq!(code, 0, "{err}");
    for words in ["hit: the store has its result", "the nearest other", "mask"] {
        assert!(out.contains(words), "`{words}` is not in {out}");
    }
}

/// The kept weights of each layer, as PyTorch's names have them.
fn exported(place: &Place, mask: &str) -> BTreeMap<String, Vec<u8>> {
    let file = place.folder.path().join(format!("{mask}.safetensors"));
    let (code, _, err) = call(place, &["export", mask, "--out", file.to_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    let bytes = fs::read(file).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let layers = tensors
        .iter()
        .map(|(name, t)| (name.to_owned(), t.data().to_vec()));
    layers.collect()
}

#[test]
fn two_runs_are_compared_by_recipe_metrics_and_masks() {
    let place = finished().copy();
    let runs = ["tiny/snip/none/0.9/1", "tiny/smart/none/0.9/1"];
    let (code, value) = in_json(&place, &["diff", runs[0], runs[1]]);
    assert_eq!(code, 0, "{value:#}");
    let [a, b] = ["snip", "smart"].map(|ticket| {
        let cell = place.cell(ticket, "none");
        exported(&place, cell["mask"].as_str().unwrap())
    });
    let layers = value["diff"]["layers"].as_array().unwrap();
    assert_eq!(layers.len(), a.len());
    for layer in layers {
        let name = layer["name"].as_str().unwrap();
        let (x, y) = (&a[name], &b[name]);
        let ones = |m: &[u8]| m.iter().map(|v| u64::from(*v)).sum::<u64>();
        let both = x.iter().zip(y).filter(|(x, y)| **x + **y == 2).count() as u64;
        assert_eq!(layer["weights"], x.len() as u64, "{name}");
        assert_eq!(
            [&layer["first"], &layer["second"]],
            [&json!(ones(x)), &json!(ones(y))]
        );
        assert_eq!(layer["both"], both, "{name}");
        let chance = (ones(x) * ones(y)) as f64 / x.len() as f64;
        assert!(
            (layer["chance"].as_f64().unwrap() - chance).abs() < 1e-9,
            "{name}"
        );
    }
    let differ: Vec<&str> = value["diff"]["recipes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["field"].as_str().unwrap())
        .collect();
    assert_eq!(differ, ["mask"]);
    let rows = &value["diff"]["rows"];
    let sum: u64 = rows
        .as_object()
        .unwrap()
        .values()
        .map(|n| n.as_u64().unwrap())
        .sum();
    let object = |digest: String| -> Value {
        serde_json::from_slice(&fs::read(place.object(&digest)).unwrap()).unwrap()
    };
    let first = object(place.metrics("snip", "none"));
    assert_eq!(sum, first["test_rows"].as_u64().unwrap());
    let right = rows["both"].as_u64().unwrap() + rows["first"].as_u64().unwrap();
    assert_eq!(right, first["test_correct"].as_u64().unwrap());

    let (code, out, _) = call(&place, &["diff", runs[0], runs[0]]);
    assert_eq!(code, 0);
    assert!(
        out.contains("recipes: the same action") && out.contains("overlap 100.00 %"),
        "{out}"
    );
    let mask = place.cell("snip", "none")["mask"]
        .as_str()
        .unwrap()
        .to_owned();
    let (code, _, err) = call(&place, &["diff", runs[0], &mask]);
    assert_eq!(code, 2);
    assert!(
        err.contains("expected a training, found the object"),
        "{err}"
    );
}

#[test]
fn finished_actions_are_done_again_and_compared() {
    let place = finished().copy();
    let before = files(&place);
    // What trained scores were made of is not kept: the training before them is done again.
    let lottery = place.cell("lottery", "none")["mask"]
        .as_str()
        .unwrap()
        .to_owned();
    let select = place.maker("select", &lottery);
    let scores = place.recipe(&select)["scores"].as_str().unwrap().to_owned();
    let score = place.maker("score", &scores);
    let weights = place.recipe(&score)["weights"].as_str().unwrap().to_owned();
    assert!(!place.object(&weights).exists());
    let named = [&score, RUN, "tiny/smart/none/0.9/1"];
    let key = "000102030405060708090a0b0c0d0e0f";
    let arguments = [&["audit", "--rerun", "5", "--key", key], &named[..]].concat();
    let (code, value) = in_json(&place, &arguments);
    assert_eq!((code, &value["same"]), (0, &json!(5)), "{value:#}");
    let done: Vec<&str> = value["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["key"].as_str().unwrap())
        .collect();
    assert_eq!(done[0], score);
    assert_eq!(done[1], place.cell("snip", "rearrange")["action"]);
    // The key chooses the rest, the same ones every time, and is printed where none is given.
    let (_, again) = in_json(&place, &arguments);
    assert_eq!(again, value);
    let (code, out, err) = call(&place, &["audit", "--rerun", "2"]);
    assert_eq!(code, 0, "{out}{err}");
    let (_, printed) = out.split_once("chosen by `--key ").unwrap();
    let (code, again, _) = call(&place, &["audit", "--rerun", "2", "--key", &printed[..32]]);
    assert_eq!((code, again), (0, out));
    assert_eq!(files(&place), before, "the store is only read");

    // A result that is not what the action gives.
    let other = place.cell("smart", "none")["mask"]
        .as_str()
        .unwrap()
        .to_owned();
    place.forge(&select, "mask", &other);
    let (code, out, _) = call(&place, &["audit", "--rerun", "1", &select]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("DIFFERENT") && out.contains(&lottery), "{out}");
    place.forge(&select, "mask", &lottery);
    // A training of another libtorch cannot be done here, and that is said.
    let train = place.cell("smart", "none")["action"]
        .as_str()
        .unwrap()
        .to_owned();
    let text = fs::read_to_string(place.object(&train)).unwrap();
    let version = place.recipe(&train)["libtorch"]["version"]
        .as_str()
        .unwrap()
        .to_owned();
    let text = text.replace(&format!("\"{version}\""), "\"1.0.0\"");
    let new = sha256sum(text.as_bytes());
    for folder in ["objects", "actions"] {
        fs::create_dir_all(place.store().join(folder).join(&new[..2])).unwrap();
    }
    fs::write(place.object(&new), &text).unwrap();
    let action = fs::read_to_string(place.action_file(&train)).unwrap();
    fs::write(place.action_file(&new), action.replace(&train, &new)).unwrap();
    let metrics = place.metrics("smart", "none");
    place.forge(&new, "metrics", &metrics);
    let (code, out, _) = call(&place, &["audit", "--rerun", "1", &new]);
    assert!(
        out.contains("not here") && out.contains("libtorch 1.0.0"),
        "{out}"
    );
    assert_eq!(
        code, 2,
        "another was done in its place, but not the one that was named: {out}"
    );
    for (arguments, words) in [
        (
            ["audit", "--rerun", "1", "--key", "xyz"],
            "expected 32 digits",
        ),
        (
            ["audit", "--deep", "--rerun", "1", "--json"],
            "cannot be used with",
        ),
    ] {
        let (code, out, err) = call(&place, &arguments);
        assert_eq!(code, 2, "{out}{err}");
        assert!(err.contains(words), "{err}");
    }
}
