//! Where a store is, how it is opened, and its small named files.

use crate::{
    Digest, Error,
    actions::read_regular,
    bundle, canonical,
    error::failed,
    files::write::{Pending, Placed, make_folder, sync_parent},
    locking::holder::Holder,
    locking::locks::{self, Locked, Session},
};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// The whole content of a store's `FORMAT` file.
pub const FORMAT: &str = "jackpot-store 1\n";

const README: &str = include_str!("../../../artifacts/README.md");

/// The folders of a store, in the order of the format's description.
pub(crate) const FOLDERS: [&str; 9] = [
    "objects",
    "actions",
    "divergences",
    "failures",
    "pins",
    "locks",
    "resume",
    "tmp",
    "quarantine",
];

/// What else may lie in a store's root. `datasets` belongs to the readers of data; the last two
/// are of a bundle that was unpacked by hand.
pub(crate) const FILES: [&str; 5] = [
    "FORMAT",
    "README.md",
    "datasets",
    bundle::METADATA,
    bundle::STATEMENT,
];

/// An open store. May be shared between threads; many processes may have it open.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    note: Option<String>,
    session: Mutex<Option<Arc<Session>>>,
    /// The bundle that this store was read from: it cannot be written.
    bundle: Option<Unpacked>,
    /// The shared lock, held as long as the store is open.
    lock: Option<File>,
}

/// A bundle, written as a store into a folder that goes with the value.
#[derive(Debug)]
struct Unpacked {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Store {
    /// Which folder is the store: `explicit`, else `$JACKPOT_STORE`, else `artifacts/` of the
    /// nearest parent of `from` (or of `from` itself) that has `artifacts/FORMAT`.
    pub fn locate(explicit: Option<&Path>, from: &Path) -> Result<PathBuf, Error> {
        let named = std::env::var_os("JACKPOT_STORE").filter(|name| !name.is_empty());
        locate_among(explicit, named.as_deref().map(Path::new), from)
    }

    /// Opens the store in this folder, after making what is missing of it: the folder itself,
    /// `FORMAT`, `README.md`. A folder that holds other things is refused.
    pub fn create(root: &Path) -> Result<Store, Error> {
        fs::create_dir_all(root).map_err(failed(root, "could not make the store's folder"))?;
        if !root.join("FORMAT").exists() {
            refuse_strangers(root)?;
            let tmp = root.join("tmp");
            make_folder(&tmp)?;
            let session = Arc::new(Session::begin(&tmp)?);
            for (name, text) in [("README.md", README), ("FORMAT", FORMAT)] {
                let mut file = Pending::create(session.clone(), 0o644)?;
                file.write(text.as_bytes())?;
                // Taken: another process makes the same store, or the file was kept.
                let (Placed::New | Placed::Taken) = file.place(&root.join(name))?;
            }
        }
        Store::open(root)
    }

    /// Opens a store that is there. One that can only be read is opened for reading:
    /// see [`Store::note`]. A file is read as a bundle, wholly verified, and is then a store
    /// that can only be read.
    pub fn open(root: &Path) -> Result<Store, Error> {
        if !root.is_file() {
            return Store::open_folder(root);
        }
        let folder = tempfile::tempdir().map_err(failed(
            std::env::temp_dir(),
            "could not make a folder to read the bundle in",
        ))?;
        bundle::unpack(root, folder.path())?;
        let mut store = Store::open_folder(folder.path())?;
        store.bundle = Some(Unpacked {
            path: root.into(),
            _folder: folder,
        });
        Ok(store)
    }

    fn open_folder(root: &Path) -> Result<Store, Error> {
        check_format(root)?;
        let root = std::path::absolute(root).map_err(failed(root, "could not resolve"))?;
        let mut unwritable = None;
        for name in FOLDERS {
            match make_folder(&root.join(name)) {
                Ok(()) => {}
                Err(Error::Io { source, .. }) if is_refusal(&source) => {
                    unwritable = Some(source.to_string());
                }
                Err(error) => return Err(error),
            }
        }
        let tmp = root.join("tmp");
        if unwritable.is_none()
            && let Err(refused) = rustix::fs::access(&tmp, rustix::fs::Access::WRITE_OK)
        {
            unwritable = Some(io::Error::from(refused).to_string());
        }
        let lock = match locks::lock_store(&root.join("locks/store"))? {
            Locked::Held(lock) => Some(lock),
            Locked::Elsewhere | Locked::Unsupported => None,
        };
        let note = note(&root, unwritable.as_deref(), lock.is_some());
        if unwritable.is_none() {
            locks::sweep(&tmp, &Holder::this().machine);
        }
        Ok(Store {
            root,
            note,
            session: Mutex::new(None),
            bundle: None,
            lock,
        })
    }

