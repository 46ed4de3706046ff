//! Why a report could not be made.

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The results and the study file do not belong together, or the study file asks for something
    /// that does not exist.
    #[error("{0}")]
    Study(String),
    /// A file could not be read, written or understood.
    #[error("{path}: {message}")]
    File {
        /// The path of the file.
        path: std::path::PathBuf,
        /// What was expected and what was found.
        message: String,
    },
    /// Drawing or writing a frame failed: a fault of this crate or of a library below it.
    #[error("cannot draw `{output}`: {message}")]
    Draw {
        /// The file that was to be made.
        output: String,
        /// What the library said.
        message: String,
    },
}

/// Turns an error of polars into an [`Error`] that names the file that was to be made.
pub(crate) fn frame_error(name: &str) -> impl Fn(polars::prelude::PolarsError) -> Error + '_ {
    move |error| Error::Draw {
        output: format!("tables/{name}"),
        message: error.to_string(),
    }
}

/// The error for a table or figure in a study file that does not exist.
pub(crate) fn unknown_name(what: &str, found: &str, names: &[&str]) -> Error {
    Error::Study(format!(
        "study.toml asks for the {what} `{found}`: expected one of `{}`",
        names.join("`, `")
    ))
}
