//! What the host offers: one run, and services by id.
use crate::{jkp_error, jkp_key, jkp_status, jkp_task, jkp_tensor, jkp_value};
use std::ffi::{c_char, c_void};

/// `log`: for whoever debugs the plugin.
pub const JKP_LOG_DEBUG: i32 = 0;
/// `log`: worth a line in the record.
pub const JKP_LOG_INFO: i32 = 1;
/// `log`: a person should look.
pub const JKP_LOG_WARNING: i32 = 2;

/// The functions that every run may call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct jkp_host {
    /// `size_of::<jkp_host>()` of the writer.
    pub struct_size: u64,
    /// The host's `JKP_ABI_MAJOR`.
    pub abi_major: u32,
    /// The host's `JKP_ABI_MINOR`.
    pub abi_minor: u32,
    /// The host's name.
    pub name: *const c_char,
    /// The host's version.
    pub version: *const c_char,
    /// \[run\] A service's table; NULL: unknown or not declared.
    pub service:
        Option<unsafe extern "C" fn(run: *const jkp_run, id: *const c_char) -> *const c_void>,
    /// \[any\] One line for the record.
    pub log: Option<unsafe extern "C" fn(run: *const jkp_run, level: i32, message: *const c_char)>,
    /// \[any\] How far (0 to 1; negative: unchanged) and what (may be NULL).
    pub poll: Option<
        unsafe extern "C" fn(run: *const jkp_run, done: f64, note: *const c_char) -> jkp_status,
    >,
    /// \[run\] Zeroed bytes until `run` returns; NULL: over the budget.
    pub scratch:
        Option<unsafe extern "C" fn(run: *const jkp_run, bytes: u64, align: u64) -> *mut c_void>,
    /// \[run\] n zeroed tensors of 32 or 64 bits like the parameters; NULL: over the budget.
    pub tensors:
        Option<unsafe extern "C" fn(run: *const jkp_run, bits: u32) -> *const *const jkp_tensor>,
}

/// Everything that one call of an item is a function of.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct jkp_run {
    /// `size_of::<jkp_run>()` of the writer.
    pub struct_size: u64,
    /// Never NULL.
    pub host: *const jkp_host,
    /// The host's own.
    pub host_ctx: *mut c_void,
    /// `n` prunable weights f32, forward order; data is NULL unless declared.
    pub params: *const *const jkp_tensor,
    /// `n` masks u8 0/1 so far.
    pub masks: *const *const jkp_tensor,
    /// `n_out` tensors that a check changes, or the scores; else NULL.
    pub r#in: *const *const jkp_tensor,
    /// `n_out` writable tensors; everything must be written.
    pub out: *const *const jkp_tensor,
    /// The number of prunable layers.
    pub n: u64,
    /// The length of `in` and `out`.
    pub n_out: u64,
    /// Every declared parameter, defaults filled in, in any order.
    pub config: *const jkp_value,
    /// The length of `config`.
    pub n_config: u64,
    /// Density to reach after this round.
    pub keep: f64,
    /// This round, from 0.
    pub round: u32,
    /// Rounds in all.
    pub rounds: u32,
    /// `JKP_IMAGES`: global index of row 0 of this block.
    pub first_row: u64,
    /// This run's own, already folded with the round.
    pub key: jkp_key,
    /// Never NULL.
    pub task: *const jkp_task,
    /// `n` masks, or NULL unless declared.
    pub donor: *const *const jkp_tensor,
    /// `n` initial weights, or NULL unless declared.
    pub r#ref: *const *const jkp_tensor,
    /// `keep` in weights over all layers: (total · density) rounded half to even, exactly.
    pub keep_count: u64,
}

/// `loss`: cross-entropy of the labels, mean over a part's images.
pub const JKP_LOSS_CROSS_ENTROPY: u32 = 1;
/// `loss`: the sum of the logits.
pub const JKP_LOSS_SUM_LOGITS: u32 = 2;
/// `input`: the images of a batch.
pub const JKP_INPUT_DATA: u32 = 1;
/// `input`: one image of ones.
pub const JKP_INPUT_ONES: u32 = 2;

