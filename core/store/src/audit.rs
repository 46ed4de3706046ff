//! Re-hashes everything and follows every reference; changes nothing.

use crate::{
    Digest, Error, Store,
    actions::{outputs_digest, parse_action, parse_failure, read_regular},
    canonical,
    digest::copy_hashed,
    error::failed,
    store::{FILES, FOLDERS},
    write::{kind_name, open_regular},
};
use rayon::prelude::*;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// The one output that may be gone from a finished action: a checkpoint is kept only while
/// something unfinished reads it.
const TRANSIENT_OUTPUT: &str = "checkpoint";

/// What an audit saw. The store is sound when `problems` is empty.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// Objects whose bytes were hashed.
    pub objects: u64,
    /// Finished actions.
    pub actions: u64,
    /// Bytes hashed.
    pub bytes: u64,
    /// What is wrong, ordered by path.
    pub problems: Vec<Problem>,
    /// Kept results that differ from the first under the same key. Not problems of the store:
    /// two machines disagreed.
    pub divergences: u64,
    /// Kept failures of actions that have not succeeded since.
    pub failures: u64,
    /// Damaged files that reading has moved away. Not problems: nothing refers to them there.
    pub quarantined: u64,
}

/// One thing that is wrong: which file, and what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Relative to the store's folder.
    pub path: PathBuf,
    /// What was expected, what was found, what to do.
    pub what: String,
}

/// A file whose name is a digest, relative to the store.
struct Named {
    name: Digest,
    path: PathBuf,
}

