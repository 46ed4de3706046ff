//! The paper's own protocol, tried: the shipped study files start and take their first steps on
//! generated images in the formats in which the real ones are published.
use crate::{
    images::{cifar_10, image_folder, tiny_imagenet},
    support::{Place, outcome, root},
};
use serde_json::Value;
use std::fs;

/// The text of a shipped study with these tickets alone: all networks are as wide as published,
/// and a step of them takes as long.
fn study(name: &str, tickets: &[&str]) -> String {
    let text = fs::read_to_string(root().join("reports").join(name).join("study.toml")).unwrap();
    let mut blocks = text.split("\n[[");
    let mut kept = blocks.next().unwrap().to_owned();
    for block in blocks {
        let ticket = block.strip_prefix("ticket]]\nname = \"");
        let ticket = ticket.map(|rest| rest.split('"').next().unwrap());
        if ticket.is_none_or(|t| tickets.contains(&t)) {
            kept += "\n[[";
            kept += block;
        }
    }
    let only = |line: &str| match line.strip_prefix("tickets = [") {
        None => line.to_owned(),
        Some(list) => {
            let named = list.split('"').skip(1).step_by(2);
            let left = named.filter(|t| tickets.contains(t));
            let left: Vec<String> = left.map(|t| format!("\"{t}\"")).collect();
            format!("tickets = [{}]", left.join(", "))
        }
    };
    let lines: Vec<String> = kept.lines().map(only).collect();
    lines.join("\n")
}

/// Tries one setting; how many actions ran and the pin that the trial left.
fn tried(place: &Place, setting: Option<&str>, steps: &str) -> (u64, Value) {
    let mut arguments = vec!["--first-steps", steps, "--workers", "2"];
    if let Some(setting) = setting {
        arguments.extend(["--setting", setting]);
    }
    let (code, out, err) = outcome(place.command("run", &arguments).output().unwrap());
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains(" 0 failed"), "{out}");
    // It declares nothing and is taken for no result of the study.
    assert!(!place.study().join("study.lock").exists());
    assert!(!place.store().join("pins/tiny.json").exists());
    let pin = fs::read(place.store().join("pins/tiny.first-steps.json")).unwrap();
    (
        crate::support::ran(&out),
        serde_json::from_slice(&pin).unwrap(),
    )
}

/// The recipe and the metrics of every training that fills a cell.
fn trainings(place: &Place, pin: &Value) -> Vec<(Value, Value)> {
    let actions = place.actions();
    let read = |digest: &str| -> Value {
        serde_json::from_slice(&fs::read(place.object(digest)).unwrap()).unwrap()
    };
    let cells = pin["cells"].as_array().unwrap();
    let run = cells.iter().filter(|c| c.get("identical").is_none());
    let found = run.map(|cell| {
        let key = cell["action"].as_str().unwrap_or_else(|| panic!("{cell}"));
        let metrics = actions[key]["metrics"].as_str().unwrap();
        (read(key), read(metrics))
    });
    found.collect()
}

#[test]
fn cifar_is_tried_on_ten_images_a_file() {
    let place = Place::with(&study("su2020-cifar", &["dense", "smart", "lr-rewinding"]));
    let images = place.study().join("data/cifar-10-batches-bin");
    cifar_10(&images, 10);
    let (ran, pin) = tried(&place, Some("resnet-32-cifar-10"), "2");
    assert!(ran > 8, "{ran}");
    let found = trainings(&place, &pin);
    // Dense; the random ticket plain, rearranged and shuffled; rewound plain, half and shuffled.
    assert_eq!(found.len(), 1 + 3 + 3);
    for (recipe, metrics) in &found {
        assert_eq!(recipe["training"]["until"], 2);
        // 50,000 images in batches of 64: the epoch that the study has.
        assert_eq!(recipe["training"]["steps_per_epoch"], 782);
        assert_eq!(recipe["architecture"]["depth"], 32);
        assert_eq!(metrics["test_rows"], 10);
        assert_eq!(metrics["epochs"].as_array().unwrap().len(), 1);
    }
    // A second time nothing is left to do; one step more is another training.
    assert_eq!(tried(&place, Some("resnet-32-cifar-10"), "2").0, 0);

    // A record that is cut short is told by its file, not tried.
    let broken = images.join("data_batch_3.bin");
    let bytes = fs::read(&broken).unwrap();
    fs::write(&broken, &bytes[..bytes.len() - 7]).unwrap();
    let arguments = ["--first-steps", "1", "--setting", "resnet-32-cifar-10"];
    let (code, out, err) = outcome(place.command("run", &arguments).output().unwrap());
    assert_ne!(code, 0, "{out}");
    assert!(err.contains("data_batch_3.bin"), "{err}");
}

#[test]
fn tiny_imagenet_is_tried_on_a_few_jpegs() {
    let place = Place::with(&study("su2020-tiny-imagenet", &["dense", "snip", "smart"]));
    tiny_imagenet(&place.study().join("data/tiny-imagenet-200"), 5);
    let (_, pin) = tried(&place, Some("resnet-32"), "1");
    let found = trainings(&place, &pin);
    assert_eq!(found.len(), 1 + 2 + 2);
    for (recipe, metrics) in &found {
        assert_eq!(recipe["training"]["steps_per_epoch"], 1563);
        assert_eq!(
            recipe["architecture"]["input"],
            serde_json::json!([3, 64, 64])
        );
        assert_eq!(metrics["test_rows"], 2);
    }
}

#[test]
fn imagenet_is_tried_on_a_few_jpegs() {
    let place = Place::with(&study("su2020-imagenet", &["dense", "smart"]));
    image_folder(&place.study().join("data/imagenet"), 2);
    let (_, pin) = tried(&place, None, "1");
    let found = trainings(&place, &pin);
    assert_eq!(found.len(), 1 + 2);
    for (recipe, metrics) in &found {
        assert_eq!(recipe["training"]["steps_per_epoch"], 5005);
        assert_eq!(
            recipe["architecture"]["input"],
            serde_json::json!([3, 224, 224])
        );
        assert_eq!(recipe["architecture"]["depth"], 50);
        assert_eq!(metrics["test_rows"], 2);
    }
}
