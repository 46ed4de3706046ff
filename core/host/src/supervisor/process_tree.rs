//! Leaves no process behind: finds, kills and reaps every descendant of one worker.
//!
//! Several jobs run in threads of one supervisor, which is a child subreaper: orphans of
//! every job become its children. A process belongs to a job if it is in the worker's
//! process group, was seen under the worker while that lived, or carries the job's marker in
//! the environment it was started with. Nothing else is ever touched, so children that the
//! program started for other reasons are safe. (A descendant that left the group, replaced
//! its environment and lost its parent between two looks escapes: isolation is for faults.)
use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, waitpid};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The variable that marks a job's processes.
pub(crate) const MARKER: &str = "JACKPOT_JOB";
/// How long killed processes may take to vanish.
const PATIENCE: Duration = Duration::from_secs(5);

/// The processes of one job.
pub(crate) struct ProcessTree {
    leader: Pid,
    /// `JACKPOT_JOB=…` with the NULs that surround it in an environment.
    marker: Vec<u8>,
    /// Descendants seen: process id and start time (ids are used again, pairs are not).
    seen: BTreeMap<i32, u64>,
}

/// What `/proc/PID/stat` says.
struct Stat {
    dead: bool,
    parent: i32,
    group: i32,
    start: u64,
}

impl ProcessTree {
    pub(crate) fn new(leader: Pid, marker: &str) -> ProcessTree {
        let marker = format!("{MARKER}={marker}\0").into_bytes();
        ProcessTree {
            leader,
            marker,
            seen: BTreeMap::new(),
        }
    }

    /// Notes who lives under the worker now.
    pub(crate) fn look(&mut self) {
        let table: Vec<(i32, Stat)> = processes().filter_map(|p| Some((p, stat(p)?))).collect();
        let mut parents = vec![self.leader.as_raw_nonzero().get()];
        while let Some(parent) = parents.pop() {
            for (child, stat) in table.iter().filter(|(_, stat)| stat.parent == parent) {
                self.seen.insert(*child, stat.start);
                parents.push(*child);
            }
        }
    }

    /// Kills the worker and whoever is known to belong to it. Not reaped yet, the leader's
    /// number cannot have passed to a stranger.
    pub(crate) fn kill(&mut self) {
        self.look();
        let _ = kill_process_group(self.leader, Signal::KILL);
        for (&pid, &start) in &self.seen {
            if stat(pid).is_some_and(|s| s.start == start && !s.dead) {
                signal(pid);
            }
        }
    }

    /// After the worker has died and before it is reaped: kills and reaps what is left.
    /// Returns how many processes still ran, or how many cannot be stopped.
    pub(crate) fn finish(mut self) -> Result<usize, usize> {
        let deadline = Instant::now() + PATIENCE;
        let mut running = BTreeMap::new();
        loop {
            let left = self.sweep(&mut running);
            if left == 0 {
                return Ok(running.len());
            }
            if Instant::now() > deadline {
                return Err(left);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// One pass over the process table; returns how many of ours are still in it.
    fn sweep(&mut self, running: &mut BTreeMap<(i32, u64), ()>) -> usize {
        let leader = self.leader.as_raw_nonzero().get();
        let us = rustix::process::getpid().as_raw_nonzero().get();
        let mut left = 0;
        for pid in processes().filter(|&pid| pid != leader && pid != us) {
            let Some(stat) = stat(pid) else { continue };
            let ours = stat.group == leader
                || self.seen.get(&pid) == Some(&stat.start)
                || (stat.parent == us && self.is_marked(pid));
            if !ours {
                continue;
            }
            left += 1;
            self.seen.insert(pid, stat.start);
            if !stat.dead {
                running.insert((pid, stat.start), ());
                signal(pid);
            }
            if stat.parent == us
                && let Some(pid) = Pid::from_raw(pid)
                && matches!(waitpid(Some(pid), WaitOptions::NOHANG), Ok(Some(_)))
            {
                left -= 1;
            }
        }
        left
    }

    fn is_marked(&self, pid: i32) -> bool {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.starts_with(&self.marker)
            || environment
                .windows(self.marker.len() + 1)
                .any(|w| w[0] == 0 && w[1..] == self.marker)
    }
}

fn signal(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

fn processes() -> impl Iterator<Item = i32> {
    let table = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    table.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn stat(pid: i32) -> Option<Stat> {
    let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in brackets, which may hold anything.
    let after_name = text.iter().rposition(|&b| b == b')')? + 1;
    let rest = std::str::from_utf8(&text[after_name..]).ok()?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    Some(Stat {
        dead: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        start: fields.get(19)?.parse().ok()?,
    })
}
