//! Parameters, keys and tensors.
use std::ffi::{c_char, c_void};

/// [`jkp_value::type`](jkp_value): `i` holds the value.
pub const JKP_I64: u32 = 1;
/// `f` holds the value.
pub const JKP_F64: u32 = 2;
/// `s` holds the value, UTF-8.
pub const JKP_STR: u32 = 3;
/// `i` holds the value, 0 or 1.
pub const JKP_BOOL: u32 = 4;

/// One named value; only the member that `type` names is meaningful. Frozen.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct jkp_value {
    /// The parameter's name.
    pub name: *const c_char,
    /// `JKP_I64`, `JKP_F64`, `JKP_STR` or `JKP_BOOL`.
    pub r#type: u32,
    /// 0.
    pub reserved: u32,
    /// For `JKP_I64` and `JKP_BOOL`.
    pub i: i64,
    /// For `JKP_F64`.
    pub f: f64,
    /// For `JKP_STR`.
    pub s: *const c_char,
}

/// A declared parameter. The host refuses what lies outside before it calls `run`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct jkp_param {
    /// `size_of::<jkp_param>()` of the writer.
    pub struct_size: u64,
    /// One sentence.
    pub doc: *const c_char,
    /// Name, type and default.
    pub def: jkp_value,
    /// Least value; with `max` both 0: no bounds.
    pub min: f64,
    /// Greatest value, inclusive.
    pub max: f64,
    /// NULL-terminated, for `JKP_STR`; NULL: any text.
    pub choices: *const *const c_char,
}

// SAFETY: a declared parameter is constants that nobody writes; reading through its
// pointers is unsafe wherever it happens, and Sync only lets it be a static.
unsafe impl Sync for jkp_param {}

/// Names one stream of random numbers. Frozen.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct jkp_key {
    /// The two words of the Philox key.
    pub w: [u64; 2],
}

/// DLPack's device. Frozen.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct jkp_dl_device {
    /// 1: CPU, the only one in ABI 1.x.
    pub device_type: i32,
    /// 0.
    pub device_id: i32,
}

/// DLPack's element type. Frozen.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct jkp_dl_dtype {
    /// 0 signed, 1 unsigned, 2 floating.
    pub code: u8,
    /// Bits of one element.
    pub bits: u8,
    /// 1.
    pub lanes: u16,
}

/// `f32` elements.
pub const DL_F32: jkp_dl_dtype = dtype(2, 32);
/// `f64` elements.
pub const DL_F64: jkp_dl_dtype = dtype(2, 64);
/// `u8` elements.
pub const DL_U8: jkp_dl_dtype = dtype(1, 8);
/// `i64` elements.
pub const DL_I64: jkp_dl_dtype = dtype(0, 64);

const fn dtype(code: u8, bits: u8) -> jkp_dl_dtype {
    jkp_dl_dtype {
        code,
        bits,
        lanes: 1,
    }
}

/// DLPack's tensor, 48 bytes. Frozen.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct jkp_dl {
    /// The first element.
    pub data: *mut c_void,
    /// Always the CPU.
    pub device: jkp_dl_device,
    /// The length of `shape` and `strides`.
    pub ndim: i32,
    /// One of [`DL_F32`], [`DL_F64`], [`DL_U8`], [`DL_I64`].
    pub dtype: jkp_dl_dtype,
    /// `ndim` lengths.
    pub shape: *mut i64,
    /// `ndim` steps in elements; never NULL here.
    pub strides: *mut i64,
    /// Always 0 here.
    pub byte_offset: u64,
}

/// `role`: a convolution's weight, `[out, in / groups, height, width]`.
pub const JKP_CONV: u32 = 1;
/// `role`: a linear layer's weight, `[out, in]`.
pub const JKP_LINEAR: u32 = 2;
/// `role`: images, `[rows, channels, height, width]`.
pub const JKP_IMAGE: u32 = 5;
/// `role`: labels, `[rows]`.
pub const JKP_LABEL: u32 = 6;
/// `role`: anything else.
pub const JKP_OTHER: u32 = 7;

/// `flags`: may be written.
pub const JKP_WRITABLE: u32 = 1 << 0;
/// `flags`: reads the image.
pub const JKP_FIRST: u32 = 1 << 1;
/// `flags`: writes the logits.
pub const JKP_CLASSIFIER: u32 = 1 << 2;
/// `flags`: a projection on a residual connection.
pub const JKP_SHORTCUT: u32 = 1 << 3;
/// `flags`: a depthwise convolution.
pub const JKP_DEPTHWISE: u32 = 1 << 4;

/// A view of the host's memory, and what is known about the layer it belongs to.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct jkp_tensor {
    /// `size_of::<jkp_tensor>()` of the writer.
    pub struct_size: u64,
    /// PyTorch's name, for example `layer3.0.conv1.weight`.
    pub name: *const c_char,
    /// `JKP_CONV`, `JKP_LINEAR`, …
    pub role: u32,
    /// `JKP_WRITABLE`, `JKP_FIRST`, …
    pub flags: u32,
    /// Row-major, contiguous, 64-byte aligned.
    pub dl: jkp_dl,
    /// Product of the shape.
    pub n_elem: u64,
    /// Times one image uses each weight: output height × width.
    pub n_uses: u64,
    /// Place in forward order, from 0.
    pub depth: u32,
    /// Residual block from 1; 0 outside.
    pub block: u32,
    /// A convolution's stride; 1 for others.
    pub stride: u32,
    /// A convolution's groups; 1 for others.
    pub groups: u32,
}

/// The problem in numbers. An item that is denied data still sees these.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct jkp_task {
    /// `size_of::<jkp_task>()` of the writer.
    pub struct_size: u64,
    /// Family, as `jackpot list` prints it: `resnet`.
    pub network: *const c_char,
    /// The network's nominal depth.
    pub depth: u32,
    /// Classes of the data set.
    pub classes: u32,
    /// Channels of an image.
    pub channels: u32,
    /// Rows of pixels of an image.
    pub height: u32,
    /// Pixels of a row.
    pub width: u32,
    /// 0.
    pub reserved: u32,
    /// Images in the training set.
    pub rows: u64,
}
