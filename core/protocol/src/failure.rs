//! Why an action failed.
use serde::{Deserialize, Serialize};

/// Why an action failed: plugin, item, action, cause, in words.
#[derive(Clone, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// "crash", "hang", "memory", "panic", "numeric", "unwritten", "overrun", "promise",
    /// "contract", "invalid", "error", "load"; "interrupted" after the supervisor was told to stop.
    pub kind: String,
    /// One sentence for people.
    pub message: String,
    /// The tail of what the worker printed, if one was started.
    #[serde(default)]
    pub log: String,
    /// Of a failure of memory: whether [`crate::Limits::scratch`] was used up, and not what the process may
    /// have.
    #[serde(default)]
    pub over_scratch: bool,
}

impl From<jackpot_prune::Error> for Failure {
    fn from(error: jackpot_prune::Error) -> Failure {
        let kind = match error {
            jackpot_prune::Error::NotFinite(_) => "numeric",
            _ => "invalid",
        };
        Failure::new(kind, error.to_string())
    }
}

impl Failure {
    /// A failure without a log.
    pub fn new(kind: &str, message: impl Into<String>) -> Failure {
        Failure {
            kind: kind.into(),
            message: message.into(),
            log: String::new(),
            over_scratch: false,
        }
    }
    /// Says where it happened, in front of the cause.
    pub fn within(mut self, place: &str) -> Failure {
        self.message = format!("{place}: {}", self.message);
        self
    }
}
