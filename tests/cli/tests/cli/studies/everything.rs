//! One tiny study with every pipeline, allocation, method and check that is shipped: all of it
//! runs, what is said of it holds in the store's own bytes, and the second run is all hits.
use crate::support::{Place, jackpot, outcome};
use serde_json::Value;
use std::{collections::BTreeMap, fs, sync::OnceLock};

const EVERYTHING: &str = include_str!("everything.toml");

fn place() -> &'static Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(|| {
        let place = Place::with(EVERYTHING);
        assert!(place.run(&["--workers", "2"]) > 0);
        place
    })
}

/// Kept flags of each layer, read from the stored format by hand.
fn mask(digest: &Value) -> BTreeMap<String, Vec<bool>> {
    let bytes = fs::read(place().object(digest.as_str().unwrap())).unwrap();
    assert_eq!(&bytes[..8], b"JKPMASK1");
    let mut at = 8;
    let number = |length: usize, at: &mut usize| {
        let mut value = [0; 8];
        value[..length].copy_from_slice(&bytes[*at..*at + length]);
        *at += length;
        u64::from_le_bytes(value) as usize
    };
    let layers = number(4, &mut at);
    let mut sizes = Vec::new();
    for _ in 0..layers {
        let length = number(2, &mut at);
        let name = String::from_utf8(bytes[at..at + length].to_vec()).unwrap();
        at += length;
        let dimensions = number(1, &mut at);
        let size: usize = (0..dimensions).map(|_| number(8, &mut at)).product();
        sizes.push((name, size));
    }
    let mut masks = BTreeMap::new();
    for (name, size) in sizes {
        let bit = |i: usize| bytes[at + i / 8] >> (i % 8) & 1 == 1;
        let kept = (0..size).map(bit).collect();
        at += size.div_ceil(8);
        masks.insert(name, kept);
    }
    assert_eq!(at, bytes.len());
    masks
}

fn counts(mask: &BTreeMap<String, Vec<bool>>) -> BTreeMap<&str, usize> {
    let count = |kept: &Vec<bool>| kept.iter().filter(|k| **k).count();
    mask.iter()
        .map(|(n, kept)| (n.as_str(), count(kept)))
        .collect()
}

fn within(inner: &BTreeMap<String, Vec<bool>>, outer: &BTreeMap<String, Vec<bool>>) -> bool {
    inner
        .iter()
        .all(|(name, kept)| kept.iter().zip(&outer[name]).all(|(i, o)| !i || *o))
}

fn recipe(key: &str) -> Value {
    serde_json::from_slice(&fs::read(place().object(key)).unwrap()).unwrap()
}

/// The recipe of a cell's training, seed 1.
fn training(ticket: &str, check: &str) -> Value {
    let cell = place().cell(ticket, check);
    recipe(cell["action"].as_str().unwrap_or_else(|| panic!("{cell}")))
}

/// The action whose output of that name is this object.
fn maker(output: &str, digest: &Value) -> Value {
    let actions = place().actions();
    let (key, _) = actions
        .iter()
        .find(|(_, outputs)| outputs[output] == *digest)
        .unwrap_or_else(|| panic!("nobody made {digest}"));
    recipe(key)
}

#[test]
fn every_shipped_item_is_in_the_study() {
    let (code, out, err) = outcome(jackpot().arg("list").output().unwrap());
    assert_eq!(code, 0, "{err}");
    let mut ids = 0;
    for line in out.lines().map(str::trim) {
        let words: Vec<&str> = line.split('`').collect();
        let ["method " | "check ", id, _, ..] = words[..] else {
            continue;
        };
        // Examples in C are the same items again.
        if !id.contains('.') {
            assert!(
                EVERYTHING.contains(&format!("\"{id}\"")),
                "`{id}` is not in the study"
            );
            ids += 1;
        }
    }
    assert!(ids > 15, "{out}");
}

#[test]
fn every_cell_is_filled_and_the_second_run_is_all_hits() {
    let place = place();
    let pin: Value = serde_json::from_slice(&place.pin()).unwrap();
    for cell in pin["cells"].as_array().unwrap() {
        assert!(
            cell["action"].is_string() || cell["identical"].is_string(),
            "{cell}"
        );
    }
    assert_eq!(place.run(&[]), 0);
    let (code, out, err) = outcome(place.command("plan", &[]).output().unwrap());
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("nothing to run"), "{out}");
    let (code, out, _) = place.audit();
    assert_eq!(code, 0, "{out}");
}

