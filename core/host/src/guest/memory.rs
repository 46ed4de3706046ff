//! Buffers that a plugin cannot leave unnoticed: pages that fault before and after, and a
//! known pattern in what is left of the pages between.
//!
//! ```text
//! | no access | canary … | data (64-byte aligned) | canary < 64 bytes | no access |
//! ```
use super::fault;
use jackpot_protocol::Failure;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use std::ptr::NonNull;

const ALIGN: usize = 64;
const CANARY: u8 = 0xC5;

/// What the kernel protects at a time: 4 KiB on x86-64, up to 64 KiB on aarch64.
fn page() -> usize {
    rustix::param::page_size()
}

/// One guarded buffer. Unmapped on drop; leak it where a plugin may still look.
pub(super) struct Guarded {
    map: NonNull<u8>,
    map_len: usize,
    data: NonNull<u8>,
    len: usize,
    what: String,
}

impl Guarded {
    /// `len` zeroed bytes; `what` names them in messages: "output `conv1.weight`".
    pub(super) fn new(len: usize, what: String) -> Result<Guarded, Failure> {
        let refused = |e: rustix::io::Errno| {
            Failure::new(
                "memory",
                format!("no memory for {what} of {len} bytes: {e}"),
            )
        };
        // At least ALIGN bytes of canary lie before the data.
        let body = len
            .checked_next_multiple_of(ALIGN)
            .and_then(|n| (n + ALIGN).checked_next_multiple_of(page()))
            .ok_or_else(|| refused(rustix::io::Errno::NOMEM))?;
        let map_len = body
            .checked_add(2 * page())
            .ok_or_else(|| refused(rustix::io::Errno::NOMEM))?;
        let rw = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a fresh anonymous mapping at an address of the kernel's choice.
        let map = unsafe { mmap_anonymous(std::ptr::null_mut(), map_len, rw, MapFlags::PRIVATE) }
            .map_err(refused)?;
        let map = NonNull::new(map.cast::<u8>()).expect("mmap never returns null");
        // SAFETY: both offsets are within the mapping.
        let (end, data) = unsafe {
            let end = map.add(page() + body);
            (end, end.sub(len.next_multiple_of(ALIGN)))
        };
        let buffer = Guarded {
            map,
            map_len,
            data,
            len,
            what,
        };
        for guard in [map, end] {
            // SAFETY: the first and the last page of a mapping that nothing refers to yet.
            unsafe { mprotect(guard.as_ptr().cast(), page(), MprotectFlags::empty()) }.map_err(
                |e| Failure::new("memory", format!("no guard page for {}: {e}", buffer.what)),
            )?;
        }
        buffer.name(map, map.as_ptr() as usize + page(), "before the start of");
        buffer.name(end, end.as_ptr() as usize + page(), "past the end of");
        for range in buffer.canaries() {
            for at in range {
                // SAFETY: the canaries are within the mapping's writable pages.
                unsafe { (at as *mut u8).write(CANARY) };
            }
        }
        Ok(buffer)
    }

    fn name(&self, start: NonNull<u8>, end: usize, where_: &str) {
        fault::name(
            start.as_ptr() as usize,
            end,
            format!("{where_} {}", self.what),
        );
    }

    /// A read-only copy of bytes.
    pub(super) fn read_only(bytes: &[u8], what: String) -> Result<Guarded, Failure> {
        let mut buffer = Guarded::new(bytes.len(), what)?;
        buffer.bytes_mut().copy_from_slice(bytes);
        buffer.protect(MprotectFlags::READ)?;
        let start = buffer.body_start();
        let length = buffer.map_len - 2 * page();
        let label = format!("of {}, which is read-only", buffer.what);
        fault::name(start, start + length, label);
        Ok(buffer)
    }

    /// Other bytes in the same read-only pages: whoever holds the pointer sees them.
    pub(super) fn rewrite(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.protect(MprotectFlags::READ | MprotectFlags::WRITE)?;
        self.bytes_mut().copy_from_slice(bytes);
        self.protect(MprotectFlags::READ)
    }

