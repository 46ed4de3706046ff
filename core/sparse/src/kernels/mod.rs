//! The only `unsafe` code: memory of cache lines, vectors, and the kernels over them. What
//! they export is safe: every call asserts once that its lists and maps fit.
mod compiled;
mod convolution;
mod memory;
mod mode;
mod pixel;
mod rows;
mod tasks;
mod vector;

pub(crate) use compiled::Kernels;
pub(crate) use memory::{Line, Lines};
pub(crate) use mode::FlushedDenormals;
pub(crate) use pixel::{Bf16Avx512, F32Avx2, F32Avx512, Pixel};
pub(crate) use rows::{Activate, Added, Finish, Link, Normalize, Row, Window};
pub(crate) use tasks::{
    Ahead, Begin, Final, Forward, Inputs, Places, ROWS, Residual, Rows, TAPS, Weights,
};
