//! One run of one item, from the job to a file that may enter a store.
use crate::{
    Finished, Server,
    catalog::rounds,
    files, supervise,
    verify::last_round::LastRound,
    verify::outputs::{OutputValue, read_file, read_input, read_raw, to_file},
    verify::promises::{PromiseContext, verify},
};
use jackpot_data::Images;
use jackpot_net::Network;
use jackpot_protocol::{BEFORE, Batches, DataAccess, Failure, Kind, NAME, PluginJob, RAW};
use jackpot_prune::{Mask, ThresholdSharpness};
use safetensors::SafeTensors;
use serde_json::json;
use std::path::Path;
use std::path::PathBuf;

/// What came back and was validated.
#[derive(Clone, Debug)]
pub struct PluginOutput {
    /// File in the job folder: scores safetensors f64, `Mask` bytes, counts as canonical JSON
    /// `[["conv1.weight", 123], ...]`, weights safetensors, or a data object with the changed part.
    pub file: PathBuf,
    /// Of a method with [`jackpot_protocol::PluginJob::rounds`]: the mask (`Mask` bytes) after the last round,
    /// whose scores `file` holds.
    pub mask: Option<PathBuf>,
    /// How sharp the last round's threshold was, where the host selected it.
    pub selected: Option<ThresholdSharpness>,
    /// Promises verified with the share of what could change that did; services used; batches
    /// drawn. Deterministic, integers and text only.
    pub certificate: serde_json::Value,
    /// The tail of what the worker printed.
    pub log: String,
    /// Wall time of the worker.
    pub seconds: f64,
    /// Bytes of resident memory at the worker's peak.
    pub peak_memory: u64,
}

/// Runs one item in a fresh process, watches it, validates what came back, verifies every
/// promise. `folder` is made if it is missing; everything of the run lies in it.
pub fn run_plugin(
    server: &Server,
    job: &PluginJob,
    folder: &Path,
    observe: &mut dyn FnMut(f64),
) -> Result<PluginOutput, Failure> {
    // The name of a run before this one in the same folder must not be blamed.
    let _ = std::fs::remove_file(folder.join(NAME));
    run(server, job, folder, observe).map_err(|failure| failure.within(&place(job, folder)))
}

/// Plugin, item, action: who to blame.
fn place(job: &PluginJob, folder: &Path) -> String {
    let file = || {
        let name = job.plugin.file_name().unwrap_or_default().to_string_lossy();
        name.chars().take(40).collect::<String>()
    };
    let name = std::fs::read_to_string(folder.join(NAME)).unwrap_or_else(|_| file());
    let digest: String = job.sha256.chars().take(12).collect();
    format!(
        "plugin `{name}` ({digest}), item `{}`, action `{}`",
        job.item.id,
        job.item.action()
    )
}

fn run(
    server: &Server,
    job: &PluginJob,
    folder: &Path,
    observe: &mut dyn FnMut(f64),
) -> Result<PluginOutput, Failure> {
    let invalid = |e: jackpot_prune::Error| Failure::new("invalid", e.to_string());
    let io = |e: std::io::Error| Failure::new("error", format!("`{}`: {e}", folder.display()));
    let network = job.network()?;
    rounds::check_item(&job.item, job.rounds.as_ref())?;
    check_batch(job)?;
    let (input, data) = read_input(job, &network)?;
    let mask = match &job.mask {
        Some(path) => Mask::from_bytes(&read_file(path)?).map_err(invalid)?,
        None => Mask::dense(&network),
    };
    mask.check(&network).map_err(invalid)?;
    let keep_count = match &job.rounds {
        Some(rounds) => rounds.sparsity.kept(network.prunable_weights()),
        None => jackpot_prune::kept_at_density(job.keep, network.prunable_weights())
            .map_err(|e| Failure::new("invalid", e))?,
    };
    std::fs::create_dir_all(folder).map_err(io)?;
    for stale in [RAW, BEFORE] {
        let _ = std::fs::remove_file(folder.join(stale));
    }
    files::write_json(folder, "job.json", &tagged(job)?)?;
    let finished = supervise(server, folder, &job.limits, observe)?;
    let request = RunRequest {
        job,
        network: &network,
        mask,
        input,
        data,
        keep_count,
    };
    let done = conclude(folder, request, &finished).map_err(|f: Failure| Failure {
        log: finished.log.clone(),
        ..f
    })?;
    Ok(PluginOutput {
        log: finished.log,
        seconds: finished.seconds,
        peak_memory: finished.peak_memory,
        ..done
    })
}

/// What the item was asked, read and checked.
struct RunRequest<'a> {
    job: &'a PluginJob,
    network: &'a Network,
    mask: Mask,
    input: Option<OutputValue>,
    data: Option<Images>,
    keep_count: u64,
}

