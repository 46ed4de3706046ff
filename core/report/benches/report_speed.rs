//! How long a report takes, and how much memory: a study of about 2,000 runs, whose metrics and
//! masks are generated, read from a warm store and drawn into memory, every table and figure of
//! it with overlaps, page and evidence.
//!
//! Prints one line of JSON for `cargo xtask bench`.

#![allow(clippy::unwrap_used)] // a measurement that cannot be made may panic

use jackpot_net::Network;
use jackpot_prune::Mask;
use jackpot_store::{Digest, Store};
use jackpot_study::{FIGURES, RunManifest, Study, TABLES};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

/// Of every kind, so that every table and figure has rows: name, scores, allocation and start.
const TICKETS: [(&str, &str, &str, &str); 15] = [
    (
        "lottery",
        "method = \"magnitude\", of = \"trained\"",
        "global",
        "initial",
    ),
    ("snip", "method = \"snip\"", "global", "initial"),
    ("grasp", "method = \"grasp\"", "global", "initial"),
    ("synflow", "method = \"synflow\"", "global", "initial"),
    ("magnitude", "method = \"magnitude\"", "global", "initial"),
    ("snip-erk", "method = \"snip\"", "erk", "initial"),
    ("grasp-erk", "method = \"grasp\"", "erk", "initial"),
    (
        "synflow-smart",
        "method = \"synflow\"",
        "smart-ratio",
        "initial",
    ),
    ("smart", "method = \"random\"", "smart-ratio", "initial"),
    ("uniform", "method = \"random\"", "uniform", "initial"),
    ("erk", "method = \"random\"", "erk", "initial"),
    ("redrawn", "method = \"random\"", "smart-ratio", "redrawn"),
    (
        "lr-rewinding",
        "method = \"magnitude\", of = \"trained\"",
        "global",
        "trained",
    ),
    (
        "hybrid",
        "method = \"magnitude\", of = \"trained\"",
        "smart-ratio",
        "trained",
    ),
    (
        "hybrid-erk",
        "method = \"magnitude\", of = \"trained\"",
        "erk",
        "trained",
    ),
];
const SPARSITIES: [&str; 5] = ["0.8", "0.9", "0.95", "0.98", "0.99"];
const EPOCHS: u32 = 15;

/// Six runs a ticket and sparsity: the unmodified ticket and five checks.
const CHECKS: [(&str, &str); 5] = [
    ("corrupted-data", "random-labels"),
    ("random-pixels", "random-pixels"),
    ("rearrange", "layerwise-rearrange"),
    ("shuffle-kept", "shuffle-kept"),
    ("inverted", "invert"),
];

fn study() -> String {
    let quoted = |names: &[&str]| format!("[\"{}\"]", names.join("\", \""));
    let mut text = format!(
        "title = \"About 2,000 runs\"\nsparsities = [{}]\nseeds = [1, 2, 3, 4, 5]\n\
         tables = {}\nfigures = {}\n",
        SPARSITIES.join(", "),
        quoted(TABLES),
        quoted(FIGURES)
    );
    text += r#"
[data]
set = "fashion-mnist-10k"
resize = 14
[network]
family = "resnet"
depth = 8
width = 16
[training]
epochs = 15
batch = 64
lr = 0.2
schedule = "cosine"
momentum = 0.9
weight_decay = 1e-4
augment = { crop_padding = 0, flip = true }
[run]
device_class = "cpu-avx2"
"#;
    for (name, scores, allocation, start) in TICKETS {
        let _ = write!(
            text,
            "[[ticket]]\nname = \"{name}\"\nscores = {{ {scores} }}\nallocation = \"{allocation}\"\nstart = \"{start}\"\n"
        );
    }
    for (name, step) in CHECKS {
        let on = match step {
            "random-labels" | "random-pixels" => "data",
            "shuffle-kept" => "weights",
            "invert" => "scores",
            _ => "mask",
        };
        let _ = write!(
            text,
            "[[check]]\nname = \"{name}\"\non = \"{on}\"\nsteps = [\"{step}\"]\n"
        );
    }
    text
}

/// Between 0 and 1, the same for the same text.
fn draw(text: &str) -> f64 {
    let Digest(bytes) = Digest::of(text.as_bytes());
    u64::from_le_bytes(bytes[..8].try_into().unwrap()) as f64 / u64::MAX as f64
}

