//! Why a report could not be made.

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The results and the study file do not belong together, or the study file asks for
    /// something that there is not.
    #[error("{0}")]
    Study(String),
    /// A file could not be read, written or understood.
    #[error("{path}: {message}")]
    File {
        /// Which file.
        path: std::path::PathBuf,
        /// What was expected and what was found.
        message: String,
    },
    /// Drawing or writing a frame failed: a fault of this crate or of a library below it.
    #[error("cannot draw `{output}`: {message}")]
    Draw {
        /// The file that was being made.
        output: String,
        /// What the library said.
        message: String,
    },
}

/// A failure of polars, with the file that was being made.
pub(crate) fn frame_error(name: &str) -> impl Fn(polars::prelude::PolarsError) -> Error + '_ {
    move |error| Error::Draw {
        output: format!("tables/{name}"),
        message: error.to_string(),
    }
}
