//! How a worker process is started, what it may use, and what a finished one left.
use std::collections::BTreeMap;
use std::path::PathBuf;

/// How a worker process is started: a program and its leading arguments; the job folder comes last.
#[derive(Clone, Debug)]
pub struct Server {
    /// Path of the executable.
    pub program: PathBuf,
    /// Arguments before the folder, e.g. `__serve`.
    pub arguments: Vec<String>,
    /// Variables added to the worker's environment, e.g. `ONEDNN_MAX_CPU_ISA`.
    pub environment: BTreeMap<String, String>,
}

/// A worker that wrote its success record and left nothing behind.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The content of `done.json`.
    pub result: serde_json::Value,
    /// The tail of what the worker printed.
    pub log: String,
    /// Wall time of the process.
    pub seconds: f64,
    /// Bytes of resident memory at the worker's peak.
    pub peak_memory: u64,
}
