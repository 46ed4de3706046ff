//! What an item writes, and working memory of the same shape.
use crate::tensor::{Element, address};
use crate::{Error, Result};
use jackpot_abi::{jkp_run, jkp_tensor};
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// The host's output buffers. The accessor that fits the item's [`Output`](crate::Output)
/// gives one slice a tensor; every element must be written, the host notices if not.
#[derive(Debug)]
pub struct Out<'a>(&'a jkp_run);

impl<'a> Out<'a> {
    pub(crate) fn new(run: &'a jkp_run) -> Out<'a> {
        Out(run)
    }

    /// One score a weight, layer by layer; the larger is kept.
    pub fn scores(&mut self) -> Result<Vectors<'_>> {
        // SAFETY: the host's promise: n_out writable tensors, and `self` is borrowed.
        unsafe { Vectors::new(self.0.out, self.0.n_out) }
    }

    /// One byte a weight, layer by layer: 1 kept, 0 pruned.
    pub fn masks(&mut self) -> Result<Vec<&mut [u8]>> {
        self.slices()
    }

    /// How many weights to keep, one number per layer.
    pub fn counts(&mut self) -> Result<Vec<&mut i64>> {
        self.slices()?
            .into_iter()
            .map(|slice| {
                let found = slice.len();
                let expected =
                    || Error::internal(format!("a count has {found} elements, expected 1"));
                slice.first_mut().ok_or_else(expected)
            })
            .collect()
    }

    /// Weights, layer by layer.
    pub fn weights(&mut self) -> Result<Vec<&mut [f32]>> {
        self.slices()
    }

    /// The pixels of this block of rows, `[rows, C, H, W]`.
    pub fn images(&mut self) -> Result<&mut [u8]> {
        self.single()
    }

    /// One label a row.
    pub fn labels(&mut self) -> Result<&mut [i64]> {
        self.single()
    }

    /// One byte a row: 1 kept, 0 left out.
    pub fn subset(&mut self) -> Result<&mut [u8]> {
        self.single()
    }

    fn single<T: Element>(&mut self) -> Result<&mut [T]> {
        let mut all = self.slices()?;
        match (all.pop(), all.len()) {
            (Some(only), 0) => Ok(only),
            (_, rest) => Err(Error::internal(format!(
                "expected one output, found {}",
                rest + 1
            ))),
        }
    }

    fn slices<T: Element>(&mut self) -> Result<Vec<&mut [T]>> {
        // SAFETY: the host's promise: n_out tensors for the call.
        let all = unsafe { tensors(self.0.out, self.0.n_out) };
        all.iter()
            .map(|tensor| {
                let data = address::<T>(tensor)?;
                // SAFETY: n_elem writable elements that nobody else looks at while `self`
                // is borrowed, and the outputs do not overlap.
                Ok(unsafe { std::slice::from_raw_parts_mut(data, tensor.n_elem as usize) })
            })
            .collect()
    }
}

/// One f64 vector a prunable layer, in the host's memory: scores, gradients, directions.
/// `vectors[layer]` is a slice with one element a weight, row-major.
#[derive(Debug)]
pub struct Vectors<'a> {
    raw: *const *const jkp_tensor,
    layers: Vec<(*mut f64, usize)>,
    memory: PhantomData<&'a mut [f64]>,
}

impl<'a> Vectors<'a> {
    /// # Safety
    /// `raw` points at `n` writable tensors that do not overlap and that nobody else uses
    /// for `'a`, or is NULL.
    pub(crate) unsafe fn new(raw: *const *const jkp_tensor, n: u64) -> Result<Vectors<'a>> {
        // SAFETY: the caller's promise.
        let layers = unsafe { tensors(raw, n) }
            .iter()
            .map(|tensor| Ok((address::<f64>(tensor)?, tensor.n_elem as usize)))
            .collect::<Result<_>>()?;
        Ok(Vectors {
            raw,
            layers,
            memory: PhantomData,
        })
    }

    /// What the host's functions take.
    pub(crate) fn raw(&self) -> *const *const jkp_tensor {
        self.raw
    }

    /// How many layers.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// No layer at all.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// Each layer's values in turn.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        (0..self.len()).map(|layer| &self[layer])
    }

    /// Each layer's values in turn, to be changed.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = &mut [f64]> {
        self.layers.iter().map(|&(data, n)| {
            // SAFETY: `new` was promised; `self` is borrowed mutably and layers are apart.
            unsafe { std::slice::from_raw_parts_mut(data, n) }
        })
    }
}

impl Index<usize> for Vectors<'_> {
    type Output = [f64];
    fn index(&self, layer: usize) -> &[f64] {
        let (data, n) = self.layers[layer];
        // SAFETY: `new` was promised n readable elements for as long as `self` lives.
        unsafe { std::slice::from_raw_parts(data, n) }
    }
}

impl IndexMut<usize> for Vectors<'_> {
    fn index_mut(&mut self, layer: usize) -> &mut [f64] {
        let (data, n) = self.layers[layer];
        // SAFETY: as in `index`, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(data, n) }
    }
}

impl<'a> IntoIterator for Vectors<'a> {
    type Item = &'a mut [f64];
    type IntoIter = std::vec::IntoIter<&'a mut [f64]>;
    fn into_iter(self) -> Self::IntoIter {
        let slices: Vec<_> = self
            .layers
            .iter()
            // SAFETY: `new` was promised sole use for 'a, and `self` is consumed.
            .map(|&(data, n)| unsafe { std::slice::from_raw_parts_mut(data, n) })
            .collect();
        slices.into_iter()
    }
}

/// The tensors that a list points at.
///
/// # Safety
/// `raw` is NULL or points at `n` pointers to tensors that are valid for `'a`.
unsafe fn tensors<'a>(raw: *const *const jkp_tensor, n: u64) -> Vec<&'a jkp_tensor> {
    let n = if raw.is_null() { 0 } else { n as usize };
    // SAFETY: the caller's promise.
    (0..n).map(|i| unsafe { &**raw.add(i) }).collect()
}