/// The function of the weights that is evaluated or differentiated.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct jkp_objective {
    /// `size_of::<jkp_objective>()` of the writer.
    pub struct_size: u64,
    /// `JKP_LOSS_*`.
    pub loss: u32,
    /// `JKP_INPUT_*`.
    pub input: u32,
    /// 1: batch statistics in normalisation layers.
    pub train_mode: u32,
    /// 1: compute in f64; 0: in f32, unless the run asks for f64.
    pub compute_f64: u32,
    /// Logits are divided by it; 1 = off.
    pub temperature: f64,
    /// 1: parameters that are not prunable by absolute value.
    pub abs_rest: u32,
    /// 0.
    pub reserved: u32,
}

/// Which images, balanced by the labels that the run sees.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct jkp_batch_spec {
    /// `size_of::<jkp_batch_spec>()` of the writer.
    pub struct_size: u64,
    /// Draws the images.
    pub key: jkp_key,
    /// How many batches.
    pub n_batches: u64,
    /// Images a batch, when `per_class` is 0.
    pub batch_size: u64,
    /// Above 0: that many of every class, in class order.
    pub per_class: u64,
    /// Each batch is cut in as many runs of rows; at least 1.
    pub parts: u64,
    /// 1: as in training.
    pub augment: u32,
    /// 1: mix the rows of a batch.
    pub shuffle: u32,
}

type Tensors = *const *const jkp_tensor;

/// `jackpot.autodiff/1`. All \[run\].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct jkp_autodiff_1 {
    /// `size_of::<jkp_autodiff_1>()` of the writer.
    pub struct_size: u64,
    /// Draws the batches that the handle stands for until `run` returns.
    pub batches: Option<
        unsafe extern "C" fn(
            run: *const jkp_run,
            spec: *const jkp_batch_spec,
            handle: *mut u64,
            error: *mut jkp_error,
        ) -> jkp_status,
    >,
    /// The sum over batches and parts of that part's mean loss.
    pub loss: Option<
        unsafe extern "C" fn(
            run: *const jkp_run,
            objective: *const jkp_objective,
            handle: u64,
            point: Tensors,
            out: *mut f64,
            error: *mut jkp_error,
        ) -> jkp_status,
    >,
    /// Its gradient with respect to the effective weights, masked entries too.
    pub grad: Option<
        unsafe extern "C" fn(
            run: *const jkp_run,
            objective: *const jkp_objective,
            handle: u64,
            point: Tensors,
            out: Tensors,
            error: *mut jkp_error,
        ) -> jkp_status,
    >,
    /// Its Hessian at the point times `v`.
    pub hvp: Option<
        unsafe extern "C" fn(
            run: *const jkp_run,
            objective: *const jkp_objective,
            handle: u64,
            point: Tensors,
            v: Tensors,
            out: Tensors,
            error: *mut jkp_error,
        ) -> jkp_status,
    >,
}

/// `jackpot.rng/1`. All \[any\], and pure functions of the key.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct jkp_rng_1 {
    /// `size_of::<jkp_rng_1>()` of the writer.
    pub struct_size: u64,
    /// A new key from a key and a number; `out` may be `key`.
    pub fold: Option<unsafe extern "C" fn(key: *const jkp_key, data: u64, out: *mut jkp_key)>,
    /// Raw 64-bit words.
    pub bits: Option<unsafe extern "C" fn(key: *const jkp_key, out: *mut u64, n: u64)>,
    /// Uniforms in [0, 1), 53 bits each.
    pub uniform: Option<unsafe extern "C" fn(key: *const jkp_key, out: *mut f64, n: u64)>,
    /// The descending order of n uniforms of this key, ties by index.
    pub permutation: Option<unsafe extern "C" fn(key: *const jkp_key, out: *mut u64, n: u64)>,
    /// Mean 0, variance 1.
    pub normal: Option<unsafe extern "C" fn(key: *const jkp_key, out: *mut f32, n: u64)>,
}
