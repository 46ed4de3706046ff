//! Who is using what: the store, an action, a folder in `tmp/`.
//!
//! Every lock is an advisory one of the operating system (`flock`) on an open file, so it ends
//! with its process however that ends. A lock file that is left behind means nothing.
//!
//! On a folder that several machines share, Linux turns `flock` on NFS into a byte-range lock
//! that the server keeps, so it holds between machines; that is why every lock file is opened
//! for reading and for writing (a shared lock needs the one, a whole one the other). The lock of
//! a machine that died lasts until its lease does (NFS 4) or until it is up again (NFS 3): lock
//! files say who took them, so that the dead machine can be named. What a process of another
//! machine left in `tmp/` is never swept: a mount that keeps its locks to itself would let
//! this machine lock what that one is using.

use crate::{
    Error, Store, error::failed, files::lacks::not_implemented, files::steps::reached,
    locking::holder::Holder,
};
use rustix::fs::OFlags;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// What became of asking for a lock.
pub(crate) enum Locked {
    Held(File),
    Elsewhere,
    /// The file system knows no locks: work goes on without.
    Unsupported,
}

/// Held while an action runs, so that two runs do not do it twice. Released on drop, and
/// when its process ends.
#[derive(Debug)]
pub struct ActionLock {
    path: PathBuf,
    /// None on a file system without locks: an action may be run twice without harm.
    lock: Option<File>,
}

