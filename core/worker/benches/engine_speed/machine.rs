//! What was measured on.

use crate::Failure;
use serde_json::{Value, json};

/// The CPU, how many of it, and the memory.
pub fn describe() -> Result<Value, Failure> {
    let info = std::fs::read_to_string("/proc/cpuinfo")?;
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let memory = kilobytes("/proc/meminfo", "MemTotal:")?;
    Ok(json!({
        "cpu": field("model name").ok_or("/proc/cpuinfo names no model")?,
        "cores": std::thread::available_parallelism()?.get(),
        "memory_gib": (memory as f64 / 1024.0 / 1024.0).round() as u64,
    }))
}

/// Processes that wanted a core over the last minute: a busy machine measures nothing.
pub fn load() -> Result<f64, Failure> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    let first = text.split_whitespace().next();
    Ok(first.ok_or("/proc/loadavg is empty")?.parse()?)
}

/// A line of one of the kernel's files that ends in kB.
pub fn kilobytes(file: &str, name: &str) -> Result<u64, Failure> {
    let text = std::fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let line = line.ok_or_else(|| format!("`{file}` has no `{name}`"))?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}
