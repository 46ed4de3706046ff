//! One run of one item, from the job to a file that may enter a store.
use crate::promises::{Facts, verify};
use crate::serve::{NAME, RAW};
use crate::validate::{Value, read_file, read_input, read_raw, to_file};
use crate::{Failure, Finished, Kind, PluginJob, PluginOutput, Server, job, sparsity, supervise};
use jackpot_net::{Mask, Network};
use serde_json::json;
use std::path::Path;

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
        job::action(&job.item)
    )
}

fn run(
    server: &Server,
    job: &PluginJob,
    folder: &Path,
    observe: &mut dyn FnMut(f64),
) -> Result<PluginOutput, Failure> {
    let invalid = |e: jackpot_net::Error| Failure::new("invalid", e.to_string());
    let io = |e: std::io::Error| Failure::new("error", format!("`{}`: {e}", folder.display()));
    let network = job.architecture.build().map_err(invalid)?;
    let (input, data) = read_input(job, &network)?;
    let mask = match &job.mask {
        Some(path) => Mask::from_bytes(&read_file(path)?).map_err(invalid)?,
        None => Mask::dense(&network),
    };
    mask.check(&network).map_err(invalid)?;
    let keep_count = sparsity::share_of(job.keep, network.prunable_weights())
        .map_err(|e| Failure::new("invalid", e))?;
    job.rounds.as_ref().map_or(Ok(()), crate::Rounds::check)?;
    std::fs::create_dir_all(folder).map_err(io)?;
    let _ = std::fs::remove_file(folder.join(RAW));
    job::write_json(folder, "job.json", &tagged(job)?)?;
    let finished = supervise(server, folder, &job.limits, observe)?;
    let conclude = || {
        let raw = std::fs::read(folder.join(RAW)).map_err(io)?;
        let output = read_raw(&raw, job, &network, data.as_ref())?;
        let facts = Facts {
            network: &network,
            kind: job.item.kind,
            promises: job.item.promises,
            mask: &mask,
            keep_count,
        };
        let promises = verify(&facts, input.as_ref(), &output)?;
        refuse_dense(job, &network, &output, keep_count)?;
        let certificate = certificate(&finished, &network, &output, keep_count, promises)?;
        let (name, bytes) = to_file(&output, job, &network, data.clone())?;
        let file = folder.join(name);
        std::fs::write(&file, bytes).map_err(io)?;
        // The worker's bytes have been read and verified: what counts is the file.
        let _ = std::fs::remove_file(folder.join(RAW));
        Ok((file, certificate))
    };
    let (file, certificate) = conclude().map_err(|f: Failure| Failure {
        log: finished.log.clone(),
        ..f
    })?;
    Ok(PluginOutput {
        file,
        mask: None,
        selected: None,
        certificate,
        log: finished.log,
        seconds: finished.seconds,
        peak_memory: finished.peak_memory,
    })
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
    output: &Value,
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

fn kept(output: &Value) -> Option<u64> {
    match output {
        Value::Masks(mask) => Some(mask.kept()),
        Value::Counts(counts) => Some(counts.iter().sum()),
        _ => None,
    }
}

fn certificate(
    finished: &Finished,
    network: &Network,
    output: &Value,
    keep_count: u64,
    promises: serde_json::Value,
) -> Result<serde_json::Value, Failure> {
    let said = |name: &str| {
        finished
            .result
            .get(name)
            .filter(|v| v.is_array())
            .cloned()
            .ok_or_else(|| {
                Failure::new(
                    "contract",
                    format!("the worker's record has no list `{name}`"),
                )
            })
    };
    let mut certificate = json!({
        "promises": promises,
        "services": said("services")?,
        "batches": said("batches")?,
    });
    if let (Some(kept), Some(fields)) = (kept(output), certificate.as_object_mut()) {
        let total = network.prunable_weights();
        fields.insert(
            "achieved".into(),
            json!({ "kept": kept, "asked": keep_count, "total": total }),
        );
    }
    Ok(certificate)
}
