//! Files of a job's folder, and a folder to put them in.
use jackpot_protocol::Failure;
use std::path::Path;

/// A folder of the system's temporary directory, for this user only, removed on drop.
pub(crate) fn temporary_folder() -> Result<tempfile::TempDir, Failure> {
    tempfile::Builder::new()
        .prefix("jackpot-")
        .tempdir()
        .map_err(|e| Failure::new("error", format!("a temporary folder: {e}")))
}

/// Writes `folder/name` whole or not at all.
pub(crate) fn write_json(
    folder: &Path,
    name: &str,
    value: &serde_json::Value,
) -> Result<(), Failure> {
    let temporary = folder.join(format!("{name}.part"));
    std::fs::write(&temporary, value.to_string())
        .and_then(|()| std::fs::rename(&temporary, folder.join(name)))
        .map_err(|e| Failure::new("error", format!("`{}`: {e}", folder.join(name).display())))
}
