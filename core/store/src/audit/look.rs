//! Looking at one object, action or pin without touching it.

use crate::{
    Action, Digest, Error, Store,
    actions::{parse_action, read_regular},
    canonical,
    digest::copy_hashed,
    error::failed,
    files::write::open_regular,
};
use std::{io, path::Path};

/// What lies under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look<T> {
    /// What the name promises.
    Sound(T),
    /// Nothing.
    Absent,
    /// Something else: what was expected, what was found.
    Damaged(String),
}

impl Store {
    /// Reads and verifies an object; unlike [`Store::get`] it leaves a damaged one where it is.
    pub fn look(&self, digest: &Digest) -> Result<Look<Vec<u8>>, Error> {
        let path = self.object_path(digest);
        let mut file = match open_regular(&path) {
            Ok(Ok(file)) => file,
            Ok(Err(kind)) => return Ok(Look::Damaged(format!("expected a file, found {kind}"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Look::Absent),
            Err(source) => return Err(failed(path, "could not open the object")(source)),
        };
        let mut bytes = Vec::new();
        let (found, size) = copy_hashed(&mut file, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })
        .map_err(failed(&path, "could not read the object"))?;
        Ok(if found == *digest {
            Look::Sound(bytes)
        } else {
            Look::Damaged(format!(
                "expected bytes with the sha256 of its name, found {size} bytes with sha256 {found}"
            ))
        })
    }

    /// Reads and verifies the file of a finished action; unlike [`Store::action`] it leaves a
    /// damaged one where it is.
    pub fn look_action(&self, key: &Digest) -> Result<Look<Action>, Error> {
        look_named(&self.named_path("actions", key), "an action", |bytes| {
            parse_action(*key, &bytes)
        })
    }

    /// Reads a pin; unlike [`Store::read_pin`] it leaves a damaged one where it is.
    pub fn look_pin(&self, name: &str) -> Result<Look<Vec<u8>>, Error> {
        look_named(
            &self.pin_path(name)?,
            "a pin",
            |bytes| match canonical::parse(&bytes) {
                Ok(_) => Ok(bytes),
                Err(why) => Err(why.to_string()),
            },
        )
    }
}

/// A small file as what it should be; `parse` says what was found instead.
fn look_named<T>(
    path: &Path,
    expected: &str,
    parse: impl FnOnce(Vec<u8>) -> Result<T, String>,
) -> Result<Look<T>, Error> {
    Ok(match read_regular(path) {
        Ok(Ok(bytes)) => match parse(bytes) {
            Ok(read) => Look::Sound(read),
            Err(found) => Look::Damaged(format!("expected {expected}, found {found}")),
        },
        Ok(Err(kind)) => Look::Damaged(format!("expected a file, found {kind}")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Look::Absent,
        Err(source) => return Err(failed(path, "could not read")(source)),
    })
}
