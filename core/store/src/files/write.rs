//! Writing a file so that a crash leaves it whole or absent.
//!
//! tmp → fsync → rename without replace → fsync of the folder. Nothing else in this crate
//! gives a file its final name.

use crate::{
    Error,
    error::failed,
    files::lacks::{Lack, not_implemented},
    files::steps::reached,
    locking::locks::Session,
};
use rustix::{
    fs::{CWD, Mode, OFlags, RenameFlags, renameat_with},
    io::Errno,
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A file in `tmp/` on its way to its final name; removed on drop unless it got there.
pub(crate) struct Pending {
    file: File,
    path: PathBuf,
    _session: Arc<Session>,
}

/// What was found at the final name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placed {
    New,
    Taken,
}

impl Pending {
    /// `mode` is 0o444 for what never changes, 0o644 for what is replaced.
    pub(crate) fn create(session: Arc<Session>, mode: u32) -> Result<Pending, Error> {
        let path = session.fresh_path("file");
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&path)
            .map_err(failed(&path, "could not create a file"))?;
        reached("created", &path);
        Ok(Pending {
            file,
            path,
            _session: session,
        })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file
            .write_all(bytes)
            .map_err(failed(&self.path, "could not write"))?;
        reached("written", &self.path);
        Ok(())
    }

    /// The open file, for writing in pieces.
    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Gives the file its final name unless that name is taken; `target`'s folder must exist.
    pub(crate) fn place(&mut self, target: &Path) -> Result<Placed, Error> {
        self.sync()?;
        match rename_new(&self.path, target) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Placed::Taken),
            Err(source) => {
                return Err(failed(target, "could not move a finished file here")(
                    source,
                ));
            }
        }
        reached("placed", target);
        sync_parent(target)?;
        Ok(Placed::New)
    }

    /// Gives the file its final name, in place of what was there.
    pub(crate) fn replace(&mut self, target: &Path) -> Result<(), Error> {
        self.sync()?;
        fs::rename(&self.path, target)
            .map_err(failed(target, "could not replace by a finished file"))?;
        reached("placed", target);
        sync_parent(target)
    }

    fn sync(&mut self) -> Result<(), Error> {
        match self.file.sync_all() {
            Err(error) if not_implemented(&error) => Lack::Syncing.found(),
            synced => synced.map_err(failed(&self.path, "could not bring to disk"))?,
        }
        reached("synced", &self.path);
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // Gone already when it was placed.
        let _ = fs::remove_file(&self.path);
    }
}

/// Renames; an existing target is the error `AlreadyExists`.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // A file system without the flag (some network ones).
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => link_new(from, to),
        Err(error) => Err(error.into()),
    }
}

/// The same by a hard link, which never replaces either. A crash between the two calls
/// leaves the second name in `tmp/`, which is swept.
fn link_new(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error)
            if not_implemented(&error) || Errno::from_io_error(&error) == Some(Errno::PERM) =>
        {
            Lack::Placing.found();
            rename_absent(from, to)
        }
        Err(error) => Err(error),
    }
}

/// The same where there are no hard links either: what another process places between the two
/// calls is replaced.
fn rename_absent(from: &Path, to: &Path) -> io::Result<()> {
    match fs::symlink_metadata(to) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
        Err(error) => Err(error),
    }
}

/// Makes names in the folder of `path` durable.
pub(crate) fn sync_parent(path: &Path) -> Result<(), Error> {
    let folder = path
        .parent()
        .expect("a file of the store lies in one of its folders");
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if not_implemented(&error) => Lack::Syncing.found(),
        synced => synced.map_err(failed(folder, "could not bring the folder to disk"))?,
    }
    reached("folder synced", folder);
    Ok(())
}

/// Makes a folder where missing, durably. A link or a file of that name is refused.
pub(crate) fn make_folder(path: &Path) -> Result<(), Error> {
    match fs::create_dir(path) {
        Ok(()) => {
            reached("folder made", path);
            sync_parent(path)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let kind = fs::symlink_metadata(path)
                .map_err(failed(path, "could not look at the folder"))?
                .file_type();
            if kind.is_dir() {
                return Ok(());
            }
            Err(Error::Corrupt {
                path: path.into(),
                expected: "a folder".into(),
                found: kind_name(kind).into(),
                advice: "move it away".into(),
            })
        }
        Err(source) => Err(failed(path, "could not make the folder")(source)),
    }
}

/// Opens a regular file for reading. Never follows a link, never waits on a pipe.
/// `Ok(Err(what))` names what is there instead.
pub(crate) fn open_regular(path: &Path) -> io::Result<Result<File, &'static str>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::empty()).map(File::from);
    let kind = match &opened {
        Ok(file) => file.metadata()?.file_type(),
        Err(Errno::NOENT) => return Err(io::ErrorKind::NotFound.into()),
        // A link, a socket, or a device cannot be opened so: say which.
        Err(_) => fs::symlink_metadata(path)?.file_type(),
    };
    if !kind.is_file() {
        return Ok(Err(kind_name(kind)));
    }
    Ok(Ok(opened?))
}

/// What a path is, in words.
pub(crate) fn kind_name(kind: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match () {
        () if kind.is_file() => "a file",
        () if kind.is_dir() => "a folder",
        () if kind.is_symlink() => "a symbolic link",
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_way_replaces() {
        let folder = tempfile::tempdir().unwrap();
        for rename in [rename_new, link_new, rename_absent] {
            let (a, b, c) = (
                folder.path().join("a"),
                folder.path().join("b"),
                folder.path().join("c"),
            );
            fs::write(&a, "one").unwrap();
            rename(&a, &b).unwrap();
            assert!(!a.exists());
            fs::write(&c, "two").unwrap();
            let error = rename(&c, &b).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read(&b).unwrap(), b"one");
            assert_eq!(fs::read(&c).unwrap(), b"two");
            fs::remove_file(&b).unwrap();
        }
    }
}