    /// The store's folder, absolute; of a bundle, where it was unpacked.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What a user calls it: the store's folder, or the bundle that it was read from.
    pub fn place(&self) -> &Path {
        self.bundle
            .as_ref()
            .map_or(&self.root, |bundle| &bundle.path)
    }

    /// What the user should be told about how the store is open: that it can only be read,
    /// or that no lock protects it; `None` if all is as it should be.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Where a running training keeps its resume point, made where missing; deleted by
    /// [`Store::commit`] of that key.
    pub fn resume_folder(&self, key: &Digest) -> Result<PathBuf, Error> {
        self.refuse_bundle()?;
        let path = self.root.join("resume").join(key.to_string());
        make_folder(&path)?;
        Ok(path)
    }

    /// Writes `pins/NAME.json` in one step, in place of an older one. The bytes are the
    /// caller's: a pin is what a study says it needs and found.
    pub fn write_pin(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.pin_path(name)?;
        let mut file = self.pending(0o644)?;
        file.write(bytes)?;
        file.replace(&path)
    }

    /// The bytes of `pins/NAME.json`, canonical JSON; `None` without a pin. A damaged one is moved
    /// to `quarantine/` and is [`Error::Corrupt`].
    pub fn read_pin(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let path = self.pin_path(name)?;
        let Some(bytes) = self.read_named(&path)? else {
            return Ok(None);
        };
        match canonical::parse(&bytes) {
            Ok(_) => Ok(Some(bytes)),
            Err(why) => Err(self.quarantine(&path, "a pin".into(), why.to_string())),
        }
    }

    /// Names of the pins, in order.
    pub fn pin_names(&self) -> Result<Vec<String>, Error> {
        let folder = self.root.join("pins");
        let listing = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            listing => listing.map_err(failed(&folder, "could not list the pins"))?,
        };
        let mut names = Vec::new();
        for entry in listing {
            let entry = entry.map_err(failed(&folder, "could not list the pins"))?;
            let name = entry.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(".json"));
            names.extend(
                name.filter(|n| check_name("pin", n).is_ok())
                    .map(str::to_owned),
            );
        }
        names.sort();
        Ok(names)
    }

    /// Removes a pin: what it alone needs is garbage from now on. False: there is none.
    pub fn remove_pin(&self, name: &str) -> Result<bool, Error> {
        self.refuse_bundle()?;
        let path = self.pin_path(name)?;
        match fs::remove_file(&path) {
            Ok(()) => sync_parent(&path).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(failed(path, "could not remove the pin")(source)),
        }
    }

    /// Does the work while no other process has the store open.
    pub(crate) fn alone<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let path = self.root.join("locks/store");
        let Some(lock) = &self.lock else {
            return Err(Error::Busy {
                path,
                what: "no lock can be held here, so nobody knows who reads the store; remove garbage on a machine whose file system has locks".into(),
            });
        };
        locks::whole(lock, &path, &self.root.join("tmp"), work)
    }

    pub(crate) fn pin_path(&self, name: &str) -> Result<PathBuf, Error> {
        check_name("pin", name)?;
        Ok(self.root.join("pins").join(format!("{name}.json")))
    }

    /// This process's place in `tmp/`, made at the first write.
    pub(crate) fn session(&self) -> Result<Arc<Session>, Error> {
        self.refuse_bundle()?;
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = &*session {
            return Ok(session.clone());
        }
        let begun = Arc::new(Session::begin(&self.root.join("tmp"))?);
        *session = Some(begun.clone());
        Ok(begun)
    }

    /// What is written beside a bundle would be lost with it.
    pub(crate) fn refuse_bundle(&self) -> Result<(), Error> {
        match &self.bundle {
            None => Ok(()),
            Some(bundle) => Err(Error::Bundle {
                path: bundle.path.clone(),
                what: "can only be read; take it into a store first (`jackpot bundle import`)"
                    .into(),
            }),
        }
    }

    pub(crate) fn pending(&self, mode: u32) -> Result<Pending, Error> {
        Pending::create(self.session()?, mode)
    }

    /// `folder/ab/abcd…`.
    pub(crate) fn named_path(&self, folder: &str, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        self.root.join(folder).join(&name[..2]).join(name)
    }
}

