//! Training: its invariants, its optimisers and options, and its engines.

mod bf16;
mod invariants;
mod optimizers;
mod options;
mod reference;
mod sparse;
