//! `study.toml`: the shipped study loads, and every slip is named with its remedy.
use jackpot_net::{
    AdamSettings, Compute, Engine, Optimizer, Order, Precision, ScorePrecision, Training,
};
use jackpot_study::{Allocation, Study, nearest};
use std::path::Path;

const QUICK: &str = include_str!("../support/quick.toml");

fn parse(text: &str) -> Result<Study, String> {
    Study::parse(text, Path::new("/somewhere/tiny")).map_err(|e| e.to_string())
}

/// The shipped study with one text replaced is refused, in words that hold `expected`.
fn refused(from: &str, to: &str, expected: &[&str]) {
    assert!(QUICK.contains(from), "the shipped study has no `{from}`");
    let error = match parse(&QUICK.replacen(from, to, 1)) {
        Ok(_) => panic!("`{to}` was accepted"),
        Err(error) => error,
    };
    for words in expected {
        assert!(error.contains(words), "expected `{words}` in: {error}");
    }
}

#[test]
fn the_shipped_study_says_what_it_should() {
    let study = parse(QUICK).unwrap();
    assert_eq!(study.name, "tiny");
    assert_eq!(study.seeds, [1, 2, 3]);
    let sparsities: Vec<&str> = study.sparsities.iter().map(|s| s.text()).collect();
    assert_eq!(sparsities, ["0.9", "0.98"]);
    assert_eq!(study.settings[0].architecture.input, [1, 14, 14]);
    assert_eq!(study.settings[0].data.train_rows, 6000);
    assert_eq!(study.settings[0].data.test_rows, 4000);
    assert!(study.tickets()[0].sparse.is_none());
    let lottery = study.tickets()[1].sparse.as_ref().unwrap();
    assert!(matches!(
        lottery.allocation,
        Allocation::Global(jackpot_prune::PruningScope::Convolutions)
    ));
}

#[test]
fn sparsity_is_decimal_text_and_never_a_double() {
    // A double holds neither; the nearest to the first prints as 0.30000000000000004.
    let text = QUICK.replacen("0.9, 0.98", "0.300000000000000041, 0.9500", 1);
    let study = parse(&text).unwrap();
    let sparsities: Vec<&str> = study.sparsities.iter().map(|s| s.text()).collect();
    assert_eq!(sparsities, ["0.300000000000000041", "0.95"]);
    refused("0.9, 0.98", "0.9, 0.90", &["sparsities", "given twice"]);
    refused("0.9, 0.98", "0.9, 1.5", &["sparsities", "1.5"]);
    refused("0.9, 0.98", "0.9, 0", &["sparsities"]);
    refused("0.9, 0.98", "90", &["sparsities", "90"]);
    refused("0.9, 0.98", "", &["sparsities", "at least one"]);
    // No weight would be kept, or none pruned: known before anything runs.
    refused("0.9, 0.98", "0.9, 0.99999999", &["0.99999999", "keeps 0"]);
    refused("0.9, 0.98", "0.00000001", &["0.00000001", "prune some"]);
}

#[test]
fn an_unknown_field_is_refused_with_the_nearest_known_name() {
    refused(
        "momentum =",
        "momemtum =",
        &["momemtum", "did you mean `momentum`?"],
    );
    refused(
        "sparsities =",
        "sparsitys =",
        &["did you mean `sparsities`?"],
    );
    refused("on = \"data\"", "at = \"data\"", &["unknown field `at`"]);
    refused(
        "scope = \"conv",
        "scoop = \"conv",
        &["did you mean `scope`?"],
    );
    refused(
        "schedule = \"cosine\"",
        "schedule = \"cosinus\"",
        &["did you mean `cosine`?"],
    );
    refused(
        "family = \"resnet\"",
        "family = \"resnets\"",
        &["did you mean `resnet`?"],
    );
    refused(
        "figures = [",
        "figures = [\"acuracy\", ",
        &["figures", "did you mean `accuracy`?"],
    );
}

