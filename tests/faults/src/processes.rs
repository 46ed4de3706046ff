//! Who works in a folder, what it is doing, and how to end it.
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// A worker of a study that runs.
pub struct Worker {
    /// Its process.
    pub pid: u32,
    /// Its scratch folder, in the store's `tmp/`.
    folder: PathBuf,
}

/// What a worker was doing when it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doing {
    /// Starting, or writing what it made.
    Itself,
    /// A plugin was on its stack.
    Plugin,
    /// At least one step of its training was done.
    Training,
}

impl Worker {
    /// Read from the page that the worker shares with its supervisor, which outlives both.
    pub fn doing(&self) -> Doing {
        let job = fs::read_to_string(self.folder.join("job.json")).unwrap_or_default();
        let page = fs::read(self.folder.join("status")).unwrap_or_default();
        // `Page` of core/host/src/supervisor/progress.rs: the phase is its first word, the share that is
        // done its fourth eight bytes.
        let phase = page
            .get(..4)
            .map_or(0, |b| u32::from_le_bytes(b.try_into().unwrap()));
        let done = page
            .get(24..32)
            .map_or(0.0, |b| f64::from_le_bytes(b.try_into().unwrap()));
        match (self.trains(&job), phase) {
            (true, _) if done > 0.0 && done < 1.0 => Doing::Training,
            (false, 1..=3) => Doing::Plugin,
            _ => Doing::Itself,
        }
    }

    fn trains(&self, job: &str) -> bool {
        let job: serde_json::Value = serde_json::from_str(job).unwrap_or_default();
        job["kind"] == "train"
    }
}

/// The workers of this supervisor that run under this store.
pub fn workers(supervisor: u32, store: &Path) -> Vec<Worker> {
    let tmp = store.join("tmp");
    let at_work = |pid: u32| {
        let line = command_line(pid);
        let folder = PathBuf::from(line.last()?);
        folder.starts_with(&tmp).then_some(Worker { pid, folder })
    };
    children(supervisor)
        .into_iter()
        .filter_map(at_work)
        .collect()
}

/// The living children of a process: to look through all processes takes longer than a worker
/// may live. A kernel that does not list them gives all.
fn children(parent: u32) -> Vec<u32> {
    if !Path::new("/proc/thread-self/children").exists() {
        return processes().into_iter().map(|(pid, _)| pid).collect();
    }
    let mut found = Vec::new();
    let tasks = fs::read_dir(format!("/proc/{parent}/task"));
    for task in tasks.into_iter().flatten().flatten() {
        let listed = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(
            listed
                .split_whitespace()
                .filter_map(|pid| pid.parse::<u32>().ok()),
        );
    }
    found
}

/// Waits until nobody works under this folder: a worker does not outlive its supervisor.
pub fn await_none(folder: &Path) {
    let start = Instant::now();
    let here = |line: &[String]| line.iter().any(|word| Path::new(word).starts_with(folder));
    loop {
        let left: Vec<_> = processes()
            .into_iter()
            .filter(|(_, line)| here(line))
            .collect();
        if left.is_empty() {
            return;
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "left behind: {left:?}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// SIGKILL; one that is dead already is no error.
pub fn kill(pid: u32) {
    signal(pid, Signal::KILL);
}

/// SIGSTOP: it does nothing more, and can still be looked at.
pub fn stop(pid: u32) {
    signal(pid, Signal::STOP);
}

fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).unwrap();
    let _ = kill_process(pid, signal);
}

/// Every process with its command line; the dead have none.
fn processes() -> Vec<(u32, Vec<String>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else {
            continue;
        };
        let words = command_line(pid);
        if !words.is_empty() {
            found.push((pid, words));
        }
    }
    found
}

fn command_line(pid: u32) -> Vec<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = line.split(|&b| b == 0).filter(|w| !w.is_empty());
    words
        .map(|w| String::from_utf8_lossy(w).into_owned())
        .collect()
}
