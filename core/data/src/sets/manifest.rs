//! The sums of a folder's files, and one sum over them.
//!
//! The manifest is a line per file, `SHA256  BYTES  PATH`, in bytewise order of the paths; its
//! sha256 stands for the whole folder. A file of sums from an earlier run saves hashing a
//! million files again. A file is taken to have the sum that it had if its length, its times of
//! modification and of change and its inode are what they were, and if both times lay a clock
//! step or more before it was read: `cp -p`, `tar x` and `rsync -a` keep length and
//! modification time, but none of them can keep the other two, and a file system with a coarse
//! clock gives two writes one time. The number of the device is not asked for: it changes from
//! mount to mount.

use crate::Error;
use crate::formats::tree::{Tree, wrong};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Length and sum of each file, by path relative to the set's folder.
pub(crate) type Sums = BTreeMap<String, Sum>;

/// What is remembered of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
    /// `None` where the file changed so shortly before it was read that it might change again
    /// unnoticed.
    identity: Option<Identity>,
}

/// What shows that a file is the one that was read, and that nobody wrote to it since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    /// Nanoseconds since 1970, which its owner can set at will.
    modified: i128,
    /// Nanoseconds since 1970, of the last change of bytes, times, owner or name.
    changed: i128,
    inode: u64,
}

/// Nanoseconds: the clock steps of the coarsest file system in use (FAT, two seconds) and a
/// little more, for a server's clock is not this machine's.
const CLOCK_STEP: i128 = 3_000_000_000;

impl Identity {
    fn of(facts: &Metadata) -> Identity {
        let nanoseconds =
            |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Identity {
            modified: nanoseconds(facts.mtime(), facts.mtime_nsec()),
            changed: nanoseconds(facts.ctime(), facts.ctime_nsec()),
            inode: facts.ino(),
        }
    }

    /// Whether a change at `now` or later must give other times.
    fn is_settled(&self, now: i128) -> bool {
        // A file system that does not tell says 1970.
        self.changed > 0 && self.modified.max(self.changed) + CLOCK_STEP < now
    }
}

fn now() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as i128)
}

/// Hashes every file of the tree, those that `known` has not.
pub(crate) fn hash(folder: &Path, tree: &Tree, known: &Sums) -> Result<Sums, Error> {
    let images = tree.train.iter().chain(&tree.test).map(|leaf| &leaf.path);
    let paths: Vec<&String> = images.chain(&tree.lists).collect();
    let sums: Vec<Result<(String, Sum), Error>> = paths
        .into_par_iter()
        .map(|path| Ok((path.clone(), of_file(folder, path, known)?)))
        .collect();
    // The first error in the tree's order, however the threads ran.
    sums.into_iter().collect()
}

/// sha256 of one file, which `sums` may know from an earlier run: how a large file that hardly
/// ever changes is asked for again and again.
///
/// # Errors
/// What is no regular file, or cannot be read.
pub fn sum_of(file: &Path, sums: Option<&Path>) -> Result<[u8; 32], Error> {
    let (Some(folder), Some(name)) = (file.parent(), file.file_name().and_then(|n| n.to_str()))
    else {
        return Err(wrong(file, "is no file with a name in UTF-8"));
    };
    let mut known = sums.map(recall).unwrap_or_default();
    let sum = of_file(folder, name, &known)?;
    if known.insert(name.to_owned(), sum) != Some(sum)
        && let Some(sums) = sums
    {
        remember(sums, &known);
    }
    Ok(sum.sha256)
}

fn of_file(folder: &Path, path: &str, known: &Sums) -> Result<Sum, Error> {
    let place = folder.join(path);
    let unreadable = |error| wrong(&place, format!("cannot be read: {error}"));
    let facts = std::fs::symlink_metadata(&place).map_err(unreadable)?;
    if !facts.is_file() {
        return Err(wrong(&place, "is no regular file"));
    }
    if let Some(sum) = known.get(path)
        && sum.bytes == facts.len()
        && sum.identity == Some(Identity::of(&facts))
    {
        return Ok(*sum);
    }
    let now = now();
    let mut file = File::open(&place).map_err(unreadable)?;
    // Of the file that is read, before it is read: what is written meanwhile changes them.
    let identity = Identity::of(&file.metadata().map_err(unreadable)?);
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(Sum {
        bytes: bytes.len() as u64,
        sha256: Sha256::digest(&bytes).into(),
        identity: Some(identity).filter(|identity| identity.is_settled(now)),
    })
}

/// sha256 of the manifest, and the bytes of all files together.
pub(crate) fn digest(sums: &Sums) -> ([u8; 32], u64) {
    let mut hash = Sha256::new();
    for (path, sum) in sums {
        hash.update(format!(
            "{}  {}  {path}\n",
            crate::hex(&sum.sha256),
            sum.bytes
        ));
    }
    let bytes = sums.values().map(|sum| sum.bytes).sum();
    (hash.finalize().into(), bytes)
}

const FIRST_LINE: &str = "jackpot sums 2";

/// Reads what [`remember`] wrote. A file of another format, or one that is damaged, knows
/// nothing.
pub(crate) fn recall(file: &Path) -> Sums {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let Some((first, lines)) = text.split_once('\n') else {
        return Sums::new();
    };
    if first != first_line(lines) {
        return Sums::new();
    }
    let sum = |line: &str| -> Option<(String, Sum)> {
        let mut fields = line.splitn(6, ' ');
        let sha256 = crate::unhex(fields.next()?)?;
        let bytes = fields.next()?.parse().ok()?;
        let identity = Identity {
            modified: fields.next()?.parse().ok()?,
            changed: fields.next()?.parse().ok()?,
            inode: fields.next()?.parse().ok()?,
        };
        let path = fields.next()?.to_owned();
        let sum = Sum {
            bytes,
            sha256,
            identity: Some(identity),
        };
        Some((path, sum))
    };
    lines.lines().filter_map(sum).collect()
}

/// The format, and the sha256 of all that follows.
fn first_line(lines: &str) -> String {
    format!(
        "{FIRST_LINE} {}",
        crate::hex(&Sha256::digest(lines.as_bytes()))
    )
}

/// Replaces the file of sums; one that cannot be written costs time, nothing else.
pub(crate) fn remember(file: &Path, sums: &Sums) {
    let mut lines = String::new();
    for (path, sum) in sums {
        let Some(identity) = sum.identity else {
            continue;
        };
        let _ = writeln!(
            lines,
            "{} {} {} {} {} {path}",
            crate::hex(&sum.sha256),
            sum.bytes,
            identity.modified,
            identity.changed,
            identity.inode
        );
    }
    let text = format!("{}\n{lines}", first_line(&lines));
    let part = file.with_extension(format!("{}.part", std::process::id()));
    let written = file.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = written.and_then(|()| std::fs::write(&part, text));
    if written.and_then(|()| std::fs::rename(&part, file)).is_err() {
        let _ = std::fs::remove_file(&part);
    }
}
