//! A file of a report: its bytes by `study.lock`, and the results that it was drawn from.
use super::{Link, Mark, Tracer};
use crate::{
    Error, NO_CHECK,
    file::hint,
    lock::{LOCK, Lock, LockEntry},
    pin::{Pin, PinnedCell},
};
use jackpot_store::{Digest, Look};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

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
    /// The derivation of one file of the report in `folder`, `path` as its lock spells it.
    ///
    /// # Errors
    /// A folder without a lock, or a file that the lock does not name.
    pub fn report_file(&mut self, folder: &Path, path: &str) -> Result<Link, Error> {
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
                "{}: expected the sha256 {} of `{LOCK}`, found {found}; draw it again with `cargo xtask report`",
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
        let mut link = Link {
            role: path.to_owned(),
            hash: entry.sha256,
            words: format!("drawn from {} results", results.len()),
            mark: Mark::Sound,
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

    /// The results whose digest the lock has as the file's inputs. The lock proves a set of
    /// results by its sha256; which set of the pin's it is, is found by hashing those that
    /// tables and figures are drawn from.
    fn drawn_from(
        &self,
        name: &str,
        lock: &Lock,
        entry: &LockEntry,
    ) -> (Vec<Digest>, Option<String>) {
        let Some((_, pin)) = self.pins.iter().find(|(n, _)| n == name) else {
            let what = format!(
                "pins/{name}.json is not in the store: which results it was drawn from is not known"
            );
            return (Vec::new(), Some(what));
        };
        if pin.study != lock.study {
            let what = format!(
                "pins/{name}.json is of another study file than the report: expected {}, found {}",
                lock.study, pin.study
            );
            return (Vec::new(), Some(what));
        }
        let cells = self.results_of(pin);
        for set in sets(&cells) {
            let lines: String = set.iter().map(|d| format!("{d}\n")).collect();
            if Digest::of(lines.as_bytes()) == entry.inputs {
                return (in_order(&cells, set), None);
            }
        }
        let what = format!(
            "no set of the results in pins/{name}.json has the digest {} that `{LOCK}` says it was drawn from",
            entry.inputs
        );
        (Vec::new(), Some(what))
    }

    /// The pin's cells, with the metrics of those that are trained.
    fn results_of<'p>(&self, pin: &'p Pin) -> Vec<(&'p PinnedCell, Option<Digest>)> {
        let metrics = |cell: &PinnedCell| match self.store.look_action(&cell.action?) {
            Ok(Look::Sound(action)) => action.outputs.get("metrics").copied(),
            _ => None,
        };
        pin.cells.iter().map(|c| (c, metrics(c))).collect()
    }
}

/// Every set of results that a table or figure may be drawn from, of the whole study or of one
/// of its settings.
fn sets(results: &[(&PinnedCell, Option<Digest>)]) -> Vec<BTreeSet<Digest>> {
    let mut found = sets_of(results);
    let settings = results.iter().filter_map(|(c, _)| c.setting.as_deref());
    for name in settings.collect::<BTreeSet<&str>>() {
        let here = results
            .iter()
            .filter(|(c, _)| c.setting.as_deref() == Some(name));
        found.extend(sets_of(&here.copied().collect::<Vec<_>>()));
    }
    found
}

/// Metrics, masks or both, of all cells, of those without the dense ones, without checks, of one
/// sparsity.
fn sets_of(results: &[(&PinnedCell, Option<Digest>)]) -> Vec<BTreeSet<Digest>> {
    let mut wheres: Vec<Option<&str>> = vec![None, Some("")];
    let sparsities: BTreeSet<&str> = results.iter().map(|(c, _)| c.sparsity.as_str()).collect();
    wheres.extend(sparsities.into_iter().map(Some));
    let mut found = Vec::new();
    for (place, checked) in wheres.iter().flat_map(|w| [(w, true), (w, false)]) {
        let meant = |cell: &PinnedCell| {
            let here = match place {
                None => true,
                Some("") => cell.sparsity != "0",
                Some(sparsity) => cell.sparsity == *sparsity,
            };
            here && (checked || cell.check == NO_CHECK)
        };
        let cells = || results.iter().filter(|(c, _)| meant(c));
        let metrics: BTreeSet<Digest> = cells().filter_map(|(_, m)| *m).collect();
        let masks: BTreeSet<Digest> = cells().filter_map(|(c, _)| c.mask).collect();
        let trained = cells().filter(|(c, _)| c.action.is_some());
        let trained: BTreeSet<Digest> = trained.filter_map(|(c, _)| c.mask).collect();
        found.push(metrics.union(&masks).copied().collect());
        found.extend([metrics, masks, trained]);
    }
    found
}

/// In the order of the pin's cells.
fn in_order(results: &[(&PinnedCell, Option<Digest>)], mut left: BTreeSet<Digest>) -> Vec<Digest> {
    let all = results.iter().flat_map(|(c, m)| [*m, c.mask]);
    all.flatten().filter(|d| left.remove(d)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_report_of_one_setting_is_drawn_from_its_results() {
        let cell = |setting: &str, mask: Digest| -> PinnedCell {
            let value = json!({
                "setting": setting, "ticket": "snip", "check": "none", "sparsity": "0.9",
                "seed": "1", "mask": mask,
            });
            serde_json::from_value(value).unwrap()
        };
        let (low, high) = (Digest([1; 32]), Digest([2; 32]));
        let cells = [cell("low", low), cell("high", high)];
        let results: Vec<(&PinnedCell, Option<Digest>)> = cells.iter().map(|c| (c, None)).collect();
        let found = sets(&results);
        for wanted in [vec![low], vec![high], vec![low, high]] {
            assert!(found.contains(&wanted.into_iter().collect()));
        }
    }
}