/// As a training writes them, an entry an epoch.
fn metrics(name: &str) -> Value {
    let last = 70.0 + 15.0 * draw(name);
    let float = |x: f64| format!("{x:e}");
    let epoch = |epoch: u32| {
        json!({
            "epoch": epoch, "kept": 7707, "lr": float(0.2 / f64::from(epoch)),
            "test_accuracy": float(last - f64::from(EPOCHS - epoch)),
            "test_loss": float(draw(&format!("{name} loss {epoch}"))),
            "train_accuracy": float(last), "train_loss": float(draw(&format!("{name} {epoch}"))),
        })
    };
    json!({
        "best_epoch": EPOCHS, "best_test_accuracy": float(last), "test_accuracy": float(last),
        "test_correct": 1, "test_rows": 1, "kept": 7707,
        "test_loss": float(draw(&format!("{name} loss {EPOCHS}"))),
        "epochs": (1..=EPOCHS).map(epoch).collect::<Vec<_>>(),
    })
}

/// A mask of its own for each run, with about the sparsity asked for.
fn mask(network: &Network, name: &str, sparsity: &str) -> Mask {
    let share = sparsity.parse::<f64>().unwrap();
    let mut mask = Mask::dense(network);
    let mut state = (draw(name) * 1e18) as u64 | 1;
    for kept in mask.layers.iter_mut().flat_map(|l| &mut l.kept) {
        // Marsaglia's xorshift: nothing depends on its quality.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *kept = (state >> 11) as f64 / (1u64 << 53) as f64 >= share;
    }
    mask
}

/// The trainings of the whole grid, as a pin lists them.
fn fill(store: &Store, study: &Study) -> Vec<Value> {
    let network = study.settings[0].architecture.build().unwrap();
    let architecture = serde_json::to_value(&study.settings[0].architecture).unwrap();
    let mut cells = Vec::new();
    for ticket in study.tickets() {
        for check in std::iter::once("none").chain(CHECKS.map(|c| c.0)) {
            for sparsity in SPARSITIES {
                for seed in 1..=5 {
                    let name = format!("{} {check} {sparsity} {seed}", ticket.name);
                    let mask = mask(&network, &name, sparsity).to_bytes();
                    let mask = store.put(&mask).unwrap();
                    let metrics = store.put(metrics(&name).to_string().as_bytes()).unwrap();
                    let recipe = json!({
                        "kind": "train", "architecture": architecture, "mask": mask.to_string(),
                        "order_key": Digest::of(name.as_bytes()).to_string(), "revision": 1,
                    });
                    let outputs = BTreeMap::from([("metrics".to_owned(), metrics)]);
                    store.commit(&recipe, &outputs, &json!({})).unwrap();
                    cells.push(json!({
                        "ticket": ticket.name, "check": check, "sparsity": sparsity,
                        "seed": seed.to_string(), "mask": mask.to_string(),
                        "action": Store::key(&recipe).unwrap().to_string(),
                    }));
                }
            }
        }
    }
    cells
}

/// The most memory that this process has held so far, in MiB.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .unwrap();
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kib / 1024.0
}

fn measure(folder: &Path, store: &Path) -> Value {
    let start = Instant::now();
    let opened = Store::open(store).unwrap();
    let outline = jackpot_results::outline(folder).unwrap();
    let mut results = jackpot_results::collect(&opened, &outline.name).unwrap();
    results.overlaps = jackpot_results::overlaps(&opened, &results).unwrap();
    let read = start.elapsed().as_secs_f64();
    let files = jackpot_report::render(&outline, &results).unwrap();
    let drawn = start.elapsed().as_secs_f64();
    let evidence = jackpot_results::evidence(&opened, &outline.name).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    json!({
        "runs": results.runs.len(), "files": files.len(), "overlaps": results.overlaps.len(),
        "read_seconds": read, "draw_seconds": drawn - read, "evidence_seconds": seconds - drawn,
        "seconds": seconds, "peak_mib": peak(), "evidence_bytes": evidence.len(),
        "bytes": files.values().map(Vec::len).sum::<usize>(),
    })
}

fn main() {
    let root = std::env::temp_dir().join(format!("jackpot-report-speed-{}", std::process::id()));
    let (store, folder) = (root.join("artifacts"), root.join("reports/speed"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("study.toml"), study()).unwrap();
    let study = Study::load(&folder).unwrap();
    let created = Store::create(&store).unwrap();
    let pin = json!({
        "format": 1, "study": study.digest.to_string(), "title": study.title,
        "device_class": "cpu-avx2",
        "libtorch": { "version": "2.13.0", "build": "0123456789abcdef" },
        "architecture": study.settings[0].architecture, "cells": fill(&created, &study),
    });
    let pin: RunManifest = serde_json::from_value(pin).unwrap();
    pin.write(&created, &study.name).unwrap();
    let measured = measure(&folder, &store);
    // `cargo bench` adds `--bench`.
    if let Some(folder) = std::env::args().skip(1).find(|a| a != "--bench") {
        std::fs::rename(&root, folder).unwrap();
    } else {
        std::fs::remove_dir_all(&root).unwrap();
    }
    println!("{measured}");
}