#[test]
fn every_mask_keeps_the_tenth_that_is_asked_for() {
    let pin: Value = serde_json::from_slice(&place().pin()).unwrap();
    let mut seen = 0;
    for cell in pin["cells"].as_array().unwrap() {
        // As published: ties and truncation may keep a few more or fewer; so may whole filters.
        let about = [
            "snip-published",
            "smart-published",
            "filters",
            "other-filters",
        ];
        let about = about.contains(&cell["ticket"].as_str().unwrap());
        if cell["action"].is_null() || cell["mask"].is_null() || about {
            continue;
        }
        let mask = mask(&cell["mask"]);
        let total: usize = mask.values().map(Vec::len).sum();
        let kept: usize = counts(&mask).values().sum();
        // round-half-even: no total of this net ends in 5.
        assert!(total % 10 != 5);
        assert_eq!(kept, (total + 5) / 10, "{cell}");
        seen += 1;
    }
    assert!(seen > 60, "{seen}");
}

#[test]
fn rounds_prune_within_what_was_kept() {
    let mut chains = 0;
    for (key, outputs) in place().actions() {
        let recipe = recipe(&key);
        if recipe["kind"] == "select" && recipe["within"].is_string() {
            let (inner, outer) = (mask(&outputs["mask"]), mask(&recipe["within"]));
            assert!(within(&inner, &outer) && inner != outer, "{recipe}");
            chains += 1;
        }
    }
    assert!(chains >= 8, "{chains}");
}

#[test]
fn each_pipeline_starts_from_the_weights_that_it_names() {
    let dense = place().cell("dense", "none")["action"]
        .as_str()
        .unwrap()
        .to_owned();
    let trained = &place().actions()[&dense]["checkpoint"];
    let first = &recipe(&dense)["weights"];
    let start = |ticket: &str, check: &str| training(ticket, check)["weights"].clone();
    for ticket in ["rate", "tuned", "hybrid"] {
        assert_eq!(start(ticket, "none"), *trained, "{ticket}");
    }
    for ticket in ["lottery", "snip", "smart"] {
        assert_eq!(start(ticket, "none"), *first, "{ticket}");
    }
    assert_eq!(start("snip", "corrupted-data"), *first);
    assert!(
        start("redrawn", "none") != *first
            && maker("weights", &start("redrawn", "none"))["kind"] == "init"
    );
    // 300 rows in batches of 150: an epoch is two steps.
    for (ticket, steps) in [("epoch", "2"), ("step", "3")] {
        let made = maker("checkpoint", &start(ticket, "none"));
        assert_eq!(
            made["training"]["until"].to_string().trim_matches('"'),
            steps,
            "{made}"
        );
        assert_eq!(made["weights"], *first);
    }
    assert_eq!(training("epoch", "none")["training"]["offset_epochs"], 1);
    // What trained on half the data in stored order is retrained on all of it.
    let half = maker("checkpoint", &start("rate", "half-data"));
    assert_eq!(
        (
            &half["training"]["order"],
            &half["training"]["steps_per_epoch"]
        ),
        (&"stored".into(), &1.into())
    );
    assert_ne!(half["train"], recipe(&dense)["train"]);
    assert_eq!(
        training("rate", "half-data")["train"],
        recipe(&dense)["train"]
    );
    assert!(
        training("rate", "half-data")["training"]
            .get("order")
            .is_none()
    );
}

