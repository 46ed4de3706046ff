//! Ways to damage a file of a store, and tars of bundles made by hand, for every suite that
//! breaks one.
//!
//! **Invariant**: nothing here is used outside tests.
#![allow(clippy::unwrap_used)] // the helpers of a test are a test

mod tar;

pub use tar::{Entry, archive, entries};

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

/// How a good file of the store is damaged.
pub struct Damage {
    /// In words.
    pub name: &'static str,
    /// Does it to the file at this path, whose store's folder is called `store`.
    pub inflict: fn(&Path),
}

/// Every way; the first [`IN_PLACE`] leave something under the file's name.
pub const DAMAGES: [Damage; 10] = [
    Damage {
        name: "bit flip",
        inflict: |path| {
            rewrite(path, |bytes| {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            });
        },
    },
    Damage {
        name: "truncated",
        inflict: |path| rewrite(path, |bytes| bytes.truncate(bytes.len() - 1)),
    },
    Damage {
        name: "empty",
        inflict: |path| rewrite(path, |bytes| bytes.clear()),
    },
    Damage {
        name: "appended",
        inflict: |path| rewrite(path, |bytes| bytes.push(b'\n')),
    },
    Damage {
        name: "link in its place",
        inflict: |path| {
            // To its very own bytes: a link is damage even if what it leads to is right.
            let root = path
                .ancestors()
                .find(|p| p.ends_with("store") && p.is_dir());
            let name = path.file_name().unwrap().to_str().unwrap();
            let elsewhere = root.unwrap().with_file_name(format!("elsewhere-{name}"));
            fs::rename(path, &elsewhere).unwrap();
            symlink(elsewhere, path).unwrap();
        },
    },
    Damage {
        name: "dangling link",
        inflict: |path| {
            fs::remove_file(path).unwrap();
            symlink("nowhere", path).unwrap();
        },
    },
    Damage {
        name: "folder in its place",
        inflict: |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
            fs::write(path.join("file"), "x").unwrap();
        },
    },
    Damage {
        name: "pipe in its place",
        inflict: |path| {
            fs::remove_file(path).unwrap();
            let made = std::process::Command::new("mkfifo").arg(path).status();
            assert!(made.unwrap().success());
        },
    },
    Damage {
        name: "missing",
        inflict: |path| fs::remove_file(path).unwrap(),
    },
    Damage {
        name: "misnamed",
        inflict: |path| fs::rename(path, other_name(path)).unwrap(),
    },
];

/// How many of [`DAMAGES`] leave something in the file's place.
pub const IN_PLACE: usize = 8;

/// The name that a misnamed file gets: a digest stays one, so that the stranger looks like one
/// of the family.
pub fn other_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap().to_str().unwrap();
    let (rest, last) = name.split_at(name.len() - 1);
    let other = if last == "0" { "1" } else { "0" };
    path.with_file_name(format!("{rest}{other}"))
}

fn rewrite(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(path, bytes).unwrap();
}
