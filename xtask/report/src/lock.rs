//! `study.lock`: what was drawn from what, and its bytes.

use crate::{Error, LOCK, Output};
use jackpot_study::Results;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The format's version; a reader refuses another.
pub(crate) const FORMAT: u32 = 1;

/// The lock file. Digests are 64 hexadecimal digits.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    pub format: u32,
    /// sha256 of `study.toml`.
    pub study: String,
    pub device_class: String,
    pub libtorch: String,
    pub output: Vec<Entry>,
}

/// One output of the report.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub path: String,
    /// The digest of the results that it was drawn from.
    pub inputs: String,
    pub sha256: String,
}

/// The lock's bytes for `outputs`, in the order of their paths.
pub(crate) fn write(
    results: &Results,
    outputs: &BTreeMap<String, Output>,
) -> Result<Vec<u8>, Error> {
    let entry = |(path, output): (&String, &Output)| Entry {
        path: path.clone(),
        inputs: output.inputs.to_string(),
        sha256: jackpot_store::Digest::of(&output.bytes).to_string(),
    };
    let lock = Lock {
        format: FORMAT,
        study: results.study.to_string(),
        device_class: results.device_class.clone(),
        libtorch: results.libtorch.clone(),
        output: outputs.iter().map(entry).collect(),
    };
    let text = toml::to_string(&lock).map_err(|e| Error::Draw {
        output: LOCK.into(),
        message: e.to_string(),
    })?;
    let head =
        "# Written by the report; every digest is a sha256. See README.md beside this file.\n";
    Ok(format!("{head}{text}").into_bytes())
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

/// Reads a lock's text; the message says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Lock, String> {
    let lock: Lock = toml::from_str(text).map_err(|e| e.to_string().trim().to_owned())?;
    if lock.format != FORMAT {
        return Err(format!("expected format {FORMAT}, found {}", lock.format));
    }
    Ok(lock)
}
