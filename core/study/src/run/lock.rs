//! `study.lock`: the analysis that was declared, what was drawn from what, and its bytes.
mod places;

use crate::{Error, analysis::DeclaredAnalysis};
use jackpot_store::Digest;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// The lock's name in a study's folder.
pub const LOCK: &str = "study.lock";
/// The format's version; a reader refuses another.
const FORMAT: u32 = 1;
const HEAD: &str = "\
# The analysis is written by `jackpot run` before the first training, the rest by the report.
# Every digest is a sha256; that of inputs is of the results that it names, sorted, one a line.
";

/// The lock file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// 1.
    pub format: u32,
    /// sha256 of `study.toml`.
    pub study: Digest,
    /// As recipes spell it.
    pub device_class: String,
    /// Version and build.
    pub libtorch: String,
    /// Every analysis plan that the study had, the first one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub analysis: Vec<DeclaredAnalysis>,
    /// Every file of the report, by path; none before the first report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<LockEntry>,
    /// What outputs were drawn from, one for each digest of inputs; reports of the first
    /// releases do not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<LockInputs>,
    /// The results that all outputs were drawn from: metrics and masks. A number, from 1, stands
    /// for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "places")]
    pub results: Vec<Digest>,
}

/// A set of results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockInputs {
    /// The sha256 of theirs, sorted, one a line.
    pub sha256: Digest,
    /// Their numbers in [`Lock::results`], as ranges: `1-75, 80`.
    pub results: String,
}

/// One output of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockEntry {
    /// In the study's folder, with `/`.
    pub path: String,
    /// The digest of the results that it was drawn from: the sha256 of theirs, sorted, one a line.
    pub inputs: Digest,
    /// Of its bytes.
    pub sha256: Digest,
}

impl Lock {
    /// A lock that lists nothing yet.
    pub fn new(study: Digest, device_class: String, libtorch: String) -> Lock {
        Lock {
            format: FORMAT,
            study,
            device_class,
            libtorch,
            analysis: Vec::new(),
            output: Vec::new(),
            inputs: Vec::new(),
            results: Vec::new(),
        }
    }

    /// Says what outputs were drawn from: every set of results once, by the sha256 that stands
    /// in [`LockEntry::inputs`]. `order` gives the results their numbers, so that sets are few
    /// ranges; those that it does not have come after it, sorted.
    pub fn list(&mut self, sets: &BTreeMap<Digest, &BTreeSet<Digest>>, order: &[Digest]) {
        let used: BTreeSet<Digest> = sets.values().flat_map(|set| set.iter().copied()).collect();
        let mut left = used.clone();
        let named = order.iter().filter(|result| left.remove(result)).copied();
        self.results = named.collect();
        self.results.extend(left);
        let all = || self.results.iter().enumerate();
        let inputs = sets.iter().map(|(sha256, set)| {
            let places = all().filter(|(_, result)| set.contains(result));
            let places: Vec<usize> = places.map(|(i, _)| i + 1).collect();
            LockInputs {
                sha256: *sha256,
                results: places::format_places(&places),
            }
        });
        self.inputs = inputs.collect();
    }

    /// The results that an output was drawn from, in the order of their numbers; `None` if the lock
    /// is of a release that did not say.
    ///
    /// # Errors
    /// A lock that contradicts itself: no such set, a number without a result, or results whose
    /// sha256 is another.
    pub fn drawn_from(&self, output: &LockEntry) -> Result<Option<Vec<Digest>>, Error> {
        if self.inputs.is_empty() {
            return Ok(None);
        }
        let wrong = |why: String| Error(format!("{LOCK}: the inputs {}: {why}", output.inputs));
        let set = self.inputs.iter().find(|set| set.sha256 == output.inputs);
        let set = set.ok_or_else(|| {
            wrong(format!(
                "expected the results of `{}`, found none",
                output.path
            ))
        })?;
        let places = places::read(&set.results, self.results.len()).map_err(|e| wrong(e.0))?;
        let results: Vec<Digest> = places.iter().map(|place| self.results[place - 1]).collect();
        let found = digest_of_results(&results.iter().copied().collect());
        if found == output.inputs {
            Ok(Some(results))
        } else {
            Err(wrong(format!(
                "the results that it names have the sha256 {found}"
            )))
        }
    }

    /// Reads a lock's text; the message says what is wrong with it.
    pub fn parse(text: &str) -> Result<Lock, Error> {
        let lock: Lock = toml::from_str(text).map_err(|e| Error(e.to_string().trim().into()))?;
        if lock.format != FORMAT {
            return Err(Error(format!(
                "expected format {FORMAT}, found {}",
                lock.format
            )));
        }
        Ok(lock)
    }

