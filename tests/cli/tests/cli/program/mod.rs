//! The program itself: its help, its output, its answers to slips and signals.

mod describe;
mod help;
mod mistakes;
mod numbers;
mod output;
mod signals;
