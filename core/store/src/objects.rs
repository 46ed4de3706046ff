//! Bytes under their sha256: written once, verified whenever they are read.

use crate::{
    Digest, Error, Store,
    digest::copy_hashed,
    error::failed,
    files::steps::reached,
    files::write::{Pending, Placed, make_folder, open_regular, rename_new, sync_parent},
    locking::locks::same_file,
};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

impl Store {
    /// Stores these bytes; returns their name. Bytes that are there already are verified,
    /// and replaced if they are damaged.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, Error> {
        let digest = Digest::of(bytes);
        if self.settled(&digest)? {
            return Ok(digest);
        }
        let mut file = self.pending(0o444)?;
        file.write(bytes)?;
        self.place_object(&mut file, &digest)?;
        Ok(digest)
    }

    /// Stores a copy of a file, hashing what is written while copying; returns its name.
    pub fn put_file(&self, path: &Path) -> Result<Digest, Error> {
        // Opening a pipe would wait for its writer, which may never come.
        let cannot = "could not open the file to store";
        if !fs::metadata(path).map_err(failed(path, cannot))?.is_file() {
            return Err(Error::Invalid(format!(
                "`{}`: expected a file to store, found something else",
                path.display()
            )));
        }
        let mut source = File::open(path).map_err(failed(path, cannot))?;
        let mut copy = self.pending(0o444)?;
        let (digest, _) = copy_hashed(&mut source, |piece| copy.file().write_all(piece))
            .map_err(failed(path, "could not copy the file into the store"))?;
        self.settle_object(&mut copy, &digest)?;
        Ok(digest)
    }

    /// The bytes of an object, verified while reading. A mismatch moves the file to
    /// `quarantine/` and is [`Error::Corrupt`]; the object is then absent.
    pub fn get(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        let mut file = self.open_object(digest)?;
        let mut bytes = Vec::new();
        self.verify(&mut file, digest, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(bytes)
    }

    /// Whether a regular file has this name. Its bytes are not verified.
    pub fn has(&self, digest: &Digest) -> bool {
        fs::symlink_metadata(self.object_path(digest)).is_ok_and(|found| found.is_file())
    }

    /// Verifies as [`Store::get`] does and gives the path, for a process that maps or copies
    /// the file. The file can only be read, and must not be changed through the path.
    pub fn verified_path(&self, digest: &Digest) -> Result<PathBuf, Error> {
        let mut file = self.open_object(digest)?;
        self.verify(&mut file, digest, |_| Ok(()))?;
        Ok(self.object_path(digest))
    }

    /// Gives the bytes of an object piece by piece, verified as [`Store::get`] does: an error
    /// may come after the last piece.
    pub(crate) fn read_object(
        &self,
        digest: &Digest,
        sink: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), Error> {
        let mut file = self.open_object(digest)?;
        self.verify(&mut file, digest, sink)
    }

    /// Gives a written file, whose bytes have this sha256, its name, unless it is there.
    pub(crate) fn settle_object(&self, file: &mut Pending, digest: &Digest) -> Result<(), Error> {
        if self.settled(digest)? {
            Ok(())
        } else {
            self.place_object(file, digest)
        }
    }

    /// Removes an object, whoever else may refer to it; one that is absent already is no error.
    pub fn remove(&self, digest: &Digest) -> Result<(), Error> {
        let path = self.object_path(digest);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed(path, "could not remove the object")(error))
            }
            _ => {
                reached("removed", &path);
                Ok(())
            }
        }
    }

    pub(crate) fn object_path(&self, digest: &Digest) -> PathBuf {
        self.named_path("objects", digest)
    }

    /// Whether the object is there, whole and durable. One that is damaged is moved away.
    fn settled(&self, digest: &Digest) -> Result<bool, Error> {
        match self.verified_path(digest) {
            // Another process may have renamed it a moment ago and not yet synced the folder.
            Ok(path) => sync_parent(&path).map(|()| true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(Error::Corrupt { .. }) if !exists(&self.object_path(digest)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn place_object(&self, file: &mut Pending, digest: &Digest) -> Result<(), Error> {
        let path = self.object_path(digest);
        make_fan_out(&path)?;
        // Taken by another process: its bytes are ours, unless it is damaged and moved away.
        while file.place(&path)? == Placed::Taken {
            if self.settled(digest)? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn open_object(&self, digest: &Digest) -> Result<File, Error> {
        let path = self.object_path(digest);
        match open_regular(&path) {
            Ok(Ok(file)) => Ok(file),
            Ok(Err(kind)) => Err(self.quarantine(&path, "a file".into(), kind.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::NotFound {
                path,
                what: "the store has no such object; run the study that makes it".into(),
            }),
            Err(source) => Err(failed(path, "could not open the object")(source)),
        }
    }

    fn verify(
        &self,
        file: &mut File,
        digest: &Digest,
        sink: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), Error> {
        let path = self.object_path(digest);
        let (found, size) =
            copy_hashed(file, sink).map_err(failed(&path, "could not read the object"))?;
        if found == *digest {
            return Ok(());
        }
        let found = format!("{size} bytes with sha256 {found}");
        if !same_file(file, &path) {
            // Somebody has moved it away already; what has the name now was not read.
            return Err(Error::Corrupt {
                path,
                expected: "bytes with the sha256 of its name".into(),
                found,
                advice: "it was moved away meanwhile; try again".into(),
            });
        }
        Err(self.quarantine(&path, "bytes with the sha256 of its name".into(), found))
    }

    /// Moves a damaged file to `quarantine/`, so that what it stood for is absent, and makes
    /// the error.
    pub(crate) fn quarantine(&self, path: &Path, expected: String, found: String) -> Error {
        let advice = match self.move_away(path) {
            Ok(name) => format!(
                "it was moved to `quarantine/{name}`; what needs it is computed again by the next run"
            ),
            Err(error) => format!("it could not be moved to `quarantine/` ({error}); move it away"),
        };
        Error::Corrupt {
            path: path.into(),
            expected,
            found,
            advice,
        }
    }

    pub(crate) fn move_away(&self, path: &Path) -> io::Result<String> {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or(io::ErrorKind::InvalidInput)?;
        for number in 0u64.. {
            let name = match number {
                0 => name.to_string(),
                _ => format!("{name}.{number}"),
            };
            match rename_new(path, &self.root().join("quarantine").join(&name)) {
                Ok(()) => return Ok(name),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        unreachable!("2^64 names")
    }
}

/// Makes the folder `ab` of `…/ab/abcd…`.
pub(crate) fn make_fan_out(path: &Path) -> Result<(), Error> {
    let folder = path
        .parent()
        .expect("a named file lies in its fan-out folder");
    make_folder(folder)
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
