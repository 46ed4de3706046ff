//! What the steps by hand are given, checked once for all of them.
use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;
use jackpot_host::batch_rows;
use jackpot_net::{Network, ScorePrecision};
use jackpot_protocol::{Batches, PluginItem};
use jackpot_prune::{
    Granularity, LayerConstraints, PruningRounds, PruningScope, RoundSchedule, Sparsity,
};
use jackpot_study::Device;
use safetensors::{Dtype, SafeTensors};
use std::path::{Path, PathBuf};

/// Which kernels compute.
#[derive(clap::Args)]
pub struct Kernels {
    /// Which kernels: cpu-avx2 or native
    #[arg(long, default_value = "cpu-avx2")]
    device_class: String,
}

impl Kernels {
    /// One thread of the CPU, on the kernels asked for.
    pub fn device(&self) -> Result<Device> {
        match self.device_class.as_str() {
            class @ ("cpu-avx2" | "native") => Ok(Device::new("cpu", class, 1)?),
            other => bail!("`--device-class`: expected cpu-avx2 or native, found `{other}`"),
        }
    }
}

/// What methods are given.
#[derive(clap::Args)]
pub struct MethodInputs {
    /// state_dict as safetensors, with PyTorch's names, in F32, F64, F16 or BF16
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// One batch as safetensors: `x` [n, c, h, w], normalised, in F32, F64, F16 or BF16, and `y`
    /// [n] in I64
    #[arg(long, value_name = "FILE")]
    batch: Option<PathBuf>,
    /// What derivatives are computed in: f64; f32-contiguous, row-major; or f32, channels last,
    /// as in a study without `[scoring]`, whose masks are further from those of f64
    #[arg(long, default_value = "f64", value_name = "TYPE")]
    precision: String,
    #[command(flatten)]
    kernels: Kernels,
}

impl MethodInputs {
    fn precision(&self) -> Result<ScorePrecision> {
        let mut all = ScorePrecision::ALL.into_iter();
        all.find(|p| p.name() == self.precision).with_context(|| {
            let names = ScorePrecision::ALL.map(ScorePrecision::name).join(", ");
            format!(
                "`--precision`: expected one of {names}, found `{}`",
                self.precision
            )
        })
    }
}

/// What is kept whatever an allocation says, where the other layers give what these take; and what
/// is kept as one.
#[derive(clap::Args)]
pub struct Kept {
    /// Layers kept whole: first, classifier, or both
    #[arg(long, value_name = "LAYERS", value_delimiter = ',')]
    whole: Vec<String>,
    /// Weights that every layer keeps at least
    #[arg(long, default_value_t = 0, value_name = "WEIGHTS")]
    floor: u64,
    /// What is kept or pruned as one; whole filters of convolutions take counts per layer
    #[arg(long, default_value = "weights")]
    unit: KeptAs,
}

#[derive(Clone, Copy, ValueEnum)]
enum KeptAs {
    Weights,
    Filters,
}

impl Kept {
    pub fn unit(&self) -> Granularity {
        match self.unit {
            KeptAs::Weights => Granularity::Weights,
            KeptAs::Filters => Granularity::Filters,
        }
    }

    pub fn reserve(&self) -> Result<LayerConstraints> {
        let mut reserve = LayerConstraints {
            min_weights: self.floor,
            ..LayerConstraints::default()
        };
        for layer in &self.whole {
            match layer.as_str() {
                "first" => reserve.keep_first_dense = true,
                "classifier" => reserve.keep_classifier_dense = true,
                other => bail!("`--whole`: expected first or classifier, found `{other}`"),
            }
        }
        Ok(reserve)
    }
}

/// How often a method scores.
#[derive(clap::Args)]
pub struct InRounds {
    /// Rounds of scoring and global selection [default: as the method was published]
    #[arg(long, value_name = "N")]
    rounds: Option<u32>,
    /// How the density falls over the rounds
    #[arg(long, default_value = "exponential")]
    schedule: Schedule,
}

