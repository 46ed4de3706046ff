//! Networks and their derivatives, against PyTorch, plain loops and finite differences.

mod derivatives;
mod families;
mod golden;
