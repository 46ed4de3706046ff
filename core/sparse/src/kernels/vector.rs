//! Sixteen f32 in registers: one of AVX-512, or two of AVX2.
//!
//! Every function is inlined into a kernel that was compiled for the CPU which has the
//! instructions (`compiled.rs`); called elsewhere it would be a fault.
use std::arch::x86_64::*;

/// Numbers in registers, one per image.
pub(crate) trait Vector: Copy {
    /// The same number for every image.
    unsafe fn splat(x: f32) -> Self;
    /// From numbers in a row, aligned to 64 bytes.
    unsafe fn load(from: *const f32) -> Self;
    /// To numbers in a row, aligned to 64 bytes.
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, b: Self) -> Self;
    unsafe fn mul(self, b: Self) -> Self;
    /// `self` + a·b, rounded once.
    unsafe fn fma(self, a: Self, b: Self) -> Self;
    unsafe fn max(self, b: Self) -> Self;
    /// `self` where `by` is above 0, else 0.
    unsafe fn where_positive(self, by: Self) -> Self;
    /// 1 where `self` is at least `b`, else 0.
    unsafe fn at_least(self, b: Self) -> Self;
}

/// A register of AVX-512.
#[derive(Clone, Copy)]
pub(crate) struct Wide(pub __m512);

/// Two registers of AVX2.
#[derive(Clone, Copy)]
pub(crate) struct Halves(pub __m256, pub __m256);

/// Operations on whole vectors; each is inlined where the instructions are enabled.
macro_rules! operations {
    ($($name:ident($x:ident $(, $b:ident)*) = $body:expr;)*) => {$(
        #[inline(always)]
        unsafe fn $name(self $(, $b: Self)*) -> Self {
            let $x = self;
            // SAFETY: inlined into a kernel of a CPU with these instructions (head of the file).
            unsafe { $body }
        }
    )*};
}

impl Vector for Wide {
    #[inline(always)]
    unsafe fn splat(x: f32) -> Wide {
        // SAFETY: as in `operations`.
        unsafe { Wide(_mm512_set1_ps(x)) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Wide {
        // SAFETY: as in `operations`; the caller vouches for the memory.
        unsafe { Wide(_mm512_load_ps(from)) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as in `operations`; the caller vouches for the memory.
        unsafe { _mm512_store_ps(to, self.0) }
    }
    operations! {
        add(x, b) = Wide(_mm512_add_ps(x.0, b.0));
        mul(x, b) = Wide(_mm512_mul_ps(x.0, b.0));
        fma(x, a, b) = Wide(_mm512_fmadd_ps(a.0, b.0, x.0));
        max(x, b) = Wide(_mm512_max_ps(x.0, b.0));
        where_positive(x, by) = {
            let above = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(by.0, _mm512_setzero_ps());
            Wide(_mm512_maskz_mov_ps(above, x.0))
        };
        at_least(x, b) = {
            let so = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(x.0, b.0);
            Wide(_mm512_maskz_mov_ps(so, _mm512_set1_ps(1.0)))
        };
    }
}

impl Vector for Halves {
    #[inline(always)]
    unsafe fn splat(x: f32) -> Halves {
        // SAFETY: as in `operations`.
        unsafe { Halves(_mm256_set1_ps(x), _mm256_set1_ps(x)) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Halves {
        // SAFETY: as in `operations`; the caller vouches for the memory.
        unsafe { Halves(_mm256_load_ps(from), _mm256_load_ps(from.add(8))) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as in `operations`; the caller vouches for the memory.
        unsafe {
            _mm256_store_ps(to, self.0);
            _mm256_store_ps(to.add(8), self.1);
        }
    }
    operations! {
        add(x, b) = Halves(_mm256_add_ps(x.0, b.0), _mm256_add_ps(x.1, b.1));
        mul(x, b) = Halves(_mm256_mul_ps(x.0, b.0), _mm256_mul_ps(x.1, b.1));
        fma(x, a, b) = Halves(
            _mm256_fmadd_ps(a.0, b.0, x.0),
            _mm256_fmadd_ps(a.1, b.1, x.1),
        );
        max(x, b) = Halves(_mm256_max_ps(x.0, b.0), _mm256_max_ps(x.1, b.1));
        where_positive(x, by) = {
            let zero = _mm256_setzero_ps();
            Halves(
                _mm256_and_ps(x.0, _mm256_cmp_ps::<_CMP_GT_OQ>(by.0, zero)),
                _mm256_and_ps(x.1, _mm256_cmp_ps::<_CMP_GT_OQ>(by.1, zero)),
            )
        };
        at_least(x, b) = {
            let one = _mm256_set1_ps(1.0);
            Halves(
                _mm256_and_ps(one, _mm256_cmp_ps::<_CMP_GE_OQ>(x.0, b.0)),
                _mm256_and_ps(one, _mm256_cmp_ps::<_CMP_GE_OQ>(x.1, b.1)),
            )
        };
    }
}

/// Two vectors, of images l and l + 16.
#[derive(Clone, Copy)]
pub(crate) struct Pair(pub Wide, pub Wide);

impl Vector for Pair {
    #[inline(always)]
    unsafe fn splat(x: f32) -> Pair {
        // SAFETY: as in `operations`.
        unsafe { Pair(Wide::splat(x), Wide::splat(x)) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Pair {
        // SAFETY: as in `operations`; the caller vouches for the memory.
        unsafe { Pair(Wide::load(from), Wide::load(from.add(16))) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as in `operations`; the caller vouches for the memory.
        unsafe {
            self.0.store(to);
            self.1.store(to.add(16));
        }
    }
    operations! {
        add(x, b) = Pair(x.0.add(b.0), x.1.add(b.1));
        mul(x, b) = Pair(x.0.mul(b.0), x.1.mul(b.1));
        fma(x, a, b) = Pair(x.0.fma(a.0, b.0), x.1.fma(a.1, b.1));
        max(x, b) = Pair(x.0.max(b.0), x.1.max(b.1));
        where_positive(x, by) = Pair(x.0.where_positive(by.0), x.1.where_positive(by.1));
        at_least(x, b) = Pair(x.0.at_least(b.0), x.1.at_least(b.1));
    }
}
