//! A real study, really broken into: SIGKILL at any moment, and, above all, afterwards.
#![allow(clippy::unwrap_used)] // the helpers of a test are a test

mod chain;
mod clock;
mod disk;
mod kills;
mod lacking;
mod mortal;
mod ruin;
mod speed;
mod together;
