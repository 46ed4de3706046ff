//! What a plugin offers: a const table of items.
use crate::{jkp_error, jkp_param, jkp_run, jkp_status};
use std::ffi::c_char;

/// `kind`: proposes scores, masks or counts.
pub const JKP_METHOD: u32 = 1;
/// `kind`: transforms what it is given.
pub const JKP_CHECK: u32 = 2;

/// `output`: f64, like each parameter; the larger is kept.
pub const JKP_SCORES: u32 = 1;
/// `output`: u8 0/1, like each parameter.
pub const JKP_MASKS: u32 = 2;
/// `output`: i64 `[1]` per parameter, weights to keep.
pub const JKP_COUNTS: u32 = 3;
/// `output`: f32, like each parameter (checks only).
pub const JKP_WEIGHTS: u32 = 4;
/// `output`: u8 `[rows, C, H, W]`, block by block (checks only).
pub const JKP_IMAGES: u32 = 5;
/// `output`: i64 `[rows]`, all rows in one call (checks only).
pub const JKP_LABELS: u32 = 6;
/// `output`: u8 0/1 `[rows]`, all rows in one call (checks only).
pub const JKP_SUBSET: u32 = 7;

/// `needs`: the values of the parameters.
pub const JKP_NEEDS_WEIGHTS: u32 = 1 << 0;
/// `needs`: images, as batches of autodiff.
pub const JKP_NEEDS_INPUTS: u32 = 1 << 1;
/// `needs`: their labels.
pub const JKP_NEEDS_LABELS: u32 = 1 << 2;
/// `needs`: `loss` and `grad`.
pub const JKP_NEEDS_GRAD: u32 = 1 << 3;
/// `needs`: `hvp` as well.
pub const JKP_NEEDS_HVP: u32 = 1 << 4;
/// `needs`: random numbers.
pub const JKP_NEEDS_RNG: u32 = 1 << 5;
/// `needs`: an allocation that reads scores; they are `in`.
pub const JKP_NEEDS_SCORES: u32 = 1 << 6;
/// `needs`: another ticket's mask.
pub const JKP_NEEDS_DONOR: u32 = 1 << 7;
/// `needs`: the initial weights, beside trained ones.
pub const JKP_NEEDS_REF: u32 = 1 << 8;

/// `promises`: as many kept in each layer.
pub const JKP_KEEPS_LAYER_COUNTS: u32 = 1 << 0;
/// `promises`: the same values, elsewhere.
pub const JKP_KEEPS_MULTISET: u32 = 1 << 1;
/// `promises`: something differs from the input, if anything could.
pub const JKP_CHANGES_OUTPUT: u32 = 1 << 2;
/// `promises`: row i depends on row i and its global index only.
pub const JKP_ROWWISE: u32 = 1 << 3;
/// `promises`: as many kept over all layers.
pub const JKP_KEEPS_TOTAL_COUNT: u32 = 1 << 4;
/// `promises`: the same values under the mask, layer by layer.
pub const JKP_KEEPS_KEPT_MULTISET: u32 = 1 << 5;
/// `promises`: pruned stays pruned from round to round.
pub const JKP_NESTED: u32 = 1 << 6;
/// 1.1: what a weaker change leaves as it is differs too.
pub const JKP_CHANGES_STRUCTURE: u32 = 1 << 7;

/// One method or check.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct jkp_item {
    /// `size_of::<jkp_item>()` of the writer.
    pub struct_size: u64,
    /// `JKP_METHOD` or `JKP_CHECK`.
    pub kind: u32,
    /// `JKP_SCORES`, `JKP_MASKS`, …
    pub output: u32,
    /// `JKP_NEEDS_*` bits: what is not declared is not given.
    pub needs: u32,
    /// Bits that the host verifies on every output.
    pub promises: u32,
    /// Plain names are reserved to Jackpot; others `org.you.name`.
    pub id: *const c_char,
    /// Informative; what is hashed is the file.
    pub version: *const c_char,
    /// One sentence.
    pub summary: *const c_char,
    /// `n_params` pointers.
    pub params: *const *const jkp_param,
    /// The length of `params`.
    pub n_params: u64,
    /// A pure function of the run: same run, same bytes.
    pub run: Option<unsafe extern "C" fn(run: *const jkp_run, error: *mut jkp_error) -> jkp_status>,
    /// Rounds the method was published with; 0 = one round.
    pub rounds_hint: u32,
    /// 0.
    pub reserved: u32,
}

/// Const data of the plugin, valid as long as it is loaded.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct jkp_plugin {
    /// `size_of::<jkp_plugin>()` of the writer.
    pub struct_size: u64,
    /// The header's `JKP_ABI_MAJOR`.
    pub abi_major: u32,
    /// The header's `JKP_ABI_MINOR`.
    pub abi_minor: u32,
    /// The plugin's name.
    pub name: *const c_char,
    /// The plugin's version, informative.
    pub version: *const c_char,
    /// SPDX expression.
    pub license: *const c_char,
    /// `n_items` pointers.
    pub items: *const *const jkp_item,
    /// The length of `items`.
    pub n_items: u64,
}

// SAFETY: a table is constants that nobody writes after the library is loaded; reading
// through its pointers is unsafe wherever it happens, and Sync only lets it be a static.
unsafe impl Sync for jkp_item {}
// SAFETY: as above.
unsafe impl Sync for jkp_plugin {}
