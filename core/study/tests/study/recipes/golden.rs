//! Golden keys: one tiny recipe a kind. None of these may change through any edit; a change
//! of numerics bumps `revision`, which adds a key here and leaves the old results findable.
//!
//! Each key is the sha256 of the line above it: `printf %s 'LINE' | sha256sum`.

use jackpot_data::RowOrder;
use jackpot_net::{
    AdamSettings, Architecture, Augment, Optimizer, Order, Schedule, ScorePrecision, Training,
};
use jackpot_protocol::ConfigValue;
use jackpot_prune::{
    Granularity, LayerConstraints, PruningRounds, PruningScope, RoundSchedule, SelectionRule,
    Sparsity,
};
use jackpot_store::{Digest, canonical};
use jackpot_study::{
    ActionInput, AllocateRecipe, CheckRecipe, ConfiguredItem, DataFile, DataRecipe, EvaluateRecipe,
    InitRecipe, Libtorch, OutputRef, Platform, Recipe, SampledRows, ScoreRecipe, SelectRecipe,
    SelectionCounts, TrainRecipe,
};
use std::collections::BTreeMap;

fn object(byte: u8) -> ActionInput {
    ActionInput::Object(Digest([byte; 32]))
}

fn architecture() -> Architecture {
    Architecture::resnet(8, 4, 10, [1, 14, 14])
}

fn platform<P: Default>() -> Platform<P> {
    Platform {
        libtorch: Libtorch {
            version: "2.13.0".into(),
            build: "0123456789abcdef".into(),
        },
        device_class: "cpu-avx2".into(),
        threads: 1,
        precision: P::default(),
        engine: jackpot_net::Engine::Libtorch,
    }
}

/// SNIP's scores, computed in that.
fn scored(precision: ScorePrecision) -> Recipe {
    let mut recipe = recipes().remove(2);
    if let Recipe::Score(ScoreRecipe {
        platform: Some(platform),
        ..
    }) = &mut recipe
    {
        platform.precision = precision;
    }
    recipe
}

fn item(id: &str, config: &[(&str, ConfigValue)]) -> ConfiguredItem {
    ConfiguredItem {
        plugin: Digest([0xab; 32]),
        item: id.into(),
        version: "1.0.0".into(),
        config: config
            .iter()
            .map(|(n, v)| ((*n).to_owned(), v.clone()))
            .collect(),
    }
}

fn sparsity() -> Sparsity {
    Sparsity::try_from("0.98".to_owned()).unwrap()
}

fn training() -> Training {
    Training {
        epochs: 8,
        batch: 64,
        lr: 0.2,
        schedule: Schedule::Step {
            milestones: vec![4, 6],
            factor: 0.1,
        },
        warmup_epochs: 1.0,
        momentum: 0.9,
        weight_decay: 1e-4,
        augment: Augment {
            crop_padding: 0,
            flip: true,
            crop: None,
            resized_crop: None,
        },
        published_gradient_mask: false,
        ..Training::su2020()
    }
}

