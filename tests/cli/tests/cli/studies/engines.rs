//! A study whose tickets are trained by the sparse engine, end to end.
use crate::support::{Place, TINY, call, jackpot, outcome};
use serde_json::Value;
use std::{fs, process::Stdio, sync::OnceLock, time::Duration};

/// The tiny study, its tickets in the sparse engine: in `[training]` for all, and one in its own
/// `retrain` back in libtorch.
fn study() -> String {
    let (head, _) = TINY.split_once("[[ticket]]\nname = \"c-snip\"").unwrap();
    let head = head.replacen("[training]\n", "[training]\nengine = \"sparse\"\n", 1);
    format!(
        r#"{head}
[[ticket]]
name = "smart"
scores = {{ method = "random" }}
allocation = "smart-ratio"

[[ticket]]
name = "reference"
scores = {{ method = "random" }}
allocation = "smart-ratio"
retrain = {{ engine = "libtorch" }}

[[ticket]]
name = "rounds"
scores = {{ method = "magnitude" }}
allocation = {{ rule = "global", scope = "convolutions" }}
rounds = {{ share = 0.8, rewind = "initial" }}
"#
    )
}

/// The study, run once with one worker.
fn finished() -> &'static Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(|| {
        let place = Place::with(&study());
        assert!(place.run(&["--workers", "1"]) > 0);
        place
    })
}

fn recipe(place: &Place, key: &str) -> Value {
    serde_json::from_slice(&fs::read(place.object(key)).unwrap()).unwrap()
}

/// The recipe and the training losses, epoch by epoch, of a ticket's training.
fn trained(place: &Place, ticket: &str) -> (Value, Vec<f64>) {
    let key = place.cell(ticket, "none")["action"].clone();
    let key = key.as_str().unwrap();
    let metrics = place.actions()[key]["metrics"].clone();
    let metrics = fs::read(place.object(metrics.as_str().unwrap())).unwrap();
    let metrics: Value = serde_json::from_slice(&metrics).unwrap();
    let epochs = metrics["epochs"].as_array().unwrap().iter();
    let loss = |epoch: &Value| epoch["train_loss"].as_str().unwrap().parse().unwrap();
    (recipe(place, key), epochs.map(loss).collect())
}

/// `jackpot` on the store of the place.
fn said(place: &Place, arguments: &[&str]) -> (i32, String, String) {
    let mut command = jackpot();
    command.arg("--store").arg(place.store()).args(arguments);
    outcome(command.output().unwrap())
}

#[test]
fn masks_are_trained_by_the_sparse_engine_and_everything_else_by_libtorch() {
    let place = finished();
    let (mut sparse, mut dense) = (0, 0);
    for key in place.actions().keys() {
        let recipe = recipe(place, key);
        match (recipe["kind"].as_str().unwrap(), recipe["mask"].is_string()) {
            ("train", true) if recipe["engine"] == "sparse" => sparse += 1,
            ("train", masked) => {
                dense += usize::from(!masked);
                assert!(recipe.get("engine").is_none(), "{recipe}");
            }
            (_, _) => assert!(recipe.get("engine").is_none(), "{recipe}"),
        }
    }
    // Lottery, SNIP, smart, the first pruned round and the last.
    assert_eq!((sparse, dense), (5, 1));
    // One mask, one start, two engines: the same losses but for the order of sums.
    let (ours, by_sparse) = trained(place, "smart");
    let (theirs, by_libtorch) = trained(place, "reference");
    assert_eq!(ours["mask"], theirs["mask"]);
    assert_eq!(ours["weights"], theirs["weights"]);
    let both = format!("{by_sparse:?} by the sparse engine, {by_libtorch:?} by libtorch");
    assert!(by_sparse[1] < by_sparse[0], "{both}");
    assert_ne!(by_sparse, by_libtorch);
    for (ours, theirs) in by_sparse.iter().zip(&by_libtorch) {
        assert!((ours - theirs).abs() < 0.005 * theirs, "{both}");
    }
}

#[test]
fn a_second_run_is_all_hits_and_the_plan_says_who_trains_what() {
    let place = finished();
    assert_eq!(place.run(&[]), 0);
    let (code, out, err) = outcome(place.command("plan", &[]).output().unwrap());
    assert_eq!(code, 0, "{err}");
    for words in [
        "nothing to run",
        "1 training dense by libtorch, f32: all cached",
        "1 training under masks by libtorch, f32: all cached",
        "5 trainings under masks by the sparse engine, f32: all cached",
        "tickets by the sparse engine",
    ] {
        assert!(out.contains(words), "`{words}` is not in {out}");
    }
    let (code, out, _) = place.audit();
    assert_eq!(code, 0, "{out}");
}

