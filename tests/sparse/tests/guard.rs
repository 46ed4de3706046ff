//! Memory: every map and every other buffer of the engine lies against a page that nobody may
//! touch, new memory is poisoned and what is left between buffer and page is looked at when it
//! is freed.
//!
//! Once with the page behind each buffer, once before it: a kernel that reads or writes past
//! either end of what it owns dies here. `cargo xtask test` runs every other test of this crate
//! under the address sanitizer, too.

#![allow(clippy::unwrap_used)] // the helpers of a test are a test

use jackpot_net::{Architecture, Block, Family, Precision, Stem, Training};
use jackpot_sparse::{Isa, SparseEngine};
use jackpot_test_sparse::{labels, mask, normal_images, some_parameters};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use std::alloc::{GlobalAlloc, Layout, System};
use std::ops::Range;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

const PAGE: usize = 4096;
/// Smaller ones are names and lists, of which there are too many.
const SMALLEST: usize = 192;
/// A NaN in every float, and a number of images that nobody has.
const POISON: u8 = 0xff;
const CANARY: u8 = 0xa5;
const CHILD: &str = "JACKPOT_TEST_GUARD";

/// Whether the forbidden page that a buffer touches is the one before it.
static BEFORE: AtomicBool = AtomicBool::new(false);

struct Guarded;

#[global_allocator]
static GUARDED: Guarded = Guarded;

/// A mapping: a forbidden page, the pages of one allocation, a forbidden page.
struct Mapping {
    inside: Range<usize>,
    /// The allocation's first byte, counted from the mapping's.
    at: usize,
}

impl Mapping {
    fn of(layout: Layout, before: bool) -> Mapping {
        let inside = PAGE..PAGE + layout.size().next_multiple_of(PAGE);
        let at = if before {
            inside.start
        } else {
            (inside.end - layout.size()) / layout.align() * layout.align()
        };
        Mapping { inside, at }
    }

    fn length(&self) -> usize {
        self.inside.end + PAGE
    }

    /// The bytes beside the allocation on its own pages.
    fn beside(&self, layout: Layout) -> [Range<usize>; 2] {
        [
            self.inside.start..self.at,
            self.at + layout.size()..self.inside.end,
        ]
    }
}

/// The system's own: small ones, and those aligned to more than a mapping is.
fn is_guarded(layout: Layout) -> bool {
    layout.size() >= SMALLEST && layout.align() <= PAGE
}

/// Maps an allocation filled with `fill`; null if there is no memory.
fn map(layout: Layout, fill: u8) -> *mut u8 {
    let mapping = Mapping::of(layout, BEFORE.load(Ordering::Relaxed));
    // SAFETY: a new private mapping of whole pages, all writes inside its writable ones.
    unsafe {
        let (null, private) = (std::ptr::null_mut(), MapFlags::PRIVATE);
        let Ok(start) = mmap_anonymous(null, mapping.length(), ProtFlags::empty(), private) else {
            return null.cast();
        };
        let start = start.cast::<u8>();
        let inside = start.add(mapping.inside.start);
        let open = MprotectFlags::READ | MprotectFlags::WRITE;
        if mprotect(inside.cast(), mapping.inside.len(), open).is_err() {
            return null.cast();
        }
        inside.write_bytes(CANARY, mapping.inside.len());
        start.add(mapping.at).write_bytes(fill, layout.size());
        start.add(mapping.at)
    }
}

/// Looks at the canaries and unmaps.
///
/// # Safety
/// `given` came from [`map`] with this layout.
unsafe fn unmap(given: *mut u8, layout: Layout) {
    // An allocation against the page behind it begins with a page only if it ends with one,
    // and is then against the page before it, too.
    let mapping = Mapping::of(layout, given.addr().is_multiple_of(PAGE));
    // SAFETY: the mapping that `map` made, whose inner pages are readable.
    unsafe {
        let start = given.sub(mapping.at);
        for beside in mapping.beside(layout) {
            let bytes = std::slice::from_raw_parts(start.add(beside.start), beside.len());
            if bytes.iter().any(|&byte| byte != CANARY) {
                // No words: words allocate.
                std::process::abort();
            }
        }
        if munmap(start.cast(), mapping.length()).is_err() {
            std::process::abort();
        }
    }
}