fn recipes() -> Vec<Recipe> {
    let key = || "00112233445566778899aabbccddeeff".to_owned();
    vec![
        Recipe::Data(DataRecipe {
            set: "fashion-mnist-10k".into(),
            files: vec![DataFile {
                name: "t10k-images-idx3-ubyte.gz".into(),
                sha256: Digest([1; 32]),
            }],
            order: RowOrder::Stored,
            resize: Some(14),
            crop: None,
            pad_to: None,
            train_subset: None,
        }),
        Recipe::Init(InitRecipe {
            architecture: architecture(),
            key: key(),
        }),
        Recipe::Score(ScoreRecipe {
            item: item(
                "snip",
                &[
                    ("augment", ConfigValue::Bool(true)),
                    ("samples_per_class", ConfigValue::Int(10)),
                    ("temperature", ConfigValue::Float(1.0)),
                    ("text", ConfigValue::Text("10".into())),
                ],
            ),
            architecture: architecture(),
            rows: 6000,
            weights: Some(object(2)),
            reference: None,
            data: Some(SampledRows {
                train: object(3),
                normalisation: object(4),
                augment: training().augment,
            }),
            platform: Some(platform()),
            key: Some(key()),
            mask: None,
            rounds: None,
            sparsity: None,
        }),
        Recipe::Allocate(AllocateRecipe {
            item: item("smart-ratio", &[]),
            architecture: architecture(),
            rows: 6000,
            sparsity: sparsity(),
            scores: None,
            weights: None,
            key: None,
        }),
        Recipe::Select(SelectRecipe {
            architecture: architecture(),
            scores: object(5),
            by: SelectionCounts::Global {
                scope: PruningScope::Convolutions,
                sparsity: sparsity(),
                rule: SelectionRule::Exact,
            },
            within: None,
            reserve: LayerConstraints::default(),
            unit: Granularity::Weights,
        }),
        Recipe::Select(SelectRecipe {
            architecture: architecture(),
            scores: object(5),
            by: SelectionCounts::Counts(object(6)),
            within: None,
            reserve: LayerConstraints::default(),
            unit: Granularity::Weights,
        }),
        Recipe::Check(CheckRecipe {
            item: item("layerwise-rearrange", &[]),
            on: "mask",
            architecture: architecture(),
            rows: 6000,
            input: object(7),
            key: Some(key()),
            mask: None,
            donor: None,
            reference: None,
        }),
        Recipe::Train(TrainRecipe {
            architecture: architecture(),
            training: training(),
            weights: object(2),
            mask: Some(object(7)),
            train: object(3),
            test: object(8),
            normalisation: object(4),
            order_key: key(),
            augment_key: key(),
            platform: platform(),
        }),
    ]
}

/// The forms that came after the first release; the file's last lines.
fn later_recipes() -> Vec<Recipe> {
    let key = || "00112233445566778899aabbccddeeff".to_owned();
    let rounds = PruningRounds {
        count: 100,
        schedule: RoundSchedule::Exponential,
        sparsity: sparsity(),
        scope: PruningScope::All,
        constraints: LayerConstraints::default(),
    };
    let reserve = LayerConstraints {
        keep_first_dense: true,
        keep_classifier_dense: false,
        min_weights: 3,
    };
    let by = SelectionCounts::Table {
        densities: BTreeMap::from([("conv1.weight".to_owned(), "0.5".to_owned())]),
        sparsity: sparsity(),
    };
    let packed = Platform {
        device_class: "native-avx512".into(),
        precision: jackpot_net::Precision::Bf16,
        engine: jackpot_net::Engine::Sparse,
        ..platform()
    };
    let mut rewound = training();
    rewound.until = Some(188);
    vec![
        Recipe::Score(ScoreRecipe {
            item: item("synflow", &[]),
            architecture: architecture(),
            rows: 6000,
            weights: Some(object(2)),
            reference: None,
            data: None,
            platform: Some(platform()),
            key: None,
            mask: Some(object(7)),
            rounds: Some(rounds),
            sparsity: None,
        }),
        Recipe::Select(SelectRecipe {
            architecture: architecture(),
            scores: object(5),
            by,
            within: Some(object(7)),
            reserve,
            unit: Granularity::Weights,
        }),
        Recipe::Check(CheckRecipe {
            item: item("sign-only", &[]),
            on: "weights",
            architecture: architecture(),
            rows: 6000,
            input: object(2),
            key: None,
            mask: Some(object(7)),
            donor: Some(object(9)),
            reference: Some(object(1)),
        }),
        Recipe::Train(TrainRecipe {
            architecture: architecture(),
            training: rewound,
            weights: object(2),
            mask: None,
            train: object(3),
            test: object(8),
            normalisation: object(4),
            order_key: key(),
            augment_key: key(),
            platform: platform(),
        }),
        Recipe::Train(TrainRecipe {
            architecture: architecture(),
            training: training(),
            weights: object(2),
            mask: Some(object(7)),
            train: object(3),
            test: object(8),
            normalisation: object(4),
            order_key: key(),
            augment_key: key(),
            platform: packed,
        }),
        Recipe::Evaluate(EvaluateRecipe {
            architecture: architecture(),
            weights: object(2),
            mask: object(7),
            test: object(8),
            normalisation: object(4),
            platform: platform(),
        }),
        Recipe::Select(SelectRecipe {
            architecture: architecture(),
            scores: object(5),
            by: SelectionCounts::Counts(object(6)),
            within: None,
            reserve: LayerConstraints::default(),
            unit: Granularity::Filters,
        }),
        scored(ScorePrecision::F64),
        scored(ScorePrecision::F32Contiguous),
    ]
}

