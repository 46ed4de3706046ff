//! The page that a worker and its supervisor share: `FOLDER/status`.
//!
//! All fields are atomics, so both sides may look at any time; a worker that dies leaves
//! its last word. The clock is CLOCK_MONOTONIC, which both processes read alike.
use std::fs::OpenOptions;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};

/// Whose code is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Phase {
    /// The worker's own; not limited.
    Host = 0,
    /// The plugin's constructors and table.
    Loading = 1,
    /// The item's `run`.
    Plugin = 2,
    /// A service that the item called; not limited.
    Service = 3,
}

impl Phase {
    fn of(number: u32) -> Phase {
        match number {
            1 => Phase::Loading,
            2 => Phase::Plugin,
            3 => Phase::Service,
            _ => Phase::Host,
        }
    }
    fn is_plugins(self) -> bool {
        matches!(self, Phase::Loading | Phase::Plugin)
    }
}

/// Stands in `phase` while the other fields change, so that nobody adds up half of it.
const CHANGING: u32 = u32::MAX;

/// What lies at the start of the page. Zeroed memory is a valid first state.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Page {
    phase: AtomicU32,
    cancel: AtomicU32,
    /// When the phase began, nanoseconds of CLOCK_MONOTONIC.
    since: AtomicU64,
    /// Nanoseconds in the plugin's own phases before `since`.
    plugin: AtomicU64,
    /// The share that is done, as the bits of an f64 from 0 to 1.
    done: AtomicU64,
    /// Peak resident bytes, as the worker saw it last.
    pub(crate) peak: AtomicU64,
    /// 1 after a memory fault.
    faulted: AtomicU64,
    fault_address: AtomicU64,
    /// What lies at that address: UTF-8, ended by a NUL, eight bytes a word.
    fault_place: [AtomicU64; 24],
}

/// A memory fault as the dying worker noted it.
pub(crate) struct Fault {
    pub(crate) address: u64,
    /// Empty: nothing of ours lies there.
    pub(crate) place: String,
}

impl Page {
    /// Moves to a phase and returns the one before.
    pub(crate) fn enter(&self, phase: Phase) -> Phase {
        let now = now();
        let before = Phase::of(self.phase.swap(CHANGING, SeqCst));
        if before.is_plugins() {
            self.plugin
                .fetch_add(now.saturating_sub(self.since.load(SeqCst)), SeqCst);
        }
        self.since.store(now, SeqCst);
        self.phase.store(phase as u32, SeqCst);
        before
    }
    pub(crate) fn phase(&self) -> Phase {
        Phase::of(self.phase.load(SeqCst))
    }
    /// Nanoseconds of the plugin's own time so far; None while the worker is changing phase.
    pub(crate) fn plugin_time(&self) -> Option<u64> {
        let (phase, since) = (self.phase.load(SeqCst), self.since.load(SeqCst));
        if phase == CHANGING {
            return None;
        }
        let before = self.plugin.load(SeqCst);
        let running = if Phase::of(phase).is_plugins() {
            now().saturating_sub(since)
        } else {
            0
        };
        let same = phase == self.phase.load(SeqCst)
            && since == self.since.load(SeqCst)
            && before == self.plugin.load(SeqCst);
        same.then_some(before + running)
    }
    /// Notes a memory fault; allocates nothing, because a signal handler calls it.
    pub(crate) fn note_fault(&self, address: u64, place: &[u8]) {
        self.fault_address.store(address, SeqCst);
        // The last word stays 0, so that the text always ends.
        for (word, bytes) in self.fault_place.iter().take(23).zip(place.chunks(8)) {
            let mut eight = [0; 8];
            for (to, from) in eight.iter_mut().zip(bytes) {
                *to = *from;
            }
            word.store(u64::from_le_bytes(eight), SeqCst);
        }
        self.faulted.store(1, SeqCst);
    }
    pub(crate) fn fault(&self) -> Option<Fault> {
        if self.faulted.load(SeqCst) != 1 {
            return None;
        }
        let words = self
            .fault_place
            .iter()
            .map(|w| w.load(SeqCst).to_le_bytes());
        let place: Vec<u8> = words.flatten().take_while(|&b| b != 0).collect();
        Some(Fault {
            address: self.fault_address.load(SeqCst),
            place: String::from_utf8_lossy(&place).into_owned(),
        })
    }
    pub(crate) fn cancel(&self) {
        self.cancel.store(1, Relaxed);
    }
    pub(crate) fn cancelled(&self) -> bool {
        self.cancel.load(Relaxed) != 0
    }
    pub(crate) fn set_done(&self, done: f64) {
        if done.is_finite() {
            self.done.store(done.clamp(0.0, 1.0).to_bits(), Relaxed);
        }
    }
    pub(crate) fn done(&self) -> f64 {
        let done = f64::from_bits(self.done.load(Relaxed));
        if done.is_finite() {
            done.clamp(0.0, 1.0)
        } else {
            0.0
        }
    }
}

