//! `jackpot mask`
use super::{
    Chosen, Common, InRounds, Inputs, Kept, MethodInputs, Tools,
    allocate::{Own, parse_sparsity, read_counts, shares},
};
use crate::Places;
use anyhow::{Context, Result, bail};
use jackpot_host::PluginOutput;
use jackpot_net::Network;
use jackpot_protocol::Output;
use jackpot_prune::{
    Granularity, LayerConstraints, Mask, PruningBudget, PruningRounds, PruningScope, Scores,
    SelectionOptions, SelectionRule, Sparsity, ThresholdSharpness, select,
};
use serde_json::Value;
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
    given: MethodInputs,
    /// `global`, or an allocation such as `smart-ratio` [default: global]; a method that gives
    /// masks takes none
    #[arg(long)]
    allocation: Option<String>,
    /// A parameter of the allocation
    #[arg(long, value_name = "NAME=VALUE")]
    allocation_param: Vec<String>,
    #[command(flatten)]
    own: Own,
    /// `all` or `convolutions`: the layers that `global` chooses from
    #[arg(long, default_value = "all")]
    scope: String,
    #[command(flatten)]
    kept: Kept,
    /// Pruned share of all prunable weights, for example 0.95
    #[arg(long)]
    sparsity: String,
    /// `exact` or `published`: how ties and rounding are settled
    /// [default: exact, or what `--profile` says]
    #[arg(long)]
    selection: Option<String>,
    #[command(flatten)]
    in_rounds: InRounds,
    #[command(flatten)]
    common: Common,
    /// Where to write the mask (safetensors, u8 0/1 under the parameters' names)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Arguments {
    fn allocation(&self) -> &str {
        self.allocation.as_deref().unwrap_or("global")
    }
}

/// What is asked for, read once.
struct MaskRequest {
    network: Network,
    sparsity: Sparsity,
    scope: PruningScope,
    rule: SelectionRule,
    reserve: LayerConstraints,
    unit: Granularity,
    /// The counts of a table of one's own.
    own: Option<Vec<u64>>,
}

impl MaskRequest {
    fn of(arguments: &Arguments) -> Result<MaskRequest> {
        let network = arguments.network.build()?;
        let sparsity = parse_sparsity(&arguments.sparsity)?;
        let own = arguments.own.counts(&network, &sparsity)?;
        let scope = match arguments.scope.as_str() {
            "all" => PruningScope::All,
            "convolutions" => PruningScope::Convolutions,
            other => bail!("`--scope`: expected all or convolutions, found `{other}`"),
        };
        let global = arguments.allocation() == "global" && own.is_none();
        let rule = rule(arguments, global)?;
        if !global && (rule != SelectionRule::Exact || scope != PruningScope::All) {
            bail!(
                "`--selection published` and `--scope` have a meaning with `--allocation global` only"
            );
        }
        let unit = arguments.kept.unit();
        unit.fits(&network).context("`--unit`")?;
        if global && !unit.is_weights() {
            bail!(
                "`--unit filters` takes counts per layer: give `--allocation uniform`, another rule, or `--densities`"
            );
        }
        Ok(MaskRequest {
            network,
            sparsity,
            scope,
            rule,
            reserve: arguments.kept.reserve()?,
            unit,
            own,
        })
    }
}

pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let request = MaskRequest::of(arguments)?;
    let tools = Tools::open(places)?;
    let common = &arguments.common;
    let global = arguments.allocation() == "global" && request.own.is_none();
    let method = tools.method(
        &arguments.method,
        &[Output::Scores, Output::Masks],
        "method",
        &common.param,
        // Without a global selection the profile is the allocation's.
        common
            .profile()?
            .filter(|_| global || request.own.is_some()),
    )?;
    let folder = tempfile::tempdir().context("a temporary folder")?;
    if method.item.output == Output::Masks {
        return by_method(arguments, &request, &tools, &method, folder.path());
    }
    let rounds = rounds(arguments, &request, &method, global)?;
    let inputs = Inputs {
        rounds: rounds.clone(),
        ..Inputs::of(
            method.item,
            &request.network,
            &arguments.given,
            folder.path(),
        )?
    };
    let place = make(folder.path(), "score")?;
    let done = tools.run(&method, &request.network, inputs, common, &place)?;
    if rounds.is_some() {
        return after_rounds(arguments, &request, &done);
    }
    let network = &request.network;
    let scores = Scores::from_safetensors(&std::fs::read(&done.file)?, network)?;
    let counts = match (request.own.clone(), global) {
        (Some(counts), _) => counts,
        (None, true) => Vec::new(),
        (None, false) => {
            let place = make(folder.path(), "allocate")?;
            counts(&tools, arguments, &request, &done.file, &place)?
        }
    };
    let by = if global {
        PruningBudget::Sparsity {
            sparsity: &request.sparsity,
            scope: request.scope,
            rule: request.rule,
        }
    } else {
        PruningBudget::Counts(&counts)
    };
    let choice = SelectionOptions {
        constraints: request.reserve,
        granularity: request.unit,
        ..by.into()
    };
    let (mask, selected) = select(network, &scores, &choice)?;
    finish(arguments, &request, &mask, &selected)
}

