//! `jackpot check`
use super::{Chosen, Common, Inputs, Tools};
use crate::Places;
use anyhow::{Context, Result, bail};
use jackpot_data::Images;
use jackpot_net::Network;
use jackpot_protocol::{Kind, Output};
use jackpot_prune::Mask;
use jackpot_study::word;
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    network: crate::network::NetworkChoice,
    /// The check: `layerwise-rearrange`, `shuffle-kept`, `invert`, `random-labels`, …
    #[arg(long)]
    check: String,
    /// What it changes, as safetensors: a mask in U8 or BOOL, scores or a state_dict in F32, F64,
    /// F16 or BF16, or a data set's `images` in U8 and `labels` in I64
    #[arg(long = "in", value_name = "FILE")]
    changed: PathBuf,
    /// For a check of weights: the mask that they are trained under
    #[arg(long, value_name = "FILE")]
    mask: Option<PathBuf>,
    /// For a check that takes another ticket's mask: that mask
    #[arg(long, value_name = "FILE")]
    donor: Option<PathBuf>,
    /// For a check that reads the initial weights: them
    #[arg(long, value_name = "FILE")]
    initial: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
    /// Where to write what it makes of it
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let network = arguments.network.build()?;
    let tools = Tools::open(places)?;
    let common = &arguments.common;
    let check = tools.item(
        &arguments.check,
        Kind::Check,
        "check",
        &common.param,
        common.profile()?,
    )?;
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let inputs = inputs(arguments, &network, &check, folder.path())?;
    let place = folder.path().join("run");
    let done = tools.run(&check, &network, inputs, common, &place)?;
    let bytes = std::fs::read(&done.file)?;
    let bytes = match check.item.output {
        Output::Masks => Mask::from_bytes(&bytes)?.to_safetensors()?,
        _ => bytes,
    };
    std::fs::write(&arguments.out, bytes)
        .with_context(|| format!("`--out {}`", arguments.out.display()))?;
    println!(
        "{:#}",
        json!({
            "check": check.item.id, "plugin": check.plugin.sha256, "config": check.config,
            "changes": word(check.item.output), "certificate": done.certificate,
            "out": arguments.out,
        })
    );
    Ok(ExitCode::SUCCESS)
}

/// What the check asks for; what it does not is refused, so that nobody believes it was used.
fn inputs(
    arguments: &Arguments,
    network: &Network,
    check: &Chosen,
    folder: &Path,
) -> Result<Inputs> {
    let (id, output) = (&check.item.id, check.item.output);
    let asked = |flag: &str, given: &Option<PathBuf>, needed: bool| match (given, needed) {
        (Some(path), true) => Ok(Some(std::path::absolute(path)?)),
        (None, false) => Ok(None),
        (None, true) => bail!("`{id}` needs it: give `--{flag} FILE`"),
        (Some(_), false) => bail!("`--{flag}`: `{id}` does not read it"),
    };
    let donor = asked("donor", &arguments.donor, check.item.needs_donor())?;
    let reference = asked("initial", &arguments.initial, check.item.needs_reference())?;
    let on_weights = output == Output::Weights;
    let under = arguments.mask.is_some() && on_weights;
    let mask = asked("mask", &arguments.mask, under)?;
    let input = std::path::absolute(&arguments.changed)?;
    let stored = |path: PathBuf, name: &str| stored_mask(&path, network, &folder.join(name));
    let on_data = matches!(output, Output::Images | Output::Labels | Output::Subset);
    Ok(Inputs {
        rows: if on_data { rows(&input)? } else { 0 },
        donor: donor.map(|path| stored(path, "donor")).transpose()?,
        mask: mask.map(|path| stored(path, "under")).transpose()?,
        input: Some(match output {
            Output::Masks => stored(input, "mask")?,
            Output::Weights => stored_weights(input, network, &folder.join("weights"))?,
            _ => input,
        }),
        reference: reference
            .map(|path| stored_weights(path, network, &folder.join("initial")))
            .transpose()?,
        ..Inputs::none()?
    })
}

/// A u8 mask as the host reads it.
fn stored_mask(path: &Path, network: &Network, to: &Path) -> Result<PathBuf> {
    let wrong = || path.display().to_string();
    let bytes = std::fs::read(path).with_context(wrong)?;
    let mask = Mask::from_safetensors(&bytes, network).with_context(wrong)?;
    std::fs::write(to, mask.to_bytes())?;
    Ok(to.to_owned())
}

/// A state_dict as the host reads it: the file itself, or the stored form of it.
fn stored_weights(path: PathBuf, network: &Network, to: &Path) -> Result<PathBuf> {
    let wrong = || path.display().to_string();
    let bytes = std::fs::read(&path).with_context(wrong)?;
    let state = jackpot_net::read_state_dict(network, &bytes).with_context(wrong)?;
    if state.notes.is_empty() {
        return Ok(path);
    }
    for note in &state.notes {
        eprintln!("note: {}: {note}", path.display());
    }
    std::fs::write(to, &state.bytes).context("a temporary folder")?;
    Ok(to.to_owned())
}

fn rows(path: &Path) -> Result<u64> {
    let wrong = || path.display().to_string();
    let bytes = std::fs::read(path).with_context(wrong)?;
    Ok(Images::from_safetensors(&bytes).with_context(wrong)?.rows() as u64)
}
