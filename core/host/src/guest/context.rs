//! What stands behind `jkp_run.host` during a call: services, log, poll, scratch, tensors.
use super::memory::Guarded;
use super::problem::{RunInputs, layer_tensors};
use super::process_state::{ProcessHandles, ProcessState};
use super::services::autodiff::AUTODIFF;
use super::services::rng::RNG;
use crate::{Services, supervisor::progress::Page};
use jackpot_abi as abi;
use jackpot_protocol::{DataAccess, PluginItem};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ffi::{CStr, c_char, c_void};
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread::ThreadId;

/// A log line longer than this is cut.
const LONGEST_LINE: usize = 4096;

/// One job's state. A plugin may call `log` and `poll` from any thread: those touch
/// `page` and the rounds only, which are atomics. Everything else is refused off the run thread,
/// so the cells are never shared.
pub(super) struct Context {
    pub(super) page: &'static Page,
    pub(super) problem: &'static RunInputs,
    pub(super) item: PluginItem,
    pub(super) access: DataAccess,
    /// This round, from 0, and how many there are.
    pub(super) round: AtomicU32,
    pub(super) rounds: u32,
    pub(super) services: RefCell<Option<Box<dyn Services>>>,
    /// What was used: "jackpot.rng/1", "jackpot.autodiff/1 grad".
    pub(super) used: RefCell<BTreeSet<String>>,
    /// Rows of the batch that was given by hand. Without one, batches are drawn as requested.
    pub(super) given_rows: Option<u64>,
    /// Batches as asked for, in order; of a given batch what every request gets.
    pub(super) batches: RefCell<Vec<serde_json::Value>>,
    /// The first thing that was asked for without being declared.
    pub(super) refused: RefCell<Option<String>>,
    /// The first error of a service, in its own words.
    pub(super) service_error: RefCell<Option<String>>,
    /// Bytes asked for beyond the budget: how many, and how many were left.
    pub(super) over_budget: Cell<Option<(u64, u64)>>,
    /// Whether a service failed for want of memory.
    pub(super) service_lacked_memory: Cell<bool>,
    pub(super) budget: Cell<u64>,
    /// Scratch of the running call.
    pub(super) scratch: RefCell<Vec<Guarded>>,
    pub(super) thread: ThreadId,
    /// Whether a function of the run thread was called on another one.
    pub(super) called_off_thread: AtomicBool,
    /// Where this call's and the next call's `jkp_run` lie, and how many calls there were.
    pub(super) runs: [RefCell<Guarded>; 2],
    pub(super) calls: Cell<usize>,
    /// The process as the plugin must leave it.
    pub(super) process_state: RefCell<ProcessState>,
}

impl Context {
    /// The context behind a run, if this is the thread that runs it.
    ///
    /// # Safety
    /// `run` is NULL or a run of this host (or a copy of one).
    pub(super) unsafe fn of<'a>(run: *const abi::jkp_run) -> Option<&'a Context> {
        // SAFETY: the caller's.
        let context = unsafe { Context::of_any_thread(run) }?;
        if context.thread == std::thread::current().id() {
            return Some(context);
        }
        context.called_off_thread.store(true, Relaxed);
        None
    }

    /// # Safety
    /// As [`Context::of`]. Only `page`, `round`, `rounds`, `thread` and `called_off_thread` may be
    /// touched.
    unsafe fn of_any_thread<'a>(run: *const abi::jkp_run) -> Option<&'a Context> {
        // SAFETY: NULL or valid by the contract; `host_ctx` was set by `call` to a leaked context.
        unsafe { run.as_ref()?.host_ctx.cast::<Context>().as_ref() }
    }

    /// Lets the host do its part between the plugin's doings: what that opens or starts is not
    /// the plugin's.
    pub(super) fn run_host_code<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = ProcessHandles::now();
        let done = work();
        let mut process_state = self.process_state.borrow_mut();
        process_state.allow_changes(&before, &ProcessHandles::now());
        done
    }

    pub(super) fn declares(&self, needs: u32) -> bool {
        self.access == DataAccess::Everything || self.item.needs & needs != 0
    }

    pub(super) fn refuse(&self, what: String) {
        self.refused.borrow_mut().get_or_insert(what);
    }

    /// Takes from the budget, or notes that it was too much.
    fn take(&self, bytes: u64) -> bool {
        let left = self.budget.get();
        if bytes > left {
            if self.over_budget.get().is_none() {
                self.over_budget.set(Some((bytes, left)));
            }
            return false;
        }
        self.budget.set(left - bytes);
        true
    }
}

pub(super) static HOST: Host = Host(abi::jkp_host {
    struct_size: size_of::<abi::jkp_host>() as u64,
    abi_major: abi::JKP_ABI_MAJOR,
    abi_minor: abi::JKP_ABI_MINOR,
    name: c"jackpot".as_ptr(),
    version: VERSION.as_ptr(),
    service: Some(service),
    log: Some(log),
    poll: Some(poll),
    scratch: Some(scratch),
    tensors: Some(tensors),
});

const VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("a version has no NUL"),
    };

/// Constants behind pointers.
pub(super) struct Host(pub(super) abi::jkp_host);
// SAFETY: the table and its texts are constants.
unsafe impl Sync for Host {}

unsafe extern "C" fn service(run: *const abi::jkp_run, id: *const c_char) -> *const c_void {
    // SAFETY: a run of this host.
    let Some(context) = (unsafe { Context::of(run) }) else {
        return std::ptr::null();
    };
    if id.is_null() {
        return std::ptr::null();
    }
    // SAFETY: a NUL-terminated text by the contract.
    let id = unsafe { CStr::from_ptr(id) };
    let (needs, table): (u32, *const c_void) = if id == abi::AUTODIFF_1 {
        (
            abi::JKP_NEEDS_GRAD | abi::JKP_NEEDS_HVP,
            std::ptr::from_ref(&AUTODIFF).cast(),
        )
    } else if id == abi::RNG_1 {
        (abi::JKP_NEEDS_RNG, std::ptr::from_ref(&RNG).cast())
    } else {
        return std::ptr::null();
    };
    let name = id.to_string_lossy();
    if !context.declares(needs) {
        context.refuse(format!(
            "asked for `{name}`, which it does not declare in `needs`"
        ));
        return std::ptr::null();
    }
    context.used.borrow_mut().insert(name.into_owned());
    table
}

unsafe extern "C" fn log(run: *const abi::jkp_run, level: i32, message: *const c_char) {
    if run.is_null() || message.is_null() {
        return;
    }
    // SAFETY: a NUL-terminated text by the contract.
    let text = unsafe { CStr::from_ptr(message) }.to_bytes();
    let text = String::from_utf8_lossy(&text[..text.len().min(LONGEST_LINE)]);
    let level = match level {
        ..=abi::JKP_LOG_DEBUG => "debug",
        abi::JKP_LOG_INFO => "info",
        _ => "warning",
    };
    // A full disk must not end the run: nothing may unwind from here, and a log is no result.
    let line = format!("{level}: {}\n", text.replace(['\n', '\r'], " "));
    let _ = std::io::stderr().write_all(line.as_bytes());
}

unsafe extern "C" fn poll(
    run: *const abi::jkp_run,
    done: f64,
    note: *const c_char,
) -> abi::jkp_status {
    // SAFETY: a run of this host; only the page and the round, which are atomics, are touched.
    let Some(context) = (unsafe { Context::of_any_thread(run) }) else {
        return abi::JKP_E_INVALID;
    };
    if done >= 0.0 {
        let round = f64::from(context.round.load(Relaxed));
        let done = (round + done.min(1.0)) / f64::from(context.rounds);
        context.page.set_done(done);
    }
    if !note.is_null() {
        // SAFETY: as for `log`.
        unsafe { log(run, abi::JKP_LOG_DEBUG, note) };
    }
    if context.page.cancelled() {
        abi::JKP_E_CANCELLED
    } else {
        abi::JKP_OK
    }
}

unsafe extern "C" fn scratch(run: *const abi::jkp_run, bytes: u64, align: u64) -> *mut c_void {
    // SAFETY: a run of this host.
    let Some(context) = (unsafe { Context::of(run) }) else {
        return std::ptr::null_mut();
    };
    if !align.is_power_of_two() || align > 4096 || !context.take(bytes) {
        return std::ptr::null_mut();
    }
    // Guarded data is 64-byte aligned; a length that is a multiple of the alignment moves its
    // start to one, because its end lies on a page.
    let length = bytes
        .checked_next_multiple_of(align)
        .and_then(|n| usize::try_from(n).ok());
    let buffer = length.and_then(|n| Guarded::new(n, format!("scratch of {bytes} bytes")).ok());
    let Some(buffer) = buffer else {
        context.over_budget.set(Some((bytes, context.budget.get())));
        return std::ptr::null_mut();
    };
    let pointer = buffer.pointer();
    context.scratch.borrow_mut().push(buffer);
    pointer.cast()
}

unsafe extern "C" fn tensors(run: *const abi::jkp_run, bits: u32) -> *const *const abi::jkp_tensor {
    // SAFETY: a run of this host.
    let Some(context) = (unsafe { Context::of(run) }) else {
        return std::ptr::null();
    };
    let dtype = match bits {
        32 => abi::DL_F32,
        64 => abi::DL_F64,
        _ => return std::ptr::null(),
    };
    let network = &context.problem.network;
    let width = u64::from(bits / 8);
    if !context.take(network.prunable_weights().saturating_mul(width)) {
        return std::ptr::null();
    }
    let mut data = Vec::with_capacity(network.layers.len());
    for layer in &network.layers {
        let what = format!("a work tensor `{}`", layer.name);
        let Ok(buffer) = Guarded::new(layer.len() * width as usize, what) else {
            return std::ptr::null();
        };
        data.push(buffer.pointer().cast());
        context.scratch.borrow_mut().push(buffer);
    }
    layer_tensors(network, dtype, &data, true).as_ptr()
}
