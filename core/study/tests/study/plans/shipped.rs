//! Every study that ships is planned, with plugins that are only described and without images.
use crate::support::{self, count, item};
use jackpot_protocol::{ConfigValue, Kind, Output, Param, PluginItem};
use jackpot_study::{Plan, Plugins, Study, plan_for_reading};
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../reports")
        .join(name)
}

fn number(name: &str, default: ConfigValue, max: f64) -> Param {
    Param {
        name: name.into(),
        doc: String::new(),
        default,
        min: 0.0,
        max,
        choices: Vec::new(),
    }
}

/// The described plugins of the other tests, with what the shipped studies ask for beside it.
fn plugins() -> Plugins {
    let mut plugins = support::plugins(1);
    let share = || number("share", ConfigValue::Float(1.0), 1.0);
    let words = |name: &str, all: &[&str]| Param {
        default: ConfigValue::Text(all[0].into()),
        choices: all.iter().map(|w| (*w).to_owned()).collect(),
        ..number(name, ConfigValue::Float(0.0), 0.0)
    };
    for known in &mut plugins.all[0].items {
        match known.id.as_str() {
            "random-labels" | "random-pixels" | "subset" => known.params.push(share()),
            "smart-ratio" => {
                let shapes = ["quadratic", "linear", "cubic", "ascending", "uniform"];
                known.params.push(words("shape", &shapes));
            }
            "snip" | "grasp" => {
                known
                    .params
                    .push(number("samples_per_class", ConfigValue::Int(10), 1e6));
                known
                    .params
                    .push(number("batches", ConfigValue::Int(1), 1e6));
            }
            _ => {}
        }
    }
    let more: [PluginItem; 2] = [
        item("erk", Kind::Method, Output::Counts, 0),
        item("erdos-renyi", Kind::Method, Output::Counts, 0),
    ];
    plugins.all[0].items.extend(more);
    plugins
}

fn plan(name: &str) -> Plan {
    let study = Study::load(&folder(name)).unwrap_or_else(|e| panic!("{e}"));
    let (plan, _) = plan_for_reading(study, plugins(), support::libtorch())
        .unwrap_or_else(|e| panic!("{name}: {e}"));
    plan
}

#[test]
fn every_shipped_study_is_planned() {
    let mut planned = 0;
    for entry in std::fs::read_dir(folder("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.join("study.toml").is_file() && !name.starts_with("probe-") {
            let plan = plan(&name);
            assert!(!plan.cells.is_empty(), "{name}");
            assert!(count(&plan, "train") > 10, "{name}");
            planned += 1;
        }
    }
    assert!(planned >= 13, "{planned}");
}

#[test]
fn fashion_is_what_it_says() {
    let plan = plan("fashion");
    assert_eq!(plan.study.settings.len(), 2);
    // Seeds that no pilot has seen, and enough of them for verdicts.
    assert_eq!(plan.study.seeds, [101, 102, 103, 104, 105]);
    assert_eq!(plan.study.analysis.looks, [5]);
    let vgg = &plan.networks[1];
    assert!(
        (313_000..314_000).contains(&vgg.prunable_weights()),
        "{}",
        vgg.prunable_weights()
    );
    for setting in &plan.study.settings {
        assert_eq!(
            (setting.data.train_rows, setting.data.test_rows),
            (10_000, 10_000)
        );
    }
    eprintln!(
        "{} cells, {} trainings",
        plan.cells.len(),
        count(&plan, "train")
    );
    assert!(
        (1000..1100).contains(&plan.cells.len()),
        "{}",
        plan.cells.len()
    );
}

#[test]
fn the_published_protocol_is_the_published_one() {
    let plan = plan("su2020-cifar");
    let weights: Vec<u64> = plan.networks.iter().map(|n| n.prunable_weights()).collect();
    // Counted from the released code, layer by layer.
    assert_eq!(weights, [20_024_000, 20_070_080, 1_855_584, 1_867_104]);
    for setting in &plan.study.settings {
        let t = &setting.training;
        assert_eq!(
            (t.epochs, t.batch, t.lr, t.weight_decay),
            (160, 64, 0.1, 1e-4)
        );
    }
}
