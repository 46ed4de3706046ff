//! The sums of a folder's files, and one sum over them.
//!
//! The manifest is a line a file, `SHA256  BYTES  PATH`, in bytewise order of the paths; its
//! sha256 stands for the whole folder. A file of sums from an earlier run saves hashing a
//! million files again: a file of the same length and modification time is taken to have the
//! same sum, and is found out when its pixels are read if it has not.

use crate::Error;
use crate::tree::{Tree, wrong};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// Length and sum of each file, by path relative to the set's folder.
pub(crate) type Sums = BTreeMap<String, Sum>;

/// Of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) bytes: u64,
    /// Nanoseconds since 1970; 0 if the system does not tell.
    changed: u128,
    pub(crate) sha256: [u8; 32],
}

/// Hashes every file of the tree, those that `known` has not.
pub(crate) fn hash(folder: &Path, tree: &Tree, known: &Sums) -> Result<Sums, Error> {
    let images = tree.train.iter().chain(&tree.test).map(|leaf| &leaf.path);
    let paths: Vec<&String> = images.chain(&tree.lists).collect();
    let sums: Vec<Result<(String, Sum), Error>> = paths
        .into_par_iter()
        .map(|path| Ok((path.clone(), of_file(folder, path, known)?)))
        .collect();
    // The first error in the tree's order, however the threads ran.
    sums.into_iter().collect()
}

fn of_file(folder: &Path, path: &str, known: &Sums) -> Result<Sum, Error> {
    let place = folder.join(path);
    let unreadable = |error| wrong(&place, format!("cannot be read: {error}"));
    let facts = std::fs::symlink_metadata(&place).map_err(unreadable)?;
    if !facts.is_file() {
        return Err(wrong(&place, "is no regular file"));
    }
    let since = facts
        .modified()
        .ok()
        .and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    let changed = since.map_or(0, |since| since.as_nanos());
    if let Some(sum) = known.get(path)
        && (sum.bytes, sum.changed) == (facts.len(), changed)
        && changed != 0
    {
        return Ok(*sum);
    }
    let bytes = std::fs::read(&place).map_err(unreadable)?;
    Ok(Sum {
        bytes: bytes.len() as u64,
        changed,
        sha256: Sha256::digest(&bytes).into(),
    })
}

/// sha256 of the manifest, and the bytes of all files together.
pub(crate) fn digest(sums: &Sums) -> ([u8; 32], u64) {
    let mut hash = Sha256::new();
    for (path, sum) in sums {
        hash.update(format!(
            "{}  {}  {path}\n",
            crate::hex(&sum.sha256),
            sum.bytes
        ));
    }
    let bytes = sums.values().map(|sum| sum.bytes).sum();
    (hash.finalize().into(), bytes)
}

const FIRST_LINE: &str = "jackpot sums 1";

/// Reads what [`remember`] wrote; a file that cannot be read knows nothing.
pub(crate) fn recall(file: &Path) -> Sums {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut lines = text.lines();
    if lines.next() != Some(FIRST_LINE) {
        return Sums::new();
    }
    let sum = |line: &str| -> Option<(String, Sum)> {
        let mut fields = line.splitn(4, ' ');
        let sha256 = crate::unhex(fields.next()?)?;
        let bytes = fields.next()?.parse().ok()?;
        let changed = fields.next()?.parse().ok()?;
        let path = fields.next()?.to_owned();
        Some((
            path,
            Sum {
                bytes,
                changed,
                sha256,
            },
        ))
    };
    lines.filter_map(sum).collect()
}

/// Replaces the file of sums; one that cannot be written costs time, nothing else.
pub(crate) fn remember(file: &Path, sums: &Sums) {
    let mut text = format!("{FIRST_LINE}\n");
    for (path, sum) in sums {
        let _ = writeln!(
            text,
            "{} {} {} {path}",
            crate::hex(&sum.sha256),
            sum.bytes,
            sum.changed
        );
    }
    let part = file.with_extension(format!("{}.part", std::process::id()));
    let written = file.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = written.and_then(|()| std::fs::write(&part, text));
    if written.and_then(|()| std::fs::rename(&part, file)).is_err() {
        let _ = std::fs::remove_file(&part);
    }
}
