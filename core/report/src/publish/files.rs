//! A report's files on disk: writing them, and checking them byte for byte.

use crate::{Error, ReportFiles};
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// Writes every file under `folder` and creates missing folders. Each file is replaced atomically,
/// because a run reads `study.lock` and a report may be killed at any moment.
///
/// # Errors
/// When a file or folder cannot be written. The error names it.
pub fn write_report(folder: &Path, files: &ReportFiles) -> Result<(), Error> {
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

/// The files under `folder` that are not as in `files`, each with the difference: `differs`, `is
/// missing` or, for a table or figure that this report does not have, `is not of this report`.
///
/// # Errors
/// When something that exists cannot be read.
pub fn check_report(folder: &Path, files: &ReportFiles) -> Result<Vec<String>, Error> {
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

/// The folders of tables and figures of the study and of each of its settings.
fn drawn(files: &ReportFiles) -> BTreeSet<String> {
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

pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::File {
        path: path.into(),
        message: format!("cannot be read: {error}"),
    }
}

/// The names of the files in a folder, sorted. Empty if there is no such folder.
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
