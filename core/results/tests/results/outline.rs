//! The outline of a study: what a report reads of its file.

use crate::support::{TWO_SETTINGS, over};
use jackpot_results::outline;
use std::path::Path;

#[test]
fn the_outline_is_the_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/quick");
    let outline = outline(&folder).unwrap();
    assert_eq!(outline.name, "quick");
    let shipped = std::fs::read(folder.join("study.toml")).unwrap();
    assert_eq!(outline.digest, jackpot_store::Digest::of(&shipped));
    assert_eq!(outline.checks[1].title, "Layerwise rearrange");
    let facts: Vec<&str> = outline
        .facts
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(facts, ["data", "network", "training", "scores"]);
    assert!(outline.facts[1].1.starts_with("ResNet-8 of width 16"));
    let training = &outline.facts[2].1;
    assert!(training.starts_with("5 epochs, batch 64"), "{training}");
    assert!(training.contains("warm-up 1 epoch)"), "{training}");
}

#[test]
fn the_outline_has_each_settings_facts() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("study.toml"), over(TWO_SETTINGS)).unwrap();
    let outline = outline(folder.path()).unwrap();
    let names: Vec<&str> = outline
        .settings
        .iter()
        .map(|s| s.named.name.as_str())
        .collect();
    assert_eq!(names, ["narrow", "vgg"]);
    assert_eq!(outline.settings[0].named.title, "Narrow");
    assert!(
        outline.settings[1].facts[1]
            .1
            .starts_with("VGG-19 of width 8")
    );
    assert_eq!(outline.facts[0].0, "Narrow");
}

#[test]
fn the_outline_knows_which_settings_differ_in_the_rate_alone() {
    let told = |settings: &str| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("study.toml"), over(settings)).unwrap();
        let outline = outline(folder.path()).unwrap();
        let alike = outline.settings.iter().map(|s| s.but_for_the_rate);
        let numbers = outline.settings.iter().map(|s| {
            let series = s.named.series.as_ref();
            series.map(|s| s.levels.iter().map(|l| l.number).collect::<Vec<_>>())
        });
        (
            outline.learning_rate,
            alike.collect::<Vec<_>>(),
            numbers.collect::<Vec<_>>(),
        )
    };
    let network = "network = { family = \"resnet\", depth = 8, width = 8 }\n";
    let rates = format!(
        "[[setting]]\nname = \"lr-{{lr}}\"\n{network}training = {{ lr = \"{{lr}}\" }}\neach = {{ lr = [0.2, 0.05] }}\n"
    );
    let (rate, alike, numbers) = told(&rates);
    assert_eq!((rate, alike), (Some(0.2), vec![0, 0]));
    assert_eq!(numbers, [Some(vec![Some(0.2)]), Some(vec![Some(0.05)])]);
    // Another network, another length, another part of the data: not the rate alone.
    for (field, values) in [
        ("training = { epochs = \"{x}\" }", "[1, 5]"),
        ("training = { lr = 0.1, batch = \"{x}\" }", "[64, 32]"),
        (
            "data = { set = \"fashion-mnist-10k\", resize = 14, train_subset = \"{x}\" }",
            "[1000, 2000]",
        ),
    ] {
        let other = format!(
            "[[setting]]\nname = \"x-{{x}}\"\n{network}{field}\neach = {{ x = {values} }}\n"
        );
        let (_, alike, numbers) = told(&other);
        assert_eq!(alike, [0, 1], "{field}");
        assert!(numbers[1].as_ref().unwrap()[0].is_some(), "{field}");
    }
    assert_eq!(told(TWO_SETTINGS).1, [0, 1]);
}