    /// Nobody may touch it from now on, until it is rewritten.
    pub(super) fn forbid(&self) -> Result<(), Failure> {
        self.protect(MprotectFlags::empty())
    }

    /// What may be done with the pages between the guards.
    fn protect(&self, flags: MprotectFlags) -> Result<(), Failure> {
        let (start, length) = (self.body_start(), self.map_len - 2 * page());
        // SAFETY: our own pages, into which no reference is alive.
        unsafe { mprotect(start as *mut _, length, flags) }
            .map_err(|e| Failure::new("memory", format!("{} cannot be protected: {e}", self.what)))
    }

    fn body_start(&self) -> usize {
        self.map.as_ptr() as usize + page()
    }

    /// Addresses before and after the data, within the writable pages.
    fn canaries(&self) -> [std::ops::Range<usize>; 2] {
        let data = self.data.as_ptr() as usize;
        let end = self.map.as_ptr() as usize + self.map_len - page();
        [self.body_start()..data, data + self.len..end]
    }

    /// Whether somebody wrote beside the data.
    pub(super) fn check_canaries(&self) -> Result<(), Failure> {
        let [before, after] = self.canaries();
        for (range, side) in [(before, "before the start of"), (after, "past the end of")] {
            // SAFETY: both ranges are within the mapping's readable pages.
            let broken = |at: &usize| unsafe { (*at as *const u8).read() } != CANARY;
            if let Some(at) = range.clone().find(broken) {
                let data = self.data.as_ptr() as usize;
                let distance = if at < data {
                    data - at
                } else {
                    at - data - self.len + 1
                };
                return Err(Failure::new(
                    "overrun",
                    format!("wrote {distance} byte(s) {side} {}", self.what),
                ));
            }
        }
        Ok(())
    }

    pub(super) fn pointer(&self) -> *mut u8 {
        self.data.as_ptr()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: `len` readable bytes, mapped as long as `self`; the plugin that wrote them
        // has returned.
        unsafe { std::slice::from_raw_parts(self.data.as_ptr(), self.len) }
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, writable until `read_only` has protected them, and borrowed once.
        unsafe { std::slice::from_raw_parts_mut(self.data.as_ptr(), self.len) }
    }

    /// Keeps it mapped until the process ends.
    pub(super) fn leak(self) -> *mut u8 {
        let pointer = self.pointer();
        std::mem::forget(self);
        pointer
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: our own mapping, to which no reference outlives `self`.
        let _ = unsafe { munmap(self.map.as_ptr().cast(), self.map_len) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_only_pages_are_rewritten_in_place() {
        let mut buffer = Guarded::read_only(&[1, 2, 3], "mask `x`".into()).unwrap();
        let before = buffer.pointer();
        buffer.rewrite(&[4, 5, 6]).unwrap();
        assert_eq!((buffer.pointer(), buffer.bytes()), (before, &[4, 5, 6][..]));
        buffer.check_canaries().unwrap();
    }

    #[test]
    fn data_is_aligned_zeroed_and_its_neighbours_are_watched() {
        for len in [0, 1, 63, 64, 65, 4095, 4096, 4097, 100_000] {
            let mut buffer = Guarded::new(len, "output `x`".into()).unwrap();
            assert_eq!(buffer.pointer() as usize % 64, 0);
            assert!(buffer.bytes().iter().all(|&b| b == 0) && buffer.bytes().len() == len);
            buffer.bytes_mut().fill(7);
            buffer.check_canaries().unwrap();
            // SAFETY: 64 bytes before the data are canary.
            unsafe { buffer.pointer().sub(1).write(0) };
            let error = buffer.check_canaries().unwrap_err();
            assert_eq!(
                error.message,
                "wrote 1 byte(s) before the start of output `x`"
            );
            if len % 64 != 0 {
                // SAFETY: what lies behind, up to the next multiple of 64, is canary.
                unsafe {
                    buffer.pointer().sub(1).write(CANARY);
                    buffer.pointer().add(len).write(0);
                }
                let error = buffer.check_canaries().unwrap_err();
                assert_eq!(error.message, "wrote 1 byte(s) past the end of output `x`");
            }
        }
    }
}