/// A hint is for a slip of the hand; another word gets none.
#[test]
fn a_hint_is_near_enough_to_be_a_slip() {
    let near = |word: &str, known: &[&'static str]| nearest(word, known.iter().copied());
    let methods = [
        "erk",
        "snip",
        "grasp",
        "synflow",
        "magnitude",
        "random",
        "smart-ratio",
        "uniform",
    ];
    for (word, meant) in [
        ("snpi", "snip"),
        ("snap", "snip"),
        ("grap", "grasp"),
        ("gaspr", "grasp"),
        ("erks", "erk"),
        ("sinflow", "synflow"),
        ("synfolw", "synflow"),
        ("magntude", "magnitude"),
        ("magnetude", "magnitude"),
        ("smartratio", "smart-ratio"),
        ("smart_ratio", "smart-ratio"),
        ("unifrom", "uniform"),
    ] {
        assert_eq!(near(word, &methods), Some(meant), "{word}");
    }
    for word in ["imp", "ler", "force", "taylor", "prune", "smart", "x", ""] {
        assert_eq!(near(word, &methods), None, "{word}");
    }
    // Of three letters two say nothing, of four neither.
    assert_eq!(near("wrn", &["vgg", "mlp"]), None);
    assert_eq!(near("erk", &["imp", "set"]), None);
    assert_eq!(near("cell", &["pool", "call"]), Some("call"));
    assert_eq!(near("seed", &["need-not", "steps", "each"]), None);
    assert_eq!(near("fields", &["weights"]), None);
    // The nearest of several; of equally near ones the first in the alphabet.
    assert_eq!(near("epoch", &["epochs", "each", "epic"]), Some("epochs"));
    assert_eq!(near("step", &["steps", "stem"]), Some("stem"));
}

#[test]
fn what_does_not_fit_together_is_named() {
    refused("depth = 8", "depth = 9", &["network"]);
    refused(
        "fashion-mnist-10k",
        "fashion-mnist-10",
        &["data.set", "fashion-mnist-10k"],
    );
    refused("resize = 14", "resize = 13", &["data", "13"]);
    refused("epochs = 5\n", "", &["training.epochs", "preset"]);
    refused(
        "lr = 0.2",
        "preset = \"su2021\"",
        &["training.preset", "su2020"],
    );
    refused("batch = 64", "batch = 6001", &["training.batch", "6000"]);
    refused(
        "crop_padding = 0",
        "crop_padding = 14",
        &["training.augment.crop_padding", "14"],
    );
    refused("threads = 1", "threads = 0", &["run.threads", "--workers"]);
    refused("threads = 1", "threads = 100000", &["run.threads", "256"]);
    refused(
        "threads = 1",
        "threads = 1\nplugin_memory_mb = 1",
        &["run.plugin_memory_mb", "128"],
    );
    refused(
        "\"cpu-avx2\"",
        "\"cpu-avx\"",
        &["run.device_class", "did you mean `cpu-avx2`?"],
    );
    refused("\"cpu\"", "\"cuda:0\"", &["run.device_class", "native"]);
    refused(
        "dense = true",
        "dense = true\nstart = \"trained\"",
        &["ticket `dense`", "`start`"],
    );
    refused(
        "dense = true",
        "dense = false",
        &["ticket `dense`", "scores"],
    );
    refused(
        "name = \"snip\"",
        "name = \"lottery\"",
        &["ticket.name", "lottery", "twice"],
    );
    refused(
        "name = \"snip\"",
        "name = \"SNIP!\"",
        &["SNIP!", "lower-case"],
    );
    refused("name = \"rearrange\"", "name = \"none\"", &["reserved"]);
    refused(
        "[\"layerwise-rearrange\"]",
        "[]",
        &["rearrange", "change nothing"],
    );
    refused(
        "\"grasp\", \"smart\"]",
        "\"grasp\", \"smert\"]",
        &["did you mean `smart`?"],
    );
    refused(
        "allocation = \"uniform\"",
        "allocation = { copy = \"smarts\" }",
        &["did you mean `smart`?"],
    );
    refused(
        "allocation = \"uniform\"",
        "allocation = { copy = \"dense\" }",
        &["dense", "no mask"],
    );
    refused(
        "allocation = \"uniform\"",
        "allocation = { copy = \"uniform\" }",
        &["above it"],
    );
    refused(
        "allocation = \"uniform\"",
        "allocation = { copy = \"smart\", rule = \"x\" }",
        &["both"],
    );
    refused(
        "allocation = \"uniform\"",
        "allocation = 3",
        &["allocation", "integer"],
    );
    refused(
        "seeds = [1, 2, 3]",
        "seeds = [1, 2, 1]",
        &["seeds", "twice"],
    );
    refused("seeds = [1, 2, 3]", "seeds = [-1]", &["-1"]);
}

#[test]
fn a_preset_is_taken_and_overridden() {
    let start = QUICK.find("[training]").unwrap();
    let end = QUICK.find("[run]").unwrap();
    let text = [
        &QUICK[..start],
        "[training]\npreset = \"su2020\"\nepochs = 200\naugment = { flip = false }\n",
        &QUICK[end..],
    ]
    .concat();
    let study = parse(&text).unwrap();
    let published = Training::su2020();
    assert_eq!(study.settings[0].training.epochs, 200);
    assert_eq!(study.settings[0].training.lr, published.lr);
    assert_eq!(
        study.settings[0].training.augment.crop_padding,
        published.augment.crop_padding
    );
    assert!(!study.settings[0].training.augment.flip);
}

#[test]
fn a_data_set_of_files_needs_a_folder() {
    refused(
        "set = \"fashion-mnist-10k\"",
        "set = \"mnist\"",
        &["data.folder", "mnist"],
    );
}

/// What `[training]` says is what is trained; `momentum` of the preset goes with SGD only.
#[test]
fn the_options_of_training_are_read_and_told() {
    let with =
        |more: &str| parse(&QUICK.replacen("[training]\n", &format!("[training]\n{more}\n"), 1));
    let plain = parse(QUICK).unwrap().settings[0].training.clone();
    let training = with(
        "label_smoothing = 0.1\norder = \"stored\"\nsteps_per_epoch = 40\noffset_epochs = 1\n\
         validation_rows = 600\noptimizer = \"nesterov\"",
    )
    .unwrap()
    .settings[0]
        .training
        .clone();
    let expected = Training {
        label_smoothing: 0.1,
        order: Order::Stored,
        steps_per_epoch: Some(40),
        offset_epochs: 1,
        validation_rows: 600,
        optimizer: Optimizer::Nesterov,
        ..plain.clone()
    };
    assert_eq!(training, expected);
    assert_eq!((training.steps(6_000), plain.steps(6_000)), (200, 5 * 94));

    let adam = QUICK.replacen(
        "momentum = 0.9",
        "optimizer = { adamw = { beta2 = 0.99 } }",
        1,
    );
    let settings = AdamSettings {
        beta2: 0.99,
        ..AdamSettings::default()
    };
    assert_eq!(
        parse(&adam).unwrap().settings[0].training.optimizer,
        Optimizer::AdamW(settings)
    );
    let preset = "preset = \"su2020\"\noptimizer = \"adam\"";
    let training = parse(&adam.replacen("optimizer = { adamw = { beta2 = 0.99 } }", preset, 1));
    assert_eq!(training.unwrap().settings[0].training.momentum, 0.0);

    let native = QUICK.replacen("cpu-avx2", "native", 1);
    let mixed = native.replacen("[training]\n", "[training]\nprecision = \"bf16\"\n", 1);
    assert_eq!(
        parse(&mixed).unwrap().settings[0].compute.precision,
        Precision::Bf16
    );
    assert_eq!(
        parse(&native).unwrap().settings[0].compute.precision,
        Precision::F32
    );
}

#[test]
fn the_precision_of_scores_is_read_and_told() {
    let unsaid = QUICK.replacen("[scoring]\nprecision = \"f64\"\n", "", 1);
    let with = |more: &str| unsaid.replacen("[training]\n", &format!("{more}\n[training]\n"), 1);
    assert_eq!(parse(&unsaid).unwrap().scoring, None);
    for precision in ScorePrecision::ALL {
        let written = format!("[scoring]\nprecision = \"{}\"", precision.name());
        assert_eq!(parse(&with(&written)).unwrap().scoring, Some(precision));
        let study = parse(&with(&written)).unwrap();
        let told = study.facts().into_iter();
        let told: Vec<String> = told
            .filter(|(name, _)| name == "scores")
            .map(|f| f.1)
            .collect();
        let expected = format!("derivatives in {}", precision.describe());
        assert_eq!(told, [expected]);
    }
    for (written, expected) in [
        ("[scoring]\nprecision = \"bf16\"", "unknown variant `bf16`"),
        ("[scoring]\nprecision = \"f46\"", "did you mean `f64`?"),
        ("[scoring]", "missing field `precision`"),
        ("[scoring]\nprecison = \"f64\"", "did you mean `precision`?"),
        ("[scorng]\nprecision = \"f64\"", "did you mean `scoring`?"),
    ] {
        let error = parse(&with(written)).unwrap_err();
        assert!(
            error.contains(expected),
            "expected `{expected}` in: {error}"
        );
    }
}

#[test]
fn options_of_training_that_do_not_fit_are_named() {
    let refused = |more: &str, expected: &[&str]| {
        refused("[training]\n", &format!("[training]\n{more}\n"), expected);
    };
    refused(
        "precision = \"bf16\"",
        &["`training.precision`", "cpu-avx2", "native"],
    );
    refused("precision = \"f16\"", &["f16", "`f32`", "`bf16`"]);
    refused("engine = \"torch\"", &["`torch`", "`libtorch`", "`sparse`"]);
    refused("optimizer = \"adamm\"", &["`adamm`", "did you mean `adam`"]);
    refused("optimizer = { sgd = {} }", &["`sgd` has no settings"]);
    refused(
        "optimizer = { adam = { beta3 = 1 } }",
        &["`beta3`", "did you mean `beta1`"],
    );
    refused(
        "optimizer = \"adam\"",
        &["`momentum`: expected 0", "`adam`", "found 0.9"],
    );
    refused(
        "validation_rows = 6000",
        &["`training.validation_rows`", "6000 training rows"],
    );
    refused("order = \"sorted\"", &["`sorted`", "`stored`"]);
    refused(
        "steps_per_epoch = 0",
        &["`steps_per_epoch`: expected at least 1"],
    );
    refused(
        "label_smoothing = 1.0",
        &["`label_smoothing`: expected 0 to below 1"],
    );
    refused("until = 3", &["`until`"]);
}

#[test]
fn a_tickets_own_training_must_fit_the_data_and_the_network() {
    let grasp = "name = \"grasp\"\n";
    let with = |retrain: &str| format!("{grasp}retrain = {{ {retrain} }}\n");
    for (retrain, expected) in [
        ("batch = 6001", ["`retrain.batch`", "6000"]),
        (
            "validation_rows = 6000",
            ["`retrain.validation_rows`", "6000"],
        ),
        (
            "augment = { crop_padding = 14 }",
            ["`retrain.augment.crop_padding`", "14"],
        ),
        (
            "augment = { crop = 15 }",
            ["`retrain.augment.crop`", "14×14"],
        ),
        (
            "augment = { crop = 12 }",
            ["`retrain.augment.crop`", "12×12"],
        ),
        (
            "augment = { resized_crop = 1.5 }",
            ["`augment.resized_crop`", "1.5"],
        ),
    ] {
        refused(grasp, &with(retrain), &expected);
        refused(grasp, &with(retrain), &["ticket `grasp`"]);
    }
    let fits = with("augment = { resized_crop = 0.5 }, validation_rows = 500");
    parse(&QUICK.replacen(grasp, &fits, 1)).unwrap();
}

/// Tickets take the engine of `[training]`, of their setting, or their own.
#[test]
fn an_engine_is_the_studys_or_the_tickets() {
    let with = |study: &str, ticket: &str| {
        let text = QUICK
            .replacen("cpu-avx2", "native", 1)
            .replacen("[training]\n", &format!("[training]\n{study}\n"), 1)
            .replacen(
                "scores = { method = \"snip\" }\n",
                &format!("scores = {{ method = \"snip\" }}\nretrain = {{ {ticket} }}\n"),
                1,
            );
        parse(&text).unwrap()
    };
    let of = |study: &Study, ticket: &str| {
        let ticket = study.tickets().iter().find(|t| t.name == ticket).unwrap();
        ticket.sparse.as_ref().unwrap().compute
    };
    let compute = |engine, precision| Compute { engine, precision };
    let study = with("engine = \"sparse\"", "lr = 0.1");
    let sparse = compute(Engine::Sparse, Precision::F32);
    assert_eq!(of(&study, "snip"), sparse);
    assert_eq!(of(&study, "smart"), sparse);
    let study = with("", "engine = \"sparse\", precision = \"bf16\"");
    assert_eq!(of(&study, "snip"), compute(Engine::Sparse, Precision::Bf16));
    assert_eq!(of(&study, "smart"), Compute::default());
    assert_eq!(study.settings[0].compute, Compute::default());
    let study = with("engine = \"sparse\"", "engine = \"libtorch\"");
    assert_eq!(of(&study, "snip"), Compute::default());
    assert_eq!(of(&study, "smart"), sparse);
}

/// What the sparse engine cannot do is refused by name, with what to write instead.
#[test]
fn an_engine_that_cannot_is_refused_before_anything_runs() {
    let sparse = "[training]\nengine = \"sparse\"\n";
    let study = QUICK.replacen("[training]\n", sparse, 1);
    parse(&study).unwrap();
    let refused = |from: &str, to: &str, expected: &[&str]| {
        let text = study.replacen(from, to, 1);
        assert_ne!(text, study);
        let error = parse(&text).unwrap_err().to_string();
        for words in expected {
            assert!(error.contains(words), "expected `{words}` in: {error}");
        }
    };
    refused(
        "device = \"cpu\"\ndevice_class = \"cpu-avx2\"",
        "device = \"cuda:0\"\ndevice_class = \"native\"",
        &["`training.engine`", "`cuda:0`", "`device = \"cpu\"`"],
    );
    refused(
        "threads = 1",
        "threads = 2",
        &[
            "`training.engine`",
            "one thread",
            "`threads = 1`",
            "libtorch",
        ],
    );
    refused(
        sparse,
        &format!("{sparse}precision = \"bf16\"\n"),
        &["`training.precision`", "cpu-avx2", "native"],
    );
    let mobile = "family = \"mobilenetv2\"\nstem = \"small\"\n\n[training]";
    let network = "family = \"resnet\"\ndepth = 8\nwidth = 16\n\n[training]";
    refused(
        network,
        mobile,
        &["`training.engine`", "the sparse engine cannot", "libtorch"],
    );
    // A ticket's own engine is named as its own; the dense network is always libtorch's.
    let own = "scores = { method = \"snip\" }\nretrain = { engine = \"sparse\" }\n";
    let own = QUICK.replacen("scores = { method = \"snip\" }\n", own, 1);
    let error = parse(&own.replacen(network, mobile, 1)).unwrap_err();
    let named = "ticket `snip`: `retrain.engine`";
    assert!(error.to_string().contains(named), "{error}");
    let dense = study.split("\n# Train, keep").next().unwrap();
    parse(&dense.replacen(network, mobile, 1)).unwrap();
}
