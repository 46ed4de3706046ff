//! What can be wrong with a network, a training or a file of tensors.

/// What does not fit, in words.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Names the field, layer or byte, what was expected and what was found.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    pub(crate) fn invalid<T>(message: impl Into<String>) -> Result<T, Error> {
        Err(Error::Invalid(message.into()))
    }
}
