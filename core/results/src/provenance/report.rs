//! A file of a report: its bytes by `study.lock`, and the results that it was drawn from.
use super::{
    Tracer,
    node::{NodeVerdict, ProvenanceNode},
};
use jackpot_store::Digest;
use jackpot_study::{Error, LOCK, Lock, LockEntry, ManifestCell, RunManifest, hint};
use std::path::{Path, PathBuf};

/// The folder with a `study.lock` that a file lies in, and its path there.
pub fn report_of(file: &Path) -> Option<(PathBuf, String)> {
    let file = std::path::absolute(file).ok()?;
    file.ancestors().skip(1).find_map(|folder| {
        let inside = file.strip_prefix(folder).ok()?.to_str()?;
        folder
            .join(LOCK)
            .is_file()
            .then(|| (folder.to_owned(), inside.to_owned()))
    })
}

impl Tracer<'_> {
    /// The provenance of one file of the report in `folder`, `path` as its lock spells it.
    ///
    /// # Errors
    /// A folder without a lock, or a file that the lock does not name.
    pub fn report_file(&mut self, folder: &Path, path: &str) -> Result<ProvenanceNode, Error> {
        self.begin();
        let lock = Lock::read(folder)?.ok_or_else(|| {
            Error(format!(
                "{}: expected the lock of a report, found nothing",
                folder.join(LOCK).display()
            ))
        })?;
        let entry = lock.output.iter().find(|e| e.path == path).ok_or_else(|| {
            let known = lock.output.iter().map(|e| e.path.as_str());
            Error(format!(
                "{}: no file `{path}` of the report{}",
                folder.join(LOCK).display(),
                hint(path, known)
            ))
        })?;
        let mut wrong = Vec::new();
        let file = folder.join(path);
        match Digest::of_file(&file) {
            Err(error) => wrong.push(error.to_string()),
            Ok(found) if found == entry.sha256 => {}
            Ok(found) => wrong.push(format!(
                "{}: expected the sha256 {} of `{LOCK}`, found {found}; draw it again with `jackpot report`",
                file.display(),
                entry.sha256
            )),
        }
        let study = folder.join("study.toml");
        match Digest::of_file(&study) {
            Ok(found) if found == lock.study => {}
            Ok(found) => wrong.push(format!(
                "{}: expected the sha256 {} of `{LOCK}`, found {found}: the report is of another study file",
                study.display(),
                lock.study
            )),
            Err(error) => wrong.push(error.to_string()),
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let (results, trouble) = self.drawn_from(&name, &lock, entry);
        wrong.extend(trouble);
        let mut link = ProvenanceNode {
            role: path.to_owned(),
            hash: entry.sha256,
            words: format!("drawn from {} results", results.len()),
            mark: NodeVerdict::Sound,
            from: Vec::new(),
        };
        for digest in results {
            let role = self.output_name(&digest)?;
            let role = role.unwrap_or_else(|| "result".to_owned());
            link.from.push(self.link(&role, &digest, None)?);
        }
        link.blame(wrong);
        Ok(link)
    }

    /// The results that the lock says a file was drawn from, and what is wrong with that. They must
    /// be those of the study: without its manifest, a lock could name the results of another study.
    fn drawn_from(&self, name: &str, lock: &Lock, entry: &LockEntry) -> (Vec<Digest>, Vec<String>) {
        let (results, mut wrong) = match lock.drawn_from(entry) {
            Ok(Some(results)) => (results, Vec::new()),
            Ok(None) => (
                Vec::new(),
                vec![format!(
                    "`{LOCK}` does not say which results it was drawn from, as no report of the first releases does; draw it again with `jackpot report`"
                )],
            ),
            Err(error) => (Vec::new(), vec![error.to_string()]),
        };
        let Some((_, pin)) = self.pins.iter().find(|(n, _)| n == name) else {
            wrong.push(format!(
                "pins/{name}.json is not in the store: whether what it was drawn from is of this study is not known"
            ));
            return (results, wrong);
        };
        if pin.study != lock.study {
            wrong.push(format!(
                "pins/{name}.json is of another study file than the report: expected {}, found {}",
                lock.study, pin.study
            ));
        }
        let strangers = results.iter().filter(|result| !self.is_of(pin, result));
        wrong.extend(strangers.map(|result| {
            format!("`{LOCK}` says that it was drawn from {result}, which is no result of pins/{name}.json")
        }));
        (results, wrong)
    }

    /// Whether a mask or an output of an action belongs to a study. Manifests of the first releases
    /// name only the actions of their cells.
    fn is_of(&self, pin: &RunManifest, result: &Digest) -> bool {
        let made = |key: &Digest| {
            let cell = |cell: &ManifestCell| [cell.action, cell.pretraining].contains(&Some(*key));
            pin.actions.contains(key) || pin.cells.iter().any(cell)
        };
        self.makers.of(result).iter().any(made)
            || pin.cells.iter().any(|cell| cell.mask == Some(*result))
    }
}
