//! `jackpot show HASH`
use crate::{Places, study};
use anyhow::Result;
use jackpot_net::Mask;
use jackpot_store::{Digest, Found, Store};
use safetensors::SafeTensors;
use serde_json::Value;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Arguments {
    /// At least the first four digits of a sha256
    hash: String,
}

pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let store = study::store(places)?;
    match study::one(&store, &arguments.hash)? {
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
    let record: Value = serde_json::from_slice(&store.get(&action.record)?)?;
    println!("\nrecord {}\n{record:#}", action.record);
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
