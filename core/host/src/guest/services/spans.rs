//! Tensors that a plugin passes, checked before they become slices: sizes, shapes, types,
//! strides, and that what is written overlaps nothing else.
use crate::guest::context::Context;
use crate::{View, ViewMut};
use jackpot_abi as abi;
use jackpot_net::Layer;

/// n pointers to tensors, as a plugin passes them.
pub(super) type Tensors = *const *const abi::jkp_tensor;

/// What a call came to when it did not work: a status and why.
pub(super) type Refused = (abi::jkp_status, String);

pub(super) fn invalid<T>(message: impl Into<String>) -> Result<T, Refused> {
    Err((abi::JKP_E_INVALID, message.into()))
}

/// # Safety
/// `pointer` is NULL or starts with its `struct_size`.
pub(super) unsafe fn sized<'a, T>(pointer: *const T, what: &str) -> Result<&'a T, Refused> {
    // SAFETY: the caller's.
    match unsafe { pointer.cast::<u64>().as_ref() } {
        None => invalid(format!("{what} is NULL")),
        Some(&size) if size < size_of::<T>() as u64 => invalid(format!(
            "{what}.struct_size: expected {}, found {size}",
            size_of::<T>()
        )),
        // SAFETY: it says that it is as long as we know it.
        Some(_) => Ok(unsafe { &*pointer }),
    }
}

/// One checked tensor: where, how many elements, 32 or 64 bits.
#[derive(Clone, Copy)]
pub(super) struct Span {
    data: *mut u8,
    len: usize,
    bits: u8,
}

impl Span {
    fn range(&self) -> std::ops::Range<usize> {
        let start = self.data as usize;
        start..start + self.len * usize::from(self.bits / 8)
    }
}

/// A point in weight space, or the weights under the mask.
pub(super) struct Point(pub(super) Option<Vec<Span>>);

impl Point {
    /// # Safety
    /// As [`read`], or NULL.
    pub(super) unsafe fn read(context: &Context, point: Tensors) -> Result<Point, Refused> {
        if point.is_null() {
            Ok(Point(None))
        } else {
            // SAFETY: the caller's.
            unsafe { read(context, point, "point", false) }.map(|p| Point(Some(p)))
        }
    }
    pub(super) fn views(&self) -> Option<Vec<View<'_>>> {
        // SAFETY: `read` checked them, `disjoint` that nothing writes them meanwhile.
        self.0.as_ref().map(|spans| unsafe { views(spans) })
    }
}

/// Checks n tensors shaped like the parameters.
///
/// # Safety
/// `tensors` is NULL or n pointers to tensors, whose `data` is what their shape says.
pub(super) unsafe fn read(
    context: &Context,
    tensors: Tensors,
    what: &str,
    write: bool,
) -> Result<Vec<Span>, Refused> {
    if tensors.is_null() {
        return invalid(format!("`{what}` is NULL"));
    }
    let layers = &context.problem.network.layers;
    let mut spans = Vec::with_capacity(layers.len());
    for (i, layer) in layers.iter().enumerate() {
        let here = format!("`{what}`, layer `{}`", layer.name);
        // SAFETY: n pointers to tensors by the contract.
        let (tensor, span) = unsafe {
            let tensor: &abi::jkp_tensor = sized(*tensors.add(i), &here)?;
            (tensor, span(&tensor.dl, layer, &here)?)
        };
        if write && tensor.flags & abi::JKP_WRITABLE == 0 {
            return invalid(format!("{here} is read-only"));
        }
        spans.push(span);
    }
    Ok(spans)
}

/// Checks one tensor's type, shape and strides against its layer's.
///
/// # Safety
/// `dl` is a DLPack tensor.
unsafe fn span(dl: &abi::jkp_dl, layer: &Layer, here: &str) -> Result<Span, Refused> {
    if dl.data.is_null() || dl.shape.is_null() || dl.strides.is_null() {
        return invalid(format!("{here}: data, shape or strides are NULL"));
    }
    let expected = &layer.shape;
    if dl.ndim as usize != expected.len() || dl.byte_offset != 0 {
        let found = dl.ndim;
        return invalid(format!(
            "{here}: expected {} dimensions, found {found}",
            expected.len()
        ));
    }
    // SAFETY: `ndim` lengths and strides by DLPack.
    let (shape, strides) = unsafe {
        (
            std::slice::from_raw_parts(dl.shape, expected.len()),
            std::slice::from_raw_parts(dl.strides, expected.len()),
        )
    };
    if !shape.iter().zip(expected).all(|(a, b)| *a == *b as i64) {
        return invalid(format!(
            "{here}: expected shape {expected:?}, found {shape:?}"
        ));
    }
    let mut step = 1i64;
    let contiguous = shape.iter().zip(strides).rev().all(|(length, stride)| {
        let fits = *stride == step;
        step *= length;
        fits
    });
    let bits = match dl.dtype {
        abi::DL_F32 => 32,
        abi::DL_F64 => 64,
        other => return invalid(format!("{here}: expected f32 or f64, found {other:?}")),
    };
    if !contiguous || !(dl.data as usize).is_multiple_of(usize::from(bits / 8)) {
        return invalid(format!("{here}: expected a contiguous, aligned tensor"));
    }
    Ok(Span {
        data: dl.data.cast(),
        len: layer.len(),
        bits,
    })
}

/// What is written may overlap nothing: not itself, not what is read.
pub(super) fn disjoint(out: &[Span], inputs: &[&Option<Vec<Span>>]) -> Result<(), Refused> {
    let written = out.iter().map(|s| (s.range(), true));
    let read = inputs
        .iter()
        .filter_map(|i| i.as_ref())
        .flatten()
        .map(|s| (s.range(), false));
    let mut ranges: Vec<_> = written.chain(read).filter(|(r, _)| !r.is_empty()).collect();
    ranges.sort_by_key(|(r, _)| r.start);
    // Ranges that are only read may coincide, so the furthest end of each sort is carried along.
    let (mut end_written, mut end_read) = (0, 0);
    for (range, writes) in ranges {
        if range.start < end_written || (writes && range.start < end_read) {
            return invalid("`out` overlaps itself, the point or the vector");
        }
        let end = if writes {
            &mut end_written
        } else {
            &mut end_read
        };
        *end = range.end.max(*end);
    }
    Ok(())
}

/// # Safety
/// Spans from [`read`], not written meanwhile.
pub(super) unsafe fn views<'a>(spans: &[Span]) -> Vec<View<'a>> {
    let view = |s: &Span| match s.bits {
        // SAFETY: aligned, `len` elements by the contract.
        32 => View::F32(unsafe { std::slice::from_raw_parts(s.data.cast(), s.len) }),
        // SAFETY: as above.
        _ => View::F64(unsafe { std::slice::from_raw_parts(s.data.cast(), s.len) }),
    };
    spans.iter().map(view).collect()
}

/// # Safety
/// Spans from [`read`] with `write`, disjoint, not used otherwise meanwhile.
pub(super) unsafe fn views_mut<'a>(spans: &[Span]) -> Vec<ViewMut<'a>> {
    let view = |s: &Span| match s.bits {
        // SAFETY: aligned, `len` writable elements by the contract.
        32 => ViewMut::F32(unsafe { std::slice::from_raw_parts_mut(s.data.cast(), s.len) }),
        // SAFETY: as above.
        _ => ViewMut::F64(unsafe { std::slice::from_raw_parts_mut(s.data.cast(), s.len) }),
    };
    spans.iter().map(view).collect()
}
