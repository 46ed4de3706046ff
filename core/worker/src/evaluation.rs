//! An evaluation job: weights under a mask, on the test rows, without a step.
use crate::{failure, named, read, to_failure, write};
use jackpot_data::Rows;
use jackpot_host::Progress;
use jackpot_nn::{FloatPrecision, Pruned};
use jackpot_protocol::{EvaluateJob, Failure};
use jackpot_prune::Mask;
use std::path::Path;

/// Writes `FOLDER/out/{metrics.json,bits}`, then the success record.
pub fn run(folder: &Path, job: &EvaluateJob) -> Result<(), Failure> {
    // Before the first tensor: the results are a function of the number of threads.
    jackpot_nn::set_threads(job.threads).map_err(to_failure)?;
    let network = job.architecture.build().map_err(to_failure)?;
    let weights = read(&job.weights)?;
    let mask = Mask::from_bytes(&read(&job.mask)?).map_err(|e| named(&job.mask, e))?;
    let test = Rows::open(&job.test, job.memory).map_err(|e| failure("error", e.to_string()))?;
    let progress = Progress::open(folder);
    let pruned = Pruned {
        network: &network,
        weights: &weights,
        mask: &mask,
        test: &test,
        normalisation: &job.normalisation,
        device: jackpot_nn::parse_device(&job.device).map_err(to_failure)?,
        precision: match job.precision {
            jackpot_net::Precision::F32 => FloatPrecision::F32,
            jackpot_net::Precision::Bf16 => FloatPrecision::Bf16,
        },
    };
    let (metrics, bits) = pruned.evaluate().map_err(to_failure)?;
    write(
        folder,
        &[("metrics.json", metrics.to_json()), ("bits", bits)],
    )?;
    progress
        .finish(&serde_json::json!({}))
        .map_err(|e| named(&folder.join("done.json"), e))
}
