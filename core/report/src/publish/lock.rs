//! Writes and reads `study.lock`, whose format `jackpot_study` defines.

use crate::formats::ReportFile;
use crate::{Error, LOCK};
use jackpot_results::Results;
use jackpot_store::Digest;
use jackpot_study::{DeclaredAnalysis, LockEntry};
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) use jackpot_study::Lock;

/// The bytes of a lock that lists `outputs` by path and keeps the declared plans. `order` is the
/// order in which results are listed.
pub(crate) fn render(
    results: &Results,
    declared: &[DeclaredAnalysis],
    outputs: &BTreeMap<String, ReportFile>,
    order: &[Digest],
) -> Result<Vec<u8>, Error> {
    let entry = |(path, output): (&String, &ReportFile)| LockEntry {
        path: path.clone(),
        inputs: output.inputs.digest,
        sha256: Digest::of(&output.bytes),
    };
    let mut lock = Lock {
        analysis: declared.to_vec(),
        output: outputs.iter().map(entry).collect(),
        ..Lock::new(
            results.study,
            results.device_class.clone(),
            results.libtorch.clone(),
        )
    };
    let sets = outputs
        .values()
        .map(|o| (o.inputs.digest, &o.inputs.results));
    lock.list(&sets.collect(), order);
    let text = lock.text().map_err(|e| Error::Draw {
        output: LOCK.into(),
        message: e.to_string(),
    })?;
    Ok(text.into_bytes())
}

/// Reads the lock of a study's folder.
pub(crate) fn read(path: &Path) -> Result<Lock, Error> {
    let failed = |message: String| Error::File {
        path: path.into(),
        message,
    };
    let text = std::fs::read_to_string(path).map_err(|e| failed(format!("cannot be read: {e}")))?;
    parse(&text).map_err(failed)
}

/// Parses the text of a lock. The error message says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Lock, String> {
    Lock::parse(text).map_err(|e| e.0)
}
