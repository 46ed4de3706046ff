//! Why an item gave up: a status of the ABI and a sentence.
use jackpot_abi::{
    JKP_E_CANCELLED, JKP_E_INTERNAL, JKP_E_INVALID, JKP_E_NOMEM, JKP_E_NUMERIC, JKP_E_UNSUPPORTED,
    jkp_error, jkp_status,
};
use std::fmt;

/// What an item returns.
pub type Result<T = ()> = std::result::Result<T, Error>;

/// Why an item gave up. Say what was expected, what was found, and what to do; the host
/// adds plugin, item and action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    status: jkp_status,
    message: String,
}

impl Error {
    /// A parameter or input that makes no sense.
    pub fn invalid(message: impl Into<String>) -> Error {
        Error::new(JKP_E_INVALID, message)
    }

    /// Something this host, network or task does not offer.
    pub fn unsupported(message: impl Into<String>) -> Error {
        Error::new(JKP_E_UNSUPPORTED, message)
    }

    /// NaN, infinity, a singular matrix, overflow.
    pub fn numeric(message: impl Into<String>) -> Error {
        Error::new(JKP_E_NUMERIC, message)
    }

    /// A defect of the plugin itself.
    pub fn internal(message: impl Into<String>) -> Error {
        Error::new(JKP_E_INTERNAL, message)
    }

    pub(crate) fn cancelled() -> Error {
        Error::new(JKP_E_CANCELLED, "cancelled by the host")
    }

    pub(crate) fn no_memory(what: &str) -> Error {
        let message = format!("{what}: over the scratch budget; ask for less or raise the limit");
        Error::new(JKP_E_NOMEM, message)
    }

    fn new(status: jkp_status, message: impl Into<String>) -> Error {
        let message = message.into();
        Error { status, message }
    }

    /// What the host said about its function `what`, in the host's own words.
    pub(crate) fn of_host(what: &str, status: jkp_status, said: &jkp_error) -> Error {
        let mut message = said.text();
        if message.is_empty() {
            message = format!("`{what}` failed with status {status} and no message");
        }
        Error { status, message }
    }

    /// The ABI's status code.
    pub fn status(&self) -> i32 {
        self.status
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
