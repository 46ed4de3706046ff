//! `jackpot export`
use crate::{Places, study};
use anyhow::{Context, Result, bail};
use jackpot_prune::Mask;
use jackpot_results::RunName;
use jackpot_store::{Digest, Found, Store};
use safetensors::SafeTensors;
use std::{path::PathBuf, process::ExitCode};

#[derive(clap::Args)]
pub struct Arguments {
    /// An action or object, at least the first four digits of its sha256, or a run:
    /// `quick/snip/none/0.98/1`
    hash: String,
    /// Which output of an action, where it has several; of a run also its `mask`
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
    /// Where to write it (safetensors with PyTorch's names; masks as u8 0/1)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// The outputs that hold tensors, in the order in which they are looked for.
const TENSORS: [&str; 6] = ["mask", "checkpoint", "weights", "scores", "train", "test"];

pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let store = study::store(places)?;
    let (given, asked) = (&arguments.hash, arguments.output.as_deref());
    let digest = match RunName::parse(given).filter(|_| asked == Some("mask")) {
        // The mask of a run is no output of its training.
        Some(run) => {
            let mask = run.pinned(&store)?.mask;
            mask.with_context(|| format!("`{given}` has no mask: it is dense, or was not run"))?
        }
        None => match study::one_or_run(&store, given)? {
            Found::Object(digest) => object(&arguments.output, digest)?,
            Found::Action(key) => output(&store, &key, asked)?,
        },
    };
    let (what, bytes) = tensors(&digest, store.get(&digest)?)?;
    std::fs::write(&arguments.out, bytes)
        .with_context(|| format!("`--out {}`", arguments.out.display()))?;
    println!("{what} {digest}: {}", arguments.out.display());
    Ok(ExitCode::SUCCESS)
}

fn object(output: &Option<String>, digest: Digest) -> Result<Digest> {
    match output {
        None => Ok(digest),
        Some(name) => bail!("`--output {name}`: {digest} is an object, only actions have outputs"),
    }
}

/// The output of an action that was asked for, or its only one with tensors.
fn output(store: &Store, key: &Digest, asked: Option<&str>) -> Result<Digest> {
    let action = store.action(key)?;
    let action = action.with_context(|| format!("action {key} has no result yet"))?;
    let known = || {
        let names: Vec<String> = action.outputs.keys().map(|n| format!("`{n}`")).collect();
        names.join(", ")
    };
    let name = match asked {
        Some(name) => name,
        None => {
            let there = |name: &&&str| action.outputs.contains_key(**name);
            let mut found = TENSORS.iter().filter(there);
            match (found.next(), found.next()) {
                (Some(name), None) => name,
                _ => bail!(
                    "action {key}: say which output with `--output`; it has {}",
                    known()
                ),
            }
        }
    };
    let digest = action
        .outputs
        .get(name)
        .with_context(|| format!("`--output`: expected one of {}, found `{name}`", known()))?;
    if !store.has(digest) {
        bail!(
            "{name} {digest} of action {key} was not kept; `run.keep_checkpoints = true` in the study keeps checkpoints, and the next run makes this one again"
        );
    }
    Ok(*digest)
}

/// What it is, and its bytes as PyTorch reads them.
fn tensors(digest: &Digest, bytes: Vec<u8>) -> Result<(&'static str, Vec<u8>)> {
    if let Ok(mask) = Mask::from_bytes(&bytes) {
        return Ok(("mask", mask.to_safetensors()?));
    }
    if SafeTensors::deserialize(&bytes).is_ok() {
        return Ok(("tensors", bytes));
    }
    bail!("object {digest} holds no tensors: `jackpot show` prints what it is")
}