pub(crate) fn now() -> u64 {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

const PAGE: usize = 4096;

/// A mapping of the page. A worker's stays until its process ends, because signal handlers and
/// plugin threads may look at any time; a supervisor's is unmapped on drop.
pub(crate) struct Status {
    page: NonNull<Page>,
    unmap: bool,
}

// SAFETY: the page is only reached as `&Page`, whose fields are all atomics.
unsafe impl Send for Status {}
// SAFETY: as above.
unsafe impl Sync for Status {}

impl Status {
    /// Supervisor: makes `FOLDER/status`.
    pub(crate) fn create(folder: &Path) -> std::io::Result<Status> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(folder.join("status"))?;
        file.set_len(PAGE as u64)?;
        Status::map(&file, true)
    }
    /// Worker: maps what the supervisor made.
    fn open(folder: &Path) -> std::io::Result<Status> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(folder.join("status"))?;
        if file.metadata()?.len() < PAGE as u64 {
            return Err(std::io::Error::other(
                "the status file is shorter than a page",
            ));
        }
        Status::map(&file, false)
    }
    fn map(file: &impl AsFd, unmap: bool) -> std::io::Result<Status> {
        use rustix::mm::{MapFlags, ProtFlags, mmap};
        // SAFETY: a fresh mapping at an address of the kernel's choice aliases nothing of ours.
        let page = unsafe {
            mmap(
                std::ptr::null_mut(),
                PAGE,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                file,
                0,
            )?
        };
        let page = NonNull::new(page.cast()).expect("mmap never returns null");
        Ok(Status { page, unmap })
    }
    /// Nobody watches: a page of our own.
    fn alone() -> Status {
        Status {
            page: NonNull::from(Box::leak(Box::default())),
            unmap: false,
        }
    }
}

impl std::ops::Deref for Status {
    type Target = Page;
    fn deref(&self) -> &Page {
        // SAFETY: the mapping is at least a page long, page-aligned, lives as long as `self`,
        // and any bytes are valid atomics.
        unsafe { self.page.as_ref() }
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        if self.unmap {
            // SAFETY: this mapping is ours, and no reference into it outlives `self`.
            let _ = unsafe { rustix::mm::munmap(self.page.as_ptr().cast(), PAGE) };
        }
    }
}

/// Worker side: tells the supervisor how far (0..1) and writes the success record.
pub struct Progress {
    status: Status,
    folder: PathBuf,
}

impl Progress {
    /// Without a supervisor's `status` in the folder, progress goes nowhere.
    pub fn open(folder: &Path) -> Progress {
        let status = Status::open(folder).unwrap_or_else(|_| Status::alone());
        Progress {
            status,
            folder: folder.to_path_buf(),
        }
    }

    /// Says how far the work is, from 0 to 1.
    pub fn set(&self, done: f64) {
        self.status.set_done(done);
    }

    /// Whether the supervisor asked to stop.
    pub fn cancelled(&self) -> bool {
        self.status.cancelled()
    }

    /// Writes `done.json`: without it nothing has succeeded.
    pub fn finish(self, result: &serde_json::Value) -> std::io::Result<()> {
        if let Some(peak) = peak_memory("self") {
            self.status.peak.store(peak, Relaxed);
        }
        self.set(1.0);
        crate::files::write_json(&self.folder, "done.json", result)
            .map_err(|f| std::io::Error::other(f.message))
    }

    /// A worker's page stays until its process ends.
    pub(crate) fn page(&self) -> &'static Page {
        debug_assert!(
            !self.status.unmap,
            "a supervisor's page is unmapped on drop"
        );
        // SAFETY: mapped or leaked by `open` or `alone`, and never taken back.
        unsafe { self.status.page.as_ref() }
    }
}

/// Peak resident bytes of a process that still lives.
pub(crate) fn peak_memory(process: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_see_one_page_and_services_cost_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let supervisor = Status::create(folder.path()).unwrap();
        let worker = Progress::open(folder.path());
        worker.set(0.25);
        assert_eq!(supervisor.done(), 0.25);
        worker.set(f64::NAN);
        assert_eq!(supervisor.done(), 0.25);
        supervisor.cancel();
        assert!(worker.cancelled());
        let nap = || std::thread::sleep(std::time::Duration::from_millis(30));
        worker.page().enter(Phase::Service);
        nap();
        assert_eq!(supervisor.plugin_time(), Some(0));
        worker.page().enter(Phase::Plugin);
        nap();
        assert!(supervisor.plugin_time().unwrap() >= 30_000_000);
        // Between adding what has passed and starting anew, that time stands in both fields.
        worker.page().phase.store(CHANGING, SeqCst);
        assert_eq!(supervisor.plugin_time(), None);
        worker.page().phase.store(Phase::Plugin as u32, SeqCst);
        worker.page().enter(Phase::Host);
        let spent = supervisor.plugin_time().unwrap();
        nap();
        assert_eq!(supervisor.plugin_time(), Some(spent));
        worker.finish(&serde_json::json!({"a": 1})).unwrap();
        assert!(supervisor.peak.load(Relaxed) > 100_000);
        let record = std::fs::read_to_string(folder.path().join("done.json")).unwrap();
        assert_eq!(record, r#"{"a":1}"#);
    }
}
