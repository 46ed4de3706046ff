//! `jackpot allocate`
use super::{Common, Inputs, Tools};
use crate::Places;
use anyhow::{Context, Result, bail};
use jackpot_host::{Output, Sparsity};
use jackpot_net::Network;
use serde_json::{Value, json};
use std::{path::Path, process::ExitCode};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    network: crate::network::NetworkChoice,
    /// The allocation: `smart-ratio`, `uniform`, … (`global` needs scores: see `mask`)
    #[arg(long)]
    allocation: String,
    /// Pruned share of all prunable weights, for example 0.95
    #[arg(long)]
    sparsity: String,
    #[command(flatten)]
    common: Common,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let network = arguments.network.build()?;
    let sparsity = parse_sparsity(&arguments.sparsity)?;
    if arguments.allocation == "global" {
        bail!("`--allocation global` keeps the largest scores: use `jackpot mask --method …`");
    }
    let common = &arguments.common;
    let tools = Tools::open(places)?;
    let method = tools.method(
        &arguments.allocation,
        Output::Counts,
        "allocation",
        &common.param,
        common.profile.as_deref(),
    )?;
    if method.item.needs_weights() {
        bail!(
            "`--allocation`: `{}` reads weights: use `jackpot mask`",
            method.item.id
        );
    }
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let inputs = Inputs {
        keep: sparsity.density(),
        ..Inputs::none()
    };
    let done = tools.run(&method, &network, inputs, common, folder.path())?;
    let counts = read_counts(&done.file, &network)?;
    let summary = summary(&network, &counts, &sparsity)?;
    if arguments.json {
        println!("{summary:#}");
        return Ok(ExitCode::SUCCESS);
    }
    for (layer, kept) in network.layers.iter().zip(&counts) {
        let share = 100.0 * *kept as f64 / layer.len() as f64;
        println!(
            "{:<32} {:>9} of {:>9} {share:>7.3} %",
            layer.name,
            kept,
            layer.len()
        );
    }
    println!(
        "sparsity {} asked for, {} achieved",
        summary["requested"], summary["achieved"]
    );
    if !done.log.trim().is_empty() {
        eprintln!("{}", done.log.trim());
    }
    Ok(ExitCode::SUCCESS)
}

pub fn parse_sparsity(text: &str) -> Result<Sparsity> {
    Sparsity::try_from(text.to_owned())
        .map_err(anyhow::Error::msg)
        .context("`--sparsity`")
}

/// Counts in forward order, as the host validated them.
pub fn read_counts(file: &Path, network: &Network) -> Result<Vec<u64>> {
    let rows: Vec<(String, u64)> = serde_json::from_slice(&std::fs::read(file)?)?;
    if rows.len() != network.layers.len() {
        bail!(
            "expected {} counts, found {}",
            network.layers.len(),
            rows.len()
        );
    }
    Ok(rows.into_iter().map(|(_, kept)| kept).collect())
}

/// Layers in forward order, and the sparsity that was asked for and that came out.
pub fn summary(network: &Network, counts: &[u64], sparsity: &Sparsity) -> Result<Value> {
    let layers = network.layers.iter().zip(counts);
    let total = network.prunable_weights();
    let kept: u64 = counts.iter().sum();
    Ok(json!({
        "layers": layers.map(|(l, kept)| json!({
            "name": l.name, "total": l.len(), "kept": kept,
        })).collect::<Vec<_>>(),
        "total": total,
        "kept": kept,
        "requested": sparsity.text().parse::<f64>()?,
        "achieved": (total - kept) as f64 / total as f64,
    }))
}
