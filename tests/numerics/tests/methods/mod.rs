//! The shipped pruning methods through the real worker.

mod access;
mod grasp;
mod precision;
mod real;
mod saliency;
mod synflow;
