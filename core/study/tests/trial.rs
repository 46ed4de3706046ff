//! A trial is read from the whole file, whatever it leaves out of it.
#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

use jackpot_study::{Engine, Precision, Study, Trial};

const QUICK: &str = include_str!("../../../reports/quick/study.toml");

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
