//! One file from its published address, whole or not at all.
//!
//! The bytes grow in `NAME.part`, which a later run goes on with; only a file of the right
//! length and sha256 gets its name. A whole file of other bytes is kept as `NAME.wrong` for
//! a look, and never used.
use anyhow::{Context, Result, bail};
use jackpot_data::Remote;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};
use ureq::{Agent, http::Response};

/// Attempts in a row that bring no byte.
const ATTEMPTS: u32 = 3;
/// Between attempts; a test's server has not to recover.
const PAUSE: Duration = Duration::from_secs(if cfg!(test) { 0 } else { 2 });
const CONNECT: Duration = Duration::from_secs(30);
const SILENCE: Duration = Duration::from_secs(60);

/// The client of all downloads.
pub fn agent() -> Agent {
    Agent::config_builder()
        // A status is told in words of our own.
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT))
        .timeout_per_read(Some(SILENCE))
        .user_agent(concat!("jackpot/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

/// Downloads the file into `folder`, or goes on where an earlier run stopped; gives its path.
/// `seen` hears how many bytes are there.
pub fn file(
    agent: &Agent,
    from: &str,
    remote: &Remote,
    folder: &Path,
    seen: &mut dyn FnMut(u64),
) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("`{}`", folder.display()))?;
    let whole = folder.join(&remote.name);
    if whole.exists() {
        check(&whole, remote).with_context(|| {
            format!(
                "`{}` is there already, but is another file: move it away",
                whole.display()
            )
        })?;
        seen(remote.bytes);
        return Ok(whole);
    }
    let part = folder.join(format!("{}.part", remote.name));
    let url = format!("{from}{}", remote.name);
    download(agent, &url, remote.bytes, &part, seen)?;
    if let Err(error) = check(&part, remote) {
        let wrong = folder.join(format!("{}.wrong", remote.name));
        rename(&part, &wrong)?;
        return Err(error.context(format!(
            "{url} gave another file than the published one, kept as `{}`",
            wrong.display()
        )));
    }
    rename(&part, &whole)?;
    Ok(whole)
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("`{}`", to.display()))
}

/// Length and sha256.
fn check(path: &Path, remote: &Remote) -> Result<()> {
    let mut file = File::open(path).with_context(|| format!("`{}`", path.display()))?;
    let bytes = file.metadata()?.len();
    if bytes != remote.bytes {
        bail!("expected {} bytes, found {bytes}", remote.bytes);
    }
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        hash.update(&buffer[..length]);
    }
    let found = hash.finalize();
    if found[..] != remote.sha256 {
        let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
        bail!(
            "expected the sha256 {}, found {}",
            hex(&remote.sha256),
            hex(&found)
        );
    }
    Ok(())
}

/// Appends to `part` until it has `bytes` bytes.
fn download(
    agent: &Agent,
    url: &str,
    bytes: u64,
    part: &Path,
    seen: &mut dyn FnMut(u64),
) -> Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(part)
        .with_context(|| format!("`{}`", part.display()))?;
    let mut have = file.metadata()?.len();
    if have > bytes {
        file.set_len(0)?;
        have = 0;
    }
    let mut in_vain = 0;
    while have < bytes {
        let before = have;
        thread::sleep(PAUSE * in_vain);
        let outcome = attempt(agent, url, bytes, &mut file, &mut have, seen);
        file.sync_data()?;
        match outcome {
            Ok(()) if have < bytes && have > before => in_vain = 0,
            Ok(()) if have < bytes => in_vain += 1,
            Ok(()) => {}
            Err(Refused::ForGood(why)) => bail!("{url}: {why}"),
            Err(Refused::Perhaps(why)) => {
                in_vain = if have > before { 1 } else { in_vain + 1 };
                if in_vain >= ATTEMPTS {
                    bail!(
                        "{url}: {why}, after {have} of {bytes} bytes; the same command goes on from there"
                    );
                }
            }
        }
        if in_vain >= ATTEMPTS {
            bail!(
                "{url}: the connection ends after {have} of {bytes} bytes; the same command goes on from there"
            );
        }
    }
    Ok(())
}

/// Why an attempt ended early.
enum Refused {
    /// Trying again cannot help.
    ForGood(String),
    Perhaps(String),
}

fn perhaps(error: impl std::fmt::Display) -> Refused {
    Refused::Perhaps(error.to_string())
}

/// One request for what is missing. Bytes that arrived stay, however it ends.
fn attempt(
    agent: &Agent,
    url: &str,
    bytes: u64,
    file: &mut File,
    have: &mut u64,
    seen: &mut dyn FnMut(u64),
) -> Result<(), Refused> {
    let mut request = agent.get(url);
    if *have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let mut response = request.call().map_err(perhaps)?;
    match response.status().as_u16() {
        206 if starts_at(&response) == Some(*have) => {}
        // The server does not resume, or resumes elsewhere: from the start, then.
        200 | 206 | 416 if *have > 0 => {
            *have = 0;
            file.set_len(0).map_err(perhaps)?;
            if response.status().as_u16() != 200 {
                return Err(Refused::Perhaps("the server cannot go on there".into()));
            }
        }
        200 => {}
        code @ (408 | 429 | 500..) => {
            return Err(Refused::Perhaps(format!("the server answers {code}")));
        }
        code => return Err(Refused::ForGood(format!("the server answers {code}"))),
    }
    file.seek(SeekFrom::Start(*have)).map_err(perhaps)?;
    let mut body = response.body_mut().with_config().limit(u64::MAX).reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = body.read(&mut buffer).map_err(perhaps)?;
        if length == 0 {
            return Ok(());
        }
        if *have + length as u64 > bytes {
            return Err(Refused::ForGood(format!(
                "the server sends more than the {bytes} bytes of the published file"
            )));
        }
        let written = file.write_all(&buffer[..length]);
        written.map_err(|error| Refused::ForGood(error.to_string()))?;
        *have += length as u64;
        seen(*have);
    }
}

/// The first byte of a part: `Content-Range: bytes FIRST-LAST/ALL`.
fn starts_at<T>(response: &Response<T>) -> Option<u64> {
    let range = response.headers().get("Content-Range")?.to_str().ok()?;
    let first = range.strip_prefix("bytes ")?.split('-').next()?;
    first.parse().ok()
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
