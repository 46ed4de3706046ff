//! `jackpot score`
use super::{Common, Given, InRounds, Inputs, Tools, allocate::parse_sparsity};
use crate::Places;
use anyhow::{Context, Result, bail};
use jackpot_net::{Network, ScorePrecision};
use jackpot_protocol::{Output, PluginItem};
use jackpot_prune::{LayerConstraints, PruningRounds, PruningScope, Scores};
use safetensors::{Dtype, tensor::TensorView};
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    network: crate::network::NetworkChoice,
    /// The method: `snip`, `grasp`, `magnitude`, …
    #[arg(long)]
    method: String,
    #[command(flatten)]
    given: Given,
    #[command(flatten)]
    in_rounds: InRounds,
    /// Of a method that works in rounds: the sparsity that they lead to; the scores are the
    /// last round's
    #[arg(long)]
    sparsity: Option<String>,
    #[command(flatten)]
    common: Common,
    /// Where to write the scores (safetensors, in the type of `--precision`)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let network = arguments.network.build()?;
    let tools = Tools::open(places)?;
    let common = &arguments.common;
    let method = tools.method(
        &arguments.method,
        &[Output::Scores],
        "method",
        &common.param,
        common.profile()?,
    )?;
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let inputs = Inputs {
        rounds: rounds(arguments, method.item)?,
        ..Inputs::of(method.item, &network, &arguments.given, folder.path())?
    };
    let precision = inputs.precision;
    let done = tools.run(&method, &network, inputs, common, folder.path())?;
    let bytes = std::fs::read(&done.file)?;
    let mut scores = Scores::from_safetensors(&bytes, &network)?;
    let (orientation, formula) = orientation(&method.item.id);
    if orientation == "larger is pruned" {
        let values = scores.layers.iter_mut().flat_map(|(_, s)| s);
        values.for_each(|x| *x = -*x);
    }
    std::fs::write(
        &arguments.out,
        write(&network, &scores, precision == ScorePrecision::F64)?,
    )
    .with_context(|| format!("`--out {}`", arguments.out.display()))?;
    println!(
        "{:#}",
        json!({
            "method": method.item.id, "plugin": method.plugin.sha256, "config": method.config,
            "orientation": orientation, "formula": formula,
            "precision": precision.name(),
            "layers": network.layers.iter().map(|l| json!({
                "name": l.name, "shape": l.shape,
            })).collect::<Vec<_>>(),
            "certificate": done.certificate, "out": arguments.out,
        })
    );
    Ok(ExitCode::SUCCESS)
}

fn rounds(arguments: &Arguments, item: &PluginItem) -> Result<Option<PruningRounds>> {
    let id = &item.id;
    match (arguments.in_rounds.count(item), &arguments.sparsity) {
        (None, None) => Ok(None),
        (None, Some(_)) => bail!("`--sparsity`: `{id}` scores in one round, the same for any"),
        (Some(count), None) => bail!(
            "`{id}` works in rounds ({count} now): give the `--sparsity` that they lead to; `--rounds 1` gives the scores of the whole network"
        ),
        (Some(count), Some(text)) => {
            let sparsity = parse_sparsity(text)?;
            let (scope, reserve) = (PruningScope::All, LayerConstraints::default());
            Ok(Some(
                arguments.in_rounds.to(count, &sparsity, scope, reserve),
            ))
        }
    }
}

/// The sign in which the method's paper writes its scores. A plugin's larger score is kept,
/// so GraSP's, of which the largest are pruned, change their sign here.
fn orientation(method: &str) -> (&'static str, Option<&'static str>) {
    match method.rsplit('.').next().unwrap_or(method) {
        "grasp" => ("larger is pruned", Some("-w * Hg")),
        "snip" => ("larger is kept", Some("|w * g|")),
        "magnitude" => ("larger is kept", Some("|w|")),
        _ => ("larger is kept", None),
    }
}

fn write(network: &Network, scores: &Scores, double: bool) -> Result<Vec<u8>> {
    let dtype = if double { Dtype::F64 } else { Dtype::F32 };
    let layers = network.layers.iter().zip(&scores.layers);
    let bytes: Vec<(&str, &[usize], Vec<u8>)> = layers
        .map(|(layer, (_, values))| {
            let bytes = if double {
                values.iter().flat_map(|x| x.to_le_bytes()).collect()
            } else {
                values
                    .iter()
                    .flat_map(|x| (*x as f32).to_le_bytes())
                    .collect()
            };
            (layer.name.as_str(), layer.shape.as_slice(), bytes)
        })
        .collect();
    let mut views = Vec::new();
    for (name, shape, bytes) in &bytes {
        views.push((*name, TensorView::new(dtype, shape.to_vec(), bytes)?));
    }
    Ok(safetensors::serialize(views, None)?)
}
