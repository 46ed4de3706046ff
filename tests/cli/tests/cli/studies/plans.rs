//! `jackpot plan` where nothing has been run: it needs no store, and makes none.
use crate::support::{Place, TINY, finished, jackpot, outcome};
use std::fs;

#[test]
fn a_plan_needs_no_store_and_makes_none() {
    let place = Place::new();
    let absent = place.folder.path().join("not-yet");
    let plan = |store: Option<&str>| {
        let mut command = jackpot();
        command.current_dir(place.study());
        if let Some(store) = store {
            command.arg("--store").arg(store);
        }
        outcome(command.args(["plan", "."]).output().unwrap())
    };
    let with_a_store = plan(place.store().to_str());
    assert_eq!(with_a_store.0, 0, "{}", with_a_store.2);

    // One that is named and not there; none that is named, and none in a parent folder.
    for store in [absent.to_str(), None] {
        let (code, out, err) = plan(store);
        assert_eq!(code, 0, "{err}");
        assert_eq!(out, with_a_store.1);
        assert!(err.contains("nothing counts as cached"), "{err}");
    }
    assert!(!absent.exists());
    let left: Vec<_> = fs::read_dir(place.study()).unwrap().collect();
    assert_eq!(left.len(), 1, "only the study is there: {left:?}");

    // A folder of something else is no store that is yet to come.
    let other = place.folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("notes.txt"), "mine").unwrap();
    let (code, _, err) = plan(other.to_str());
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("FORMAT"), "{err}");
}

/// What `run` would only find out after days stands in the plan, under the field's name; and its
/// twin within bounds is planned.
#[test]
fn what_cannot_run_is_refused_by_its_field_before_anything_runs() {
    let batch = "batch = 50";
    let subset = "train_subset = 200";
    let steps = r#"["random-labels", "random-pixels"]"#;
    let global = "scores = { method = \"snip\" }\nallocation = \"global\"";
    let smart = "allocation = \"smart-ratio\"";
    let with_floor = |rule: &str, floor: u64| format!("allocation = {{ {rule}, floor = {floor} }}");
    let global_floor = |floor| {
        let allocation = with_floor("rule = \"global\"", floor);
        format!("scores = {{ method = \"snip\" }}\n{allocation}")
    };
    let check =
        |item: &str, params: &str| format!("[{{ check = \"{item}\", params = {{ {params} }} }}]");
    let cases: Vec<(&str, String, String, Vec<&str>)> = vec![
        (
            subset,
            "train_subset = 100".into(),
            "train_subset = 50".into(),
            vec![
                "ticket `snip`",
                "`scores.params.samples_per_class`",
                "class 0 has 5",
            ],
        ),
        (
            steps,
            check("subset", "share = 0.5, balanced = true"),
            check("subset", "share = 0.45, balanced = true"),
            vec![
                "`scores.params.samples_per_class` on corrupted-data",
                "class 0 has 9",
            ],
        ),
        (
            steps,
            check("subset", "share = 0.5"),
            check("subset", "share = 0.25"),
            vec![
                "on corrupted-data",
                "100 images a batch asked, but the data set has 50",
            ],
        ),
        (
            steps,
            check("subset", "share = 0.5"),
            check("subset", "share = 0.2"),
            vec![
                "under check `corrupted-data`: `training.batch`",
                "40 training rows",
            ],
        ),
        (
            steps,
            check("subset", "share = 0.5"),
            check("subset", "share = 1.0"),
            vec!["check `corrupted-data`", "`share`", "every row"],
        ),
        (
            steps,
            check("random-labels", "share = 0.01"),
            check("random-labels", "share = 0.0"),
            vec!["check `corrupted-data`", "`share`", "above 0"],
        ),
        (
            batch,
            "batch = 20\nvalidation_rows = 180".into(),
            "batch = 5\nvalidation_rows = 195".into(),
            vec!["`validation_rows` = 195", "class 0 would give 20 of its 20"],
        ),
        (
            batch,
            "batch = 50\nvalidation_rows = 150".into(),
            "batch = 50\nvalidation_rows = 160".into(),
            vec![
                "`training.batch`",
                "40 training rows that `validation_rows` = 160 leaves",
            ],
        ),
        (
            smart,
            with_floor("rule = \"uniform\"", 1),
            with_floor("rule = \"uniform\"", 1000),
            vec![
                "ticket `smart`: `allocation.floor`",
                "the floor of 1000 a layer",
            ],
        ),
        (
            smart,
            with_floor("densities = { \"conv1.weight\" = 0.5 }", 1),
            with_floor("densities = { \"conv1.weight\" = 0.5 }", 1000),
            vec![
                "ticket `smart`: `allocation.densities`",
                "the floor of 1000 a layer",
            ],
        ),
        (
            global,
            global_floor(1),
            global_floor(1000),
            vec![
                "ticket `snip`: `allocation.floor`",
                "the floor of 1000 a layer",
            ],
        ),
    ];
    for (written, right, wrong, words) in cases {
        assert!(TINY.contains(written), "{written}");
        let place = Place::with(&TINY.replace(written, &right));
        let (code, out, err) = outcome(place.command("plan", &[]).output().unwrap());
        assert_eq!(code, 0, "{right}: {out}{err}");
        place.write(&TINY.replace(written, &wrong));
        for verb in ["plan", "run"] {
            let (code, out, err) = outcome(place.command(verb, &[]).output().unwrap());
            assert_eq!(code, 2, "{verb}, {wrong}: {out}{err}");
            for word in &words {
                assert!(err.contains(word), "{verb}, {wrong}: no `{word}` in {err}");
            }
        }
        let left = fs::read_dir(place.store().join("actions"));
        assert_eq!(left.map_or(0, |l| l.count()), 0, "{wrong}");
    }
}

