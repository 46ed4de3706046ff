//! What can go wrong, in words.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An input does not fit: names what, what was expected, what was found.
    #[error("{0}")]
    Invalid(String),
    /// A value that must be finite is not, or pruned weights came back.
    #[error("{0}")]
    Numeric(String),
    /// libtorch refused memory.
    #[error("out of memory in libtorch: {0}")]
    Memory(String),
    /// libtorch failed otherwise.
    #[error("libtorch: {0}")]
    Torch(String),
    /// A file of the resume folder could not be written.
    #[error("{path}: {message}")]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        message: String,
    },
}

impl From<tch::TchError> for Error {
    fn from(error: tch::TchError) -> Error {
        let text = error.to_string();
        // libtorch appends a C++ backtrace of fifty lines; the first says what happened.
        let first = text.lines().next().unwrap_or_default().trim().to_string();
        if text.contains("can't allocate memory") || text.contains("out of memory") {
            Error::Memory(first)
        } else {
            Error::Torch(first)
        }
    }
}

impl From<jackpot_net::Error> for Error {
    fn from(error: jackpot_net::Error) -> Error {
        Error::Invalid(error.to_string())
    }
}

impl From<jackpot_prune::Error> for Error {
    fn from(error: jackpot_prune::Error) -> Error {
        Error::Invalid(error.to_string())
    }
}

impl From<jackpot_data::Error> for Error {
    fn from(error: jackpot_data::Error) -> Error {
        Error::Invalid(error.to_string())
    }
}

pub(crate) fn invalid<T>(message: impl Into<String>) -> Result<T, Error> {
    Err(Error::Invalid(message.into()))
}
