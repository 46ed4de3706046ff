//! The kernels, compiled once for every storage and instruction set.
//!
//! A kernel is written once, generic over [`Pixel`], and inlined into a function that carries
//! the CPU features of its pixel: nothing of it runs without them. `Isa::check` is the only
//! way to an engine, so the CPU has them.
use super::convolution;
use super::memory::Line;
use super::pixel::{Bf16Avx512, F32Avx2, F32Avx512, Pixel};
use super::rows::{self, Activate, Finish, Normalize, Row, Window};
use super::tasks::{Forward, Inputs, Weights};

/// The kernels of a storage on an instruction set. Sizes are asserted inside.
pub(crate) trait Kernels: Pixel {
    /// Raw outputs of `tile` rows by columns, from input columns `stride` apart.
    fn forward(tile: (usize, usize), stride: usize, task: Forward);
    /// Gradients of the kept weights from `tile` rows by columns.
    fn weights(tile: (usize, usize), stride: usize, task: Weights);
    /// Gradients of `tile` rows by columns of the input.
    fn inputs(tile: (usize, usize), task: Inputs);
    fn activate(task: Activate);
    fn normalize(task: Normalize);
    fn pool(window: Window, out: &mut [Line], pitch: usize);
    fn unpool(window: Window, gradient: &[Line], to: &mut [&mut [Line]]);
    fn average(row: Row, from: &[Line], sums: &mut [Line]);
    fn scale(sums: &[Line], factor: f32, out: &mut [Line]);
    fn finish(task: Finish);
}

/// Calls `$run` with the constants of a tile.
macro_rules! tile {
    ($tile:expr, $run:ident, [$(($r:literal, $c:literal)),*]) => {
        match $tile {
            $(($r, $c) => $run!($r, $c),)*
            (rows, columns) => unreachable!("a tile of {rows} by {columns}"),
        }
    };
}

macro_rules! compiled {
    ($pixel:ty, $features:literal, $tiles:tt) => {
        impl Kernels for $pixel {
            compiled!(@strided $pixel, $features, $tiles, forward: Forward);
            compiled!(@strided $pixel, $features, $tiles, weights: Weights);

            fn inputs(tile: (usize, usize), task: Inputs) {
                #[target_feature(enable = $features)]
                unsafe fn run<const R: usize, const C: usize>(task: Inputs) {
                    // SAFETY: the features are enabled here.
                    unsafe { convolution::inputs::<$pixel, R, C>(task) }
                }
                macro_rules! call {
                    ($r:literal, $c:literal) => {
                        // SAFETY: the CPU has the features (head of the file).
                        unsafe { run::<$r, $c>(task) }
                    };
                }
                tile!(tile, call, $tiles)
            }

            compiled!(@rows $pixel, $features,
                activate(task: Activate);
                normalize(task: Normalize);
                pool(window: Window, out: &mut [Line], pitch: usize);
                unpool(window: Window, gradient: &[Line], to: &mut [&mut [Line]]);
                average(row: Row, from: &[Line], sums: &mut [Line]);
                scale(sums: &[Line], factor: f32, out: &mut [Line]);
                finish(task: Finish);
            );
        }
    };
    (@strided $pixel:ty, $features:literal, $tiles:tt, $name:ident: $task:ty) => {
        fn $name(tile: (usize, usize), stride: usize, task: $task) {
            #[target_feature(enable = $features)]
            unsafe fn run<const R: usize, const C: usize, const S: usize>(task: $task) {
                // SAFETY: the features are enabled here.
                unsafe { convolution::$name::<$pixel, R, C, S>(task) }
            }
            macro_rules! call {
                ($r:literal, $c:literal) => {
                    // SAFETY: the CPU has the features (head of the file).
                    unsafe {
                        match stride {
                            1 => run::<$r, $c, 1>(task),
                            _ => run::<$r, $c, 2>(task),
                        }
                    }
                };
            }
            assert!(matches!(stride, 1 | 2), "checked by `check`");
            tile!(tile, call, $tiles)
        }
    };
    (@rows $pixel:ty, $features:literal, $($name:ident($($x:ident: $t:ty),*);)*) => {$(
        fn $name($($x: $t),*) {
            #[target_feature(enable = $features)]
            unsafe fn run($($x: $t),*) {
                // SAFETY: the features are enabled here.
                unsafe { rows::$name::<$pixel>($($x),*) }
            }
            // SAFETY: the CPU has the features (head of the file).
            unsafe { run($($x),*) }
        }
    )*};
}

compiled!(
    F32Avx512,
    "avx512f,avx512bw,avx512dq,avx512vl,fma",
    [
        (1, 1),
        (1, 2),
        (1, 3),
        (1, 4),
        (1, 5),
        (1, 6),
        (1, 7),
        (1, 8),
        (2, 1),
        (2, 2),
        (2, 3),
        (2, 4),
        (2, 5),
        (2, 6),
        (2, 7),
        (2, 8),
        (4, 1),
        (4, 2),
        (4, 3),
        (4, 4),
        (8, 1),
        (8, 2)
    ]
);
compiled!(
    F32Avx2,
    "avx2,fma",
    [
        (1, 1),
        (1, 2),
        (1, 3),
        (1, 4),
        (1, 5),
        (1, 6),
        (1, 7),
        (2, 1),
        (2, 2),
        (2, 3),
        (4, 1)
    ]
);
compiled!(
    Bf16Avx512,
    "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma",
    [
        (1, 1),
        (1, 2),
        (1, 3),
        (1, 4),
        (1, 5),
        (1, 6),
        (1, 7),
        (1, 8),
        (2, 1),
        (2, 2),
        (2, 3),
        (2, 4),
        (2, 5),
        (2, 6),
        (2, 7),
        (4, 1),
        (4, 2),
        (4, 3),
        (8, 1)
    ]
);
