//! The resume point of a training: one file, replaced in place after every epoch.
//!
//! It holds everything the rest of the training is a function of: weights, running
//! statistics, the optimiser's buffers, the steps taken, the finished epochs' metrics. Its tensors are
//! row-major, and the layout is applied again on load. The `job` entry is the sha256 of
//! all inputs, so a file of another training is never taken for this one; the `digest`
//! entry is the sha256 of the file without it, so a damaged one is never trusted.
use crate::network::state::{Entry, from_view, serialize};
use crate::{Error, TrainingEngine};
use jackpot_net::Network;
use jackpot_protocol::Epoch;
use safetensors::SafeTensors;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use tch::Tensor;

/// What `epochs` metrics cannot say: which training they are of.
pub(crate) type Fingerprint = [u8; 32];

const FILE: &str = "state";

/// Writes the resume point: a temporary file, synced, then renamed over the last one.
pub(crate) fn save(
    folder: &Path,
    fingerprint: &Fingerprint,
    network: &Network,
    engine: &dyn TrainingEngine,
    epochs: &[Epoch],
) -> Result<(), Error> {
    let (weights, buffers) = state(network, engine)?;
    let tensors = weights.into_iter().chain(buffers);
    let mut entries = tensors
        .map(|(name, tensor)| Entry::tensor(name, &tensor))
        .collect::<Result<Vec<_>, Error>>()?;
    let metrics = serde_json::to_vec(epochs).expect("finished epochs have finite metrics");
    entries.push(Entry::raw("metrics", metrics));
    entries.push(Entry::raw("steps", engine.steps().to_le_bytes().to_vec()));
    entries.push(Entry::raw("job", fingerprint.to_vec()));
    let digest = Sha256::digest(serialize(&entries)?);
    entries.push(Entry::raw("digest", digest.to_vec()));
    let bytes = serialize(&entries)?;
    let temporary = folder.join("state.tmp");
    let file_error = |path: &Path| {
        let path = path.to_path_buf();
        move |e: std::io::Error| Error::File {
            path,
            message: e.to_string(),
        }
    };
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut file = File::create(&temporary)?;
        file.write_all(&bytes)?;
        on_disk(file.sync_all())?;
        std::fs::rename(&temporary, folder.join(FILE))?;
        on_disk(File::open(folder)?.sync_all())
    };
    write().map_err(file_error(&temporary))
}

/// A file system that does not implement `fsync` (EINVAL, ENOTSUP, ENOSYS) may lose the point
/// in a power cut: the training begins anew then.
fn on_disk(synced: std::io::Result<()>) -> std::io::Result<()> {
    use std::io::ErrorKind::{InvalidInput, Unsupported};
    match synced {
        Err(error) if matches!(error.kind(), InvalidInput | Unsupported) => Ok(()),
        synced => synced,
    }
}

type Named = Vec<(String, Tensor)>;

/// All tensors that the next step is a function of, parameters and buffers, by their names
/// in the resume point.
fn state(network: &Network, engine: &dyn TrainingEngine) -> Result<(Named, Named), Error> {
    let name = |index: usize| &network.parameters[index].name;
    let weights = engine.parameters()?.into_iter().enumerate();
    let weights = weights.map(|(i, tensor)| (format!("weight.{}", name(i)), tensor));
    let buffers = engine.buffers()?.into_iter();
    let buffers = buffers.map(|b| (format!("{}.{}", b.name, name(b.parameter)), b.values));
    Ok((weights.collect(), buffers.collect()))
}

/// Puts the engine where the last finished epoch left it and returns the epochs so far.
/// Without a file, none. A file that cannot be used is removed, and `Err` says why.
pub(crate) fn restore(
    folder: &Path,
    fingerprint: &Fingerprint,
    network: &Network,
    engine: &mut dyn TrainingEngine,
) -> Result<Vec<Epoch>, String> {
    let path: PathBuf = folder.join(FILE);
    let bytes = match read(&path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(Vec::new()),
        Err(why) => return Err(format!("{}: {why}", path.display())),
    };
    apply(&bytes, fingerprint, network, engine).map_err(|why| {
        // Nothing was copied yet: `apply` checks all before it touches the engine.
        let _ = std::fs::remove_file(&path);
        format!("{}: {why}", path.display())
    })
}

/// The file's bytes, or `None` if there is no file. What lies there instead of a file is removed
/// unread: a pipe would keep its reader waiting for ever.
fn read(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let kind = match std::fs::symlink_metadata(path) {
        Ok(facts) => facts.file_type(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.to_string()),
    };
    if kind.is_file() {
        return std::fs::read(path).map(Some).map_err(|e| e.to_string());
    }
    let removed = if kind.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    Err(match removed {
        Ok(()) => "expected a file, found something else, which was removed".to_string(),
        Err(e) => format!("expected a file, found something else, which cannot be removed: {e}"),
    })
}

fn apply(
    bytes: &[u8],
    fingerprint: &Fingerprint,
    network: &Network,
    engine: &mut dyn TrainingEngine,
) -> Result<Vec<Epoch>, String> {
    let file =
        SafeTensors::deserialize(bytes).map_err(|e| format!("not a safetensors file: {e}"))?;
    let raw = |name: &str| -> Result<Vec<u8>, String> {
        let view = file
            .tensor(name)
            .map_err(|_| format!("lacks the entry `{name}`"))?;
        Ok(view.data().to_vec())
    };
    let mut entries = Vec::new();
    for (name, view) in file.tensors() {
        if name != "digest" {
            let (shape, bytes) = (view.shape().to_vec(), view.data().to_vec());
            entries.push(Entry {
                name,
                dtype: view.dtype(),
                shape,
                bytes,
            });
        }
    }
    let rest = serialize(&entries).map_err(|e| e.to_string())?;
    if raw("digest")? != Sha256::digest(rest).as_slice() {
        return Err("damaged: its digest does not fit its content".to_string());
    }
    if raw("job")? != fingerprint {
        return Err("of another training".to_string());
    }
    let epochs: Vec<Epoch> =
        serde_json::from_slice(&raw("metrics")?).map_err(|e| format!("entry `metrics`: {e}"))?;
    let read = |state: Named| -> Result<Vec<Tensor>, String> {
        let saved = state.iter().map(|(name, tensor)| {
            let view = file
                .tensor(name)
                .map_err(|_| format!("lacks the entry `{name}`"))?;
            let saved = from_view(name, &view).map_err(|e| e.to_string())?;
            if saved.size() != tensor.size() || saved.kind() != tensor.kind() {
                return Err(format!(
                    "entry `{name}` is not of this training's shape and type"
                ));
            }
            Ok(saved)
        });
        saved.collect()
    };
    let (weights, buffers) = state(network, engine).map_err(|e| e.to_string())?;
    let (weights, buffers) = (read(weights)?, read(buffers)?);
    let steps = raw("steps")?;
    let steps = <[u8; 8]>::try_from(steps).map_err(|_| "entry `steps` is no count".to_string())?;
    let steps = u64::from_le_bytes(steps);
    engine
        .restore(&weights, &buffers, steps)
        .map_err(|e| e.to_string())?;
    Ok(epochs)
}