#[test]
fn no_key_moves() {
    let golden: Vec<&str> = include_str!("golden_recipes.txt").lines().collect();
    let mut found = Vec::new();
    for recipe in recipes().into_iter().chain(later_recipes()) {
        let bytes = canonical::to_bytes(&recipe.to_value().unwrap()).unwrap();
        found.push(String::from_utf8(bytes).unwrap());
        found.push(recipe.key().unwrap().to_string());
    }
    assert_eq!(found, golden, "every line:\n{}\n", found.join("\n"));
}

/// Studies that say nothing have the keys that scores had before there was a choice.
#[test]
fn the_precision_of_scores_is_in_their_key_and_nowhere_else() {
    let unsaid = &recipes()[2];
    let as_before = scored(ScorePrecision::default());
    assert_eq!(as_before.key().unwrap(), unsaid.key().unwrap());
    let mut keys = vec![as_before.key().unwrap()];
    for precision in [ScorePrecision::F64, ScorePrecision::F32Contiguous] {
        let recipe = scored(precision);
        keys.push(recipe.key().unwrap());
        let mut value = recipe.to_value().unwrap();
        assert_eq!(value["platform"]["precision"], precision.name());
        value["platform"]["precision"] = "f32".into();
        assert_eq!(value, unsaid.to_value().unwrap());
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 3, "two precisions have one key");
}

#[test]
fn a_recipe_with_an_input_that_is_not_known_has_no_key() {
    let mut recipe = recipes().remove(7);
    if let Recipe::Train(TrainRecipe { mask, .. }) = &mut recipe {
        *mask = Some(ActionInput::Node(OutputRef {
            node: 3,
            output: "mask",
        }));
    }
    assert!(recipe.resolve(&|_| None).is_none());
    let resolved = recipe.resolve(&|_| Some(Digest([7; 32]))).unwrap();
    assert_eq!(resolved.key().unwrap(), recipes()[7].key().unwrap());
}

#[test]
fn every_field_of_a_training_is_in_its_key() {
    let original = recipes()[7].key().unwrap();
    let changes: Vec<fn(&mut Training)> = vec![
        |t| t.epochs = 9,
        |t| t.batch = 32,
        |t| t.lr = 0.1,
        |t| t.schedule = Schedule::Cosine,
        |t| t.warmup_epochs = 2.0,
        |t| t.momentum = 0.8,
        |t| t.weight_decay = 5e-4,
        |t| t.augment.crop_padding = 2,
        |t| t.augment.flip = false,
        |t| t.published_gradient_mask = true,
        |t| t.optimizer = Optimizer::Nesterov,
        |t| t.optimizer = Optimizer::Adam(AdamSettings::default()),
        |t| t.optimizer = Optimizer::AdamW(AdamSettings::default()),
        |t| {
            t.optimizer = Optimizer::AdamW(AdamSettings {
                beta1: 0.8,
                ..AdamSettings::default()
            })
        },
        |t| t.label_smoothing = 0.1,
        |t| t.order = Order::Stored,
        |t| t.steps_per_epoch = Some(100),
        |t| t.offset_epochs = 2,
        |t| t.until = Some(100),
        |t| t.validation_rows = 100,
    ];
    let mut keys = BTreeMap::from([(original, "as before".to_owned())]);
    for (index, change) in changes.into_iter().enumerate() {
        let mut recipe = recipes().remove(7);
        if let Recipe::Train(TrainRecipe { training, .. }) = &mut recipe {
            change(training);
        }
        let old = keys.insert(recipe.key().unwrap(), format!("change {index}"));
        assert_eq!(old, None, "change {index} did not move the key");
    }
    let mut mixed = recipes().remove(7);
    if let Recipe::Train(TrainRecipe { platform, .. }) = &mut mixed {
        platform.precision = jackpot_net::Precision::Bf16;
    }
    assert_eq!(mixed.to_value().unwrap()["precision"], "bf16");
    assert!(!keys.contains_key(&mixed.key().unwrap()));
    // The reference engine is not spelled: it was the only one.
    assert!(recipes()[7].to_value().unwrap().get("engine").is_none());
    let mut sparse = recipes().remove(7);
    if let Recipe::Train(TrainRecipe { platform, .. }) = &mut sparse {
        platform.engine = jackpot_net::Engine::Sparse;
    }
    assert_eq!(sparse.to_value().unwrap()["engine"], "sparse");
    assert!(!keys.contains_key(&sparse.key().unwrap()));
}

