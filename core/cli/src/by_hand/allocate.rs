//! `jackpot allocate`
use super::{Common, Inputs, Kept, Tools};
use crate::Places;
use anyhow::{Context, Result, bail};
use jackpot_net::Network;
use jackpot_protocol::Output;
use jackpot_prune::{Sparsity, constrained_counts, counts_of_densities};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    network: crate::network::NetworkChoice,
    /// The allocation: `smart-ratio`, `uniform`, … (`global` needs scores: see `mask`)
    #[arg(long, required_unless_present = "densities")]
    allocation: Option<String>,
    #[command(flatten)]
    own: Own,
    #[command(flatten)]
    kept: Kept,
    /// Pruned share of all prunable weights, for example 0.95
    #[arg(long)]
    sparsity: String,
    #[command(flatten)]
    common: Common,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// An allocation of one's own.
#[derive(clap::Args)]
pub struct Own {
    /// A table of densities: TOML, layer name = kept share; layers left out share the rest
    #[arg(long, value_name = "FILE", conflicts_with = "allocation")]
    densities: Option<PathBuf>,
}

impl Own {
    /// The counts of the table, if one was given.
    pub fn counts(&self, network: &Network, sparsity: &Sparsity) -> Result<Option<Vec<u64>>> {
        let Some(path) = &self.densities else {
            return Ok(None);
        };
        let wrong = || format!("`--densities {}`", path.display());
        let text = std::fs::read_to_string(path).with_context(wrong)?;
        let table: toml::Table = text.parse().with_context(wrong)?;
        let mut densities = BTreeMap::new();
        flatten("", &table, &mut densities).with_context(wrong)?;
        let counts = counts_of_densities(network, &densities, sparsity).with_context(wrong)?;
        Ok(Some(counts))
    }
}

/// `[layer1.0]` with `conv1.weight = 0.1` is what `"layer1.0.conv1.weight" = 0.1` is.
fn flatten(prefix: &str, table: &toml::Table, into: &mut BTreeMap<String, String>) -> Result<()> {
    for (key, value) in table {
        let name = format!("{prefix}{key}");
        match value {
            toml::Value::Table(inner) => flatten(&format!("{name}."), inner, into)?,
            toml::Value::String(text) => drop(into.insert(name, text.clone())),
            // The shortest decimal that reads back as this number: what was written, if it
            // had at most 15 digits.
            toml::Value::Float(number) => drop(into.insert(name, number.to_string())),
            toml::Value::Integer(number) => drop(into.insert(name, number.to_string())),
            other => bail!("`{name}`: expected a density from 0 to 1, found {other}"),
        }
    }
    Ok(())
}

pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let network = arguments.network.build()?;
    let sparsity = parse_sparsity(&arguments.sparsity)?;
    let (counts, log) = match arguments.own.counts(&network, &sparsity)? {
        Some(counts) => (counts, String::new()),
        None => counts(places, arguments, &network, &sparsity)?,
    };
    let (reserve, unit) = (arguments.kept.reserve()?, arguments.kept.unit());
    unit.fits(&network).context("`--unit`")?;
    let own = counts;
    let counts = constrained_counts(&network, &own, &reserve)?;
    let counts = unit.counts(&network, &counts, reserve.min_weights);
    // A layer that is cut is said beside the JSON as well.
    if !log.trim().is_empty() {
        eprintln!("{}", log.trim());
        if counts != own {
            eprintln!("(of the rule's own counts, before `--floor`, `--whole` and `--unit`)");
        }
    }
    if arguments.json {
        println!("{:#}", shares(&network, &counts, &sparsity)?);
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
        sparsity.text(),
        achieved(&network, &counts)
    );
    Ok(ExitCode::SUCCESS)
}

/// A plugin's counts, and what it said.
fn counts(
    places: &Places,
    arguments: &Arguments,
    network: &Network,
    sparsity: &Sparsity,
) -> Result<(Vec<u64>, String)> {
    let common = &arguments.common;
    let allocation = arguments.allocation.as_deref().unwrap_or_default();
    if allocation == "global" {
        bail!("`--allocation global` keeps the largest scores: use `jackpot mask --method …`");
    }
    let tools = Tools::open(places)?;
    let method = tools.method(
        allocation,
        &[Output::Counts],
        "allocation",
        &common.param,
        common.profile()?,
    )?;
    if method.item.needs_weights() || method.item.needs_scores() {
        bail!(
            "`--allocation`: `{}` reads weights or scores: use `jackpot mask`",
            method.item.id
        );
    }
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let inputs = Inputs {
        keep: sparsity.density(),
        ..Inputs::none()?
    };
    let done = tools.run(&method, network, inputs, common, folder.path())?;
    Ok((read_counts(&done.file, network)?, done.log))
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
pub fn shares(network: &Network, counts: &[u64], sparsity: &Sparsity) -> Result<Value> {
    let layers = network.layers.iter().zip(counts);
    Ok(json!({
        "layers": layers.map(|(l, kept)| json!({
            "name": l.name, "total": l.len(), "kept": kept,
        })).collect::<Vec<_>>(),
        "requested": sparsity.text().parse::<f64>()?,
        "achieved": achieved(network, counts),
    }))
}

/// The pruned share of all prunable weights.
fn achieved(network: &Network, counts: &[u64]) -> f64 {
    let total = network.prunable_weights();
    (total - counts.iter().sum::<u64>()) as f64 / total as f64
}
