//! Which engine takes the steps of a training, and whether it can.
//!
//! Trainings under a mask take the engine that the study asks for; dense trainings and scoring
//! are always libtorch's, scoring in the precision of `[scoring]`. What an engine cannot do is
//! refused when the study is read, by the name of the field; nothing falls back.
use crate::{
    Error, Precision, spec::run_section::RunChoice, spec::setting::Setting, spec::tickets::Ticket,
};
use jackpot_net::{Network, Training};
use jackpot_sparse::{Isa, Storage};
use serde::{Deserialize, Serialize};

/// Who takes the steps of a training; part of its recipe.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// The reference: every network, option and device; a mask costs what the dense net does.
    #[default]
    Libtorch,
    /// Computes with the kept weights alone, on one core of a CPU.
    Sparse,
}

impl Engine {
    /// As a study file spells it.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Libtorch => "libtorch",
            Engine::Sparse => "sparse",
        }
    }

    /// What recipes leave out: before there were two, it was the only one.
    pub(crate) fn is_libtorch(&self) -> bool {
        *self == Engine::Libtorch
    }
}

/// What a training is computed by, and in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Compute {
    /// Who takes the steps.
    pub engine: Engine,
    /// In libtorch what layers compute in; in the sparse engine what activations are held in.
    pub precision: Precision,
}

impl Compute {
    /// The same of a training without a mask.
    pub(crate) fn dense(self) -> Compute {
        Compute {
            engine: Engine::Libtorch,
            ..self
        }
    }

    /// "libtorch, f32", "the sparse engine, bf16".
    pub fn in_words(self) -> String {
        let engine = match self.engine {
            Engine::Libtorch => "libtorch",
            Engine::Sparse => "the sparse engine",
        };
        format!("{engine}, {}", self.precision.name())
    }
}

/// How the sparse engine holds activations and their gradients.
pub fn storage(precision: Precision) -> Storage {
    match precision {
        Precision::F32 => Storage::F32,
        Precision::Bf16 => Storage::Bf16,
    }
}

/// The kernels that the sparse engine takes in a device class, if this CPU has them.
///
/// # Errors
/// A class without such kernels; a CPU that lacks what the storage needs.
pub fn kernels(device_class: &str, precision: Precision) -> Result<Isa, Error> {
    let isa = match device_class {
        "cpu-avx2" | "native-avx2" => Isa::Avx2,
        "native-avx512" => Isa::Avx512,
        other => {
            return Err(Error(format!(
                "the sparse engine has kernels for AVX2 and AVX-512, none for `{other}`; write `engine = \"libtorch\"`"
            )));
        }
    };
    match isa.check(storage(precision)) {
        Ok(()) => Ok(isa),
        Err(e) => Err(Error(format!("device class `{device_class}`: {e}"))),
    }
}

/// Whether the engine can train a network in this way at all, on whatever CPU.
///
/// # Errors
/// Names the layer or field, and what to use instead.
pub fn lowers(network: &Network, training: &Training, precision: Precision) -> Result<(), Error> {
    jackpot_sparse::check(network, training, storage(precision)).map_err(|e| Error(e.to_string()))
}

/// Refuses a setting whose trainings cannot be computed as they ask. `run` is as the file says
/// it; in a trial, libtorch may compute what would take a lifetime.
pub(crate) fn fits(
    setting: &Setting,
    network: &Network,
    run: &RunChoice,
    trial: bool,
) -> Result<(), Error> {
    if !trial {
        setting.compute.precision.fits(run, "`training")?;
    }
    for ticket in &setting.tickets {
        let Some(sparse) = &ticket.sparse else {
            continue;
        };
        let section = section(ticket, sparse.compute, setting.compute);
        if !trial {
            sparse.compute.precision.fits(run, &section)?;
        }
        if sparse.compute.engine == Engine::Libtorch {
            continue;
        }
        on_one_thread_of_a_cpu(run, &section)?;
        let rounds = sparse.rounds.as_ref().map(|r| &r.training);
        for training in [&sparse.training].into_iter().chain(rounds) {
            lowers(network, training, sparse.compute.precision)
                .map_err(|e| Error(format!("{section}.engine`: {e}")))?;
        }
    }
    Ok(())
}

/// How the name of a field of a ticket's training begins: where it is written.
fn section(ticket: &Ticket, own: Compute, study: Compute) -> String {
    match own == study {
        true => "`training".to_owned(),
        false => format!("ticket `{}`: `retrain", ticket.name),
    }
}

fn on_one_thread_of_a_cpu(run: &RunChoice, section: &str) -> Result<(), Error> {
    if run.is_gpu() {
        return Err(Error(format!(
            "{section}.engine`: `sparse` trains on the CPU alone, and `run.device` is `{}`; write `device = \"cpu\"` in `[run]`, or `engine = \"libtorch\"`",
            run.device
        )));
    }
    if run.threads != 1 {
        return Err(Error(format!(
            "{section}.engine`: `sparse` trains on one thread, and `run.threads` is {}; write `threads = 1` in `[run]` (the number of trainings at once is `jackpot run --workers`), or `engine = \"libtorch\"`",
            run.threads
        )));
    }
    Ok(())
}