/// The mask of a method that gives masks: nothing is selected.
fn by_method(
    arguments: &Arguments,
    request: &MaskRequest,
    tools: &Tools,
    method: &Chosen,
    folder: &Path,
) -> Result<ExitCode> {
    let id = &method.item.id;
    let stray = [
        ("allocation", arguments.allocation.is_some()),
        ("allocation-param", !arguments.allocation_param.is_empty()),
        ("densities", request.own.is_some()),
        ("scope", request.scope != PruningScope::All),
        ("whole` and `--floor", !request.reserve.is_nothing()),
        ("unit", !request.unit.is_weights()),
        ("selection", arguments.selection.is_some()),
    ];
    if let Some((flag, _)) = stray.iter().find(|(_, given)| *given) {
        bail!(
            "`--{flag}`: `{id}` gives masks, and chooses itself which weights are kept; leave it out"
        );
    }
    let rounds = arguments.in_rounds.count(method.item).map(|count| {
        let (sparsity, reserve) = (&request.sparsity, LayerConstraints::default());
        arguments
            .in_rounds
            .to(count, sparsity, PruningScope::All, reserve)
    });
    let inputs = Inputs {
        keep: request.sparsity.density(),
        rounds,
        ..Inputs::of(method.item, &request.network, &arguments.given, folder)?
    };
    let place = make(folder, "mask")?;
    let done = tools.run(method, &request.network, inputs, &arguments.common, &place)?;
    let mask = Mask::from_bytes(&std::fs::read(&done.file)?)?;
    let wanted = request.sparsity.kept(mask.total());
    if mask.kept() != wanted {
        eprintln!(
            "note: the mask of `{id}` keeps {} weights where {wanted} were asked for",
            mask.kept()
        );
    }
    let mut said = written(arguments, request, &mask)?;
    said["certificate"] = done.certificate;
    println!("{said:#}");
    Ok(ExitCode::SUCCESS)
}

fn make(folder: &Path, name: &str) -> Result<PathBuf> {
    let place = folder.join(name);
    std::fs::create_dir(&place)?;
    Ok(place)
}

/// How ties and rounding are settled; a `published` profile brings its own rule.
fn rule(arguments: &Arguments, global: bool) -> Result<SelectionRule> {
    let profile = arguments.common.profile.as_deref();
    let by_profile = profile == Some("published") && global;
    match arguments.selection.as_deref() {
        Some("exact") => Ok(SelectionRule::Exact),
        None if !by_profile => Ok(SelectionRule::Exact),
        // A method with a profile and without a rule of its own selects exactly.
        None => {
            Ok(jackpot_study::published_rule(&arguments.method).unwrap_or(SelectionRule::Exact))
        }
        Some("published") => Ok(jackpot_study::published_rule(&arguments.method)?),
        Some(other) => bail!("`--selection`: expected exact or published, found `{other}`"),
    }
}

/// The rounds that were asked for or that the method was published with; `None` for one call.
fn rounds(
    arguments: &Arguments,
    request: &MaskRequest,
    method: &Chosen,
    global: bool,
) -> Result<Option<PruningRounds>> {
    let Some(count) = arguments.in_rounds.count(method.item) else {
        return Ok(None);
    };
    if !global {
        bail!(
            "`--method {}` works in {count} rounds, each with a global selection of single weights: leave `--allocation`, `--densities` and `--unit` out",
            method.item.id
        );
    }
    if request.rule != SelectionRule::Exact {
        bail!("`--selection`: rounds select exactly, `published` has no meaning with `--rounds`");
    }
    let (sparsity, scope) = (&request.sparsity, request.scope);
    let rounds = arguments
        .in_rounds
        .to(count, sparsity, scope, request.reserve);
    Ok(Some(rounds))
}

/// The mask that the host selected after the last round.
fn after_rounds(
    arguments: &Arguments,
    request: &MaskRequest,
    done: &PluginOutput,
) -> Result<ExitCode> {
    let file = done.mask.as_ref();
    let file = file.context("the rounds left no mask: the host and this program differ")?;
    let mask = Mask::from_bytes(&std::fs::read(file)?)?;
    let selected = done.selected.clone().unwrap_or_default();
    finish(arguments, request, &mask, &selected)
}

fn counts(
    tools: &Tools,
    arguments: &Arguments,
    request: &MaskRequest,
    scores: &Path,
    folder: &Path,
) -> Result<Vec<u64>> {
    let common = &arguments.common;
    let method = tools.method(
        arguments.allocation(),
        &[Output::Counts],
        "allocation",
        &arguments.allocation_param,
        common.profile()?,
    )?;
    let inputs = Inputs {
        keep: request.sparsity.density(),
        input: method.item.needs_scores().then(|| scores.to_owned()),
        ..Inputs::of(method.item, &request.network, &arguments.given, folder)?
    };
    let done = tools.run(&method, &request.network, inputs, common, folder)?;
    read_counts(&done.file, &request.network)
}

fn finish(
    arguments: &Arguments,
    request: &MaskRequest,
    mask: &Mask,
    selected: &ThresholdSharpness,
) -> Result<ExitCode> {
    let mut said = written(arguments, request, mask)?;
    said["ties"] = selected.ties.into();
    said["near_the_threshold"] = selected.near.into();
    println!("{said:#}");
    Ok(ExitCode::SUCCESS)
}

/// Writes the mask, and says what it keeps.
fn written(arguments: &Arguments, request: &MaskRequest, mask: &Mask) -> Result<Value> {
    std::fs::write(&arguments.out, mask.to_safetensors()?)
        .with_context(|| format!("`--out {}`", arguments.out.display()))?;
    let mut said = shares(&request.network, &mask.counts(), &request.sparsity)?;
    said["total"] = mask.total().into();
    said["kept"] = mask.kept().into();
    said["out"] = arguments.out.display().to_string().into();
    Ok(said)
}
