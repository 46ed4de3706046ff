//! Memory of whole cache lines.
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// One pixel of one channel of as many images as the storage packs into a cache line: 16 of
/// f32, or 16 pairs of bf16 (image l in the low half, image l + 16 in the high one).
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line(pub [u32; 16]);

impl Line {
    pub const ZERO: Line = Line([0; 16]);

    /// The 16 numbers of a line that holds f32, added in f64, the first `count` of them.
    pub fn sum(&self, count: usize) -> f64 {
        let numbers = self.0.iter().take(count);
        numbers.map(|&bits| f64::from(f32::from_bits(bits))).sum()
    }
}

/// From this size on a buffer asks for huge pages: a pass over all maps walks through
/// hundreds of megabytes, and misses of the address translation would cost as much as it.
const HUGE: usize = 1 << 21;

/// A buffer of lines, zero at first.
pub(crate) struct Lines {
    start: NonNull<Line>,
    count: usize,
}

// SAFETY: the buffer is owned, as that of a `Vec<Line>`.
unsafe impl Send for Lines {}

impl Lines {
    fn layout(count: usize) -> Layout {
        let bytes = count.checked_mul(size_of::<Line>());
        let bytes = bytes.expect("a buffer that fits the address space");
        let align = if bytes >= HUGE { HUGE } else { 64 };
        Layout::from_size_align(bytes, align).expect("a buffer that fits the address space")
    }

    pub fn new(count: usize) -> Lines {
        if count == 0 {
            let start = NonNull::dangling();
            return Lines { start, count };
        }
        let layout = Lines::layout(count);
        // SAFETY: the layout is not empty; the advice is on whole pages of this allocation,
        // before the first of them is touched; then all bytes are zeroed, which is a `Line`.
        unsafe {
            let Some(start) = NonNull::new(alloc(layout).cast::<Line>()) else {
                handle_alloc_error(layout)
            };
            if layout.align() == HUGE && cfg!(not(miri)) {
                let whole = layout.size() / HUGE * HUGE;
                libc::madvise(start.as_ptr().cast(), whole, libc::MADV_HUGEPAGE);
            }
            start.write_bytes(0, count);
            Lines { start, count }
        }
    }
}

impl Default for Lines {
    fn default() -> Lines {
        Lines::new(0)
    }
}

impl Deref for Lines {
    type Target = [Line];
    fn deref(&self) -> &[Line] {
        // SAFETY: `count` initialised lines at `start`, owned.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.count) }
    }
}

impl DerefMut for Lines {
    fn deref_mut(&mut self) -> &mut [Line] {
        // SAFETY: `count` initialised lines at `start`, owned and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.count) }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if self.count > 0 {
            // SAFETY: allocated by `new` with this layout.
            unsafe { dealloc(self.start.as_ptr().cast(), Lines::layout(self.count)) }
        }
    }
}