#[test]
fn checks_keep_and_change_what_they_say() {
    let of = |ticket: &str, check: &str| mask(&place().cell(ticket, check)["mask"]);
    let snip = of("snip", "none");
    let rearranged = of("snip", "rearrange");
    assert!(counts(&rearranged) == counts(&snip) && rearranged != snip);
    assert_ne!(counts(&of("snip", "global-rearrange")), counts(&snip));
    // Seed 1 is given the mask of seed 2.
    let pin: Value = serde_json::from_slice(&place().pin()).unwrap();
    let cells = pin["cells"].as_array().unwrap();
    let other = cells
        .iter()
        .find(|c| c["ticket"] == "snip" && c["check"] == "none" && c["seed"] == "2");
    assert_eq!(
        place().cell("snip", "transport")["mask"],
        other.unwrap()["mask"]
    );
    // A ticket with the counts of another, of this seed and of the next.
    assert_eq!(counts(&of("snips-ratios", "none")), counts(&snip));
    assert_eq!(
        counts(&of("next-ratios", "none")),
        counts(&of("snip", "transport"))
    );
    // Inverted scores keep nothing of what the scores kept.
    let inverted = of("snip", "inverted");
    let both = snip
        .iter()
        .flat_map(|(n, kept)| kept.iter().zip(&inverted[n]));
    assert_eq!(both.filter(|(a, b)| **a && **b).count(), 0);
    // Checks on weights leave the mask alone and change the start.
    for check in ["shuffle-kept", "shuffle-all", "sign-only"] {
        assert_eq!(
            place().cell("rate", check)["mask"],
            place().cell("rate", "none")["mask"]
        );
        assert_ne!(
            training("rate", check)["weights"],
            training("rate", "none")["weights"]
        );
    }
    // The scoring batch was noise; nothing else was.
    let lineage = &place().cell("grasp", "noise")["lineage"];
    assert_eq!(
        (&lineage["scoring"], &lineage["training"]),
        (&"gaussian-noise (share = 0.9)".into(), &"clean".into())
    );
    assert!(place().cell("smart", "corrupted-data")["identical"].is_string());
    assert!(place().cell("dense", "corrupted-data")["identical"].is_string());
}

#[test]
fn reserved_layers_are_whole_and_tables_are_met() {
    let of = |ticket: &str| mask(&place().cell(ticket, "none")["mask"]);
    for (ticket, layer) in [
        ("magnitude", "conv1.weight"),
        ("magnitude", "fc.weight"),
        ("uniform", "fc.weight"),
    ] {
        assert!(of(ticket)[layer].iter().all(|k| *k), "{ticket} {layer}");
    }
    let table = of("table");
    let conv1 = &table["conv1.weight"];
    assert_eq!(counts(&table)["conv1.weight"], conv1.len() / 2);
    assert!(counts(&of("uniform")).values().all(|n| *n >= 4));
}

/// Kept weights of each filter of every convolution; of width 8, stages have 8, 16 and 32.
fn by_filter(mask: &BTreeMap<String, Vec<bool>>) -> BTreeMap<&str, Vec<usize>> {
    let filters = |name: &str| match name.split('.').next() {
        Some("layer2") => 16,
        Some("layer3") => 32,
        _ => 8,
    };
    let count = |filter: &[bool]| filter.iter().filter(|k| **k).count();
    let convolutions = mask.iter().filter(|(name, _)| *name != "fc.weight");
    let counts = convolutions.map(|(name, kept)| {
        let each = kept.chunks(kept.len() / filters(name)).map(count);
        (name.as_str(), each.collect())
    });
    counts.collect()
}

#[test]
fn filters_are_kept_whole_and_as_many_in_every_layer_as_in_the_ticket_that_is_copied() {
    let of = |ticket: &str, check: &str| mask(&place().cell(ticket, check)["mask"]);
    // Every filter of a layer has this many weights, and is kept whole or not at all.
    let is_whole = |mask: &BTreeMap<String, Vec<bool>>| {
        let filters = by_filter(mask);
        assert_eq!(filters.len(), 9);
        filters.iter().all(|(name, kept)| {
            let size = mask[*name].len() / kept.len();
            kept.iter().all(|k| [0, size].contains(k)) && kept.contains(&size)
        })
    };
    let norms = of("filters", "none");
    let others = of("other-filters", "none");
    assert!(is_whole(&norms) && is_whole(&others));
    assert!(counts(&norms) == counts(&others) && norms != others);
    assert_ne!(by_filter(&norms), by_filter(&others));
    // A tenth of the weights, up to half a filter a layer, or to the one that is always kept.
    for (name, kept) in by_filter(&norms) {
        let (asked, size) = (norms[name].len() / 10, norms[name].len() / kept.len());
        let found = kept.iter().sum::<usize>();
        assert!(
            found.abs_diff(asked) <= size / 2 + 1 || found == size,
            "{name}"
        );
    }
    // Rearranged, each layer keeps as many weights, but no whole filters.
    let rearranged = of("filters", "rearrange");
    assert_eq!(counts(&rearranged), counts(&norms));
    assert!(!is_whole(&rearranged));
    assert!(!is_whole(&of("uniform", "none")));
}
