//! What belongs to the whole process, before and after a plugin's code: a plugin that leaves it
//! otherwise would change what comes after it, in its own next call or in the host.
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Numbers of signals on Linux; 0 does not exist.
const SIGNALS: std::ops::RangeInclusive<i32> = 1..=64;
/// A thread that was joined may stand in the process table for a moment.
const MOMENTS: u32 = 200;

/// The state of this process that a plugin may look at but not leave changed.
#[derive(Clone, PartialEq)]
pub(super) struct ProcessState {
    directory: PathBuf,
    locale: (Vec<u8>, usize),
    /// Handler and flags of each signal.
    handlers: Vec<(usize, i32)>,
    /// Blocked signals, a bit each.
    blocked: u64,
    environment: Vec<(std::ffi::OsString, std::ffi::OsString)>,
    held: ProcessHandles,
}

/// What a process holds: its threads, its open files with what they lead to, its children.
#[derive(Clone, PartialEq)]
pub(super) struct ProcessHandles {
    threads: BTreeSet<i32>,
    files: BTreeMap<i32, PathBuf>,
    /// Whether there is a child process, running or not waited for.
    children: bool,
}

impl ProcessHandles {
    pub(super) fn now() -> ProcessHandles {
        let names = |folder: &str| -> Vec<i32> {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            entries
                .filter_map(|e| e.file_name().to_str()?.parse().ok())
                .collect()
        };
        let link = |fd: i32| Some((fd, std::fs::read_link(format!("/proc/self/fd/{fd}")).ok()?));
        ProcessHandles {
            threads: names("/proc/self/task").into_iter().collect(),
            // The folder that is being listed is closed by the time its link is read.
            files: names("/proc/self/fd")
                .into_iter()
                .filter_map(link)
                .collect(),
            children: children(),
        }
    }

    /// What a host's service took or gave back between two looks is the host's own affair.
    fn allow_changes(&mut self, before: &ProcessHandles, after: &ProcessHandles) {
        self.children |= after.children && !before.children;
        self.threads
            .extend(after.threads.difference(&before.threads));
        self.files
            .retain(|fd, _| after.files.contains_key(fd) || !before.files.contains_key(fd));
        for (fd, path) in &after.files {
            if before.files.get(fd) != Some(path) {
                self.files.insert(*fd, path.clone());
            }
        }
    }
}

impl ProcessState {
    pub(super) fn now() -> ProcessState {
        ProcessState {
            directory: std::env::current_dir().unwrap_or_default(),
            locale: locale(),
            handlers: SIGNALS.map(handler).collect(),
            blocked: blocked(),
            environment: std::env::vars_os().collect(),
            held: ProcessHandles::now(),
        }
    }

    pub(super) fn allow_changes(&mut self, before: &ProcessHandles, after: &ProcessHandles) {
        self.held.allow_changes(before, after);
    }

    /// Whether the process is now as it was, or what is not and what to do about it.
    pub(super) fn check(&self) -> Result<(), String> {
        let mut now = ProcessState::now();
        for _ in 0..MOMENTS {
            if now.held.threads.is_subset(&self.held.threads) {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
            now.held = ProcessHandles::now();
        }
        self.compare(&now)
    }

    fn compare(&self, now: &ProcessState) -> Result<(), String> {
        let leave = |what: String| {
            Err(format!(
                "{what}; a plugin leaves the process as it was (CONTRACT.md, rule 11)"
            ))
        };
        let threads = now.held.threads.difference(&self.held.threads).count();
        if threads > 0 {
            return leave(format!("left {threads} thread(s) running: join them"));
        }
        if now.held.children && !self.held.children {
            return leave("left a process of its own behind: wait for it".into());
        }
        if let Some(files) = files(&self.held.files, &now.held.files) {
            return leave(files);
        }
        let other = |(before, after): &(&(usize, i32), &(usize, i32))| before != after;
        let mut handlers = self.handlers.iter().zip(&now.handlers);
        if let Some(at) = handlers.position(|pair| other(&pair)) {
            let name = crate::supervisor::exit::signal_name(*SIGNALS.start() + at as i32);
            return leave(format!("changed the handler of {name}: put it back"));
        }
        if self.blocked != now.blocked {
            return leave("changed which signals are blocked: put it back".into());
        }
        if self.directory != now.directory {
            let (to, from) = (now.directory.display(), self.directory.display());
            return leave(format!(
                "changed the working directory to `{to}` (it was `{from}`)"
            ));
        }
        if self.locale != now.locale {
            let [from, to] = [self, now].map(|s| String::from_utf8_lossy(&s.locale.0).into_owned());
            return leave(format!(
                "changed the locale to `{to}` (it was `{from}`), on which the meaning of \
                 printed numbers depends"
            ));
        }
        if self.environment.iter().ne(&now.environment) {
            leave("changed the environment variables".into())
        } else {
            Ok(())
        }
    }
}

/// What became of the open files, if they are not the same.
fn files(before: &BTreeMap<i32, PathBuf>, now: &BTreeMap<i32, PathBuf>) -> Option<String> {
    let opened = |(fd, path): &(&i32, &PathBuf)| before.get(fd) != Some(path);
    let new: Vec<_> = now.iter().filter(opened).collect();
    if let Some((_, path)) = new.first() {
        let n = new.len();
        let path: &Path = path;
        return Some(format!(
            "left {n} file descriptor(s) open (the first leads to `{}`): close them",
            path.display()
        ));
    }
    let closed = before.keys().find(|fd| !now.contains_key(fd))?;
    Some(format!(
        "closed file descriptor {closed}, which it had not opened"
    ))
}

fn children() -> bool {
    // SAFETY: siginfo_t is plain data for which zeroes are valid; WNOWAIT looks and reaps nobody.
    unsafe {
        let mut found: libc::siginfo_t = std::mem::zeroed();
        let how = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        libc::waitid(libc::P_ALL, 0, &mut found, how) == 0
    }
}

/// The process's locale and whether the thread has one of its own.
fn locale() -> (Vec<u8>, usize) {
    // SAFETY: asks, and changes nothing: NULL is no new locale, and neither is 0. The text is
    // the C library's and stays until the next call that sets it.
    unsafe {
        let name = libc::setlocale(libc::LC_ALL, std::ptr::null());
        let text = if name.is_null() {
            Vec::new()
        } else {
            CStr::from_ptr(name).to_bytes().to_vec()
        };
        (text, libc::uselocale(std::ptr::null_mut()) as usize)
    }
}

fn handler(signal: i32) -> (usize, i32) {
    // SAFETY: sigaction is plain data for which zeroes are valid; asks, and changes nothing.
    let found = unsafe {
        let mut found: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut found);
        found
    };
    // Flags say something of a handler only: putting back the default may leave others.
    match found.sa_sigaction {
        libc::SIG_DFL | libc::SIG_IGN => (found.sa_sigaction, 0),
        handler => (handler, found.sa_flags),
    }
}

