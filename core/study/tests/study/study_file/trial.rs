//! A trial is read from the whole file, whatever it leaves out of it.

use crate::support::{QUICK, count, head, libtorch, plugins};
use jackpot_net::{Engine, Precision};
use jackpot_study::{CellContent, Plan, Recipe, Study, TrainRecipe, Trial, plan};

fn tried(text: &str) -> Result<Study, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("study.toml"), text).unwrap();
    let trial = Trial {
        steps: 2,
        settings: Vec::new(),
    };
    Study::load_trial(folder.path(), &trial).map_err(|e| e.to_string())
}

#[test]
fn numbers_beside_cells_that_are_left_out_are_no_slip() {
    let study = tried(&format!(
        r#"{QUICK}
[[reference]]
ticket = "snip"
sparsity = 0.98
accuracy = 80.0
source = "a table"
whose = "a reproduction's"
"#
    ))
    .unwrap();
    assert_eq!((study.sparsities.len(), study.seeds.len()), (1, 1));
    assert_eq!(study.settings[0].training.until, Some(2));
    assert!(study.name.ends_with(".first-steps"), "{}", study.name);
}

#[test]
fn what_a_gpu_computes_in_is_tried_on_the_cpu() {
    let gpu = QUICK
        .replace("device = \"cpu\"", "device = \"cuda:0\"")
        .replace("\"cpu-avx2\"", "\"native\"")
        .replace("epochs = 5\n", "precision = \"bf16\"\nepochs = 5\n");
    let study = tried(&gpu).unwrap();
    assert_eq!(study.run.device, "cpu");
    assert_eq!(study.settings[0].compute.precision, Precision::Bf16);
}

/// Packed storage has kernels on some CPUs alone, so a trial on the CPU keeps the study's class;
/// and what the study is refused for, its trial is.
#[test]
fn a_trial_on_the_cpu_keeps_the_kernels_and_the_engine() {
    let native = QUICK.replace("\"cpu-avx2\"", "\"native\"").replace(
        "epochs = 5\n",
        "engine = \"sparse\"\nprecision = \"bf16\"\nepochs = 5\n",
    );
    let study = tried(&native).unwrap();
    assert_eq!(study.run.device_class, "native");
    let compute = study.settings[0].compute;
    assert_eq!(
        (compute.engine, compute.precision),
        (Engine::Sparse, Precision::Bf16)
    );
    let gpu = native.replace("device = \"cpu\"", "device = \"cuda:0\"");
    let error = tried(&gpu).unwrap_err();
    assert!(
        error.contains("`sparse` trains on the CPU alone"),
        "{error}"
    );
}

/// The plan of a trial of these tickets.
fn planned(tickets: &str) -> Result<Plan, String> {
    plan_of(tried(&format!("{}\n{tickets}", head()))?)
}

const TICKETS: &str = r#"
[[ticket]]
name = "snip"
scores = { method = "snip" }
allocation = "global"
[[ticket]]
name = "copied"
scores = { method = "random" }
allocation = { copy = "snip", seed = "next" }
[[ticket]]
name = "imp"
scores = { method = "magnitude" }
allocation = "global"
rounds = { share = 0.2, rewind = { step = 300 } }
[[check]]
name = "transported"
on = "mask"
steps = ["transport"]
tickets = ["imp"]
"#;

/// A trial has one seed, but the masks that it borrows are another's.
#[test]
fn masks_of_the_next_seed_are_made_for_a_trial_too() {
    let plan = planned(TICKETS).unwrap();
    assert_eq!(plan.study.seeds, [1]);
    assert!(plan.cells.iter().all(|c| c.seed == 1));
    let titles: Vec<&str> = plan.nodes.iter().map(|n| n.title.as_str()).collect();
    for title in ["select copied at 0.9, seed 2", "select imp at 0.9, seed 2"] {
        assert!(titles.contains(&title), "{titles:?}");
    }
    for node in &plan.nodes {
        if let Recipe::Train(TrainRecipe { training, .. }) = &node.recipe {
            assert_eq!(training.until, Some(2), "{}", node.title);
        }
    }
    // Only the borrowed mask's: nothing of the second seed is trained for its own sake.
    let cells = plan
        .cells
        .iter()
        .filter(|c| matches!(c.content, CellContent::Run { .. }));
    let own = plan
        .nodes
        .iter()
        .filter(|n| n.title.starts_with("train snip") || n.title.starts_with("train copied"));
    assert_eq!((cells.count(), own.count()), (4, 2));
    assert!(count(&plan, "train") > 4);
    let alone = QUICK.replacen("[1, 2, 3]", "[1]", 1);
    let alone = &alone[..alone.find("[[ticket]]").unwrap()];
    let told = tried(&format!("{alone}\n{TICKETS}"));
    let told = plan_of(told.unwrap()).unwrap_err();
    assert!(told.contains("`seeds` has only one"), "{told}");
}

fn plan_of(study: Study) -> Result<Plan, String> {
    plan(study, plugins(1), libtorch()).map_err(|e| e.to_string())
}

/// Ten records a file instead of ten thousand.
fn few_cifar_images(folder: &std::path::Path) {
    let names = (1..=5).map(|n| format!("data_batch_{n}.bin"));
    for name in names.chain(["test_batch.bin".to_owned()]) {
        let records: Vec<u8> = (0..10u8)
            .flat_map(|label| std::iter::once(label).chain((0..3072).map(|i| (i % 251) as u8)))
            .collect();
        std::fs::write(folder.join(name), records).unwrap();
    }
}

/// With fifty images in the folder an epoch has as many steps as in the study, so that what
/// tickets are rewound to exists and learning rates are the study's.
#[test]
fn an_epoch_of_a_trial_is_as_long_as_the_whole_sets() {
    let folder = tempfile::tempdir().unwrap();
    few_cifar_images(folder.path());
    let cifar = "set = \"cifar-10\"\nfolder = \".\"\ntrain_subset = 20000";
    let own = "set = \"fashion-mnist-10k\"\nresize = 14";
    assert!(head().contains(own), "{}", head());
    let text = head().replace(own, cifar);
    let tickets = TICKETS.replace("{ step = 300 }", "{ step = 400 }");
    let write = |text: &str| {
        std::fs::write(
            folder.path().join("study.toml"),
            format!("{text}\n{tickets}"),
        )
    };
    write(&text).unwrap();
    let trial = Trial {
        steps: 3,
        settings: Vec::new(),
    };
    let study = Study::load_trial(folder.path(), &trial).unwrap();
    let setting = &study.settings[0];
    assert_eq!((setting.data.train_rows, setting.data.test_rows), (50, 10));
    // 20,000 rows in batches of 64.
    assert_eq!(setting.training.steps_per_epoch, Some(313));
    assert_eq!(
        (setting.training.batch, setting.training.until),
        (50, Some(3))
    );
    plan_of(study).unwrap();
    // The whole study wants the whole set.
    let whole = Study::load(folder.path()).and_then(|s| plan(s, plugins(1), libtorch()));
    assert!(whole.is_err());
}
