//! The plugin contract, against compilers and against its own two languages.
// Helpers of tests outside a #[test]: what fails here fails the test that asked.
#![allow(clippy::unwrap_used)]

mod boundary;
mod build;
mod compat;
mod header;
mod layout;
mod shipped;
mod table;
mod toy;