// SAFETY: guarded allocations have pages of their own, aligned to at least what is asked;
// the others are the system's.
unsafe impl GlobalAlloc for Guarded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_guarded(layout) {
            map(layout, POISON)
        } else {
            // SAFETY: as the caller promises.
            unsafe { System.alloc(layout) }
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_guarded(layout) {
            map(layout, 0)
        } else {
            // SAFETY: as the caller promises.
            unsafe { System.alloc_zeroed(layout) }
        }
    }

    unsafe fn dealloc(&self, given: *mut u8, layout: Layout) {
        if is_guarded(layout) {
            // SAFETY: it was mapped with this layout.
            unsafe { unmap(given, layout) }
        } else {
            // SAFETY: as the caller promises.
            unsafe { System.dealloc(given, layout) }
        }
    }
}

/// Shapes whose rows end inside a vector, at its end and one after it; batches that fill a
/// tile, overflow it by one, and leave all but one of its lanes empty.
fn architectures() -> Vec<Architecture> {
    let of = |family, depth, width, input| Architecture::new(family, depth, width, 3, input);
    let mut all: Vec<Architecture> = (5..=17)
        .map(|side| of(Family::Resnet, 8, 1 + side % 4, [1, side, 22 - side]))
        .collect();
    all.push(Architecture {
        block: Block::Bottleneck,
        ..of(Family::Resnet, 8, 2, [2, 9, 5])
    });
    all.push(Architecture {
        stem: Stem::Small,
        ..of(Family::ResnetImagenet, 18, 1, [1, 9, 10])
    });
    all.push(of(Family::ResnetImagenet, 18, 1, [1, 37, 34]));
    all.push(of(Family::Vgg, 11, 1, [1, 33, 35]));
    all.push(of(Family::Lenet5, 4, 3, [1, 18, 17]));
    all.push(of(Family::Lenet300, 3, 7, [3, 3, 5]));
    all
}

fn train_everything(storage: Precision, isa: Isa) {
    for (place, architecture) in architectures().iter().enumerate() {
        let network = architecture.build().unwrap();
        for density in [0.05, 1.0] {
            let mut engine = SparseEngine::new(
                &network,
                some_parameters(&network, 1),
                &mask(&network, density, place as u64),
                &Training::su2020(),
                storage,
                isa,
            )
            .unwrap();
            engine.separate_maps();
            for n in [33, 2, 16] {
                let (images, labels) = (normal_images(&network, n, 1), labels(&network, n, 1));
                let loss = engine.step(&images, &labels, 0.01).unwrap().loss;
                assert!(loss.is_finite(), "{architecture:?}");
                let logits = engine.logits(&images).unwrap();
                assert!(logits.iter().all(|x| x.is_finite()), "{architecture:?}");
            }
            let parameters = engine.parameters();
            assert!(parameters.iter().flatten().all(|x| x.is_finite()));
        }
    }
}

#[test]
fn no_kernel_leaves_its_buffers() {
    if std::env::var_os(CHILD).is_some() {
        return;
    }
    for isa in [Isa::Avx2, Isa::Avx512] {
        for storage in [Precision::F32, Precision::Bf16] {
            if isa.check(storage).is_ok() {
                for before in [false, true] {
                    BEFORE.store(before, Ordering::Relaxed);
                    train_everything(storage, isa);
                }
            }
        }
    }
}

/// The guard itself: each of these faults ends a process.
#[test]
fn a_fault_by_one_byte_is_the_end_of_the_process() {
    if let Some(fault) = std::env::var_os(CHILD) {
        return commit(fault.to_str().unwrap());
    }
    for (fault, dies) in [
        ("none", false),
        ("read behind", true),
        ("read before", true),
        ("write beside", true),
        ("read after free", true),
    ] {
        let test = "a_fault_by_one_byte_is_the_end_of_the_process";
        let status = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--test-threads=1", "--quiet"])
            .env(CHILD, fault)
            .output()
            .unwrap()
            .status;
        assert_eq!(status.success(), !dies, "{fault}: {status}");
        // Killed, not failed by an assertion.
        assert_eq!(status.code().is_none(), dies, "{fault}: {status}");
    }
}

fn commit(fault: &str) {
    BEFORE.store(fault == "read before", Ordering::Relaxed);
    let buffer = vec![1u8; 1000].into_boxed_slice();
    let at = std::hint::black_box(buffer.as_ptr());
    // SAFETY: none, but in the process of "none": the memory is not the buffer's, and the
    // process must end for it.
    unsafe {
        let read = |offset: isize| std::hint::black_box(at.offset(offset).read_volatile());
        match fault {
            "none" => assert_eq!(read(999), 1),
            "read behind" => {
                let _ = read(1000);
            }
            "read before" => {
                let _ = read(-1);
            }
            "write beside" => at.cast_mut().offset(-1).write_volatile(0),
            "read after free" => {
                drop(buffer);
                let _ = read(0);
                return;
            }
            other => unreachable!("`{other}` is no fault"),
        }
    }
    drop(buffer);
}
