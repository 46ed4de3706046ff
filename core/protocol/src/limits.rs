//! What a worker process may use.
use serde::{Deserialize, Serialize};

/// How much time and memory a worker may use.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Seconds of the plugin's own time (outside host services).
    pub plugin_seconds: f64,
    /// Bytes of RLIMIT_DATA. 0 means no limit.
    pub memory: u64,
    /// Bytes of scratch and work tensors that a plugin may ask for.
    pub scratch: u64,
}