/// An allocation whose rule leaves a layer nothing is no warning where a floor keeps some.
#[test]
fn a_warning_counts_what_the_floor_keeps() {
    let place = Place::new();
    let warnings = |allocation: &str| {
        place.write(
            &TINY
                .replace("\"smart-ratio\"", allocation)
                .replace("0.9]", "0.98]"),
        );
        let (code, out, err) = outcome(place.command("plan", &[]).output().unwrap());
        assert_eq!(code, 0, "{out}{err}");
        out
    };
    let rule = "rule = \"smart-ratio\", params = { shape = \"ascending\" }";
    let cut = "`conv1.weight` keeps none of its 72 weights";
    let without = warnings(&format!("{{ {rule} }}"));
    assert!(without.contains(cut), "{without}");
    assert!(!without.contains("before `floor`"), "{without}");
    let with = warnings(&format!("{{ {rule}, floor = 1 }}"));
    assert!(!with.contains(cut), "{with}");
    assert!(
        with.contains("before `floor`, `whole` and `unit`"),
        "{with}"
    );
    assert!(
        with.contains("`conv1.weight` keeps 1 of 72 weights"),
        "{with}"
    );
}

/// Weights that a study names by their hash are looked at before anything runs.
#[test]
fn weights_of_the_store_are_there_and_of_this_network() {
    let place = finished().copy();
    let weights = place.kinds();
    assert!(weights["init"] > 0);
    let drawn = place.actions().into_values();
    let mut drawn = drawn.filter_map(|outputs| Some(outputs.get("weights")?.as_str()?.to_owned()));
    let object = drawn.next_back().unwrap();
    let ask = |text: &str, object: &str| {
        let of = format!("method = \"magnitude\", of = {{ object = \"{object}\" }}");
        place.write(&text.replace("method = \"magnitude\", of = \"trained\"", &of));
        outcome(place.command("plan", &[]).output().unwrap())
    };
    let (code, out, err) = ask(TINY, &object);
    assert_eq!(code, 0, "{out}{err}");
    let refused = |(code, out, err): (i32, String, String), word: &str| {
        assert_eq!(code, 2, "{out}{err}");
        assert!(err.contains("ticket `lottery`: `scores.of`"), "{err}");
        assert!(err.contains(word), "{err}");
    };
    refused(ask(TINY, &"0".repeat(64)), "is not in the store");
    refused(
        ask(&TINY.replace("width = 8", "width = 4"), &object),
        "is not weights of this network",
    );
}

/// All tickets share the sparsities of the grid: where one is too high for one ticket, the plan
/// says so and the others are run.
#[test]
fn a_layer_too_large_to_be_kept_whole_is_foreseen() {
    let place = Place::new();
    let planned = |sparsity: &str| {
        place.write(&TINY.replace("[0.9]", &format!("[{sparsity}]")));
        let (code, out, err) = outcome(place.command("plan", &[]).output().unwrap());
        assert_eq!(code, 0, "{out}{err}");
        out
    };
    let words = "this will fail: sparsity 0.99 keeps";
    assert!(!planned("0.9").contains("this will fail"));
    let out = planned("0.99");
    assert!(out.contains(words), "{out}");
    assert!(out.contains("select lottery at 0.99"), "{out}");
    assert!(
        !out.contains("select snip at 0.99, seed 1: this will fail"),
        "{out}"
    );
}
