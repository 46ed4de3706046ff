//! Whether libraries can be loaded from a folder, as plugins are from a store.

use crate::{Error, error::failed};
use rustix::fs::{StatVfsMountFlags, statvfs};
use std::path::Path;

/// What the dynamic linker replaces in the path of a library.
const TOKENS: [&str; 3] = ["ORIGIN", "LIB", "PLATFORM"];

/// Whether programs can load libraries from this folder, which need not be there yet: its path
/// can be told to another process and to the dynamic linker, and its file system lets code run.
///
/// # Errors
/// Says which of them does not hold, and what to do: `advice`.
pub fn require_loadable(folder: &Path, advice: &str) -> Result<(), Error> {
    let folder = std::path::absolute(folder).map_err(failed(folder, "could not resolve"))?;
    let refuse = |why: String| {
        Err(Error::Invalid(format!(
            "`{}`: {why}; {advice}",
            folder.display()
        )))
    };
    let Some(text) = folder.to_str() else {
        return refuse(
            "the path is not UTF-8, and workers are told their files in JSON, which has no other text".into(),
        );
    };
    let is_in_path = |token: &&&str| {
        text.contains(&format!("${token}")) || text.contains(&format!("${{{token}}}"))
    };
    if let Some(token) = TOKENS.iter().find(is_in_path) {
        return refuse(format!(
            "the path holds `${token}`, which the dynamic linker replaces when it loads a plugin from there"
        ));
    }
    let Some(there) = folder.ancestors().find(|place| place.exists()) else {
        return Ok(());
    };
    match statvfs(there) {
        Ok(found) if found.f_flag.contains(StatVfsMountFlags::NOEXEC) => {
            refuse("its file system is mounted `noexec`, and plugins are loaded from there".into())
        }
        // What cannot be asked is found out when a plugin is loaded.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    #[test]
    fn a_path_is_refused_for_what_the_linker_or_json_would_make_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |name: &[u8]| {
            let place = folder.path().join(OsStr::from_bytes(name));
            require_loadable(&place, "move it")
                .err()
                .map(|e| e.to_string())
        };
        for name in [
            "a/b/c",
            "two words",
            "line\nbreak",
            "größer",
            "a:b",
            "$HOME",
            "$",
            "ORIGIN",
            "{LIB}",
            "$ LIB",
        ] {
            assert_eq!(refused(name.as_bytes()), None, "{name}");
        }
        for (name, word) in [
            (&b"st$ORIGIN"[..], "`$ORIGIN`"),
            (b"a/${ORIGIN}/b", "`$ORIGIN`"),
            (b"$LIBRARY", "`$LIB`"),
            (b"x${PLATFORM}", "`$PLATFORM`"),
            (b"st\xe9", "not UTF-8"),
        ] {
            let why = refused(name).unwrap();
            assert!(why.contains(word) && why.ends_with("; move it"), "{why}");
        }
    }
}
