//! How a cache line holds the numbers of one pixel.
use super::memory::Line;
use super::vector::{Halves, Pair, Vector, Wide};
use std::arch::x86_64::*;

/// A storage on an instruction set: what every kernel is generic over.
pub(crate) trait Pixel: Copy + Send + 'static {
    /// Numbers of one line in registers.
    type Value: Vector;
    /// Sixteen sums in registers.
    type Sums: Vector;
    /// A line as it lies in memory.
    type Stored: Copy;
    /// Images a line holds.
    const IMAGES: usize;
    /// Most columns that a kernel computes at once.
    const COLUMNS: usize;
    /// Most pixels that a kernel computes at once: they stay in registers.
    const PIXELS: usize;

    /// Reads a line.
    unsafe fn load(from: *const Line) -> Self::Value;
    /// Writes a line, rounded to nearest even.
    unsafe fn store(value: Self::Value, to: *mut Line);
    /// The 16 sums that a value adds to.
    unsafe fn fold(value: Self::Value) -> Self::Sums;
    /// A line as it is.
    unsafe fn stored(from: *const Line) -> Self::Stored;
    /// sums + the products of two lines, image by image.
    unsafe fn dot(sums: Self::Sums, a: Self::Stored, b: *const Line) -> Self::Sums;

    /// The images of a line as numbers.
    fn read(line: &Line, to: &mut [f32]);
    /// A line of numbers, one per image.
    fn write(from: &[f32]) -> Line;
}

macro_rules! of_f32 {
    ($name:ident, $vector:ty, $columns:literal, $pixels:literal) => {
        impl Pixel for $name {
            type Value = $vector;
            type Sums = $vector;
            type Stored = $vector;
            const IMAGES: usize = 16;
            const COLUMNS: usize = $columns;
            const PIXELS: usize = $pixels;

            #[inline(always)]
            unsafe fn load(from: *const Line) -> $vector {
                // SAFETY: the caller vouches for the line and for the CPU.
                unsafe { <$vector>::load(from.cast()) }
            }
            #[inline(always)]
            unsafe fn store(value: $vector, to: *mut Line) {
                // SAFETY: the caller vouches for the line and for the CPU.
                unsafe { value.store(to.cast()) }
            }
            #[inline(always)]
            unsafe fn fold(value: $vector) -> $vector {
                value
            }
            #[inline(always)]
            unsafe fn stored(from: *const Line) -> $vector {
                // SAFETY: the caller vouches for the line and for the CPU.
                unsafe { Self::load(from) }
            }
            #[inline(always)]
            unsafe fn dot(sums: $vector, a: $vector, b: *const Line) -> $vector {
                // SAFETY: the caller vouches for the line and for the CPU.
                unsafe { sums.fma(a, Self::load(b)) }
            }
            fn read(line: &Line, to: &mut [f32]) {
                for (to, bits) in to.iter_mut().zip(line.0) {
                    *to = f32::from_bits(bits);
                }
            }
            fn write(from: &[f32]) -> Line {
                let mut line = Line::ZERO;
                for (to, from) in line.0.iter_mut().zip(from) {
                    *to = from.to_bits();
                }
                line
            }
        }
    };
}

/// f32 on AVX-512.
#[derive(Clone, Copy)]
pub(crate) struct F32Avx512;
of_f32!(F32Avx512, Wide, 8, 16);

/// f32 on AVX2 with FMA.
#[derive(Clone, Copy)]
pub(crate) struct F32Avx2;
of_f32!(F32Avx2, Halves, 7, 7);

/// Packed bf16 on AVX-512 with its bf16 instructions.
#[derive(Clone, Copy)]
pub(crate) struct Bf16Avx512;

/// Where each half of a packed line comes from, when two registers are rounded to one of
/// 32 bf16: images l and l + 16 beside each other.
const PAIRED: [u16; 32] = {
    let mut from = [0; 32];
    let mut l = 0;
    while l < 16 {
        from[2 * l] = l as u16;
        from[2 * l + 1] = 16 + l as u16;
        l += 1;
    }
    from
};

/// Nearest bf16, ties to even, as its bits; NaN stays NaN.
fn rounded(x: f32) -> u32 {
    let bits = x.to_bits();
    if x.is_nan() {
        return (bits >> 16) | 0x40;
    }
    (bits + 0x7fff + ((bits >> 16) & 1)) >> 16
}

impl Pixel for Bf16Avx512 {
    type Value = Pair;
    type Sums = Wide;
    type Stored = __m512bh;
    const IMAGES: usize = 32;
    const COLUMNS: usize = 8;
    const PIXELS: usize = 14;

    #[inline(always)]
    unsafe fn load(from: *const Line) -> Pair {
        // SAFETY: the caller vouches for the line and for the CPU.
        unsafe {
            let packed = _mm512_load_si512(from.cast());
            let high = _mm512_set1_epi32(0xffff_0000_u32 as i32);
            Pair(
                Wide(_mm512_castsi512_ps(_mm512_slli_epi32::<16>(packed))),
                Wide(_mm512_castsi512_ps(_mm512_and_si512(packed, high))),
            )
        }
    }
    #[inline(always)]
    unsafe fn store(value: Pair, to: *mut Line) {
        // SAFETY: the caller vouches for the line and for the CPU; a `__m512bh` is 512 bits.
        unsafe {
            let halves = _mm512_cvtne2ps_pbh(value.1.0, value.0.0);
            let halves: __m512i = std::mem::transmute(halves);
            let order = _mm512_loadu_si512(PAIRED.as_ptr().cast());
            _mm512_store_si512(to.cast(), _mm512_permutexvar_epi16(order, halves));
        }
    }
    #[inline(always)]
    unsafe fn fold(value: Pair) -> Wide {
        // SAFETY: the caller vouches for the CPU.
        unsafe { value.0.add(value.1) }
    }
    #[inline(always)]
    unsafe fn stored(from: *const Line) -> __m512bh {
        // SAFETY: the caller vouches for the line and for the CPU; 512 bits of either type.
        unsafe { std::mem::transmute(_mm512_load_si512(from.cast())) }
    }
    #[inline(always)]
    unsafe fn dot(sums: Wide, a: __m512bh, b: *const Line) -> Wide {
        // SAFETY: the caller vouches for the line and for the CPU.
        unsafe { Wide(_mm512_dpbf16_ps(sums.0, a, Self::stored(b))) }
    }
    fn read(line: &Line, to: &mut [f32]) {
        for (l, bits) in line.0.into_iter().enumerate().take(to.len()) {
            to[l] = f32::from_bits(bits << 16);
            if let Some(second) = to.get_mut(l + 16) {
                *second = f32::from_bits(bits & 0xffff_0000);
            }
        }
    }
    fn write(from: &[f32]) -> Line {
        let at = |l: usize| from.get(l).map_or(0, |&x| rounded(x));
        Line(std::array::from_fn(|l| at(l) | at(l + 16) << 16))
    }
}
