//! Follows every reference and hashes everything again; changes nothing.
//!
//! The files of the folders are in `files`, a look at one object in `look`, the one repair in
//! `repair`.

mod files;
mod look;
mod repair;

pub use look::Look;

use crate::{
    Digest, Error, Store,
    actions::{outputs_digest, parse_action, parse_failure, read_regular},
    canonical,
    digest::copy_hashed,
    files::write::open_regular,
    store::{FILES, FOLDERS},
};
use rayon::prelude::*;
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// The one output that may be gone from a finished action: a checkpoint is kept only while
/// something unfinished reads it.
pub(crate) const TRANSIENT_OUTPUT: &str = "checkpoint";

/// What an audit saw. The store is sound when `problems` is empty.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// Objects that are there.
    pub objects: u64,
    /// Objects whose bytes were hashed.
    pub hashed: u64,
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
    /// Which kind of thing it is.
    pub fault: Fault,
}

/// What a problem is, and so what mends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The file is not what its name says. Quarantine moves it away.
    Damaged,
    /// An action whose recipe or record is lost. Quarantine moves it away, so that the next
    /// run does it again.
    Incomplete,
    /// Something that is named is not there: the next run makes it anew.
    Missing,
    /// It does not belong here; whoever put it here may want it back.
    Stranger,
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
        self.audited(&|_| true, progress)
    }

    /// The same, but of the objects only the recipes are hashed: structure and references, at
    /// the speed of listing.
    pub fn audit_structure(&self, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Audit, Error> {
        let mut recipes = self.action_keys()?;
        recipes.extend(self.failed_keys()?);
        let recipes: BTreeSet<Digest> = recipes.into_iter().collect();
        self.audited(&|object| recipes.contains(object), progress)
    }

    /// Hashes the objects that `hashed` says.
    fn audited(
        &self,
        hashed: &dyn Fn(&Digest) -> bool,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Audit, Error> {
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
        problems.extend(self.audit_objects(&mut audit, hashed, progress)?);
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
                let what = format!("expected {expected}, found {kind}");
                audit.problem(Fault::Stranger, path, what);
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
                            audit.problem(Fault::Stranger, path, what);
                        }
                    }
                    Ok(Err(kind)) => audit.stranger(path, kind),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => {
                        let what = format!("could not be read: {error}");
                        audit.problem(Fault::Stranger, path, what);
                    }
                }
            }
        }
        Ok(())
    }

    fn audit_objects(
        &self,
        audit: &mut Audit,
        hashed: &dyn Fn(&Digest) -> bool,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Vec<Problem>, Error> {
        let mut objects = self.fanned_out("objects", audit)?;
        audit.objects = objects.len() as u64;
        objects.retain(|file| hashed(&file.name));
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
                        file.problem(Fault::Damaged, what)
                    })
                }
                // Removed since it was listed, as a checkpoint may be.
                Ok(None) => None,
                Err(what) => Some(file.problem(Fault::Damaged, what)),
            })
            .collect();
        audit.hashed = hashed.into_inner();
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
            Ok(Err(kind)) => {
                let what = format!("expected a file, found {kind}");
                return vec![file.problem(Fault::Damaged, what)];
            }
            Err(error) => {
                let what = format!("could not be read: {error}");
                return vec![file.problem(Fault::Damaged, what)];
            }
        };
        let action = match parse_action(file.name, &bytes) {
            Ok(action) => action,
            Err(found) => {
                let what = format!("expected an action, found {found}");
                return vec![file.problem(Fault::Damaged, what)];
            }
        };
        let mut whats = Vec::new();
        let objection = objection(outputs_digest(&action.outputs));
        whats.extend(objection.map(|what| (Fault::Damaged, what)));
        for (name, digest) in &action.outputs {
            let excused =
                || name == TRANSIENT_OUTPUT || self.is_left_out(&action, name).unwrap_or(false);
            if !self.has(digest) && !excused() {
                let what = format!(
                    "output `{name}` is object `{digest}`, which is missing; run the study again to make it anew"
                );
                whats.push((Fault::Missing, what));
            }
        }
        if !self.has(&action.record) {
            let what = format!(
                "its record is object `{}`, which is missing: who ran it and when is lost; move this file away to have it run again",
                action.record
            );
            whats.push((Fault::Incomplete, what));
        }
        let recipe = self.recipe_trouble(&action.key);
        whats.extend(recipe.map(|what| (Fault::Incomplete, what)));
        let problems = whats.into_iter();
        problems
            .map(|(fault, what)| file.problem(fault, what))
            .collect()
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
        let damaged = |what| Some((Fault::Damaged, what));
        let trouble = |file: &Named| match read_regular(&self.root().join(&file.path)) {
            Ok(Ok(bytes)) => match parse_failure(&file.name, &bytes) {
                Ok(_) => self
                    .recipe_trouble(&file.name)
                    .map(|what| (Fault::Incomplete, what)),
                Err(found) => damaged(format!("expected a failure, found {found}")),
            },
            Ok(Err(kind)) => damaged(format!("expected a file, found {kind}")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => damaged(format!("could not be read: {error}")),
        };
        let found = files.iter().filter_map(|file| {
            let (fault, what) = trouble(file)?;
            Some(file.problem(fault, what))
        });
        Ok(found.collect())
    }
}

impl Named {
    fn problem(&self, fault: Fault, what: String) -> Problem {
        Problem {
            path: self.path.clone(),
            what,
            fault,
        }
    }
}

impl Audit {
    fn problem(&mut self, fault: Fault, path: PathBuf, what: String) {
        self.problems.push(Problem { path, what, fault });
    }

    fn stranger(&mut self, path: PathBuf, kind: &str) {
        if kind != "nothing" {
            let what = format!("{kind} that does not belong here; move it away");
            self.problem(Fault::Stranger, path, what);
        }
    }
}
