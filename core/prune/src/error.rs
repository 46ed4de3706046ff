//! Why something about pruning was refused.

/// What is wrong, as a message for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An input that cannot be used: the message names the field, layer or byte, what was
    /// expected and what was found.
    #[error("{0}")]
    Invalid(String),
    /// Scores with an entry that is not a finite number: the message names the layer.
    #[error("{0}")]
    NotFinite(String),
}

impl Error {
    pub(crate) fn invalid<T>(message: impl Into<String>) -> Result<T, Error> {
        Err(Error::Invalid(message.into()))
    }
}

pub(crate) fn invalid(message: String) -> Error {
    Error::Invalid(message)
}