fn locate_among(
    explicit: Option<&Path>,
    named: Option<&Path>,
    from: &Path,
) -> Result<PathBuf, Error> {
    if let Some(path) = explicit.or(named) {
        return Ok(path.into());
    }
    let start = std::path::absolute(from).map_err(failed(from, "could not resolve"))?;
    start
        .ancestors()
        .map(|parent| parent.join("artifacts"))
        .find(|artifacts| artifacts.join("FORMAT").is_file())
        .ok_or_else(|| Error::NotFound {
            path: start.join("artifacts/FORMAT"),
            what: "neither this folder nor a parent of it has a store; go into a clone of Jackpot, or name one with `--store` or `$JACKPOT_STORE`".into(),
        })
}

fn check_format(root: &Path) -> Result<(), Error> {
    let path = root.join("FORMAT");
    let text = match read_regular(&path) {
        Ok(Ok(text)) => text,
        Ok(Err(kind)) => {
            return Err(Error::Format {
                path,
                found: kind.into(),
                advice: "put a file with that line in its place".into(),
            });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::NotFound {
                path,
                what: format!(
                    "`{}` is not a Jackpot store; check the path given with `--store` or `$JACKPOT_STORE`",
                    root.display()
                ),
            });
        }
        Err(source) => return Err(failed(path, "could not read the store's format")(source)),
    };
    if text == FORMAT.as_bytes() {
        return Ok(());
    }
    let shown: String = String::from_utf8_lossy(&text).chars().take(40).collect();
    let advice = match shown.strip_prefix("jackpot-store ") {
        Some(_) => "use the version of Jackpot that wrote it",
        None => "this is not a store that Jackpot made",
    };
    Err(Error::Format {
        path,
        found: format!("{shown:?}"),
        advice: advice.into(),
    })
}

/// A user who names the wrong folder must not find nine new ones in it.
fn refuse_strangers(root: &Path) -> Result<(), Error> {
    let listing = fs::read_dir(root).map_err(failed(root, "could not list the folder"))?;
    for entry in listing {
        let entry = entry.map_err(failed(root, "could not list the folder"))?;
        let name = entry.file_name();
        let known = |known: &[&str]| known.iter().any(|known| name == **known);
        if !known(&FOLDERS) && !known(&FILES) {
            return Err(Error::Invalid(format!(
                "`{}`: expected an empty folder to make a store in, found `{}` in it; name an empty one",
                root.display(),
                name.display()
            )));
        }
    }
    Ok(())
}

fn is_refusal(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem)
}

fn note(root: &Path, unwritable: Option<&str>, locked: bool) -> Option<String> {
    let root = root.display();
    let unlocked =
        "no lock is held, so a garbage collection at the same time could remove what is being read";
    match (unwritable, locked) {
        (None, true) => None,
        (None, false) => Some(format!(
            "the store `{root}`: its file system has no locks; {unlocked}"
        )),
        (Some(why), true) => Some(format!("the store `{root}` can only be read: {why}")),
        (Some(why), false) => Some(format!(
            "the store `{root}` can only be read: {why}; {unlocked}"
        )),
    }
}

/// Names that become file names or keys of a format: letters, digits, `.`, `_`, `-`.
pub(crate) fn check_name(what: &str, name: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if (1..=100).contains(&name.len()) && name.chars().all(fits) && !name.starts_with('.') {
        return Ok(());
    }
    let shown: String = name.chars().take(120).collect();
    Err(Error::Invalid(format!(
        "expected the name of a {what} in 1 to 100 letters, digits, `.`, `_`, `-`, not starting with `.`, found `{shown}`"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locates_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        fs::create_dir_all(&deep).unwrap();
        let (given, named) = (Path::new("/given"), Path::new("/named"));
        let find = |explicit, named| locate_among(explicit, named, &deep);
        assert_eq!(find(Some(given), Some(named)).unwrap(), given);
        assert_eq!(find(None, Some(named)).unwrap(), named);
        let error = find(None, None).unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }), "{error}");
        assert!(error.to_string().contains("--store"), "{error}");

        let store_in = |parent: &str| {
            let store = folder.path().join(parent).join("artifacts");
            fs::create_dir_all(&store).unwrap();
            fs::write(store.join("FORMAT"), FORMAT).unwrap();
            store
        };
        let far = store_in("a");
        assert_eq!(find(None, None).unwrap(), far);
        let near = store_in("a/b");
        assert_eq!(find(None, None).unwrap(), near);
        let own = store_in("a/b/c");
        assert_eq!(find(None, None).unwrap(), own);
        // From within the store itself.
        assert_eq!(locate_among(None, None, &far).unwrap(), far);
    }

    #[test]
    fn names() {
        for good in ["quick", "a.b", "A-1_2", "checkpoint"] {
            check_name("pin", good).unwrap();
        }
        for bad in ["", ".", "..", ".x", "a/b", "a b", "é", &"x".repeat(101)] {
            assert!(check_name("pin", bad).is_err(), "{bad}");
        }
    }
}
