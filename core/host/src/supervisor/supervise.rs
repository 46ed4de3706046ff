//! Starts a worker, watches it, and leaves nothing of it behind.
use crate::{
    Finished, Server, printable,
    supervisor::exit::{LOG_LIMIT, StopReason, result_of},
    supervisor::process_tree::{MARKER, ProcessTree},
    supervisor::progress::{Page, Status, now, peak_memory},
};
use jackpot_protocol::{Failure, Limits};
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, Signal};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often the supervisor looks.
const TICK: Duration = Duration::from_millis(50);
/// Ticks between looks at the process table.
const LOOK: u64 = 10;
/// How long a plugin may take to notice that it should stop.
const GRACE: Duration = Duration::from_secs(1);
/// How much of a worker's output is kept for the record.
const LOG_TAIL: u64 = 16 << 10;
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Kills every worker of this process, now and from now on: for Ctrl-C. Their actions fail
/// with the kind "interrupted".
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::SeqCst);
}

/// Starts `server` on `folder` (which holds `job.json`), watches, reaps every descendant.
/// Success is `done.json` in the folder and nothing less. `observe` hears 0..1 as the worker
/// goes on. `plugin_seconds` that is not above 0 is no limit.
pub fn supervise(
    server: &Server,
    folder: &Path,
    limits: &Limits,
    observe: &mut dyn FnMut(f64),
) -> Result<Finished, Failure> {
    let io = |what: &str, e: std::io::Error| {
        Failure::new("error", format!("`{}`: {what}: {e}", folder.display()))
    };
    for stale in ["done.json", "error.json"] {
        match std::fs::remove_file(folder.join(stale)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(io(stale, e)),
            _ => {}
        }
    }
    let status = Status::create(folder).map_err(|e| io("status", e))?;
    let started = Instant::now();
    let (mut child, marker) = start(server, folder, limits)?;
    let leader = Pid::from_child(&child);
    let mut family = ProcessTree::new(leader, &marker);
    let watched = watch(leader, folder, limits, &status, &mut family, observe);
    if watched.is_err() {
        family.kill();
    }
    // Dead but not reaped, the leader still holds its group's number.
    let left = family.finish();
    let exit = child.wait().map_err(|e| io("waiting for the worker", e))?;
    let log = log_tail(&folder.join("log"));
    let seconds = started.elapsed().as_secs_f64();
    let peak = watched
        .as_ref()
        .map_or(0, |w| w.1)
        .max(status.peak.load(Ordering::Relaxed));
    let with_log = |failure: Failure| Failure {
        log: log.clone(),
        ..failure
    };
    let stopped = watched.map_err(with_log)?.0;
    let result = result_of(folder, limits, &status, stopped, exit, &log).map_err(with_log)?;
    match left {
        Ok(0) => Ok(Finished {
            result,
            log,
            seconds,
            peak_memory: peak,
        }),
        Ok(n) => Err(with_log(Failure::new(
            "contract",
            format!("left {n} process(es) running after its result; they were killed"),
        ))),
        Err(n) => Err(with_log(Failure::new(
            "contract",
            format!("left {n} process(es) behind that cannot be killed"),
        ))),
    }
}

/// Starts the worker in its own process group, under its limits.
fn start(server: &Server, folder: &Path, limits: &Limits) -> Result<(Child, String), Failure> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let failed = |e: std::io::Error| {
        Failure::new(
            "error",
            format!(
                "worker `{}` cannot be started: {e}",
                server.program.display()
            ),
        )
    };
    // Orphans of the worker become ours, so that they can be reaped.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|e| failed(e.into()))?;
    let log = std::fs::File::create(folder.join("log")).map_err(failed)?;
    let supervisor = rustix::process::getpid();
    let marker = format!(
        "{}-{}-{}",
        supervisor.as_raw_nonzero(),
        NEXT.fetch_add(1, Ordering::Relaxed),
        now()
    );
    let mut command = Command::new(&server.program);
    command
        .args(&server.arguments)
        .arg(folder)
        .envs(&server.environment)
        // A panic at the memory limit deadlocks in the symboliser.
        .env_remove("RUST_BACKTRACE")
        .env_remove("RUST_LIB_BACKTRACE")
        .env(MARKER, &marker)
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(failed)?)
        .stderr(log)
        .process_group(0);
    let memory = limits.memory;
    // SAFETY: between fork and exec the closure makes system calls only: it neither allocates
    // nor takes a lock.
    unsafe {
        command.pre_exec(move || confine(supervisor, memory));
    }
    Ok((command.spawn().map_err(failed)?, marker))
}

