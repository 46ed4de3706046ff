//! What became of a worker, in words.
use crate::{
    printable,
    supervisor::progress::{Page, Phase},
};
use jackpot_protocol::{Failure, Limits};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;

/// A disk with less room than this may have had none for the worker's last words.
const ROOM: u64 = 1 << 16;

/// How much a worker may print before that is called a failure.
pub(crate) const LOG_LIMIT: u64 = 64 << 20;

/// Why a worker was stopped from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    No,
    /// Over its time; whether it had to be killed.
    Late {
        killed: bool,
    },
    Flooded,
    Interrupted,
}

/// What became of the worker: its result, or why there is none.
pub(crate) fn result_of(
    folder: &Path,
    limits: &Limits,
    page: &Page,
    stopped: StopReason,
    exit: ExitStatus,
    log: &str,
) -> Result<serde_json::Value, Failure> {
    result_or_failure(folder, limits, page, stopped, exit, log).map_err(|mut failure| {
        if let Some(free) = room(folder).filter(|free| *free < ROOM) {
            let words = format!(
                "; the disk that it worked on has {free} bytes left (No space left on device)"
            );
            failure.message.push_str(&words);
        }
        // A message may be the plugin's own words.
        failure.message = printable(&failure.message).into_owned();
        failure
    })
}

/// Bytes that a user can still write where this folder lies.
fn room(folder: &Path) -> Option<u64> {
    let facts = rustix::fs::statvfs(folder).ok()?;
    facts.f_bavail.checked_mul(facts.f_frsize)
}

fn result_or_failure(
    folder: &Path,
    limits: &Limits,
    page: &Page,
    stopped: StopReason,
    exit: ExitStatus,
    log: &str,
) -> Result<serde_json::Value, Failure> {
    if let Some(failure) = stopped_by_us(stopped, limits) {
        return Err(failure);
    }
    if let Some(signal) = exit.signal() {
        return Err(killed_by(signal, page, limits, log));
    }
    if let Some(text) = read(folder, "error.json")? {
        return Err(serde_json::from_str(&text).unwrap_or_else(|e| {
            Failure::new(
                "error",
                format!("its error report cannot be read ({e}): {text}"),
            )
        }));
    }
    let Some(text) = read(folder, "done.json")? else {
        return Err(out_of_memory(limits, log).unwrap_or_else(|| no_record(exit, page)));
    };
    if !exit.success() {
        return Err(Failure::new(
            "crash",
            format!(
                "wrote its result and then ended with {}",
                describe_exit(exit)
            ),
        ));
    }
    serde_json::from_str(&text).map_err(|e| {
        Failure::new(
            "contract",
            format!("its success record `done.json` is no JSON: {e}"),
        )
    })
}

fn stopped_by_us(stopped: StopReason, limits: &Limits) -> Option<Failure> {
    let end = match stopped {
        StopReason::No => return None,
        StopReason::Interrupted => return Some(Failure::new("interrupted", "was interrupted")),
        StopReason::Flooded => {
            let megabytes = LOG_LIMIT >> 20;
            let message = format!("printed more than {megabytes} MB and was killed");
            return Some(Failure::new("error", message));
        }
        StopReason::Late { killed: true } => "it did not stop when it was asked to, and was killed",
        StopReason::Late { killed: false } => "it stopped when it was asked to",
    };
    Some(Failure::new(
        "hang",
        format!(
            "ran for more than {} s of its own time (host services not counted); {end}",
            limits.plugin_seconds
        ),
    ))
}

fn no_record(exit: ExitStatus, page: &Page) -> Failure {
    let place = match page.phase() {
        Phase::Plugin | Phase::Loading => " inside the plugin",
        Phase::Service => " inside a host service",
        Phase::Host => "",
    };
    Failure::new(
        "crash",
        format!(
            "ended with {}{place} and without a result (only a result record is success; \
             exit() is a crash)",
            describe_exit(exit)
        ),
    )
}

fn killed_by(signal: i32, page: &Page, limits: &Limits, log: &str) -> Failure {
    if let Some(failure) = out_of_memory(limits, log) {
        return failure;
    }
    let place = match page.phase() {
        Phase::Loading => "while the plugin was loading",
        Phase::Plugin => "inside the plugin",
        Phase::Service => "inside a host service",
        Phase::Host => "outside the plugin",
    };
    let name = signal_name(signal);
    match page.fault() {
        Some(fault) if !fault.place.is_empty() => {
            let kind = if fault.place.contains("read-only") {
                "crash"
            } else {
                "overrun"
            };
            Failure::new(
                kind,
                format!("{name} {place}: touched memory {}", fault.place),
            )
        }
        Some(fault) if fault.address < 4096 => Failure::new(
            "crash",
            format!(
                "{name} {place}: used a null pointer (address {:#x})",
                fault.address
            ),
        ),
        Some(fault) => Failure::new(
            "crash",
            format!("{name} {place}: bad address {:#x}", fault.address),
        ),
        None => match last_words(log) {
            Some(words) if THROWN.iter().any(|thrown| words.starts_with(thrown)) => Failure::new(
                "panic",
                format!("an exception left the plugin: {words}; catch it before `run` returns"),
            ),
            Some(words) => Failure::new("crash", format!("{name} {place}: {words}")),
            None => Failure::new("crash", format!("{name} {place}")),
        },
    }
}

/// How the C++ runtime begins when nobody caught an exception, and Rust's when it met one of
/// another language.
const THROWN: [&str; 2] = [
    "terminate called after throwing",
    "fatal runtime error: Rust cannot catch foreign exceptions",
];

/// What the runtime of C, C++ or Rust printed before it gave up: a thrown exception, a smashed
/// stack.
fn last_words(log: &str) -> Option<String> {
    let mut lines = log.lines().map(str::trim);
    let last = ["terminate called", "*** ", "fatal runtime error: "];
    let words = lines.find(|l| last.iter().any(|start| l.starts_with(start)))?;
    let what = lines.next().filter(|l| l.starts_with("what():"));
    Some(what.map_or_else(|| words.to_owned(), |what| format!("{words}, {what}")))
}

/// Rust's and C++'s words for an allocation that was refused.
fn out_of_memory(limits: &Limits, log: &str) -> Option<Failure> {
    let refused = log.contains("memory allocation of") || log.contains("std::bad_alloc");
    refused.then(|| {
        let limit = match limits.memory {
            0 => "no limit was set".to_string(),
            bytes => format!("the limit is {} MB", bytes >> 20),
        };
        Failure::new("memory", format!("ran out of memory ({limit})"))
    })
}

fn describe_exit(exit: ExitStatus) -> String {
    match (exit.code(), exit.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => signal_name(signal),
        (None, None) => exit.to_string(),
    }
}

pub(crate) fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT (interrupted)",
        4 => "SIGILL (illegal instruction)",
        5 => "SIGTRAP (trap)",
        6 => "SIGABRT (aborted)",
        7 => "SIGBUS (a mapped file is shorter than it claims)",
        8 => "SIGFPE (integer division by zero)",
        9 => "SIGKILL (most often the kernel, out of memory)",
        11 => "SIGSEGV (invalid memory access)",
        13 => "SIGPIPE",
        15 => "SIGTERM (terminated)",
        31 => "SIGSYS (bad system call)",
        _ => return format!("signal {signal}"),
    };
    name.to_string()
}

fn read(folder: &Path, name: &str) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(folder.join(name)) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Failure::new("error", format!("`{name}`: {e}"))),
    }
}