impl Store {
    /// Hashes every object (on all cores), parses every action, divergence, failure and
    /// pin, and checks that what they name is there. Files, links and folders that do not belong are
    /// problems; `tmp/`, `locks/`, `resume/` and `datasets/` are not looked into.
    /// `progress(done, total)` counts bytes.
    pub fn audit(&self, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Audit, Error> {
        let mut audit = Audit::default();
        self.audit_root(&mut audit)?;
        self.audit_pins(&mut audit)?;
        // References before objects: what a run commits meanwhile is then not missed.
        let actions = self.fanned_out("actions", &mut audit)?;
        audit.actions = actions.len() as u64;
        let mut problems: Vec<_> = actions
            .par_iter()
            .flat_map_iter(|file| self.audit_action(file, |_| None))
            .collect();
        problems.extend(self.audit_divergences(&mut audit)?);
        problems.extend(self.audit_failures(&mut audit)?);
        audit.quarantined = self.listing(Path::new("quarantine"))?.len() as u64;
        problems.extend(self.audit_objects(&mut audit, progress)?);
        audit.problems.extend(problems);
        audit.problems.sort();
        Ok(audit)
    }

    fn audit_root(&self, audit: &mut Audit) -> Result<(), Error> {
        for (name, path) in self.listing(Path::new(""))? {
            let name = name.as_deref().unwrap_or_default();
            let kind = self.kind(&path)?;
            let expected = match name {
                _ if FOLDERS.contains(&name) || name == "datasets" => "a folder",
                _ if FILES.contains(&name) => "a file",
                _ => {
                    audit.stranger(path, kind);
                    continue;
                }
            };
            if kind != expected {
                audit.problem(path, format!("expected {expected}, found {kind}"));
            }
        }
        Ok(())
    }

    /// A pin is canonical JSON; what it says is its writer's. It may name actions that are not
    /// here: a fresh clone has pins before results.
    fn audit_pins(&self, audit: &mut Audit) -> Result<(), Error> {
        for (name, path) in self.listing(Path::new("pins"))? {
            let kind = self.kind(&path)?;
            if kind != "a file" {
                audit.stranger(path, kind);
            } else if name.is_some_and(|name| name.ends_with(".json")) {
                match read_regular(&self.root().join(&path)) {
                    Ok(Ok(bytes)) => {
                        if let Err(error) = canonical::parse(&bytes) {
                            let what = format!(
                                "{error}; take it from a backup or another clone, or run the study again to write it anew"
                            );
                            audit.problem(path, what);
                        }
                    }
                    Ok(Err(kind)) => audit.stranger(path, kind),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => audit.problem(path, format!("could not be read: {error}")),
                }
            }
        }
        Ok(())
    }

    fn audit_objects(
        &self,
        audit: &mut Audit,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Vec<Problem>, Error> {
        let objects = self.fanned_out("objects", audit)?;
        let size = |file: &Named| {
            let found = fs::symlink_metadata(self.root().join(&file.path));
            found.map_or(0, |found| found.len())
        };
        let total = objects.iter().map(size).sum();
        let (hashed, bytes) = (AtomicU64::new(0), AtomicU64::new(0));
        progress(0, total);
        let problems = objects
            .par_iter()
            .filter_map(|file| match self.hash(file) {
                Ok(Some((found, size))) => {
                    hashed.fetch_add(1, Ordering::Relaxed);
                    let done = bytes.fetch_add(size, Ordering::Relaxed) + size;
                    progress(done, total.max(done));
                    (found != file.name).then(|| {
                        let what = format!("expected bytes with the sha256 of its name, found {size} bytes with sha256 {found}; run the study again to make it anew, or move it away");
                        file.problem(what)
                    })
                }
                // Removed since it was listed, as a checkpoint may be.
                Ok(None) => None,
                Err(what) => Some(file.problem(what)),
            })
            .collect();
        audit.objects = hashed.into_inner();
        audit.bytes = bytes.into_inner();
        Ok(problems)
    }

    fn hash(&self, file: &Named) -> Result<Option<(Digest, u64)>, String> {
        match open_regular(&self.root().join(&file.path)) {
            Ok(Ok(mut opened)) => copy_hashed(&mut opened, |_| Ok(()))
                .map(Some)
                .map_err(|error| format!("could not be read: {error}")),
            Ok(Err(kind)) => Err(format!("expected a file, found {kind}")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("could not be opened: {error}")),
        }
    }

    /// `objection`, given the digest of the outputs, may object to the file's own name.
    fn audit_action(
        &self,
        file: &Named,
        objection: impl Fn(Digest) -> Option<String>,
    ) -> Vec<Problem> {
        let bytes = match read_regular(&self.root().join(&file.path)) {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(kind)) => return vec![file.problem(format!("expected a file, found {kind}"))],
            Err(error) => return vec![file.problem(format!("could not be read: {error}"))],
        };
        let action = match parse_action(file.name, &bytes) {
            Ok(action) => action,
            Err(found) => {
                return vec![file.problem(format!("expected an action, found {found}"))];
            }
        };
        let mut whats = Vec::new();
        whats.extend(objection(outputs_digest(&action.outputs)));
        for (name, digest) in &action.outputs {
            if name != TRANSIENT_OUTPUT && !self.has(digest) {
                whats.push(format!("output `{name}` is object `{digest}`, which is missing; run the study again to make it anew"));
            }
        }
        if !self.has(&action.record) {
            whats.push(format!(
                "its record is object `{}`, which is missing: who ran it and when is lost; move this file away to have it run again",
                action.record
            ));
        }
        whats.extend(self.recipe_trouble(&action.key));
        whats.into_iter().map(|what| file.problem(what)).collect()
    }

    /// The recipe's bytes are hashed with the objects; here, that it is there and canonical.
    fn recipe_trouble(&self, key: &Digest) -> Option<String> {
        match read_regular(&self.object_path(key)) {
            Ok(Ok(bytes)) => canonical::parse(&bytes)
                .err()
                .map(|error| format!("its recipe is object `{key}`, which is no recipe: {error}")),
            _ => Some(format!(
                "its recipe is object `{key}`, which is missing: what this is the result of is lost; run the study again to store it anew"
            )),
        }
    }

    fn audit_divergences(&self, audit: &mut Audit) -> Result<Vec<Problem>, Error> {
        let mut problems = Vec::new();
        for key in self.folders_named_by_digest(Path::new("divergences"), audit)? {
            for other in self.files_named_by_digest(&key.path, audit)? {
                audit.divergences += 1;
                let file = Named {
                    name: key.name,
                    path: other.path,
                };
                problems.extend(self.audit_action(&file, |outputs| {
                    (outputs != other.name).then(|| {
                        format!(
                            "expected the sha256 of its outputs as its name, which is {outputs}"
                        )
                    })
                }));
            }
        }
        Ok(problems)
    }

    fn audit_failures(&self, audit: &mut Audit) -> Result<Vec<Problem>, Error> {
        let files = self.files_named_by_digest(Path::new("failures"), audit)?;
        audit.failures = files.len() as u64;
        let trouble = |file: &Named| match read_regular(&self.root().join(&file.path)) {
            Ok(Ok(bytes)) => match parse_failure(&file.name, &bytes) {
                Ok(_) => self.recipe_trouble(&file.name),
                Err(found) => Some(format!("expected a failure, found {found}")),
            },
            Ok(Err(kind)) => Some(format!("expected a file, found {kind}")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => Some(format!("could not be read: {error}")),
        };
        Ok(files
            .iter()
            .filter_map(|file| Some(file.problem(trouble(file)?)))
            .collect())
    }

    /// The files `folder/ab/abcd…`, in order; everything else in there is a stranger.
    fn fanned_out(&self, folder: &str, audit: &mut Audit) -> Result<Vec<Named>, Error> {
        let mut files = Vec::new();
        for (name, path) in self.listing(Path::new(folder))? {
            let kind = self.kind(&path)?;
            let name = name.unwrap_or_default();
            let digits = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
            if kind != "a folder" || name.len() != 2 || !name.bytes().all(digits) {
                audit.stranger(path, kind);
                continue;
            }
            for file in self.files_named_by_digest(&path, audit)? {
                if file.name.to_string().starts_with(&name) {
                    files.push(file);
                } else {
                    let what = format!(
                        "expected only names that start with `{name}` in this folder; move it to where its name belongs"
                    );
                    audit.problem(file.path, what);
                }
            }
        }
        Ok(files)
    }

    fn files_named_by_digest(&self, folder: &Path, audit: &mut Audit) -> Result<Vec<Named>, Error> {
        self.entries_named_by_digest(folder, "a file", audit)
    }

    fn folders_named_by_digest(
        &self,
        folder: &Path,
        audit: &mut Audit,
    ) -> Result<Vec<Named>, Error> {
        self.entries_named_by_digest(folder, "a folder", audit)
    }

    fn entries_named_by_digest(
        &self,
        folder: &Path,
        wanted: &str,
        audit: &mut Audit,
    ) -> Result<Vec<Named>, Error> {
        let mut files = Vec::new();
        for (name, path) in self.listing(folder)? {
            let kind = self.kind(&path)?;
            match name.and_then(|name| name.parse().ok()) {
                Some(name) if kind == wanted => files.push(Named { name, path }),
                Some(_) if kind != "nothing" => {
                    audit.problem(path, format!("expected {wanted}, found {kind}"));
                }
                _ => audit.stranger(path, kind),
            }
        }
        Ok(files)
    }

    /// Names (None: not UTF-8) and paths relative to the store, in order of their bytes.
    fn listing(&self, folder: &Path) -> Result<Vec<(Option<String>, PathBuf)>, Error> {
        let absolute = self.root().join(folder);
        let is_folder = fs::symlink_metadata(&absolute).is_ok_and(|found| found.is_dir());
        if !is_folder {
            // Absent in a store that cannot be written; anything else is told by its parent.
            return Ok(Vec::new());
        }
        let mut entries = Vec::new();
        let doing = "could not list the folder";
        for entry in fs::read_dir(&absolute).map_err(failed(&absolute, doing))? {
            let name = entry.map_err(failed(&absolute, doing))?.file_name();
            entries.push((name.to_str().map(str::to_string), folder.join(name)));
        }
        entries.sort();
        Ok(entries)
    }

    /// What is there, in words; "nothing" if it went since it was listed.
    fn kind(&self, path: &Path) -> Result<&'static str, Error> {
        let absolute = self.root().join(path);
        match fs::symlink_metadata(&absolute) {
            Ok(found) => Ok(kind_name(found.file_type())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok("nothing"),
            Err(source) => Err(failed(absolute, "could not look at it")(source)),
        }
    }
}

impl Named {
    fn problem(&self, what: String) -> Problem {
        Problem {
            path: self.path.clone(),
            what,
        }
    }
}

impl Audit {
    fn problem(&mut self, path: PathBuf, what: String) {
        self.problems.push(Problem { path, what });
    }

    fn stranger(&mut self, path: PathBuf, kind: &str) {
        if kind != "nothing" {
            self.problem(
                path,
                format!("{kind} that does not belong here; move it away"),
            );
        }
    }
}