/// A field of a recipe, where it stands.
fn at<'v>(value: &'v mut serde_json::Value, path: &str) -> &'v mut serde_json::Value {
    path.split('.').fold(value, |inner, name| &mut inner[name])
}

/// The fields that came after the first release, each with the value that says "as before" and
/// with another. To add one to a recipe is to add its line here.
#[test]
fn an_optional_field_moves_no_key_until_it_says_something() {
    use serde_json::{Value, json};
    let all = || recipes().into_iter().chain(later_recipes());
    let of_kind = |kind: &str| all().find(|r| r.kind() == kind).unwrap();
    let digest = json!(Digest([5; 32]));
    let rounds = later_recipes()[0].to_value().unwrap()["rounds"].clone();
    let rounds_as_read = {
        let mut rounds = rounds;
        rounds["count"] = json!(7);
        rounds
    };
    let fields: Vec<(&str, &str, Value, Value)> = vec![
        ("data", "crop", json!(null), json!(224)),
        ("data", "order", json!("stored"), json!("canonical")),
        ("score", "mask", json!(null), digest.clone()),
        ("score", "rounds", json!(null), rounds_as_read),
        ("score", "data.augment.crop", json!(null), json!(24)),
        (
            "score",
            "data.augment.resized_crop",
            json!(null),
            json!(0.08),
        ),
        ("select", "within", json!(null), digest.clone()),
        ("select", "reserve", json!({}), json!({"floor": 3})),
        ("select", "unit", json!("weights"), json!("filters")),
        ("check", "mask", json!(null), digest.clone()),
        ("check", "donor", json!(null), digest.clone()),
        ("check", "reference", json!(null), digest),
        ("train", "training.augment.crop", json!(null), json!(24)),
        (
            "train",
            "training.augment.resized_crop",
            json!(null),
            json!(0.08),
        ),
        (
            "train",
            "training.optimizer",
            json!("sgd"),
            json!("nesterov"),
        ),
        ("train", "engine", json!("libtorch"), json!("sparse")),
        ("train", "training.label_smoothing", json!(0.0), json!(0.1)),
        (
            "train",
            "training.order",
            json!("shuffled"),
            json!("stored"),
        ),
        ("train", "training.steps_per_epoch", json!(null), json!(100)),
        ("train", "training.offset_epochs", json!(0), json!(2)),
        ("train", "training.until", json!(null), json!(100)),
        ("train", "training.validation_rows", json!(0), json!(600)),
        (
            "init",
            "architecture.block",
            json!("published"),
            json!("basic"),
        ),
        (
            "init",
            "architecture.stem",
            json!("imagenet"),
            json!("small"),
        ),
    ];
    for (kind, path, as_before, other) in fields {
        let first = of_kind(kind);
        let (key, spelled) = (first.key().unwrap(), first.to_value().unwrap());
        // As serde writes it: floats are not text yet.
        let mut value = serde_json::to_value(&first).unwrap();
        let with = |value: &Value| -> Recipe { serde_json::from_value(value.clone()).unwrap() };
        let (above, name) = path.rsplit_once('.').unwrap_or(("", path));
        let holder = match above {
            "" => &mut value,
            above => at(&mut value, above),
        };
        assert!(holder.get(name).is_none(), "{kind}: `{path}` is spelled");
        holder[name] = as_before;
        let same = with(&value);
        assert_eq!(same.key().unwrap(), key, "{kind}: `{path}` moved the key");
        assert_eq!(same.to_value().unwrap(), spelled, "{kind}: `{path}`");

        *at(&mut value, path) = other;
        let moved = with(&value);
        assert_ne!(
            moved.key().unwrap(),
            key,
            "{kind}: `{path}` is not in the key"
        );
        // It and nothing else is what has come.
        let mut now = moved.to_value().unwrap();
        let holder = match above {
            "" => &mut now,
            above => at(&mut now, above),
        };
        assert!(holder.as_object_mut().unwrap().remove(name).is_some());
        assert_eq!(now, spelled, "{kind}: `{path}` changed more than itself");
    }
}
