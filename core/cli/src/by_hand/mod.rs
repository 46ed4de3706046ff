//! Single steps without a study or a store: `score`, `mask`, `allocate`, `steps`.

pub mod allocate;
pub mod mask;
pub mod score;
pub mod steps;

use anyhow::{Context, Result, bail};
use jackpot_host::{
    Batches, ConfigValue, Item, Kind, Limits, Output, Plugin, PluginJob, PluginOutput,
};
use jackpot_net::Network;
use jackpot_study::{Collapsed, Device, Keys, Plugins, Programs, RunChoice, word};
use safetensors::SafeTensors;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// What every step by hand takes.
#[derive(clap::Args)]
pub struct Common {
    /// A parameter of the method or allocation
    #[arg(long, value_name = "NAME=VALUE")]
    param: Vec<String>,
    /// `published` or `corrected`: the method's own presets
    #[arg(long)]
    profile: Option<String>,
    /// Seed of the random numbers, as a study's seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seconds that a plugin may take
    #[arg(long, default_value_t = 600.0)]
    plugin_seconds: f64,
}

impl Common {
    fn limits(&self) -> Result<Limits> {
        let seconds = self.plugin_seconds;
        if !(seconds.is_finite() && seconds > 0.0) {
            bail!("`--plugin-seconds`: expected a positive number, found {seconds}");
        }
        Ok(Limits {
            plugin_seconds: seconds,
            memory: 0,
            scratch: 4 << 30,
        })
    }
}

/// What methods are given.
#[derive(clap::Args)]
pub struct Given {
    /// state_dict as safetensors, with PyTorch's names
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// One batch as safetensors: `x` f32 [n, c, h, w], normalised, and `y` i64 [n]
    #[arg(long, value_name = "FILE")]
    batch: Option<PathBuf>,
    /// Precision of gradients: f32 or f64
    #[arg(long, default_value = "f32")]
    precision: String,
    /// Kernels of gradients: cpu-avx2 or native
    #[arg(long, default_value = "cpu-avx2")]
    device_class: String,
}

/// Programs and plugins, found.
pub struct Tools {
    programs: Programs,
    plugins: Plugins,
}

impl Tools {
    pub fn open(places: &crate::Places) -> Result<Tools> {
        let programs = Programs::of_this_process()?;
        let plugins = Plugins::open(&programs, places.plugins.as_deref())?;
        Ok(Tools { programs, plugins })
    }

    /// A method that gives `output`, with its parameters complete.
    pub fn method(
        &self,
        id: &str,
        output: Output,
        flag: &str,
        params: &[String],
        profile: Option<&str>,
    ) -> Result<Method<'_>> {
        let field = format!("`--{flag}`");
        let (plugin, item) = self.plugins.item(id, Kind::Method, &field)?;
        if item.output != output {
            bail!(
                "{field}: expected a method that gives {}, found `{id}`, which gives {}",
                word(output),
                word(item.output)
            );
        }
        let mut given = BTreeMap::new();
        if let Some(profile) = profile {
            given.extend(preset(item, profile)?);
        }
        for text in params {
            let (name, value) = parse_param(item, text)?;
            given.insert(name, value);
        }
        let config = item.configure(&given)?;
        Ok(Method {
            plugin,
            item,
            config,
        })
    }

    /// Runs a method in a fresh process; its output lies in `folder`.
    pub fn run(
        &self,
        method: &Method,
        network: &Network,
        inputs: Inputs,
        common: &Common,
        folder: &Path,
    ) -> Result<PluginOutput> {
        let limits = common.limits()?;
        let device = Device::of(&RunChoice {
            device: "cpu".into(),
            device_class: inputs.device_class.clone(),
            threads: 1,
            limits: limits.clone(),
            keep_checkpoints: false,
            collapsed: Collapsed::Run,
        })?;
        let server = match method.item.needs_autodiff() {
            true => {
                self.programs.require_worker()?;
                self.programs.worker_server(&device)
            }
            false => self.programs.light_server(),
        };
        let keys = Keys::of(common.seed);
        let key = match (method.item.output, method.item.needs_autodiff()) {
            (Output::Counts, _) => keys.allocation(),
            (_, true) => keys.score_batch(),
            (_, false) => keys.selection(),
        };
        let job = PluginJob {
            plugin: std::path::absolute(&method.plugin.path)?,
            sha256: method.plugin.sha256.clone(),
            item: method.item.clone(),
            config: method.config.clone(),
            architecture: network.architecture.clone(),
            rows: inputs.rows,
            weights: inputs.weights,
            reference: None,
            mask: None,
            donor: None,
            input: inputs.input,
            batches: inputs.batches,
            keep: inputs.keep,
            rounds: None,
            access: jackpot_host::Access::Declared,
            key: key.to_hex(),
            force_f64: inputs.force_f64,
            device: device.name,
            limits,
        };
        Ok(jackpot_host::run_plugin(
            &server,
            &job,
            folder,
            &mut |_| {},
        )?)
    }
}

