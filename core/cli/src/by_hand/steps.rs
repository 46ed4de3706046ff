//! `jackpot steps`
use super::{Kernels, Tools};
use crate::Places;
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use jackpot_net::{Augment, Network, Precision, Schedule, Training};
use jackpot_protocol::{Job, Limits, StepsJob};
use jackpot_sparse::Isa;
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    network: crate::network::NetworkChoice,
    /// state_dict as safetensors, with PyTorch's names, in F32, F64, F16 or BF16
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// One batch as safetensors: `x` [n, c, h, w], normalised, in F32, F64, F16 or BF16, and `y`
    /// [n] in I64
    #[arg(long, value_name = "FILE")]
    batch: PathBuf,
    /// A mask as `jackpot mask` writes it; without one the network is dense
    #[arg(long, value_name = "FILE")]
    mask: Option<PathBuf>,
    /// Steps of SGD, each on the whole batch; 0: only the logits
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    steps: u32,
    /// Learning rate
    #[arg(long, default_value_t = 0.1)]
    lr: f64,
    /// Momentum
    #[arg(long, default_value_t = 0.9)]
    momentum: f64,
    /// Weight decay, on all parameters
    #[arg(long, default_value_t = 1e-4)]
    weight_decay: f64,
    /// As published: a kept weight that is exactly 0 loses that step's gradient
    #[arg(long)]
    published_gradient_mask: bool,
    /// Who takes the steps: libtorch, or the sparse engine, which has the kept weights alone
    #[arg(long, default_value = "libtorch", value_name = "ENGINE")]
    engine: EngineChoice,
    /// What the sparse engine holds activations in: f32, or bf16 on a CPU with AVX-512 bf16
    #[arg(long, default_value = "f32", value_name = "TYPE")]
    storage: Storage,
    /// What libtorch computes in: f32 or f64
    #[arg(long, default_value = "f32", value_name = "TYPE")]
    precision: Computed,
    #[command(flatten)]
    kernels: Kernels,
    /// Where to write the state_dict after the steps (safetensors)
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EngineChoice {
    Libtorch,
    Sparse,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Storage {
    F32,
    Bf16,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Computed {
    F32,
    F64,
}

impl Arguments {
    /// What the sparse engine holds activations in; `None` if libtorch takes the steps.
    fn sparse(&self, network: &Network, training: &Training) -> Result<Option<Precision>> {
        let held = match self.storage {
            Storage::F32 => Precision::F32,
            Storage::Bf16 => Precision::Bf16,
        };
        if self.engine == EngineChoice::Libtorch {
            if self.storage != Storage::F32 {
                bail!("`--storage` is the sparse engine's: give `--engine sparse`");
            }
            return Ok(None);
        }
        if self.precision == Computed::F64 {
            bail!(
                "`--precision f64`: the sparse engine computes in f32; expected `--engine libtorch`"
            );
        }
        Isa::of_class(&self.kernels.device()?.class, held).context("`--engine sparse`")?;
        jackpot_sparse::check(network, training, held).context("`--engine sparse`")?;
        Ok(Some(held))
    }
}

pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let network = arguments.network.build()?;
    let training = Training {
        epochs: 1,
        batch: 1,
        lr: arguments.lr,
        schedule: Schedule::Constant,
        warmup_epochs: 0.0,
        momentum: arguments.momentum,
        weight_decay: arguments.weight_decay,
        augment: Augment::default(),
        published_gradient_mask: arguments.published_gradient_mask,
        ..Training::su2020()
    };
    training.validate()?;
    let double = arguments.precision == Computed::F64;
    let device = arguments.kernels.device()?;
    let sparse = arguments.sparse(&network, &training)?;
    let tools = Tools::open(places)?;
    tools.programs.require_worker()?;
    let limits = Limits {
        plugin_seconds: 0.0, // no plugin is in sight
        memory: 0,
        scratch: 0,
    };
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let job = Job::Steps(Box::new(StepsJob {
        architecture: network.architecture.clone(),
        training,
        weights: super::weights(&network, &arguments.weights, folder.path())?,
        mask: arguments
            .mask
            .as_ref()
            .map(std::path::absolute)
            .transpose()?,
        batch: std::path::absolute(&arguments.batch)?,
        steps: arguments.steps,
        double,
        sparse,
        device_class: device.class.clone(),
        device: device.name.clone(),
    }));
    std::fs::write(folder.path().join("job.json"), serde_json::to_vec(&job)?)?;
    let server = tools.programs.worker_server(&device);
    let done = jackpot_host::supervise(&server, folder.path(), &limits, &mut |_| {})?;
    if let Some(out) = &arguments.out {
        std::fs::copy(folder.path().join("out/state.safetensors"), out)
            .with_context(|| format!("`--out {}`", out.display()))?;
    }
    println!(
        "{:#}",
        json!({
            "engine": if sparse.is_some() { "sparse" } else { "libtorch" },
            "storage": sparse,
            "precision": if double { "f64" } else { "f32" }, "steps": arguments.steps,
            "logits": done.result["logits"], "losses": done.result["losses"],
            "out": arguments.out,
        })
    );
    Ok(ExitCode::SUCCESS)
}
