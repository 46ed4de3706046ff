//! Where plugins are looked for, and what is plainly none.
use jackpot_protocol::Failure;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Everything that is called `*.so` in the folders of plugins: those that are given, in their order,
/// then those of `$JACKPOT_PLUGINS` (separated by `:`), then `plugins/` beside the running binary;
/// within a folder by name, and no folder twice. Names that start with a dot are no plugins: a Mac
/// and an editor leave such files beside others.
///
/// # Errors
/// A folder that was named cannot be read, or none was named and there is none beside the binary.
pub fn discover(given: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let listed = std::env::var_os("JACKPOT_PLUGINS").unwrap_or_default();
    let listed = std::env::split_paths(&listed).filter(|folder| !folder.as_os_str().is_empty());
    let mut folders: Vec<(PathBuf, &str)> = given.iter().map(|f| (f.clone(), "given")).collect();
    folders.extend(listed.map(|folder| (folder, "from `JACKPOT_PLUGINS`")));
    let own = beside_the_binary()?;
    if folders.is_empty() || own.exists() {
        folders.push((own, "beside the binary"));
    }
    let (mut seen, mut files) = (Vec::new(), Vec::new());
    for (folder, origin) in folders {
        let unreadable = |e: std::io::Error| {
            let message = format!(
                "plugin folder `{}` ({origin}): {e}; build the plugins or name another with `--plugins`",
                folder.display()
            );
            Failure::new("load", message)
        };
        let itself = folder.canonicalize().map_err(unreadable)?;
        if seen.contains(&itself) {
            continue;
        }
        seen.push(itself);
        files.extend(libraries(&folder).map_err(unreadable)?);
    }
    Ok(files)
}

/// The folder of the plugins that come with Jackpot.
///
/// # Errors
/// The running binary has no path.
pub fn beside_the_binary() -> Result<PathBuf, Failure> {
    let program = std::env::current_exe()
        .map_err(|e| Failure::new("load", format!("the running binary has no path: {e}")))?;
    Ok(program.with_file_name("plugins"))
}

fn libraries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !hidden && entry.path().extension().is_some_and(|e| e == "so") {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Says of what is no file, or none that the dynamic linker could load, what it is instead: the
/// linker's own words name neither, and reading a pipe would wait for ever.
pub(crate) fn looks_like_a_library(path: &Path) -> Result<(), String> {
    let instead = |found: &str| {
        Err(format!(
            "cannot be loaded: expected a shared library, found {found}"
        ))
    };
    let facts = match std::fs::metadata(path) {
        Ok(facts) => facts,
        Err(e) => {
            return match std::fs::read_link(path) {
                Ok(to) if e.kind() == ErrorKind::NotFound => {
                    instead(&format!("a link to `{}`, which is not there", to.display()))
                }
                Ok(to) => instead(&format!("a link to `{}`: {e}", to.display())),
                Err(_) => Err(format!("cannot be loaded: {e}")),
            };
        }
    };
    if facts.is_dir() {
        return instead("a folder");
    }
    if !facts.is_file() {
        return instead("a pipe, socket or device");
    }
    let mut first = Vec::new();
    File::open(path)
        .and_then(|file| file.take(4).read_to_end(&mut first))
        .map_err(|e| format!("cannot be loaded: {e}"))?;
    if first == b"\x7fELF" {
        return Ok(());
    }
    if first.is_empty() {
        return instead("an empty file");
    }
    instead(&format!(
        "a file that begins with `{}` (a page in place of a download, or a file of another system?)",
        first.escape_ascii()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_listed_in_order_without_hidden_files_and_no_folder_twice() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for name in ["b.so", "a.so", "c.txt", "._a.so", ".so"] {
            std::fs::write(one.path().join(name), "").unwrap();
        }
        std::fs::create_dir(other.path().join("folder.so")).unwrap();
        std::os::unix::fs::symlink("nowhere", other.path().join("dangling.so")).unwrap();
        let given = [other.path(), one.path(), other.path()].map(Path::to_owned);
        let found = discover(&given).unwrap();
        let expected = [
            other.path().join("dangling.so"),
            other.path().join("folder.so"),
            one.path().join("a.so"),
            one.path().join("b.so"),
        ];
        assert_eq!(found[..4], expected);
        let error = discover(&[one.path().join("none")]).unwrap_err();
        assert!(error.message.contains("none` (given)"), "{error}");
    }

    #[test]
    fn what_is_no_library_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let link = folder.path().join("link.so");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        let socket = folder.path().join("socket.so");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, says) in [
            (folder.path().to_owned(), "a folder"),
            (link, "a link to `nowhere`, which is not there"),
            (socket, "a pipe, socket or device"),
            (file("empty.so", b""), "an empty file"),
            (file("page.so", b"<html>404"), "begins with `<htm`"),
            (folder.path().join("none.so"), "No such file"),
        ] {
            let why = looks_like_a_library(&path).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
        assert_eq!(looks_like_a_library(&file("elf.so", b"\x7fELF...")), Ok(()));
    }
}
