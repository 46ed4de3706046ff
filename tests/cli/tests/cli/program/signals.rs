//! Ctrl-C and `kill`: every command ends within five seconds, whenever it is asked to.
use crate::{
    commands::Commands,
    support::{Place, outcome},
};
use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(5);

fn send(signal: &str, child: &Child) {
    // One that has ended by itself is not reaped yet, so the number is still its own.
    let id = child.id().to_string();
    let sent = Command::new("kill").args([signal, &id]).status();
    assert!(sent.unwrap().success());
}

/// Waits for the end of what was sent a signal.
fn ends(what: &str, child: &mut Child) {
    let sent = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if sent.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{what} still ran five seconds after the signal");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What runs with `folder` in its arguments.
fn running(folder: &Path) -> Vec<String> {
    let name = folder.to_str().unwrap();
    let line = |entry: fs::DirEntry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ")
    };
    let lines = fs::read_dir("/proc").unwrap().flatten().map(line);
    lines.filter(|line| line.contains(name)).collect()
}

/// What runs in the background of a script is started with Ctrl-C ignored, and its children inherit
/// that; where this process handles it, they start with what a terminal would give them.
fn as_at_a_terminal() {
    let seen = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        let caught = seen.clone();
        signal_hook::flag::register_conditional_default(signal, Arc::new(AtomicBool::new(true)))
            .and_then(|_| signal_hook::flag::register(signal, caught))
            .unwrap();
    }
}

#[test]
fn every_command_ends_within_seconds_of_a_signal() {
    as_at_a_terminal();
    let commands = Commands::new();
    let moments = [0, 60, 250, 700];
    for (turn, moment) in moments.into_iter().enumerate() {
        for (at, (name, mut command)) in commands.all().enumerate() {
            let signal = ["-TERM", "-INT"][(turn + at) % 2];
            if name == "run" {
                // Something to do.
                let _ = fs::remove_dir_all(commands.place.store().join("actions"));
                fs::create_dir(commands.place.store().join("actions")).unwrap();
            }
            let mut child = command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(Duration::from_millis(moment));
            send(signal, &child);
            ends(
                &format!("`jackpot {name}` at {moment} ms, {signal}"),
                &mut child,
            );
        }
    }
    let start = Instant::now();
    while !running(commands.place.folder.path()).is_empty() {
        let left = running(commands.place.folder.path());
        assert!(start.elapsed() < PATIENCE, "left behind: {left:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A run that waits for a lock, and one that waits for the reader of its words, are at nothing
/// that looks up.
#[test]
fn a_run_that_waits_ends_too() {
    as_at_a_terminal();
    for signal in ["-TERM", "-INT"] {
        let place = Place::new();
        let store = place.store().to_str().unwrap().to_owned();
        let (code, ..) = crate::support::call(&["--store", &store, "pin", "list"]);
        assert_eq!(code, 0);
        let lock = File::create(place.store().join("locks/runs")).unwrap();
        lock.lock().unwrap();
        let mut child = place
            .command("run", &[])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_secs(3));
        assert!(child.try_wait().unwrap().is_none(), "it did not wait");
        send(signal, &child);
        ends("a run that waits for a lock", &mut child);
        let (code, _, err) = outcome(child.wait_with_output().unwrap());
        assert_eq!(code, 130, "{err}");
        assert!(err.contains("interrupted"), "{err}");
    }
}

#[test]
fn more_workers_than_actions_are_never_started() {
    let place = Place::new();
    for workers in ["0", "4097", "99999999999", "18446744073709551616"] {
        for command in ["run", "probe", "plan"] {
            let (code, _, err) =
                outcome(place.command(command, &["-j", workers]).output().unwrap());
            assert_eq!(code, 2, "{command} {workers}: {err}");
            assert!(err.contains("--workers"), "{command} {workers}: {err}");
        }
    }
    let mut run = place.command("run", &["-j", "4096"]);
    let mut child = run
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let tasks = fs::read_dir(format!("/proc/{}/task", child.id()));
        most = most.max(tasks.map_or(0, Iterator::count));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(child.wait().unwrap().success());
    // Of 30 actions, a handful of threads more for signals and reading.
    assert!(most < 50, "{most} threads");
    assert_eq!(place.actions(), crate::support::finished().actions());
}
