//! Surroundings that no result may depend on, made others: only the conformance kit asks for it.
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The variable of a worker's environment that asks for it.
pub(crate) const DISTURBED: &str = "JACKPOT_DISTURBED";
/// What memory holds that nobody has written: no usual value of anything.
pub(crate) const FILL: u8 = 0xA5;
/// How far below a call its locals may lie.
const DEEP: usize = 64 << 10;

static ASKED: AtomicBool = AtomicBool::new(false);

/// Before anything of a plugin runs: if it is asked for, the process is left with one processor, so
/// that threads end in another order than on several.
pub(super) fn prepare() {
    if std::env::var_os(DISTURBED).is_none() {
        return;
    }
    ASKED.store(true, Relaxed);
    // SAFETY: both calls are given a set of its own size that lives here; a process whose
    // processors cannot be told or changed keeps them, which only finds less.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        let size = size_of::<libc::cpu_set_t>();
        if libc::sched_getaffinity(0, size, &mut set) != 0 {
            return;
        }
        let mut all = 0..libc::CPU_SETSIZE as usize;
        if let Some(first) = all.find(|&cpu| libc::CPU_ISSET(cpu, &set)) {
            libc::CPU_ZERO(&mut set);
            libc::CPU_SET(first, &mut set);
            libc::sched_setaffinity(0, size, &set);
        }
    }
}

/// Right before a call: if it is asked for, what the call finds in locals that it does not write.
#[inline(never)]
pub(super) fn fill_stack() {
    if ASKED.load(Relaxed) {
        fill();
    }
}

#[inline(never)]
fn fill() {
    let mut below = [FILL; DEEP];
    black_box(&mut below);
}
