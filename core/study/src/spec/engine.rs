//! Which engine takes the steps of a training, and whether it can.
//!
//! Trainings under a mask take the engine that the study asks for; dense trainings and scoring
//! are always libtorch's, scoring in the precision of `[scoring]`. What an engine cannot do is
//! refused when the study is read, by the name of the field; nothing falls back.
use crate::{
    Error,
    spec::{run_section::RunSettings, setting::Setting, ticket::tickets::Ticket},
};
use jackpot_net::{Compute, Engine, Network, Precision};

/// Refuses a setting whose trainings cannot be computed as they ask. `run` is as the file says
/// it; in a trial, libtorch may compute what would take a lifetime.
pub(crate) fn fits(
    setting: &Setting,
    network: &Network,
    run: &RunSettings,
    trial: bool,
) -> Result<(), Error> {
    if !trial {
        precision_fits(setting.compute.precision, run, "`training")?;
    }
    for ticket in &setting.tickets {
        let Some(sparse) = &ticket.sparse else {
            continue;
        };
        let section = section(ticket, sparse.compute, setting.compute);
        if !trial {
            precision_fits(sparse.compute.precision, run, &section)?;
        }
        if sparse.compute.engine == Engine::Libtorch {
            continue;
        }
        on_one_thread_of_a_cpu(run, &section)?;
        let rounds = sparse.rounds.as_ref().map(|r| &r.training);
        for training in [&sparse.training].into_iter().chain(rounds) {
            jackpot_sparse::check(network, training, sparse.compute.precision)
                .map_err(|e| Error(format!("{section}.engine`: {e}")))?;
        }
    }
    Ok(())
}

/// Refuses what could be computed but not in a lifetime: measured on ResNet-8, bfloat16
/// takes nine times as long as f32 with AVX2's kernels, which have no such arithmetic.
/// The sparse engine has no such kernels for AVX2 at all. `section` begins the field's name.
fn precision_fits(precision: Precision, run: &RunSettings, section: &str) -> Result<(), Error> {
    if precision == Precision::Bf16 && run.device == "cpu" && run.device_class == "cpu-avx2" {
        return Err(Error(format!(
            "{section}.precision`: the kernels of `cpu-avx2` emulate `bf16`, at a ninth of the speed of `f32`; \
             write `device_class = \"native\"` in `[run]` (a CPU with AVX-512 or better), or `precision = \"f32\"`"
        )));
    }
    Ok(())
}

/// How the name of a field of a ticket's training begins: where it is written.
fn section(ticket: &Ticket, own: Compute, study: Compute) -> String {
    if own == study {
        "`training".to_owned()
    } else {
        format!("ticket `{}`: `retrain", ticket.name)
    }
}

fn on_one_thread_of_a_cpu(run: &RunSettings, section: &str) -> Result<(), Error> {
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
