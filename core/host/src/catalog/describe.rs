//! Asks a fresh process what a plugin offers.
use crate::catalog::discover::looks_like_a_library;
use crate::{Server, files, supervise};
use jackpot_protocol::{Failure, Limits, Plugin};
use std::path::Path;

/// Seconds that a plugin may take to load and show its table.
const DESCRIBE_SECONDS: f64 = 10.0;
/// Enough for any library's constructors.
const DESCRIBE_MEMORY: u64 = 1 << 30;

/// Loads the file in a fresh process and reads its table.
pub fn describe(server: &Server, plugin: &Path) -> Result<Plugin, Failure> {
    let place = format!("plugin `{}`: describe", plugin.display());
    looks_like_a_library(plugin).map_err(|why| Failure::new("load", why).within(&place))?;
    let sha256 = jackpot_store::Digest::of_file(plugin)
        .map_err(|e| Failure::new("load", e.to_string()).within(&place))?
        .to_string();
    let folder = files::temporary_folder().map_err(|f| f.within(&place))?;
    let path = std::path::absolute(plugin)
        .map_err(|e| Failure::new("load", e.to_string()).within(&place))?;
    let job = serde_json::json!({ "kind": "describe", "plugin": path, "sha256": sha256 });
    files::write_json(folder.path(), "job.json", &job).map_err(|f| f.within(&place))?;
    let limits = Limits {
        plugin_seconds: DESCRIBE_SECONDS,
        memory: DESCRIBE_MEMORY,
        scratch: 0,
    };
    let finished =
        supervise(server, folder.path(), &limits, &mut |_| ()).map_err(|f| f.within(&place))?;
    let table: Plugin = serde_json::from_value(finished.result).map_err(|e| {
        Failure::new(
            "contract",
            format!("the worker's answer is no plugin table: {e}"),
        )
        .within(&place)
    })?;
    if table.sha256 != sha256 {
        return Err(Failure::new("load", "the worker loaded another file").within(&place));
    }
    Ok(Plugin {
        path: plugin.to_path_buf(),
        ..table
    })
}
