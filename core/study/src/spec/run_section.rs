//! `[run]`: where a study is trained, and what its processes may use.
use crate::{Error, messages::hint};
use jackpot_protocol::Limits;
use serde::Deserialize;

/// Most threads of one training: above this OpenMP aborts before it says why.
const MOST_THREADS: u32 = 256;

/// Ten years.
const MOST_SECONDS: f64 = 315_360_000.0;

/// More memory than any machine can address.
const MOST_MEMORY_MB: u64 = 1 << 27;

/// Least memory of a plugin's process: with less, libtorch does not load.
const LEAST_MEMORY_MB: u64 = 128;

/// What is done with a training whose mask is certain to collapse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CollapsePolicy {
    /// It is run all the same, and said.
    #[default]
    Run,
    /// It is not started; the cell says why.
    Skip,
}

/// Device, threads, limits.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// `cpu-avx2` or `native`.
    pub device_class: String,
    /// Threads of one training.
    pub threads: u32,
    /// What a plugin may use.
    pub limits: Limits,
    /// Keep every checkpoint, not only while an unfinished action reads it.
    pub keep_checkpoints: bool,
    /// Whether a training that is certain to collapse is started.
    pub collapsed: CollapsePolicy,
}

impl RunSettings {
    /// Whether trainings are on a GPU.
    pub fn is_gpu(&self) -> bool {
        self.device.starts_with("cuda")
    }

    /// What a study without `[run]` has.
    pub(crate) fn plain() -> Result<RunSettings, Error> {
        run_choice(RunSection::default())
    }
}

pub(crate) fn run_choice(r: RunSection) -> Result<RunSettings, Error> {
    let cuda = r
        .device
        .strip_prefix("cuda:")
        .is_some_and(|n| n.parse::<u16>().is_ok());
    if r.device != "cpu" && !cuda {
        return Err(Error(format!(
            "`run.device`: expected `cpu` or `cuda:N`, found `{}`",
            r.device
        )));
    }
    if !["cpu-avx2", "native"].contains(&r.device_class.as_str()) {
        return Err(Error(format!(
            "`run.device_class`: expected `cpu-avx2` or `native`, found `{}`{}",
            r.device_class,
            hint(&r.device_class, ["cpu-avx2", "native"])
        )));
    }
    if cuda && r.device_class != "native" {
        return Err(Error(format!(
            "`run.device_class`: expected `native` with `device = \"{}\"`, found `{}`",
            r.device, r.device_class
        )));
    }
    if !(1..=MOST_THREADS).contains(&r.threads) {
        return Err(Error(format!(
            "`run.threads`: expected 1 to {MOST_THREADS}, found {}; the number of trainings that run at once is `jackpot run --workers`",
            r.threads
        )));
    }
    if (1..LEAST_MEMORY_MB).contains(&r.plugin_memory_mb) {
        return Err(Error(format!(
            "`run.plugin_memory_mb`: expected 0 (no limit) or at least {LEAST_MEMORY_MB}, found {}: libtorch alone needs that much",
            r.plugin_memory_mb
        )));
    }
    if !(r.plugin_seconds > 0.0 && r.plugin_seconds <= MOST_SECONDS) {
        return Err(Error(format!(
            "`run.plugin_seconds`: expected a positive number of at most {MOST_SECONDS}, found {}",
            r.plugin_seconds
        )));
    }
    let bytes = |field: &str, mb: u64| {
        if mb > MOST_MEMORY_MB {
            return Err(Error(format!(
                "`run.{field}`: expected at most {MOST_MEMORY_MB}, found {mb}"
            )));
        }
        Ok(mb << 20)
    };
    Ok(RunSettings {
        limits: Limits {
            plugin_seconds: r.plugin_seconds,
            memory: bytes("plugin_memory_mb", r.plugin_memory_mb)?,
            scratch: bytes("plugin_scratch_mb", r.plugin_scratch_mb)?,
        },
        device: r.device,
        device_class: r.device_class,
        threads: r.threads,
        keep_checkpoints: r.keep_checkpoints,
        collapsed: r.collapsed,
    })
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RunSection {
    pub device: String,
    pub device_class: String,
    pub threads: u32,
    pub plugin_seconds: f64,
    pub plugin_memory_mb: u64,
    pub plugin_scratch_mb: u64,
    pub keep_checkpoints: bool,
    pub collapsed: CollapsePolicy,
}

impl Default for RunSection {
    fn default() -> Self {
        RunSection {
            device: "cpu".into(),
            device_class: "cpu-avx2".into(),
            threads: 1,
            plugin_seconds: 300.0,
            plugin_memory_mb: 8192,
            plugin_scratch_mb: 1024,
            keep_checkpoints: false,
            collapsed: CollapsePolicy::Run,
        }
    }
}
