//! Tests of the plugin contract: the header under four standards, one layout for C and
//! Rust, and the example plugins of both languages run by a toy host.
//!
//! **Invariant.** No libtorch, and nothing of `jackpot-host`: what passes here depends on
//! the contract alone.
