//! What a report says against what is on disk: byte for byte, or in words across machines.

use crate::lock::{self, Lock};
use crate::table::runs;
use crate::{Error, Files, LOCK};
use jackpot_store::Digest;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// Writes every file under `folder`, making folders as needed. Each is there whole or as it was
/// before: a run reads `study.lock`, and a report may be killed at any moment.
///
/// # Errors
/// When a file or folder cannot be written; it is named.
pub fn write(folder: &Path, files: &Files) -> Result<(), Error> {
    for (name, bytes) in files {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        let beside = match path.file_name() {
            Some(name) => parent.join(format!(".{}.new", name.to_string_lossy())),
            None => path.clone(),
        };
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&beside, bytes))
            .and_then(|()| fs::rename(&beside, &path))
            .map_err(|e| Error::File {
                path: path.clone(),
                message: format!("cannot be written: {e}"),
            })?;
    }
    Ok(())
}

/// The files under `folder` that are not what `files` says, each with how: `differs`, `is missing`
/// or, for a table or figure that no report of this study draws, `is not of this report`.
///
/// # Errors
/// When something that exists cannot be read.
pub fn check(folder: &Path, files: &Files) -> Result<Vec<String>, Error> {
    let mut wrong = Vec::new();
    for (name, bytes) in files {
        let path = folder.join(name);
        match fs::read(&path) {
            Ok(found) if found == *bytes => {}
            Ok(_) => wrong.push(format!("`{name}` differs")),
            Err(e) if e.kind() == ErrorKind::NotFound => {
                wrong.push(format!("`{name}` is missing"));
            }
            Err(e) => return Err(unreadable(&path, &e)),
        }
    }
    for folder_name in drawn(files) {
        for name in listed(&folder.join(&folder_name))? {
            let name = format!("{folder_name}/{name}");
            if !files.contains_key(&name) {
                wrong.push(format!("`{name}` is not of this report"));
            }
        }
    }
    Ok(wrong)
}

/// The folders that hold tables and figures: those of the study, and of each of its settings.
fn drawn(files: &Files) -> BTreeSet<String> {
    let parents = files.keys().filter_map(|name| name.rsplit_once('/'));
    let of_parts = parents.filter_map(|(parent, _)| {
        let (part, last) = parent.rsplit_once('/').unwrap_or(("", parent));
        ["tables", "figures"].contains(&last).then(|| match part {
            "" => String::new(),
            part => format!("{part}/"),
        })
    });
    let parts: BTreeSet<String> = of_parts.chain([String::new()]).collect();
    let both = |part: String| ["tables", "figures"].map(|last| format!("{part}{last}"));
    parts.into_iter().flat_map(both).collect()
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::File {
        path: path.into(),
        message: format!("cannot be read: {error}"),
    }
}

/// The names in a folder, sorted; none if there is no such folder.
fn listed(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|e| unreadable(folder, &e))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| unreadable(folder, &e))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// How a new report compares with the committed one in `folder`, in sentences for people.
///
/// # Errors
/// When the committed lock or its list of runs cannot be read, or when the committed list is not
/// the file that the lock names.
pub fn beside(folder: &Path, files: &Files) -> Result<Vec<String>, Error> {
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
        let found = runs::compare(&committed, new).map_err(failed)?;
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

/// The list of runs of the study, or of one of its settings.
fn is_runs(name: &str) -> bool {
    let part = name.strip_suffix(runs::FILE);
    part.is_some_and(|part| part.is_empty() || part.ends_with('/'))
}

fn machines(theirs: &Lock, ours: &Lock) -> Vec<String> {
    let pair = |what: &str, theirs: &str, ours: &str| match theirs == ours {
        true => format!("{what}: the same (`{ours}`)"),
        false => format!("{what}: committed `{theirs}`, here `{ours}`"),
    };
    let study = match theirs.study == ours.study {
        true => "study.toml: the same".to_owned(),
        false => "study.toml: not the one that the committed report is of".to_owned(),
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
