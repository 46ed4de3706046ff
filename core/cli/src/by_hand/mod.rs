//! Single steps without a study or a store: `score`, `mask`, `allocate`, `check`, `steps`.

pub mod allocate;
pub mod check;
mod inputs;
pub mod mask;
pub mod score;
pub mod steps;

pub use inputs::{Given, InRounds, Inputs, Kept, Kernels, weights};

use anyhow::{Context, Result, bail};
use jackpot_host::PluginOutput;
use jackpot_net::Network;
use jackpot_protocol::{ConfigValue, Kind, Limits, Output, Plugin, PluginItem, PluginJob};
use jackpot_study::{Keys, Plugins, Profile, Programs, preset, word};
use std::{collections::BTreeMap, path::Path};

/// What every step by hand takes.
#[derive(clap::Args)]
pub struct Common {
    /// A parameter of the method, allocation or check
    #[arg(long, value_name = "NAME=VALUE")]
    param: Vec<String>,
    /// `published` or `corrected`: the method's own presets
    #[arg(long)]
    profile: Option<String>,
    /// Seed of the random numbers, as a study's seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seconds that a plugin may take
    #[arg(long, default_value_t = 600.0, value_parser = crate::study::seconds)]
    plugin_seconds: f64,
}

impl Common {
    fn limits(&self) -> Limits {
        Limits {
            plugin_seconds: self.plugin_seconds,
            memory: 0,
            scratch: 4 << 30,
        }
    }

    fn profile(&self) -> Result<Option<Profile>> {
        let parsed = self.profile.as_deref().map(str::parse).transpose();
        parsed.context("`--profile`")
    }
}

/// Programs and plugins, found.
pub struct Tools {
    programs: Programs,
    plugins: Plugins,
}

impl Tools {
    pub fn open(places: &crate::Places) -> Result<Tools> {
        let programs = Programs::of_this_process()?;
        let plugins = Plugins::open(&programs, &places.plugins)?;
        Ok(Tools { programs, plugins })
    }

    /// A method that gives one of `outputs`, with its parameters complete.
    pub fn method(
        &self,
        id: &str,
        outputs: &[Output],
        flag: &str,
        params: &[String],
        profile: Option<Profile>,
    ) -> Result<Chosen<'_>> {
        let chosen = self.item(id, Kind::Method, flag, params, profile)?;
        let found = chosen.item.output;
        if outputs.contains(&found) {
            return Ok(chosen);
        }
        let expected: Vec<&str> = outputs.iter().map(|o| word(*o)).collect();
        let instead = match (found, flag) {
            (Output::Masks, "method") => ": use `jackpot mask`",
            (Output::Masks | Output::Scores, _) => ": it is a `--method` of `jackpot mask`",
            (Output::Counts, _) => ": use `jackpot allocate`, or `--allocation` of `jackpot mask`",
            _ => "",
        };
        bail!(
            "`--{flag}`: expected a method that gives {}, found `{id}`, which gives {}{instead}",
            expected.join(" or "),
            word(found)
        );
    }

    /// An item with its parameters complete.
    pub fn item(
        &self,
        id: &str,
        kind: Kind,
        flag: &str,
        params: &[String],
        profile: Option<Profile>,
    ) -> Result<Chosen<'_>> {
        let (plugin, item) = self.plugins.item(id, kind, &format!("`--{flag}`"))?;
        let mut given = match profile {
            Some(profile) => preset(item, profile)
                .with_context(|| format!("`--profile`: `{id}` has no presets"))?,
            None => BTreeMap::new(),
        };
        for text in params {
            let (name, value) = parse_param(item, text)?;
            given.insert(name, value);
        }
        let config = item.configure(&given)?;
        Ok(Chosen {
            plugin,
            item,
            config,
        })
    }

    /// Runs an item in a fresh process; its output lies in `folder`.
    pub fn run(
        &self,
        chosen: &Chosen,
        network: &Network,
        inputs: Inputs,
        common: &Common,
        folder: &Path,
    ) -> Result<PluginOutput> {
        let item = chosen.item;
        let server = if item.needs_autodiff() {
            self.programs.require_worker()?;
            self.programs.worker_server(&inputs.device)
        } else {
            self.programs.light_server()
        };
        let job = PluginJob {
            rows: inputs.rows,
            weights: inputs.weights,
            reference: inputs.reference,
            mask: inputs.mask,
            donor: inputs.donor,
            input: inputs.input,
            batches: inputs.batches,
            keep: inputs.keep,
            rounds: inputs.rounds,
            key: key(item, common.seed),
            precision: inputs.precision,
            device: inputs.device.name,
            ..PluginJob::new(
                std::path::absolute(&chosen.plugin.path)?,
                chosen.plugin.sha256.clone(),
                item.clone(),
                chosen.config.clone(),
                network.architecture.clone(),
                common.limits(),
            )
        };
        let mut silent = |_| {};
        Ok(jackpot_host::run_plugin(
            &server,
            &job,
            folder,
            &mut silent,
        )?)
    }
}

/// The key that a study of this seed would give the item; of a check, one of its name.
fn key(item: &PluginItem, seed: u64) -> String {
    use Output::*;
    let keys = Keys::of(seed);
    let key = match (item.kind, item.output, item.needs_autodiff()) {
        (Kind::Check, Images | Labels | Subset, _) => keys.corruption(&item.id, 0),
        (Kind::Check, ..) => keys.check(&item.id, 0),
        (Kind::Method, Counts, _) => keys.allocation(),
        (Kind::Method, _, true) => keys.score_batch(),
        (Kind::Method, _, false) => keys.selection(),
    };
    key.to_hex()
}

/// One item with its parameters complete.
pub struct Chosen<'a> {
    pub plugin: &'a Plugin,
    pub item: &'a PluginItem,
    pub config: BTreeMap<String, ConfigValue>,
}

/// `NAME=VALUE` in the type that the item declares.
fn parse_param(item: &PluginItem, text: &str) -> Result<(String, ConfigValue)> {
    let (name, value) = text
        .split_once('=')
        .with_context(|| format!("`--param`: expected NAME=VALUE, found `{text}`"))?;
    let declared = item.params.iter().find(|p| p.name == name);
    let wrong = |expected: &str| {
        format!(
            "`--param {name}` of `{}`: expected {expected}, found `{value}`",
            item.id
        )
    };
    let value = match declared.map(|p| &p.default) {
        Some(ConfigValue::Bool(_)) => {
            ConfigValue::Bool(value.parse().with_context(|| wrong("true or false"))?)
        }
        Some(ConfigValue::Int(_)) => {
            ConfigValue::Int(value.parse().with_context(|| wrong("an integer"))?)
        }
        Some(ConfigValue::Float(_)) => {
            ConfigValue::Float(value.parse().with_context(|| wrong("a number"))?)
        }
        // An unknown name is refused, with the nearest, where the whole is configured.
        Some(ConfigValue::Text(_)) | None => ConfigValue::Text(value.to_owned()),
    };
    Ok((name.to_owned(), value))
}
