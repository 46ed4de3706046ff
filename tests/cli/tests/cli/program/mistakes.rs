//! Slips of the user: every one is a message that names it, exit code 2, and nothing runs.
use crate::support::{Place, TINY, call, finished, outcome};

fn refused(arguments: &[&str], expected: &[&str]) {
    let (code, out, err) = call(arguments);
    assert_eq!(code, 2, "{arguments:?}: {out}{err}");
    for words in expected {
        assert!(
            err.contains(words),
            "{arguments:?}: expected `{words}` in: {err}"
        );
    }
    assert!(!err.contains("panicked"), "{err}");
}

#[test]
fn nonsense_arguments_are_named() {
    refused(&["frobnicate"], &["frobnicate"]);
    refused(&["plam", "quick"], &["plan"]);
    refused(&["run"], &["<STUDY>"]);
    refused(&["run", "quick", "--workers", "0"], &["--workers", "0"]);
    refused(&["run", "quick", "--workers", "many"], &["many"]);
    refused(
        &["--store", "/nonexistent/store", "audit"],
        &["/nonexistent/store"],
    );
    refused(&["audit"], &["store"]);
    let store = finished().store();
    let store = store.to_str().unwrap();
    refused(
        &["--store", store, "plan", "no-such-study"],
        &["no-such-study", "study.toml"],
    );
    refused(&["--store", store, "show", "zz"], &["zz"]);
    refused(&["--store", store, "show", "0123456789"], &["0123456789"]);
    refused(
        &["--store", store, "--plugins", "/nonexistent", "list"],
        &["/nonexistent"],
    );
    refused(&["show", "0123", "--store", "/tmp"], &["FORMAT"]);
}

#[test]
fn a_bad_study_is_refused_with_its_file_its_field_and_what_to_write() {
    let cases = [
        (
            "momentum = 0.9",
            "momemtum = 0.9",
            "did you mean `momentum`?",
        ),
        ("depth = 8", "depth = 10", "depth"),
        ("width = 8", "widen = 8", "only a `wrn`"),
        ("sparsities = [0.9]", "sparsities = [1.0]", "sparsities"),
        ("\"fashion-mnist-10k\"", "\"mnist\"", "data.folder"),
        ("\"magnitude\"", "\"magnitud\"", "did you mean `magnitude`?"),
        (
            "\"random-labels\",",
            "\"layerwise-rearrange\",",
            "images or labels",
        ),
        (
            "train_subset = 200",
            "train_subset = 200000",
            "train_subset",
        ),
        (
            "scope = \"convolutions\" }",
            "scope = \"convolutions\" }\nselection = \"published\"",
            "all layers",
        ),
        ("title = \"Tiny\"", "title = ", "line 2"),
        (
            "epochs = 2",
            "epochs = 0",
            ": training `epochs`: expected at least 1",
        ),
        (
            "allocation = \"global\"",
            "allocation = 3",
            "found an integer",
        ),
        ("[\"layerwise-rearrange\"]", "[true]", "found a boolean"),
    ];
    for (from, to, expected) in cases {
        let place = Place::with(&TINY.replacen(from, to, 1));
        let (code, out, err) = outcome(place.command("plan", &[]).output().unwrap());
        assert_eq!(code, 2, "`{to}`: {out}{err}");
        assert!(
            err.contains(expected),
            "`{to}`: expected `{expected}` in: {err}"
        );
        // Nothing was started and nothing was stored.
        assert!(!place.store().join("actions").exists() || place.actions().is_empty());
    }
}

