//! `jackpot mask`
use super::{
    Common, Given, Inputs, Tools,
    allocate::{parse_sparsity, read_counts, summary},
};
use crate::Places;
use anyhow::{Context, Result, bail};
use jackpot_host::{Output, Rule, Scope, Scores, Selected, Sparsity};
use jackpot_net::{Mask, Network};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    network: crate::network::NetworkChoice,
    /// The method: `snip`, `grasp`, `magnitude`, `random`, …
    #[arg(long)]
    method: String,
    #[command(flatten)]
    given: Given,
    /// `global`, or an allocation such as `smart-ratio`
    #[arg(long, default_value = "global")]
    allocation: String,
    /// A parameter of the allocation
    #[arg(long, value_name = "NAME=VALUE")]
    allocation_param: Vec<String>,
    /// `all` or `convolutions`: the layers that `global` chooses from
    #[arg(long, default_value = "all")]
    scope: String,
    /// Pruned share of all prunable weights, for example 0.95
    #[arg(long)]
    sparsity: String,
    /// `exact` or `published`: how ties and rounding are settled
    /// [default: exact, or what `--profile` says]
    #[arg(long)]
    selection: Option<String>,
    #[command(flatten)]
    common: Common,
    /// Where to write the mask (safetensors, u8 0/1 under the parameters' names)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let network = arguments.network.build()?;
    let sparsity = parse_sparsity(&arguments.sparsity)?;
    let rule = rule(arguments)?;
    let scope = match arguments.scope.as_str() {
        "all" => Scope::All,
        "convolutions" => Scope::Convolutions,
        other => bail!("`--scope`: expected all or convolutions, found `{other}`"),
    };
    let tools = Tools::open(places)?;
    let common = &arguments.common;
    let global = arguments.allocation == "global";
    let method = tools.method(
        &arguments.method,
        Output::Scores,
        "method",
        &common.param,
        common.profile.as_deref().filter(|_| global),
    )?;
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let inputs = Inputs::of(method.item, &arguments.given)?;
    let place = make(folder.path(), "score")?;
    let done = tools.run(&method, &network, inputs, common, &place)?;
    let scores = Scores::from_safetensors(&std::fs::read(&done.file)?, &network)?;
    let (mask, selected) = match global {
        true => jackpot_host::select_global(&network, &scores, &sparsity, scope, rule)?,
        false => {
            if rule != Rule::Exact || scope != Scope::All {
                bail!(
                    "`--selection published` and `--scope` have a meaning with `--allocation global` only"
                );
            }
            let place = make(folder.path(), "allocate")?;
            let counts = counts(&tools, arguments, &network, &sparsity, &done.file, &place)?;
            jackpot_host::select_counts(&network, &scores, &counts)?
        }
    };
    finish(arguments, &network, &sparsity, &mask, &selected)
}

fn make(folder: &Path, name: &str) -> Result<PathBuf> {
    let place = folder.join(name);
    std::fs::create_dir(&place)?;
    Ok(place)
}

/// How ties and rounding are settled; a `published` profile brings its own rule.
fn rule(arguments: &Arguments) -> Result<Rule> {
    let profile = arguments.common.profile.as_deref();
    let by_profile = profile == Some("published") && arguments.allocation == "global";
    match arguments.selection.as_deref() {
        Some("exact") => Ok(Rule::Exact),
        None if !by_profile => Ok(Rule::Exact),
        Some("published") | None => Ok(jackpot_study::published_rule(&arguments.method)?),
        Some(other) => bail!("`--selection`: expected exact or published, found `{other}`"),
    }
}

fn counts(
    tools: &Tools,
    arguments: &Arguments,
    network: &Network,
    sparsity: &Sparsity,
    scores: &Path,
    folder: &Path,
) -> Result<Vec<u64>> {
    let common = &arguments.common;
    let method = tools.method(
        &arguments.allocation,
        Output::Counts,
        "allocation",
        &arguments.allocation_param,
        common.profile.as_deref(),
    )?;
    let inputs = Inputs {
        keep: sparsity.density(),
        input: method.item.needs_scores().then(|| scores.to_owned()),
        ..Inputs::of(method.item, &arguments.given)?
    };
    let done = tools.run(&method, network, inputs, common, folder)?;
    read_counts(&done.file, network)
}

fn finish(
    arguments: &Arguments,
    network: &Network,
    sparsity: &Sparsity,
    mask: &Mask,
    selected: &Selected,
) -> Result<ExitCode> {
    std::fs::write(&arguments.out, mask.to_safetensors()?)
        .with_context(|| format!("`--out {}`", arguments.out.display()))?;
    let mut summary = summary(network, &mask.counts(), sparsity)?;
    summary["ties"] = selected.ties.into();
    summary["near_the_threshold"] = selected.near.into();
    summary["out"] = arguments.out.display().to_string().into();
    println!("{summary:#}");
    Ok(ExitCode::SUCCESS)
}