fn blocked() -> u64 {
    // SAFETY: sigset_t is plain data for which zeroes are valid; asks, and changes nothing.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut set);
        SIGNALS.fold(0, |bits, signal| {
            bits << 1 | u64::from(libc::sigismember(&set, signal) == 1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> ProcessState {
        ProcessState {
            directory: "/a".into(),
            locale: (b"C".to_vec(), 0),
            handlers: vec![(0, 0); 64],
            blocked: 0,
            environment: vec![],
            held: ProcessHandles {
                threads: [1].into(),
                files: [(0, "/dev/null".into()), (1, "log".into())].into(),
                children: false,
            },
        }
    }

    /// What the check says of one change.
    fn says(change: impl FnOnce(&mut ProcessState)) -> String {
        let before = empty();
        assert!(before.compare(&before.clone()).is_ok());
        let mut after = before.clone();
        change(&mut after);
        before.compare(&after).unwrap_err()
    }

    #[test]
    fn every_change_has_its_own_words() {
        let thread = says(|s| _ = s.held.threads.insert(2));
        assert!(thread.starts_with("left 1 thread(s) running"), "{thread}");
        let child = says(|s| s.held.children = true);
        assert!(child.starts_with("left a process"), "{child}");
        let open = says(|s| _ = s.held.files.insert(7, "/etc/passwd".into()));
        assert!(
            open.contains("(the first leads to `/etc/passwd`)"),
            "{open}"
        );
        let closed = says(|s| _ = s.held.files.remove(&1));
        assert!(closed.starts_with("closed file descriptor 1"), "{closed}");
        let handler = says(|s| s.handlers[10] = (5, 0));
        assert!(handler.contains("handler of SIGSEGV"), "{handler}");
        assert!(says(|s| s.blocked = 1).contains("blocked"));
        assert!(says(|s| s.directory = "/b".into()).contains("to `/b` (it was `/a`)"));
        assert!(says(|s| s.locale.0 = b"de_DE".to_vec()).contains("to `de_DE`"));
        assert!(says(|s| s.locale.1 = 9).contains("locale"));
        assert!(says(|s| s.environment.push(("A".into(), "1".into()))).contains("environment"));
    }

    #[test]
    fn what_a_service_opens_is_not_the_plugins() {
        let mut baseline = empty();
        let before = baseline.held.clone();
        let mut after = before.clone();
        after.threads.insert(3);
        after.files.insert(4, "/dev/nvidia0".into());
        after.files.remove(&1);
        baseline.allow_changes(&before, &after);
        assert!(baseline.held == after);
    }

    #[test]
    fn this_process_stays_as_it_is() {
        // Other tests run in other threads of this process and open files: only what is ours.
        let (one, two) = (ProcessState::now(), ProcessState::now());
        assert!(one.handlers == two.handlers && one.locale == two.locale);
        assert_eq!(one.directory, std::env::current_dir().unwrap());
        assert!(!one.held.threads.is_empty() && one.held.files.contains_key(&2));
    }
}
