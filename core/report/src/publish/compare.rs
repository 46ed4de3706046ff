//! Compares a new report with the committed one in sentences, because bytes may differ between
//! machines.

use crate::publish::files::unreadable;
use crate::publish::lock::{self, Lock};
use crate::publish::runs::compare;
use crate::tables::runs;
use crate::{Error, LOCK, ReportFiles};
use jackpot_store::Digest;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Compares a new report with the committed one in `folder`, in sentences for people.
///
/// # Errors
/// When the committed lock or its list of runs cannot be read, or when the committed list is not
/// the file that the lock names.
pub fn compare_report(folder: &Path, files: &ReportFiles) -> Result<Vec<String>, Error> {
    let theirs = lock::read(&folder.join(LOCK))?;
    let text = files
        .get(LOCK)
        .map(|b| String::from_utf8_lossy(b))
        .unwrap_or_default();
    let ours = lock::parse(&text).map_err(|message| Error::File {
        path: LOCK.into(),
        message,
    })?;
    let mut words = machines(&theirs, &ours);
    words.extend(outputs(&theirs, &ours));
    for (name, new) in files.iter().filter(|(name, _)| is_runs(name)) {
        let path = folder.join(name);
        let committed = fs::read(&path).map_err(|e| unreadable(&path, &e))?;
        let digest = Digest::of(&committed);
        let named = |e: &jackpot_study::LockEntry| e.path == *name && e.sha256 == digest;
        if !theirs.output.iter().any(named) {
            return Err(Error::File {
                path,
                message: format!(
                    "is not the file that `{LOCK}` names: restore the committed report"
                ),
            });
        }
        let failed = |message| Error::File {
            path: path.clone(),
            message,
        };
        let found = compare(&committed, new).map_err(failed)?;
        words.extend(
            found
                .into_iter()
                .map(|line| match name.strip_suffix(runs::FILE) {
                    None | Some("") => line,
                    Some(part) => format!("{}: {line}", part.trim_end_matches('/')),
                }),
        );
    }
    Ok(words)
}

/// Whether a file is the list of runs of the study or of one of its settings.
fn is_runs(name: &str) -> bool {
    let part = name.strip_suffix(runs::FILE);
    part.is_some_and(|part| part.is_empty() || part.ends_with('/'))
}

fn machines(theirs: &Lock, ours: &Lock) -> Vec<String> {
    let pair = |what: &str, theirs: &str, ours: &str| {
        if theirs == ours {
            format!("{what}: the same (`{ours}`)")
        } else {
            format!("{what}: committed `{theirs}`, here `{ours}`")
        }
    };
    let study = if theirs.study == ours.study {
        "study.toml: the same".to_owned()
    } else {
        "study.toml: not the one that the committed report is of".to_owned()
    };
    vec![
        study,
        pair("device class", &theirs.device_class, &ours.device_class),
        pair("libtorch", &theirs.libtorch, &ours.libtorch),
    ]
}

fn outputs(theirs: &Lock, ours: &Lock) -> Vec<String> {
    let of = |lock: &Lock| -> BTreeMap<String, Digest> {
        lock.output
            .iter()
            .map(|e| (e.path.clone(), e.sha256))
            .collect()
    };
    let (theirs, ours) = (of(theirs), of(ours));
    let differ: Vec<_> = ours
        .iter()
        .filter(|(path, sha)| theirs.get(*path) != Some(sha))
        .map(|(p, _)| p)
        .collect();
    let mut words = vec![format!(
        "outputs: {} of {} are byte for byte the committed ones",
        ours.len() - differ.len(),
        ours.len()
    )];
    if !differ.is_empty() {
        let names: Vec<_> = differ.iter().map(|p| format!("`{p}`")).collect();
        words.push(format!("differ: {}", names.join(", ")));
    }
    let gone: Vec<_> = theirs.keys().filter(|p| !ours.contains_key(*p)).collect();
    if !gone.is_empty() {
        let names: Vec<_> = gone.iter().map(|p| format!("`{p}`")).collect();
        words.push(format!(
            "only in the committed report: {}",
            names.join(", ")
        ));
    }
    words
}
