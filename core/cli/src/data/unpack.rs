//! A data set's archive, unpacked beside it: the folder appears when all of it is there.
//!
//! Only files and folders below the archive's one top folder are taken; a link, an absolute
//! name, a `..` or a file named twice is refused and nothing is left behind.
use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Read},
    path::{Component, Path, PathBuf},
};

/// No published archive holds more: beyond it an archive is a bomb.
const MOST_BYTES: u64 = 1 << 32;

/// Unpacks `archive` (`.tar.gz` or `.zip`), whose top folder is `top`, into `folder`; gives
/// the path of `folder/top`.
pub fn archive(archive: &Path, folder: &Path, top: &str) -> Result<PathBuf> {
    let target = folder.join(top);
    if target.symlink_metadata().is_ok() {
        bail!("`{}` is there already: move it away", target.display());
    }
    // Removed when dropped, with whatever is in it.
    let scratch = tempfile::Builder::new()
        .prefix(".unpacking-")
        .tempdir_in(folder)
        .with_context(|| format!("`{}`", folder.display()))?;
    let mut taken = Taken {
        root: scratch.path(),
        top,
        bytes: 0,
    };
    let done = if archive.extension().is_some_and(|e| e == "zip") {
        zip(archive, &mut taken)
    } else {
        tar_gz(archive, &mut taken)
    };
    done.with_context(|| format!("`{}`", archive.display()))?;
    let made = scratch.path().join(top);
    if !made.is_dir() {
        bail!("`{}` holds no folder `{top}`", archive.display());
    }
    fs::rename(&made, &target).with_context(|| format!("`{}`", target.display()))?;
    Ok(target)
}

/// What has been unpacked so far.
struct Taken<'a> {
    root: &'a Path,
    top: &'a str,
    bytes: u64,
}

impl Taken<'_> {
    /// The place of an entry, if its name stays within the top folder.
    fn place(&self, name: &Path) -> Result<PathBuf> {
        let mut parts = Vec::new();
        for part in name.components() {
            match part {
                Component::Normal(part) => parts.push(part),
                Component::CurDir => {}
                _ => bail!("the entry `{}` leads out of the folder", name.display()),
            }
        }
        if parts.first().is_some_and(|&first| first != self.top) {
            bail!(
                "the entry `{}` is not in the folder `{}`",
                name.display(),
                self.top
            );
        }
        Ok(self.root.join(parts.iter().collect::<PathBuf>()))
    }

    fn folder(&self, name: &Path) -> Result<()> {
        Ok(fs::create_dir_all(self.place(name)?)?)
    }

    fn file(&mut self, name: &Path, content: &mut dyn Read) -> Result<()> {
        let path = self.place(name)?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .with_context(|| format!("the entry `{}`", name.display()))?;
        let left = MOST_BYTES - self.bytes;
        let written = io::copy(&mut content.take(left + 1), &mut file)
            .with_context(|| format!("the entry `{}`", name.display()))?;
        if written > left {
            bail!("unpacks to more than {MOST_BYTES} bytes");
        }
        self.bytes += written;
        Ok(())
    }
}

fn tar_gz(path: &Path, taken: &mut Taken) -> Result<()> {
    let unpacked = GzDecoder::new(BufReader::new(File::open(path)?));
    let mut archive = tar::Archive::new(unpacked);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.into_owned();
        let kind = entry.header().entry_type();
        if kind.is_dir() {
            taken.folder(&name)?;
        } else if kind.is_file() {
            taken.file(&name, &mut entry)?;
        } else {
            bail!(
                "the entry `{}` is neither file nor folder: {kind:?}",
                name.display()
            );
        }
    }
    // The check sum stands behind the last entry.
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    Ok(())
}

fn zip(path: &Path, taken: &mut Taken) -> Result<()> {
    let mut archive = ::zip::ZipArchive::new(BufReader::new(File::open(path)?))?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = PathBuf::from(entry.name()?.as_ref());
        if entry.is_symlink() {
            bail!("the entry `{}` is a link", name.display());
        } else if entry.is_dir() {
            taken.folder(&name)?;
        } else {
            taken.file(&name, &mut entry)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "unpack_tests.rs"]
mod tests;
