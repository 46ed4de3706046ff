//! What the file system of a store does not implement. The store works without it, and says so
//! once.

use rustix::io::Errno;
use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
};

/// Something that a file system may lack.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lack {
    /// `fsync` of a file or of a folder.
    Syncing,
    /// A rename that never replaces, and hard links.
    Placing,
}

/// In the order of [`Lack`].
static FOUND: [AtomicBool; 2] = [AtomicBool::new(false), AtomicBool::new(false)];

/// In the order of [`Lack`].
const WORDS: [&str; 2] = [
    "the store's file system cannot bring a file or folder to disk (fsync); a power cut may lose what was written last, which the next run makes again",
    "the store's file system can neither rename without replacing nor link; of two processes that finish one action in the same moment, the later replaces the result of the earlier",
];

impl Lack {
    pub(crate) fn found(self) {
        FOUND[self as usize].store(true, Ordering::Relaxed);
    }
}

/// What the file systems that this process wrote to were found to lack, a sentence each.
pub fn lacks() -> Vec<&'static str> {
    let found = FOUND.iter().zip(WORDS);
    let found = found.filter(|(found, _)| found.load(Ordering::Relaxed));
    found.map(|(_, words)| words).collect()
}

/// Whether an error says that the file system does not know the call at all.
pub(crate) fn not_implemented(error: &io::Error) -> bool {
    let code = Errno::from_io_error(error);
    matches!(code, Some(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP))
}
