//! `jackpot show HASH`
use crate::{Places, study};
use anyhow::Result;
use jackpot_net::Architecture;
use jackpot_prune::{Mask, ThresholdSharpness};
use jackpot_store::{Digest, Found, Store};
use jackpot_study::{Collapse, MaskFacts};
use safetensors::SafeTensors;
use serde_json::Value;
use std::{collections::BTreeMap, process::ExitCode};

#[derive(clap::Args)]
pub struct Arguments {
    /// At least the first four digits of a sha256, or a run: `quick/snip/none/0.98/1`
    hash: String,
}

pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let store = study::store(places)?;
    match study::one_or_run(&store, &arguments.hash)? {
        Found::Action(key) => action(&store, &key)?,
        Found::Object(digest) => object(&store, &digest)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn action(store: &Store, key: &Digest) -> Result<()> {
    println!("action {key}\n\nrecipe\n{:#}", store.recipe(key)?);
    let Some(action) = store.action(key)? else {
        if let Some(failure) = store.failure(key)? {
            println!("\nfailed\n{failure:#}");
        }
        return Ok(());
    };
    println!("\noutputs");
    for (name, digest) in &action.outputs {
        let gone = match (store.has(digest), damaged(store, digest)) {
            (true, _) => "",
            (false, Some(_)) => "  (damaged, in `quarantine/`)",
            (false, None) => "  (not kept)",
        };
        println!("  {name:<14} {digest}{gone}");
    }
    facts(store, key, &action.outputs)?;
    let record: Value = serde_json::from_slice(&store.get(&action.record)?)?;
    println!("\nrecord {}\n{record:#}", action.record);
    Ok(())
}

/// What a mask among the outputs is, before it is trained.
fn facts(store: &Store, key: &Digest, outputs: &BTreeMap<String, Digest>) -> Result<()> {
    let Some(digest) = outputs.get("mask").filter(|d| store.has(d)) else {
        return Ok(());
    };
    let architecture = store.recipe(key)?["architecture"].clone();
    let architecture: Architecture = serde_json::from_value(architecture)?;
    let mask = Mask::from_bytes(&store.get(digest)?)?;
    let facts = MaskFacts::of(&architecture.build()?, &mask, *digest)?;
    let share = |kept: u64| 100.0 * (facts.total - kept) as f64 / facts.total as f64;
    println!("\nmask");
    println!(
        "  {:<14} {} of {}, {:.3} % sparse",
        "kept",
        facts.kept,
        facts.total,
        share(facts.kept)
    );
    println!(
        "  {:<14} {}, {:.3} % sparse: weights on a path from the image to a logit",
        "effective",
        facts.effective,
        share(facts.effective)
    );
    let (layer, kept) = &facts.smallest;
    println!("  {:<14} {layer}, {kept} kept", "smallest layer");
    if !facts.empty.is_empty() {
        println!("  {:<14} {}", "empty layers", facts.empty.join(", "));
    }
    if facts.constant > 0 {
        println!("  {:<14} {} channels", "constant", facts.constant);
    }
    match &facts.collapse {
        Collapse::None => println!("  {:<14} not predicted", "collapse"),
        Collapse::AtRisk(why) => println!("  {:<14} at risk: {why}", "collapse"),
        Collapse::Certain(why) => println!("  {:<14} certain: {why}", "collapse"),
    }
    if let Some(selection) = outputs.get("selection").filter(|d| store.has(d)) {
        let selected: ThresholdSharpness = serde_json::from_slice(&store.get(selection)?)?;
        println!(
            "  {:<14} {} pruned scores equal the lowest kept one",
            "ties", selected.ties
        );
        let near = selected.near as f64 / facts.total as f64;
        println!(
            "  {:<14} {near:.2e} of the scores within 1e-6 of it",
            "near"
        );
    }
    Ok(())
}

/// Where the damaged file lies that had this name, an action's or an object's.
fn damaged(store: &Store, name: &Digest) -> Option<String> {
    let place = format!("quarantine/{name}");
    store.root().join(&place).exists().then_some(place)
}

/// Why the action of this recipe has no result, as far as it is known.
fn unfinished(store: &Store, key: &Digest) -> Result<()> {
    if let Some(failure) = store.failure(key)? {
        println!("recipe of an action that failed: {failure:#}");
    } else if let Some(place) = damaged(store, key) {
        println!(
            "recipe of an action whose file was damaged: it is in `{place}`, the next run computes the action again"
        );
    }
    Ok(())
}

fn object(store: &Store, digest: &Digest) -> Result<()> {
    let bytes = store.get(digest)?;
    println!("object {digest}, {} bytes", bytes.len());
    if let Ok(mask) = Mask::from_bytes(&bytes) {
        println!("mask: {} of {} weights kept", mask.kept(), mask.total());
        for layer in &mask.layers {
            println!(
                "  {:<40} {:>9} of {:>9}",
                layer.name,
                layer.count(),
                layer.kept.len()
            );
        }
    } else if let Ok(value) = serde_json::from_slice::<Value>(&bytes) {
        if value.get("kind").is_some() {
            unfinished(store, digest)?;
        }
        println!("{value:#}");
    } else if let Ok(tensors) = SafeTensors::deserialize(&bytes) {
        println!("tensors:");
        for (name, tensor) in tensors.iter() {
            println!("  {name:<40} {:?} {:?}", tensor.dtype(), tensor.shape());
        }
    } else if bytes.starts_with(b"\x7fELF") {
        println!("a shared library: `jackpot list` shows the plugins that are installed");
    } else {
        let head: Vec<String> = bytes.iter().take(32).map(|b| format!("{b:02x}")).collect();
        println!("raw bytes, the first: {}", head.join(" "));
    }
    Ok(())
}
