//! The plugin ABI in Rust: the mirror of `include/jackpot.h`, with the same names.
//!
//! `CONTRACT.md` states the rules, the header is the authority, and this crate repeats
//! the header's types for the host and for `jackpot-sdk`. Plugins written in Rust use
//! the SDK; they never see these types.
//!
//! **Invariant.** This crate is types and constants. It depends on nothing, calls
//! nothing, follows no pointer and allocates nothing but the text of [`layout::table`],
//! which `tests/abi` compares with what a C compiler makes of the header.
#![allow(non_camel_case_types)]

pub mod layout;
mod offer;
mod serve;
mod tensor;

pub use offer::*;
pub use serve::*;
pub use tensor::*;

use std::ffi::c_char;

/// The major version of this ABI; it is also in [`ENTRY_SYMBOL`].
pub const JKP_ABI_MAJOR: u32 = 1;
/// The minor version: a plugin of 1.m loads in every host 1.n, n ≥ m.
pub const JKP_ABI_MINOR: u32 = 1;
/// The one symbol that a plugin exports, NUL-terminated as `dlsym` wants it.
pub const ENTRY_SYMBOL: &[u8] = b"jackpot_entry_v1\0";
/// The id of [`jkp_autodiff_1`].
pub const AUTODIFF_1: &std::ffi::CStr = c"jackpot.autodiff/1";
/// The id of [`jkp_rng_1`].
pub const RNG_1: &std::ffi::CStr = c"jackpot.rng/1";

/// The type of [`ENTRY_SYMBOL`].
pub type jkp_entry = unsafe extern "C" fn() -> *const jkp_plugin;

/// What a call came to: one of the `JKP_OK`, `JKP_E_*` constants.
pub type jkp_status = i32;
/// It worked.
pub const JKP_OK: jkp_status = 0;
/// The caller broke the contract, or a parameter is absurd.
pub const JKP_E_INVALID: jkp_status = 1;
/// A service, option or enum value is unknown or was not declared.
pub const JKP_E_UNSUPPORTED: jkp_status = 2;
/// `poll` said so.
pub const JKP_E_CANCELLED: jkp_status = 3;
/// The scratch budget is used up.
pub const JKP_E_NOMEM: jkp_status = 4;
/// NaN, infinity, singular, overflow.
pub const JKP_E_NUMERIC: jkp_status = 5;
/// A defect of the side that reports it.
pub const JKP_E_INTERNAL: jkp_status = 6;
/// A panic or exception, caught at the boundary.
pub const JKP_E_PANIC: jkp_status = 7;

/// 512 bytes that the caller allocates, so no error is ever freed across the boundary.
/// The return value decides; `code` only repeats it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct jkp_error {
    /// `size_of::<jkp_error>()` of the writer.
    pub struct_size: u64,
    /// The returned status again.
    pub code: jkp_status,
    /// 0.
    pub reserved: u32,
    /// UTF-8, NUL-terminated, may be truncated.
    pub message: [c_char; 496],
}

impl jkp_error {
    /// No error, ready to be passed to a call.
    pub const fn new() -> jkp_error {
        jkp_error {
            struct_size: size_of::<jkp_error>() as u64,
            code: JKP_OK,
            reserved: 0,
            message: [0; 496],
        }
    }

    /// Writes the code and as much of the message as fits, cut between characters and
    /// before the first NUL.
    pub fn set(&mut self, code: jkp_status, message: &str) {
        self.code = code;
        let message = message.split('\0').next().unwrap_or_default();
        let mut end = message.len().min(self.message.len() - 1);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        self.message.fill(0);
        for (to, from) in self.message.iter_mut().zip(&message.as_bytes()[..end]) {
            *to = *from as c_char;
        }
    }

    /// The message up to its NUL; bytes that are not UTF-8 become `U+FFFD`.
    pub fn text(&self) -> String {
        let bytes: Vec<u8> = self
            .message
            .iter()
            .map(|&c| c as u8)
            .take_while(|&c| c != 0)
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Default for jkp_error {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_between_characters_and_always_ends() {
        let mut error = jkp_error::new();
        error.set(JKP_E_INVALID, &"é".repeat(400));
        assert_eq!(error.text(), "é".repeat(247));
        assert_eq!(error.message[495], 0);
        error.set(JKP_E_PANIC, "short\0tail");
        assert_eq!((error.code, error.text().as_str()), (JKP_E_PANIC, "short"));
    }

    #[test]
    fn a_message_without_end_or_encoding_is_still_read() {
        let mut error = jkp_error::new();
        error.message.fill(b'x' as c_char);
        assert_eq!(error.text().len(), 496);
        error.message[0] = 0xffu8 as c_char;
        assert!(error.text().starts_with('\u{fffd}'));
    }
}