#[derive(Clone, Copy, ValueEnum)]
enum Schedule {
    Exponential,
    Linear,
}

impl InRounds {
    /// The number of rounds for this item; `None` if it is called once, as a method without rounds.
    pub fn count(&self, item: &PluginItem) -> Option<u32> {
        let count = self.rounds.unwrap_or(item.rounds_hint.max(1));
        (count != 1 || item.rounds_hint > 1).then_some(count)
    }

    pub fn to(
        &self,
        count: u32,
        sparsity: &Sparsity,
        scope: PruningScope,
        reserve: LayerConstraints,
    ) -> PruningRounds {
        PruningRounds {
            count,
            schedule: match self.schedule {
                Schedule::Exponential => RoundSchedule::Exponential,
                Schedule::Linear => RoundSchedule::Linear,
            },
            sparsity: sparsity.clone(),
            scope,
            constraints: reserve,
        }
    }
}

/// What an item is given beside the network.
pub struct Inputs {
    pub weights: Option<PathBuf>,
    pub reference: Option<PathBuf>,
    pub mask: Option<PathBuf>,
    pub donor: Option<PathBuf>,
    pub input: Option<PathBuf>,
    pub batches: Option<Batches>,
    pub rows: u64,
    pub keep: f64,
    pub rounds: Option<PruningRounds>,
    pub precision: ScorePrecision,
    pub device: Device,
}

impl Inputs {
    /// Shapes and sparsity only.
    pub fn none() -> Result<Inputs> {
        Ok(Inputs {
            weights: None,
            reference: None,
            mask: None,
            donor: None,
            input: None,
            batches: None,
            rows: 0,
            keep: 1.0,
            rounds: None,
            precision: ScorePrecision::F64,
            device: Device::new("cpu", "native", 1)?,
        })
    }

    /// What the item asks for, and nothing that it does not; weights that have to be brought
    /// to the stored form are written into `folder`.
    pub fn of(
        item: &PluginItem,
        network: &Network,
        given: &MethodInputs,
        folder: &Path,
    ) -> Result<Inputs> {
        let mut inputs = Inputs {
            precision: given.precision()?,
            device: given.kernels.device()?,
            ..Inputs::none()?
        };
        let id = &item.id;
        if item.needs_weights() {
            let path = given.weights.as_ref();
            let path =
                path.with_context(|| format!("`{id}` reads weights: give `--weights FILE`"))?;
            inputs.weights = Some(weights(network, path, folder)?);
        }
        if item.needs_data() {
            let path = given.batch.as_ref();
            let path = path.with_context(|| format!("`{id}` reads data: give `--batch FILE`"))?;
            inputs.rows = batch_rows(path).map_err(|e| anyhow!(e.message))?;
            inputs.batches = Some(Batches::Given {
                batch: std::path::absolute(path)?,
            });
        }
        Ok(inputs)
    }
}

/// A state_dict that the network can read: the file itself, or, where names or numbers are
/// not the stored form's, what `jackpot import` would store. What was changed is said.
pub fn weights(network: &Network, path: &Path, folder: &Path) -> Result<PathBuf> {
    let wrong = || format!("`--weights {}`", path.display());
    let bytes = std::fs::read(path).with_context(wrong)?;
    let state = jackpot_net::read_state_dict(network, &bytes).with_context(wrong)?;
    // Numbers in f64 stay what they are: some are asked for in f64.
    if state.notes.is_empty() || is_double(&bytes) {
        return Ok(std::path::absolute(path)?);
    }
    for note in &state.notes {
        eprintln!("note: {}: {note}", path.display());
    }
    let stored = folder.join("weights.safetensors");
    std::fs::write(&stored, &state.bytes).context("a temporary folder")?;
    Ok(stored)
}

fn is_double(bytes: &[u8]) -> bool {
    let views = SafeTensors::deserialize(bytes).map(|file| file.tensors());
    views.is_ok_and(|views| views.iter().any(|(_, view)| view.dtype() == Dtype::F64))
}
