//! Read-only tensors, and what is known about the layer each belongs to.
use crate::{Error, Result};
use jackpot_abi::*;
use std::ffi::CStr;
use std::marker::PhantomData;

/// What a tensor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A convolution's weight, `[out, in / groups, height, width]`.
    Conv,
    /// A linear layer's weight, `[out, in]`.
    Linear,
    /// Images, `[rows, channels, height, width]`.
    Image,
    /// Labels, `[rows]`.
    Label,
    /// Anything else.
    Other,
}

/// A read-only list of tensors, for example one a prunable layer in forward order.
#[derive(Clone, Copy, Debug)]
pub struct Tensors<'a>(&'a [*const jkp_tensor]);

impl<'a> Tensors<'a> {
    /// The list at `first`; None if it is NULL.
    ///
    /// # Safety
    /// `first` is NULL or points at `n` tensors that are valid and not written for `'a`.
    pub(crate) unsafe fn new(first: *const *const jkp_tensor, n: u64) -> Option<Tensors<'a>> {
        // SAFETY: the caller's promise.
        (!first.is_null())
            .then(|| Tensors(unsafe { std::slice::from_raw_parts(first, n as usize) }))
    }

    /// How many tensors.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// No tensor at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tensor `index`; panics if there is none.
    pub fn get(&self, index: usize) -> Tensor<'a> {
        // SAFETY: `new` was promised that each pointer is valid for 'a.
        Tensor(unsafe { &*self.0[index] }, PhantomData)
    }

    /// Each tensor in turn.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Tensor<'a>> + use<'a> {
        let list = *self;
        (0..list.len()).map(move |index| list.get(index))
    }
}

/// A read-only tensor: row-major, contiguous.
#[derive(Clone, Copy, Debug)]
pub struct Tensor<'a>(&'a jkp_tensor, PhantomData<&'a [u8]>);

impl<'a> Tensor<'a> {
    /// PyTorch's name, for example `layer3.0.conv1.weight`.
    pub fn name(&self) -> &'a str {
        // SAFETY: the host's promise: NUL-terminated UTF-8 for the call; NULL is caught.
        unsafe { text(self.0.name) }
    }

    /// The shape.
    pub fn shape(&self) -> &'a [i64] {
        match self.0.dl.ndim {
            // SAFETY: the host's promise: ndim lengths for the call.
            n if n > 0 => unsafe { std::slice::from_raw_parts(self.0.dl.shape, n as usize) },
            _ => &[],
        }
    }

    /// The number of elements, known also where the values are denied.
    pub fn len(&self) -> usize {
        self.0.n_elem as usize
    }

    /// No elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What this tensor is.
    pub fn role(&self) -> Role {
        match self.0.role {
            JKP_CONV => Role::Conv,
            JKP_LINEAR => Role::Linear,
            JKP_IMAGE => Role::Image,
            JKP_LABEL => Role::Label,
            _ => Role::Other,
        }
    }

    /// The layer that reads the image.
    pub fn is_first(&self) -> bool {
        self.0.flags & JKP_FIRST != 0
    }

    /// The layer that writes the logits.
    pub fn is_classifier(&self) -> bool {
        self.0.flags & JKP_CLASSIFIER != 0
    }

    /// A projection on a residual connection.
    pub fn is_shortcut(&self) -> bool {
        self.0.flags & JKP_SHORTCUT != 0
    }

    /// A depthwise convolution.
    pub fn is_depthwise(&self) -> bool {
        self.0.flags & JKP_DEPTHWISE != 0
    }

    /// Times one image uses each weight: output height × width.
    pub fn uses(&self) -> u64 {
        self.0.n_uses
    }

    /// Place in forward order, from 0.
    pub fn depth(&self) -> u32 {
        self.0.depth
    }

    /// Residual block from 1; 0 outside.
    pub fn block(&self) -> u32 {
        self.0.block
    }

    /// A convolution's stride; 1 for others.
    pub fn stride(&self) -> u32 {
        self.0.stride
    }

    /// A convolution's groups; 1 for others.
    pub fn groups(&self) -> u32 {
        self.0.groups
    }

    /// The values of weights.
    pub fn f32(&self) -> Result<&'a [f32]> {
        self.values()
    }

    /// The values of scores.
    pub fn f64(&self) -> Result<&'a [f64]> {
        self.values()
    }

    /// The values of masks (0 pruned, 1 kept) or images.
    pub fn u8(&self) -> Result<&'a [u8]> {
        self.values()
    }

    /// The values of labels.
    pub fn i64(&self) -> Result<&'a [i64]> {
        self.values()
    }

    fn values<T: Element>(&self) -> Result<&'a [T]> {
        let data = address::<T>(self.0)?;
        // SAFETY: the host's promise: n_elem elements of this type, not written for the call.
        Ok(unsafe { std::slice::from_raw_parts(data, self.len()) })
    }
}

/// The element types of the ABI.
pub(crate) trait Element {
    const TYPE: jkp_dl_dtype;
    const NAME: &'static str;
}
impl Element for f32 {
    const TYPE: jkp_dl_dtype = DL_F32;
    const NAME: &'static str = "f32";
}
impl Element for f64 {
    const TYPE: jkp_dl_dtype = DL_F64;
    const NAME: &'static str = "f64";
}
impl Element for u8 {
    const TYPE: jkp_dl_dtype = DL_U8;
    const NAME: &'static str = "u8";
}
impl Element for i64 {
    const TYPE: jkp_dl_dtype = DL_I64;
    const NAME: &'static str = "i64";
}

/// Where the elements are, if they are of this type and were given at all.
pub(crate) fn address<T: Element>(tensor: &jkp_tensor) -> Result<*mut T> {
    // SAFETY: the host's promise: NUL-terminated UTF-8 for the call; NULL is caught.
    let name = unsafe { text(tensor.name) };
    let found = tensor.dl.dtype;
    if found != T::TYPE {
        return Err(Error::internal(format!(
            "`{name}` was read as {}, but its DLPack type is ({}, {}, {})",
            T::NAME,
            found.code,
            found.bits,
            found.lanes
        )));
    }
    let data = tensor.dl.data.cast::<T>();
    if data.is_null() && tensor.n_elem > 0 {
        return Err(Error::unsupported(format!(
            "the values of `{name}` were not given: declare them in `needs` (`needs::WEIGHTS`)"
        )));
    }
    if data.is_null() {
        return Ok(std::ptr::NonNull::dangling().as_ptr());
    }
    if !data.is_aligned() {
        return Err(Error::internal(format!(
            "the values of `{name}` are not aligned: the host broke the contract"
        )));
    }
    Ok(data)
}

/// The text at `start`; NULL and what is not UTF-8 become a placeholder.
///
/// # Safety
/// `start` is NULL or NUL-terminated and unchanged for `'a`.
pub(crate) unsafe fn text<'a>(start: *const std::ffi::c_char) -> &'a str {
    if start.is_null() {
        return "(no name)";
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(start) }
        .to_str()
        .unwrap_or("(not UTF-8)")
}