/// On a VGG the smart ratio keeps a fifth of the multiply-adds where a uniform mask keeps a
/// fiftieth; on a ResNet a twentieth (`reports/speed`).
#[test]
fn a_plan_s_estimate_knows_what_an_allocation_leaves() {
    let seconds = |family: &str, allocation: &str| {
        let (head, _) = TINY.split_once("[[ticket]]").unwrap();
        let head = head
            .replacen("[training]\n", "[training]\nengine = \"sparse\"\n", 1)
            .replace("family = \"resnet\"\ndepth = 8\nwidth = 8", family)
            .replace("resize = 14\ntrain_subset = 200", "pad_to = 32")
            .replace("[0.9]", "[0.98]");
        let scores = "scores = { method = \"random\" }";
        let ticket = format!("name = \"one\"\n{scores}\nallocation = \"{allocation}\"\n");
        let place = Place::with(&format!("{head}[[ticket]]\n{ticket}"));
        let (code, out, err) = outcome(place.command("plan", &["--json"]).output().unwrap());
        assert_eq!(code, 0, "{err}");
        let plan: Value = serde_json::from_str(&out).unwrap();
        let uses = plan["engines"]["uses"].as_array().unwrap().clone();
        assert_eq!(uses.len(), 1, "{uses:?}");
        uses[0]["seconds"].as_f64().unwrap()
    };
    let dearer = |family: &str| seconds(family, "smart-ratio") / seconds(family, "uniform");
    let vgg = dearer("family = \"vgg\"\ndepth = 16\nwidth = 64");
    let resnet = dearer("family = \"resnet\"\ndepth = 32\nwidth = 32");
    assert!((3.5..10.5).contains(&vgg), "{vgg}");
    assert!((1.2..2.9).contains(&resnet), "{resnet}");
}

/// Of a study that asks for libtorch nothing moved, and all but the trainings is shared.
#[test]
fn the_engine_is_a_field_of_the_trainings_recipe_and_of_no_other() {
    let place = finished().copy();
    place.write(&study().replacen("engine = \"sparse\"\n", "", 1));
    // Lottery, SNIP and the first round; scores, masks and the training of the last. The random
    // ticket is the reference's.
    assert_eq!(place.run(&["--workers", "2"]), 3 + 3);
    let cell = place.cell("snip", "none")["action"].clone();
    let (code, out, err) = said(&place, &["explain", cell.as_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    let field = out
        .lines()
        .find(|l| l.trim().starts_with("engine "))
        .unwrap();
    assert!(field.contains('–') && field.contains("sparse"), "{out}");
    let before = finished().cell("snip", "none")["action"].clone();
    let (code, out, _) = said(&place, &["show", before.as_str().unwrap()]);
    assert_eq!(code, 0);
    assert!(out.contains("\"engine\": \"sparse\""), "{out}");
}

#[test]
fn the_number_of_workers_and_a_kill_change_nothing() {
    let place = Place::with(&study());
    for pause in [500, 900, 1300] {
        let mut run = place.command("run", &["--workers", "2"]);
        let run = run.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = run.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    place.run(&["--workers", "2"]);
    assert_eq!(place.actions(), finished().actions());
    assert_eq!(place.pin(), finished().pin());
}

#[test]
fn a_sparse_training_done_again_has_the_same_digests() {
    let place = finished();
    let key = place.cell("smart", "none")["action"].clone();
    let key = key.as_str().unwrap();
    let (code, out, err) = said(place, &["audit", "--rerun", "1", key]);
    assert_eq!(code, 0, "{out}{err}");
    let (code, out, err) = said(place, &["audit", key]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("the sparse engine, f32"), "{out}");
}

#[test]
fn first_steps_are_taken_by_the_engine_of_the_study() {
    let place = Place::with(&study());
    let (code, out, err) = outcome(
        place
            .command("run", &["--first-steps", "2"])
            .output()
            .unwrap(),
    );
    assert_eq!(code, 0, "{out}{err}");
    let actions = place.actions();
    let engines = actions.keys().filter(|key| {
        let recipe = recipe(&place, key);
        recipe["engine"] == "sparse" && recipe["training"]["until"] == 2
    });
    assert_eq!(engines.count(), 5);
}

/// What it cannot do is said before anything runs, with what to write instead.
#[test]
fn what_the_sparse_engine_cannot_do_is_refused_by_name() {
    let cases = [
        (
            "family = \"resnet\"\ndepth = 8\nwidth = 8",
            "family = \"mobilenetv2\"\nstem = \"small\"",
            &["`training.engine`", "the sparse engine cannot", "libtorch"][..],
        ),
        (
            "seeds = [1]",
            "seeds = [1]\nrun = { threads = 2 }",
            &["`training.engine`", "one thread", "threads = 1"][..],
        ),
        (
            "seeds = [1]",
            "seeds = [1]\nrun = { device = \"cuda:0\", device_class = \"native\" }",
            &["`training.engine`", "CPU", "cuda:0", "libtorch"][..],
        ),
        (
            "engine = \"sparse\"",
            "engine = \"sparse\"\nprecision = \"bf16\"",
            &["`training.precision`", "cpu-avx2", "native"][..],
        ),
        (
            "engine = \"sparse\"",
            "engine = \"sparce\"",
            &["`sparce`", "`sparse`"][..],
        ),
    ];
    for (from, to, expected) in cases {
        let text = study().replacen(from, to, 1);
        assert_ne!(text, study(), "{from}");
        let place = Place::with(&text);
        for verb in ["plan", "run"] {
            let (code, out, err) = outcome(place.command(verb, &[]).output().unwrap());
            assert_eq!(code, 2, "`{to}`: {out}{err}");
            for words in expected {
                assert!(err.contains(words), "`{to}`: expected `{words}` in: {err}");
            }
        }
        assert!(!place.store().join("actions").exists() || place.actions().is_empty());
    }
}

#[test]
fn the_list_names_the_engines() {
    let (code, out, err) = call(&["list"]);
    assert_eq!(code, 0, "{err}");
    for words in ["engines\n", "  libtorch: ", "  sparse: ", "here: f32"] {
        assert!(out.contains(words), "`{words}` is not in:\n{out}");
    }
}