/// Sets the limits of the new process before the program starts in it.
fn confine(supervisor: Pid, memory: u64) -> std::io::Result<()> {
    use rustix::process as p;
    p::set_parent_process_death_signal(Some(Signal::KILL))?;
    if p::getppid() != Some(supervisor) {
        // It died before it could have told us.
        return Err(std::io::ErrorKind::NotFound.into());
    }
    // While the worker lives, its orphans stay under it.
    p::set_child_subreaper(Some(p::getpid()))?;
    p::setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    )?;
    if memory > 0 {
        let ours = within(memory, p::getrlimit(Resource::Data).maximum);
        p::setrlimit(
            Resource::Data,
            Rlimit {
                current: Some(ours),
                maximum: Some(ours),
            },
        )?;
    }
    Ok(())
}

/// A limit under one that was there before: only root may raise that.
fn within(asked: u64, before: Option<u64>) -> u64 {
    before.map_or(asked, |before| asked.min(before))
}

/// Until the worker is dead: progress, time, strays. Returns why it was stopped, if it was,
/// and the peak memory that was seen.
fn watch(
    leader: Pid,
    folder: &Path,
    limits: &Limits,
    page: &Page,
    family: &mut ProcessTree,
    observe: &mut dyn FnMut(f64),
) -> Result<(StopReason, u64), Failure> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let system = |e: rustix::io::Errno| Failure::new("error", format!("watching the worker: {e}"));
    let handle = rustix::process::pidfd_open(leader, PidfdFlags::empty()).map_err(system)?;
    let tick = Timespec::try_from(TICK).expect("a tick is a small duration");
    let (mut stopped, mut asked, mut peak, mut told) = (StopReason::No, None, 0, -1.0);
    let mut ticks = 0u64;
    loop {
        let mut events = [PollFd::new(&handle, PollFlags::IN)];
        match poll(&mut events, Some(&tick)) {
            Ok(n) if n > 0 => return Ok((stopped, peak)),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(system(e)),
        }
        let done = page.done();
        if done != told {
            told = done;
            observe(done);
        }
        ticks += 1;
        if ticks.is_multiple_of(LOOK) {
            family.look();
        }
        let worker = leader.as_raw_nonzero().to_string();
        peak = peak_memory(&worker).unwrap_or(0).max(peak);
        if INTERRUPTED.load(Ordering::SeqCst) {
            stopped = StopReason::Interrupted;
            family.kill();
        } else if std::fs::metadata(folder.join("log")).is_ok_and(|m| m.len() > LOG_LIMIT) {
            stopped = StopReason::Flooded;
            family.kill();
        } else if let Some(since) = asked {
            if now().saturating_sub(since) > GRACE.as_nanos() as u64 {
                stopped = StopReason::Late { killed: true };
                family.kill();
            }
        } else if is_late(page, limits) {
            page.cancel();
            stopped = StopReason::Late { killed: false };
            asked = Some(now());
        }
    }
}

fn is_late(page: &Page, limits: &Limits) -> bool {
    limits.plugin_seconds > 0.0
        && page
            .plugin_time()
            .is_some_and(|t| t as f64 / 1e9 > limits.plugin_seconds)
}

/// The end of what was printed, from a whole line on.
fn log_tail(path: &Path) -> String {
    let tail = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL)))?;
        let mut bytes = Vec::new();
        file.take(LOG_TAIL).read_to_end(&mut bytes)?;
        if length > LOG_TAIL {
            let line = bytes.iter().position(|&b| b == b'\n').map_or(0, |i| i + 1);
            bytes.drain(..line);
        }
        Ok(bytes)
    };
    let bytes = tail().unwrap_or_default();
    printable(&String::from_utf8_lossy(&bytes)).into_owned()
}

#[cfg(test)]
#[path = "supervise_tests.rs"]
mod tests;