#[test]
fn an_action_that_fails_stops_what_reads_it_and_nothing_else() {
    // 90 % of the classifier alone is more than 0.5 % of this network.
    let study = TINY
        .replace("sparsities = [0.9]", "sparsities = [0.995]")
        .replace(
            "allocation = \"smart-ratio\"",
            "allocation = { rule = \"smart-ratio\", params = { linear_keep_ratio = 0.9 } }",
        );
    let place = Place::with(&study);
    let (code, out, err) = outcome(place.command("run", &["--workers", "2"]).output().unwrap());
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains("smart-ratio"), "{err}");
    let first = err.lines().find(|l| l.starts_with("failed ")).unwrap();
    let (_, title) = first.split_once(' ').unwrap();
    assert_eq!(err.matches(title.trim()).count(), 1, "said twice: {err}");
    assert!(err.contains("not run"), "{err}");
    assert!(place.cell("smart", "none")["failed"].is_string());
    assert!(place.cell("smart", "none").get("action").is_none());
    assert!(
        place.cell("snip", "none")["action"].is_string(),
        "{out}{err}"
    );
    let (code, out, _) = place.audit();
    assert_eq!(code, 0, "{out}");
    // A failure is shown and retried, never taken for a result.
    let (code, out, _) = outcome(place.command("run", &[]).output().unwrap());
    assert_eq!(code, 1);
    assert_eq!(crate::support::ran(&out), 0, "{out}");
}

/// libtorch says how many bytes it was refused; the study says how many there are.
#[test]
fn a_method_without_enough_memory_is_told_which_field_gives_more() {
    let mut blocks = TINY.split("\n[[ticket]]");
    let head = blocks.next().unwrap().replace("width = 8", "width = 128");
    let snip = blocks.find(|b| b.contains("name = \"snip\"")).unwrap();
    let run = "[run]\nplugin_memory_mb = 128";
    let place = Place::with(&format!("{head}\n[[ticket]]{snip}\n{run}\n"));
    let (code, out, err) = outcome(place.command("run", &[]).output().unwrap());
    assert_eq!(code, 1, "{out}{err}");
    let words = ["`snip`", "out of memory", "`run.plugin_memory_mb` = 128"];
    for words in words {
        assert!(err.contains(words), "{words}: {err}");
    }
    assert!(!err.contains("plugin_scratch_mb"), "{err}");
    // The store keeps what kind of failure it was.
    let kept = std::process::Command::new("grep")
        .args(["-rl", "\"kind\":\"memory\""])
        .arg(place.store().join("failures"))
        .output();
    assert_eq!(outcome(kept.unwrap()).1.lines().count(), 1);
}

/// What a method asks the host for has a field of its own.
#[test]
fn a_method_without_enough_scratch_is_told_of_the_field_for_scratch() {
    let mut blocks = TINY.split("\n[[ticket]]");
    let head = blocks.next().unwrap().replace("width = 8", "width = 64");
    let grasp = "\nname = \"grasp\"\nscores = { method = \"grasp\" }\nallocation = \"global\"";
    let run = "[run]\nplugin_scratch_mb = 1";
    let place = Place::with(&format!("{head}\n[[ticket]]{grasp}\n{run}\n"));
    let (code, out, err) = outcome(place.command("run", &[]).output().unwrap());
    assert_eq!(code, 1, "{out}{err}");
    for words in ["`grasp`", "JKP_E_NOMEM", "`run.plugin_scratch_mb` = 1"] {
        assert!(err.contains(words), "{words}: {err}");
    }
    assert!(!err.contains("plugin_memory_mb"), "{err}");
}

/// Counts that leave a filter fewer than two inputs are told; whole filters have all of theirs.
#[test]
fn a_plan_says_which_layers_an_allocation_starves() {
    let plan = |allocation: &str| {
        let head = &TINY[..TINY.find("[[ticket]]").unwrap()];
        let ticket = format!(
            "[[ticket]]\nname = \"t\"\nscores = {{ method = \"random\" }}\nallocation = {allocation}\n"
        );
        let place = Place::with(&(head.to_owned() + &ticket));
        let (code, out, err) = outcome(place.command("plan", &[]).output().unwrap());
        assert_eq!(code, 0, "{err}");
        out
    };
    let starved = "a filter: fewer than 2";
    assert!(plan("\"uniform\"").contains(starved));
    assert!(!plan("{ rule = \"uniform\", unit = \"filters\" }").contains(starved));
}