    /// The file's text.
    pub fn text(&self) -> Result<String, Error> {
        let body = toml::to_string(self).map_err(|e| Error(format!("{LOCK}: {e}")))?;
        Ok(format!("{HEAD}{body}"))
    }

    /// The lock of a study's folder; `None` if there is no such file.
    pub fn read(folder: &Path) -> Result<Option<Lock>, Error> {
        let path = folder.join(LOCK);
        let wrong = |why: String| Error(format!("{}: {why}", path.display()));
        match std::fs::read_to_string(&path) {
            Ok(text) => Lock::parse(&text).map(Some).map_err(|e| wrong(e.0)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(wrong(format!("cannot be read: {e}"))),
        }
    }

    /// The path of the file whose sha256, or whose inputs' digest, starts so.
    pub fn find(&self, start: &str) -> Option<&str> {
        let of = |digest: fn(&LockEntry) -> &Digest| {
            let starts = |e: &&LockEntry| digest(e).to_string().starts_with(start);
            self.output.iter().find(starts).map(|e| e.path.as_str())
        };
        of(|e| &e.sha256).or_else(|| of(|e| &e.inputs))
    }

    /// Writes it into a study's folder.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(LOCK);
        let wrong = |e: std::io::Error| {
            Error(format!(
                "{}: cannot be written: {e}; the analysis plan must stand there before anything is trained",
                path.display()
            ))
        };
        let beside = folder.join(format!(".{LOCK}.new"));
        std::fs::write(&beside, self.text()?).map_err(wrong)?;
        std::fs::rename(&beside, &path).map_err(wrong)
    }
}

/// What stands for a set of results: the sha256 of theirs in hexadecimal, sorted, without repeats,
/// each followed by a newline, which is what `LC_ALL=C sort -u | sha256sum` gives.
pub fn digest_of_results(results: &BTreeSet<Digest>) -> Digest {
    let lines: String = results.iter().map(|digest| format!("{digest}\n")).collect();
    Digest::of(lines.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed() -> (Lock, [Digest; 3]) {
        let [a, b, c] = [3, 1, 2].map(|byte| Digest([byte; 32]));
        let sets = [vec![a, b], vec![a, b, c], vec![]];
        let sets = sets.map(|set| set.into_iter().collect::<BTreeSet<Digest>>());
        let sets: BTreeMap<_, _> = sets.iter().map(|s| (digest_of_results(s), s)).collect();
        let mut lock = Lock::new(Digest([9; 32]), "cpu-avx2".into(), "2.13.0".into());
        lock.list(&sets, &[a, b]);
        (lock, [a, b, c])
    }

    fn output(results: &[Digest]) -> LockEntry {
        LockEntry {
            path: "tables/accuracy.md".into(),
            inputs: digest_of_results(&results.iter().copied().collect()),
            sha256: Digest([8; 32]),
        }
    }

    #[test]
    fn an_output_s_results_are_read_back_from_the_text() {
        let (lock, [a, b, c]) = listed();
        assert_eq!(lock.results, [a, b, c]);
        let read = Lock::parse(&lock.text().unwrap()).unwrap();
        assert_eq!(read, lock);
        for results in [vec![a, b], vec![a, b, c], vec![]] {
            assert_eq!(read.drawn_from(&output(&results)).unwrap(), Some(results));
        }
        let error = read.drawn_from(&output(&[c])).unwrap_err().to_string();
        assert!(error.contains("expected the results of"), "{error}");
        let old = Lock::new(lock.study, lock.device_class, lock.libtorch);
        assert_eq!(old.drawn_from(&output(&[a])).unwrap(), None);
    }

    #[test]
    fn a_lock_that_contradicts_itself_is_refused() {
        let (whole, [a, b, c]) = listed();
        let refused = |break_it: &dyn Fn(&mut Lock), words: &str| {
            let mut lock = whole.clone();
            break_it(&mut lock);
            let error = lock.drawn_from(&output(&[a, b])).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        refused(&|lock| lock.results[0] = c, "have the sha256");
        refused(&|lock| lock.results.truncate(1), "from 1 to 1");
        let text = whole.text().unwrap().replace("2 = ", "5 = ");
        let error = Lock::parse(&text).unwrap_err().to_string();
        assert!(error.contains("found no 2"), "{error}");
    }
}
