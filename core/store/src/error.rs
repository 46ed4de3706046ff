//! What can go wrong, typed so that a caller can tell *absent* from *damaged* from *broken disk*.

use std::{io, path::PathBuf};

/// An error of the store. `Display` names the file, what was expected, what was found, what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file, object or store that should be there is not.
    #[error("`{}` is not there: {what}", .path.display())]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
        /// What it would have been, and what to do.
        what: String,
    },
    /// Something is there that is not what its name says.
    #[error("`{}` is damaged: expected {expected}, found {found}; {advice}", .path.display())]
    Corrupt {
        /// The damaged file, where it was found.
        path: PathBuf,
        /// What its name or format promises.
        expected: String,
        /// What is there.
        found: String,
        /// What was done about it, or what to do.
        advice: String,
    },
    /// The operating system refused.
    #[error("`{}`: {doing}: {source}", .path.display())]
    Io {
        /// The file or folder concerned.
        path: PathBuf,
        /// What was being done, as "could not …".
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The folder is a store of another format, or no store.
    #[error("`{}`: expected the line `jackpot-store 1`, found {found}; {advice}", .path.display())]
    Format {
        /// The `FORMAT` file.
        path: PathBuf,
        /// What it says, shortened.
        found: String,
        /// What to do.
        advice: String,
    },
    /// Another process holds the store for itself.
    #[error("`{}` is in use: {what}", .path.display())]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// Who may hold it, and what to do.
        what: String,
    },
    /// A bundle is not as it declares, or not a bundle.
    #[error("the bundle `{}`: {what}", .path.display())]
    Bundle {
        /// The file.
        path: PathBuf,
        /// Which member, what was expected, what was found.
        what: String,
    },
    /// A value given by the caller cannot be stored or read: a float in a recipe, a bad digest.
    #[error("{0}")]
    Invalid(String),
}

/// Turns an `io::Error` into [`Error::Io`]: `.map_err(failed(path, "could not open"))`.
pub(crate) fn failed(
    path: impl Into<PathBuf>,
    doing: &'static str,
) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io {
        path: path.into(),
        doing,
        source,
    }
}
