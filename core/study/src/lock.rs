//! `study.lock`: the analysis that was declared, what was drawn from what, and its bytes.
use crate::{Error, analysis::Declared};
use jackpot_store::Digest;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The lock's name in a study's folder.
pub const LOCK: &str = "study.lock";
/// The format's version; a reader refuses another.
const FORMAT: u32 = 1;
const HEAD: &str =
    "# Written by the report; every digest is a sha256. See README.md beside this file.\n";

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
    pub analysis: Vec<Declared>,
    /// Every file of the report, by path; none before the first report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<LockEntry>,
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

    /// The lock of a study's folder; none: there is no such file.
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
