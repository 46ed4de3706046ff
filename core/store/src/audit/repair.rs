//! The one repair: damaged files are moved away, so that the next run makes them anew.

use crate::{Audit, Error, Fault, Problem, Store};
use std::{fs, path::PathBuf};

impl Store {
    /// Moves every file that the audit found damaged, and every action whose recipe or record
    /// is lost, to `quarantine/`; gives what was moved and where it is now, relative to the
    /// store. Strangers stay where they are. Nothing is deleted.
    ///
    /// # Errors
    /// A file that could not be moved; those before it are in `quarantine/` by then.
    pub fn quarantine_damaged(&self, audit: &Audit) -> Result<Vec<(PathBuf, PathBuf)>, Error> {
        let mut moved: Vec<(PathBuf, PathBuf)> = Vec::new();
        let damaged = |p: &&Problem| matches!(p.fault, Fault::Damaged | Fault::Incomplete);
        for problem in audit.problems.iter().filter(damaged) {
            let path = self.root().join(&problem.path);
            let done = moved.iter().any(|(from, _)| *from == problem.path);
            // It may have gone meanwhile: another process found it, too.
            if done || fs::symlink_metadata(&path).is_err() {
                continue;
            }
            let name = self.move_away(&path).map_err(crate::error::failed(
                &path,
                "could not move to `quarantine/`",
            ))?;
            moved.push((problem.path.clone(), PathBuf::from("quarantine").join(name)));
        }
        Ok(moved)
    }
}