/// Validates and verifies what the worker left, and writes what may enter a store.
fn conclude(
    folder: &Path,
    request: RunRequest<'_>,
    finished: &Finished,
) -> Result<PluginOutput, Failure> {
    let (job, network) = (request.job, request.network);
    let write = |name: &str, bytes: Vec<u8>| {
        let file = folder.join(name);
        std::fs::write(&file, bytes)
            .map(|()| file)
            .map_err(|e| Failure::new("error", format!("`{name}`: {e}")))
    };
    let output = read_raw(
        &read_file(&folder.join(RAW))?,
        job,
        network,
        request.data.as_ref(),
    )?;
    let last = match &job.rounds {
        Some(rounds) => Some(LastRound::read(
            folder, job, rounds, network, finished, &output,
        )?),
        None => None,
    };
    let facts = PromiseContext {
        network,
        kind: job.item.kind,
        promises: job.item.promises,
        mask: last.as_ref().map_or(&request.mask, |l| &l.before),
        selected: last.as_ref().and_then(|l| l.mask.as_ref()),
        keep_count: request.keep_count,
    };
    let promises = verify(&facts, request.input.as_ref(), &output)?;
    refuse_dense(job, network, &output, request.keep_count)?;
    let mut certificate = json!({ "promises": promises });
    certify(&mut certificate, job, finished)?;
    if let Some(kept) = last.as_ref().map(|l| l.kept).or_else(|| kept(&output)) {
        let total = network.prunable_weights();
        certificate["achieved"] =
            json!({ "kept": kept, "asked": request.keep_count, "total": total });
    }
    if let (Some(rounds), Some(last)) = (&job.rounds, &last) {
        certificate["rounds"] = json!({ "schedule": rounds.schedule, "kept": last.each });
    }
    let (name, bytes) = to_file(&output, job, network, request.data)?;
    let file = write(name, bytes)?;
    let mask = match last.as_ref().map(|l| l.mask.as_ref()) {
        None => None,
        Some(None) => Some(file.clone()),
        Some(Some(mask)) => Some(write("mask", mask.to_bytes())?),
    };
    // The worker's bytes have been read and verified: what counts is the file.
    for read in [RAW, BEFORE] {
        let _ = std::fs::remove_file(folder.join(read));
    }
    Ok(PluginOutput {
        file,
        mask,
        selected: last.and_then(|l| l.selected),
        certificate,
        log: String::new(),
        seconds: 0.0,
        peak_memory: 0,
    })
}

/// The task's rows are those of a batch given by hand, and nobody but its file knows them.
fn check_batch(job: &PluginJob) -> Result<(), Failure> {
    let Some(Batches::Given { batch }) = &job.batches else {
        return Ok(());
    };
    let rows = batch_rows(batch)?;
    if rows == job.rows {
        return Ok(());
    }
    Err(Failure::new(
        "invalid",
        format!(
            "the batch `{}`: holds {rows} labels, and the job says {} rows",
            batch.display(),
            job.rows
        ),
    ))
}

/// How many rows a batch given by hand holds: a safetensors file with the images `x` and the
/// labels `y`.
///
/// # Errors
/// When the file cannot be read, or is not of that form.
pub fn batch_rows(batch: &Path) -> Result<u64, Failure> {
    let invalid =
        |why: String| Failure::new("invalid", format!("the batch `{}`: {why}", batch.display()));
    let bytes = std::fs::read(batch).map_err(|e| invalid(e.to_string()))?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|e| invalid(jackpot_net::not_tensors(&bytes, &e)))?;
    let tensor = |name: &str, what: &str| {
        let none = |_| {
            invalid(format!(
                "expected a tensor `{name}` with the {what}, found none"
            ))
        };
        file.tensor(name).map_err(none)
    };
    tensor("x", "images")?;
    let labels = tensor("y", "labels")?;
    Ok(labels.shape().iter().product::<usize>() as u64)
}

/// `job.json`: the job's fields beside `"kind": "plugin"`.
fn tagged(job: &PluginJob) -> Result<serde_json::Value, Failure> {
    let mut value = serde_json::to_value(job)
        .map_err(|e| Failure::new("error", format!("the job cannot be written: {e}")))?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("kind".into(), "plugin".into());
    }
    Ok(value)
}

/// A method that prunes nothing when sparsity was asked has failed, quietly.
fn refuse_dense(
    job: &PluginJob,
    network: &Network,
    output: &OutputValue,
    keep_count: u64,
) -> Result<(), Failure> {
    let total = network.prunable_weights();
    match kept(output) {
        Some(kept) if job.item.kind == Kind::Method && kept == total && keep_count < total => {
            Err(Failure::new(
                "contract",
                format!(
                    "pruned nothing: all {total} weights are kept where {keep_count} were asked for"
                ),
            ))
        }
        _ => Ok(()),
    }
}

/// Weights that an output keeps, if it says so itself.
pub(crate) fn kept(output: &OutputValue) -> Option<u64> {
    match output {
        OutputValue::Masks(mask) => Some(mask.kept()),
        OutputValue::Counts(counts) => Some(counts.iter().sum()),
        _ => None,
    }
}

/// What the worker says it used, and how much it was let see.
fn certify(
    certificate: &mut serde_json::Value,
    job: &PluginJob,
    finished: &Finished,
) -> Result<(), Failure> {
    for name in ["services", "batches"] {
        let said = finished.result.get(name).filter(|v| v.is_array());
        certificate[name] = said.cloned().ok_or_else(|| {
            Failure::new(
                "contract",
                format!("the worker's record has no list `{name}`"),
            )
        })?;
    }
    if job.access != DataAccess::Declared {
        certificate["access"] = json!(job.access);
    }
    Ok(())
}
