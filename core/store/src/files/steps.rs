//! The moments of a write at which a crash could matter, made visible to the crash tests.
//!
//! A test's helper process installs a hook and kills itself at each step in turn. Outside
//! tests no hook is installed and a step costs one atomic load.

use std::{path::Path, sync::OnceLock};

/// Called with the name of the step just done and the file or folder concerned.
pub static HOOK: OnceLock<fn(&'static str, &Path)> = OnceLock::new();

pub(crate) fn reached(step: &'static str, path: &Path) {
    if let Some(hook) = HOOK.get() {
        hook(step, path);
    }
}