impl Drop for ActionLock {
    fn drop(&mut self) {
        if self.lock.is_some() {
            // Unlinked while it is held; who waits on the old file sees that it lost its name.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A folder in `tmp/` for work in progress, removed with its contents on drop; after a crash,
/// by the next process that opens the store.
#[derive(Debug)]
pub struct Scratch {
    /// The folder: empty, writable, on the store's own file system.
    pub path: PathBuf,
    _session: Arc<Session>,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// This process's own folder in `tmp/`. While its lock is held no other process sweeps it.
#[derive(Debug)]
pub(crate) struct Session {
    folder: PathBuf,
    lock_path: PathBuf,
    _lock: Option<File>,
    next: AtomicU64,
}

impl Session {
    /// The lock first, then the folder: a folder without a held lock is garbage.
    pub(crate) fn begin(tmp: &Path) -> Result<Session, Error> {
        let Holder { machine, process } = Holder::this();
        for attempt in 0u64.. {
            let lock_path = tmp.join(format!("{machine}-{process}-{attempt}.lock"));
            let made = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&lock_path);
            match made {
                Ok(_) => reached("session lock made", &lock_path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(source) => return Err(failed(tmp, "could not write here")(source)),
            }
            let lock = match lock_named(&lock_path)? {
                Locked::Held(file) => Some(file),
                Locked::Unsupported => None,
                // Another process swept it just now: take another name.
                Locked::Elsewhere => continue,
            };
            let folder = lock_path.with_extension("");
            fs::create_dir(&folder).map_err(failed(&folder, "could not make the folder"))?;
            reached("session folder made", &folder);
            return Ok(Session {
                folder,
                lock_path,
                _lock: lock,
                next: AtomicU64::new(0),
            });
        }
        unreachable!("2^64 attempts")
    }

    pub(crate) fn fresh_path(&self, kind: &str) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.folder.join(format!("{kind}-{number}"))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
        let _ = fs::remove_file(&self.lock_path);
    }
}

/// Removes from `tmp/` what dead processes of a machine left. What cannot be removed stays: it is garbage,
/// not damage.
pub(crate) fn sweep(tmp: &Path, machine: &str) {
    let Ok(entries) = fs::read_dir(tmp) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_lock = path
            .extension()
            .is_some_and(|extension| extension == "lock");
        let lock_path = if is_lock {
            path.clone()
        } else {
            let mut name = entry.file_name();
            name.push(".lock");
            tmp.join(name)
        };
        let stem = lock_path.file_stem().and_then(|stem| stem.to_str());
        let owner = stem.and_then(Holder::of_session);
        if owner.is_some_and(|owner| owner.machine != machine) {
            continue;
        }
        // Held until its folder is gone, and made where it is missing: without it, a session
        // that begins under the same name in this moment would lose its folder.
        let Ok(Locked::Held(lock)) = lock_named(&lock_path) else {
            continue;
        };
        let folder = lock_path.with_extension("");
        let _ = fs::remove_dir_all(&folder).or_else(|_| fs::remove_file(&folder));
        let _ = fs::remove_file(&lock_path);
        drop(lock);
    }
}

/// Opens a lock file for every kind of lock, and makes it where missing. A pipe is refused instead of waited for, and a link instead
/// of followed: what it leads to never has the name that is locked.
fn open_lock(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let mut options = OpenOptions::new();
    options.custom_flags(flags.bits() as i32);
    options.read(true).write(true);
    options.create(true).truncate(false).open(path)
}

/// The processes whose sessions in `tmp/` are locked: those that write, not those that read.
fn holders(tmp: &Path) -> Vec<Holder> {
    let entries = fs::read_dir(tmp).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut found: Vec<Holder> = names
        .filter_map(|name| {
            let holder = Holder::of_session(name.strip_suffix(".lock")?)?;
            let file = File::open(tmp.join(&name)).ok()?;
            matches!(outcome(file.try_lock_shared()), Ok(Some(_))).then_some(holder)
        })
        .collect();
    found.sort();
    found
}

/// ": process 7 of machine `a`, …"; nothing where nobody is known.
fn in_words(holders: &[Holder]) -> String {
    let words: Vec<String> = holders.iter().map(Holder::to_string).collect();
    if words.is_empty() {
        String::new()
    } else {
        format!(" ({})", words.join(", "))
    }
}

/// Makes the file where missing and locks it, without waiting.
fn lock_named(path: &Path) -> Result<Locked, Error> {
    loop {
        let file = open_lock(path).map_err(failed(path, "could not open the lock file"))?;
        match outcome(file.try_lock()) {
            Ok(None) => {}
            Ok(Some(other)) => return Ok(other),
            Err(source) => return Err(failed(path, "could not lock")(source)),
        }
        // The holder before may have unlinked it between the two calls: then this lock is on
        // a file that nobody else will find.
        if same_file(&file, path) {
            return Ok(Locked::Held(file));
        }
    }
}

/// `Ok(None)`: locked.
fn outcome(tried: Result<(), TryLockError>) -> io::Result<Option<Locked>> {
    match tried {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(Locked::Elsewhere)),
        Err(TryLockError::Error(error)) if is_unsupported(&error) => Ok(Some(Locked::Unsupported)),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn is_unsupported(error: &io::Error) -> bool {
    let code = rustix::io::Errno::from_io_error(error);
    not_implemented(error) || code == Some(rustix::io::Errno::NOLCK)
}

/// The lock file is absent or closed to this user, in a store that can only be read.
fn cannot_be_made(error: &io::Error) -> bool {
    use io::ErrorKind::{NotFound, PermissionDenied};
    matches!(error.kind(), NotFound | PermissionDenied)
}

pub(crate) fn same_file(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(a), Ok(b)) => a.dev() == b.dev() && a.ino() == b.ino(),
        _ => false,
    }
}

fn read_only(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.custom_flags(OFlags::NONBLOCK.bits() as i32);
    options.read(true).open(path)
}

/// The lock that users share and garbage collection has alone. Its file is never unlinked.
pub(crate) fn lock_store(path: &Path) -> Result<Locked, Error> {
    let file = match open_lock(path) {
        Ok(file) => file,
        // A store that can only be read may still have the file, and a lock needs no more.
        Err(_) => match read_only(path) {
            Ok(file) => file,
            Err(error) if cannot_be_made(&error) => return Ok(Locked::Unsupported),
            Err(source) => return Err(failed(path, "could not open the lock file")(source)),
        },
    };
    match outcome(file.try_lock_shared()) {
        Ok(None) => Ok(Locked::Held(file)),
        Ok(Some(Locked::Elsewhere)) => Err(Error::Busy {
            path: path.into(),
            what: "another process has the whole store for itself (garbage collection); try again when it has ended".into(),
        }),
        Ok(Some(other)) => Ok(other),
        Err(source) => Err(failed(path, "could not lock")(source)),
    }
}

/// Does the work while a lock that is otherwise shared is held exclusively, and shares it again.
/// The lock is released for a moment before, and another process may take it then. `None` if
/// another process holds it and nothing was done.
fn alone<T, E: From<Error>>(
    lock: &File,
    path: &Path,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<Option<T>, E> {
    let trouble = |source| failed(path, "could not lock")(source);
    lock.unlock().map_err(trouble)?;
    let done = match outcome(lock.try_lock()).map_err(trouble)? {
        None => work().map(Some),
        Some(_) => Ok(None),
    };
    // Nobody waits for it while this process asks without waiting.
    lock.unlock().map_err(trouble)?;
    lock.lock_shared().map_err(trouble)?;
    done
}

/// Does the work with the whole store, whose shared lock this is; otherwise says who has it
/// open.
pub(crate) fn whole<T>(
    lock: &File,
    path: &Path,
    tmp: &Path,
    work: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    alone(lock, path, work)?.ok_or_else(|| Error::Busy {
        path: path.into(),
        what: format!(
            "another process has the store open{}; try again when it has ended",
            in_words(&holders(tmp))
        ),
    })
}

/// Held while a study runs: objects that its actions read are not removed by another run.
#[derive(Debug)]
pub struct Running {
    gate: PathBuf,
    /// None on a file system without locks: every run takes itself for the only one.
    lock: Option<File>,
}

impl Running {
    /// Does the work if no other run has the store open meanwhile; says whether it did.
    pub fn if_alone<E: From<Error>>(
        &self,
        work: impl FnOnce() -> Result<(), E>,
    ) -> Result<bool, E> {
        let Some(lock) = &self.lock else {
            work()?;
            return Ok(true);
        };
        // The shared lock is let go for a moment. The gate keeps every other run from having
        // the store alone in that moment; one that begins now waits for its shared lock.
        let Locked::Held(_gate) = lock_named(&self.gate)? else {
            return Ok(false);
        };
        alone(lock, &self.gate, work).map(|done| done.is_some())
    }
}

impl Store {
    /// Says that a study runs on this store, until the value is dropped. Waits while another
    /// run removes what nobody needs any more.
    pub fn running(&self) -> Result<Running, Error> {
        let path = self.root().join("locks/runs");
        let file = open_lock(&path).map_err(failed(&path, "could not open the lock file"))?;
        let lock = match file.lock_shared() {
            Ok(()) => Some(file),
            Err(error) if is_unsupported(&error) => None,
            Err(source) => return Err(failed(path, "could not lock")(source)),
        };
        Ok(Running {
            gate: self.root().join("locks/alone"),
            lock,
        })
    }

    /// Takes the action for this process, so that nobody else runs it meanwhile.
    /// `None` if another process, or another thread of this one, holds it.
    pub fn claim(&self, key: &crate::Digest) -> Result<Option<ActionLock>, Error> {
        let path = self.root().join("locks").join(key.to_string());
        match lock_named(&path)? {
            Locked::Held(mut file) => {
                let Holder { machine, process } = Holder::this();
                // For people only: a claim that cannot say whose it is, holds all the same.
                let _ = file.set_len(0);
                let _ = writeln!(file, "{machine} {process}");
                Ok(Some(ActionLock {
                    path,
                    lock: Some(file),
                }))
            }
            Locked::Elsewhere => Ok(None),
            Locked::Unsupported => Ok(Some(ActionLock { path, lock: None })),
        }
    }

    /// Who has claimed the action; `None` if nobody has, or if it is not known.
    pub fn claimed_by(&self, key: &crate::Digest) -> Option<Holder> {
        let path = self.root().join("locks").join(key.to_string());
        let file = File::open(&path).ok()?;
        match outcome(file.try_lock_shared()) {
            Ok(Some(Locked::Elsewhere)) => Holder::of_file(&path),
            _ => None,
        }
    }

    /// Processes of other machines that left something in `tmp/`: at work, or dead. What they
    /// left is never swept from here; see [`Store::forget_machine`].
    pub fn strangers(&self) -> Vec<Holder> {
        let entries = fs::read_dir(self.root().join("tmp"))
            .into_iter()
            .flatten()
            .flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let owners = names.filter_map(|name| Holder::of_session(name.strip_suffix(".lock")?));
        let mut found: Vec<Holder> = owners.filter(|owner| !owner.is_here()).collect();
        found.sort();
        found
    }

    /// Removes what processes of a machine left in `tmp/`. The caller says that the machine is
    /// down or has no process at work here. What is locked stays.
    pub fn forget_machine(&self, machine: &str) -> Result<(), Error> {
        self.refuse_bundle()?;
        sweep(&self.root().join("tmp"), machine);
        Ok(())
    }

    /// A new empty folder in `tmp/`.
    pub fn scratch(&self) -> Result<Scratch, Error> {
        let session = self.session()?;
        let path = session.fresh_path("scratch");
        fs::create_dir(&path).map_err(failed(&path, "could not make the folder"))?;
        Ok(Scratch {
            path,
            _session: session,
        })
    }
}
