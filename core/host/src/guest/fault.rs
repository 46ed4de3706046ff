//! Notes where a memory fault hit, so that the supervisor can say "past the end of output
//! `conv1.weight`" and not only "SIGSEGV". The process still dies of the signal.
use crate::supervisor::progress::Page;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst};

/// Guard pages and read-only pages of one job; more than these die without a name.
const REGIONS: usize = 16384;

struct Region {
    start: AtomicUsize,
    end: AtomicUsize,
    /// A leaked label: its bytes and how many.
    label: AtomicPtr<u8>,
    length: AtomicUsize,
}

static TABLE: [Region; REGIONS] = [const {
    Region {
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        label: AtomicPtr::new(null_mut()),
        length: AtomicUsize::new(0),
    }
}; REGIONS];
static COUNT: AtomicUsize = AtomicUsize::new(0);
static PAGE: AtomicPtr<Page> = AtomicPtr::new(null_mut());
static BEFORE: [AtomicPtr<libc::sigaction>; 2] = [const { AtomicPtr::new(null_mut()) }; 2];
const SIGNALS: [i32; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// Names a range of addresses that nobody may touch or write.
pub(super) fn name(start: usize, end: usize, label: String) {
    let index = COUNT.load(SeqCst);
    let Some(region) = TABLE.get(index) else {
        return;
    };
    let label: &'static str = Box::leak(label.into_boxed_str());
    region.start.store(start, SeqCst);
    region.end.store(end, SeqCst);
    region.length.store(label.len(), SeqCst);
    region.label.store(label.as_ptr().cast_mut(), SeqCst);
    COUNT.store(index + 1, SeqCst);
}

/// How many ranges have names, to go back to with [`forget_after`].
pub(super) fn mark() -> usize {
    COUNT.load(SeqCst)
}

/// Forgets the ranges named since the mark: their memory is unmapped.
pub(super) fn forget_after(mark: usize) {
    COUNT.store(mark, SeqCst);
}

/// Installs the handler in front of the one that was there (Rust's, which knows stack overflow).
pub(super) fn install(page: &'static Page) {
    PAGE.store(std::ptr::from_ref(page).cast_mut(), SeqCst);
    for (signal, before) in SIGNALS.iter().zip(&BEFORE) {
        if !before.load(SeqCst).is_null() {
            continue;
        }
        // SAFETY: sigaction is plain data for which zeroes are valid; the handler has the
        // signature that SA_SIGINFO asks for and calls nothing that is not async-signal-safe.
        unsafe {
            let mut ours: libc::sigaction = std::mem::zeroed();
            ours.sa_sigaction = handle as *const () as usize;
            ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigemptyset(&mut ours.sa_mask);
            let theirs = Box::leak(Box::new(std::mem::zeroed()));
            if libc::sigaction(*signal, &ours, theirs) == 0 {
                before.store(theirs, SeqCst);
            }
        }
    }
}

/// Notes the address, restores the handler before us and returns: the access faults again.
extern "C" fn handle(signal: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid siginfo; a positive code is a fault with an address.
    let (fault, address) = unsafe { ((*info).si_code > 0, (*info).si_addr() as usize) };
    let page = PAGE.load(SeqCst);
    if fault && !page.is_null() {
        // SAFETY: set once from a `&'static Page`.
        let page = unsafe { &*page };
        page.note_fault(address as u64, find(address));
    }
    let before = SIGNALS
        .iter()
        .position(|s| *s == signal)
        .map(|i| BEFORE[i].load(SeqCst));
    match before {
        // SAFETY: a leaked sigaction that the kernel filled in; sigaction is async-signal-safe.
        Some(before) if !before.is_null() => unsafe {
            libc::sigaction(signal, before, null_mut());
        },
        // SAFETY: signal is async-signal-safe, and the default action needs no data.
        _ => unsafe {
            libc::signal(signal, libc::SIG_DFL);
        },
    }
    if !fault {
        // Sent by somebody, it would not come again by itself.
        // SAFETY: raise is async-signal-safe.
        unsafe { libc::raise(signal) };
    }
}

fn find(address: usize) -> &'static [u8] {
    for region in TABLE.iter().take(COUNT.load(SeqCst)) {
        let label = region.label.load(SeqCst);
        if (region.start.load(SeqCst)..region.end.load(SeqCst)).contains(&address)
            && !label.is_null()
        {
            // SAFETY: label and length are those of a leaked str.
            return unsafe { std::slice::from_raw_parts(label, region.length.load(SeqCst)) };
        }
    }
    &[]
}
