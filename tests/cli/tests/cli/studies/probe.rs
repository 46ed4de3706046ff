//! `jackpot probe` and collapse that is predicted, with the real programs.
use crate::support::{Place, TINY, outcome, ran};
use serde_json::Value;
use std::fs;

fn study(seeds: &str, from: &str, to: &str) -> String {
    let text = TINY.replace("seeds = [1]", seeds);
    assert!(text.contains(from));
    text.replace(from, to)
}

/// The rows of a comparison, as (overlap, low, high, index).
fn compared(probed: &Value, ticket: &str, with: &str) -> Vec<[f64; 4]> {
    let rows = probed["comparisons"].as_array().unwrap();
    let own = rows
        .iter()
        .filter(|r| r["ticket"] == ticket && r["with"] == with);
    let number = |value: &Value| {
        value
            .as_str()
            .map_or(f64::NAN, |text| text.parse().unwrap())
    };
    own.map(|r| ["overlap", "low", "high", "index"].map(|name| number(&r[name])))
        .collect()
}

#[test]
fn a_probe_answers_from_masks_alone_and_the_second_time_from_the_store() {
    let place = Place::with(&study("seeds = [1, 2]", "width = 8", "width = 16"));
    let (code, out, err) = outcome(place.command("probe", &["--json"]).output().unwrap());
    assert_eq!(code, 0, "{out}{err}");
    let probed: Value = serde_json::from_str(&out).unwrap();
    let left_out = probed["left_out"].as_array().unwrap();
    assert_eq!(
        (left_out.len(), &left_out[0]["ticket"]),
        (1, &"lottery".into())
    );
    assert!(
        !place.kinds().contains_key("train"),
        "a probe trains nothing"
    );
    // The probe's own oracle, and what another batch leaves.
    for ticket in ["snip", "c-snip"] {
        for [overlap, low, high, index] in compared(&probed, ticket, "another initialisation") {
            let width = high - low;
            assert!(
                (low - width..=high + width).contains(&overlap),
                "{ticket}: {overlap}"
            );
            assert!((index - 1.0).abs() < 0.1, "{ticket}: {index}");
        }
        for [overlap, _, high, _] in compared(&probed, ticket, "another batch") {
            assert!(overlap > high + 0.1, "{ticket}: {overlap} {high}");
        }
    }
    for [_, _, _, index] in compared(&probed, "snip", "rearrange") {
        assert!((index - 1.0).abs() < 0.1, "{index}");
    }
    assert_eq!(compared(&probed, "smart", "another batch").len(), 0);
    let access = |ticket: &str| {
        let masks = probed["masks"].as_array().unwrap();
        let own = masks.iter().find(|m| m["ticket"] == ticket).unwrap();
        own["access"].to_string()
    };
    assert!(access("snip").contains("batches") && !access("smart").contains("batches"));
    let pin = fs::read(place.store().join("pins/tiny.probe.json")).unwrap();
    for file in ["README.md", "dependence.csv", "masks.csv", "layers.csv"] {
        assert!(place.study().join("probe").join(file).is_file(), "{file}");
    }
    // A run then finds its masks there, and a probe all of its own.
    let (code, _, err) = outcome(place.command("probe", &[]).output().unwrap());
    assert!(code == 0 && err.contains(" 0 actions ran,"), "{err}");
    assert_eq!(
        fs::read(place.store().join("pins/tiny.probe.json")).unwrap(),
        pin
    );
}

/// Magnitude over all layers empties the classifier, whose first weights are small.
const EMPTIED: &str = r#"
[[ticket]]
name = "emptied"
scores = { method = "magnitude" }
allocation = "global"
"#;

fn of_one_ticket(run: &str) -> String {
    let tickets = TINY.find("[[ticket]]").unwrap();
    format!("{}{EMPTIED}{run}", &TINY[..tickets])
}

#[test]
fn a_certain_collapse_is_said_and_trained_or_skipped_as_the_study_says() {
    let place = Place::with(&of_one_ticket("[run]\ncollapsed = \"skip\"\n"));
    let (code, out, err) = outcome(place.command("run", &[]).output().unwrap());
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("1 skipped (certain to collapse)"), "{out}");
    assert!(
        err.contains("skipped train emptied at 0.9") && err.contains("`fc.weight`"),
        "{err}"
    );
    let cell = place.cell("emptied", "none");
    assert!(
        cell["collapsed"].as_str().unwrap().contains("no path"),
        "{cell}"
    );
    assert!(
        cell["mask"].is_string() && cell["action"].is_null(),
        "{cell}"
    );
    assert!(!place.kinds().contains_key("train"));
    let (_, out, _) = outcome(place.command("plan", &[]).output().unwrap());
    assert!(
        out.contains("certain to collapse, skipped: no path"),
        "{out}"
    );
    // The same study without the word trains it, not in silence, and at chance.
    place.write(&of_one_ticket(""));
    let (code, out, err) = outcome(place.command("run", &[]).output().unwrap());
    assert_eq!((code, ran(&out)), (0, 1), "{out}{err}");
    assert!(
        err.contains("certain to collapse train emptied at 0.9"),
        "{err}"
    );
    assert!(place.cell("emptied", "none")["action"].is_string());
}

#[test]
fn the_facts_of_a_mask_are_shown_with_the_action_that_made_it() {
    let place = Place::with(&of_one_ticket("[run]\ncollapsed = \"skip\"\n"));
    place.run(&[]);
    let select = place
        .actions()
        .into_iter()
        .find(|(_, o)| o["selection"].is_string());
    let (key, _) = select.unwrap();
    let mut show = crate::support::jackpot();
    show.arg("--store")
        .arg(place.store())
        .args(["show", &key[..12]]);
    let (code, out, err) = outcome(show.output().unwrap());
    assert_eq!(code, 0, "{err}");
    for words in [
        "100.000 % sparse: weights on a path",
        "empty layers   fc.weight",
        "certain: no path",
        "ties",
    ] {
        assert!(out.contains(words), "{words}: {out}");
    }
}