/// One item with its parameters complete.
pub struct Method<'a> {
    pub plugin: &'a Plugin,
    pub item: &'a Item,
    pub config: BTreeMap<String, ConfigValue>,
}

/// What a method is given beside the network.
pub struct Inputs {
    pub weights: Option<PathBuf>,
    pub batches: Option<Batches>,
    pub input: Option<PathBuf>,
    pub rows: u64,
    pub keep: f64,
    pub force_f64: bool,
    pub device_class: String,
}

impl Inputs {
    /// Shapes and sparsity only.
    pub fn none() -> Inputs {
        Inputs {
            weights: None,
            batches: None,
            input: None,
            rows: 0,
            keep: 1.0,
            force_f64: false,
            device_class: "native".into(),
        }
    }

    /// What the item asks for, and nothing that it does not.
    pub fn of(item: &Item, given: &Given) -> Result<Inputs> {
        let mut inputs = Inputs::none();
        inputs.device_class = match given.device_class.as_str() {
            class @ ("cpu-avx2" | "native") => class.to_owned(),
            other => bail!("`--device-class`: expected cpu-avx2 or native, found `{other}`"),
        };
        inputs.force_f64 = match given.precision.as_str() {
            "f32" => false,
            "f64" => true,
            other => bail!("`--precision`: expected f32 or f64, found `{other}`"),
        };
        let id = &item.id;
        if item.needs_weights() {
            let path = given.weights.as_ref();
            let path =
                path.with_context(|| format!("`{id}` reads weights: give `--weights FILE`"))?;
            inputs.weights = Some(std::path::absolute(path)?);
        }
        if item.needs_data() {
            let path = given.batch.as_ref();
            let path = path.with_context(|| format!("`{id}` reads data: give `--batch FILE`"))?;
            inputs.rows = batch_rows(path)?;
            inputs.batches = Some(Batches::Given {
                batch: std::path::absolute(path)?,
            });
        }
        Ok(inputs)
    }
}

fn batch_rows(path: &Path) -> Result<u64> {
    let wrong = || format!("`--batch {}`", path.display());
    let bytes = std::fs::read(path).with_context(wrong)?;
    let tensors = SafeTensors::deserialize(&bytes).with_context(wrong)?;
    let y = tensors.tensor("y").with_context(wrong)?;
    tensors.tensor("x").with_context(wrong)?;
    Ok(y.shape().iter().product::<usize>() as u64)
}

/// `NAME=VALUE` in the type that the item declares.
fn parse_param(item: &Item, text: &str) -> Result<(String, ConfigValue)> {
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

/// A method's preset: its own parameter `profile`, or what stands for it.
fn preset(item: &Item, profile: &str) -> Result<BTreeMap<String, ConfigValue>> {
    if !["published", "corrected"].contains(&profile) {
        bail!("`--profile`: expected published or corrected, found `{profile}`");
    }
    let has = |name: &str| item.params.iter().any(|p| p.name == name);
    let mut given = BTreeMap::new();
    if has("profile") {
        given.insert("profile".to_owned(), ConfigValue::Text(profile.to_owned()));
    } else if has("mixed") {
        given.insert(
            "mixed".to_owned(),
            ConfigValue::Bool(profile == "corrected"),
        );
    } else if jackpot_study::published_rule(&item.id).is_err() {
        bail!("`--profile`: `{}` has no presets", item.id);
    }
    Ok(given)
}
