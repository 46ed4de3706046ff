//! The one rule of which types of numbers are read from files that users hand in.
//!
//! Weights, scores and the images of a batch are floating-point numbers of any width. Integers
//! are refused: a batch of bytes is one that was not scaled and normalised, and nothing in a
//! result would show it.

use half::{bf16, f16};
use safetensors::{Dtype, tensor::TensorView};

/// The types that [`numbers`] reads, in words.
pub const NUMBERS: &str = "F32, F64, F16 or BF16";

/// Whether a tensor of this type holds numbers as users may hand them in.
pub fn is_number(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F32 | Dtype::F64 | Dtype::F16 | Dtype::BF16)
}

/// The numbers of a tensor, row-major and exact; `None` if its type is not one that
/// [`is_number`] accepts.
pub fn numbers(view: &TensorView) -> Option<Vec<f64>> {
    let (two, _) = view.data().as_chunks::<2>();
    let (four, _) = view.data().as_chunks::<4>();
    let (eight, _) = view.data().as_chunks::<8>();
    Some(match view.dtype() {
        Dtype::F32 => four.iter().map(|b| f32::from_le_bytes(*b).into()).collect(),
        Dtype::F64 => eight.iter().map(|b| f64::from_le_bytes(*b)).collect(),
        Dtype::F16 => two.iter().map(|b| f16::from_le_bytes(*b).into()).collect(),
        Dtype::BF16 => two.iter().map(|b| bf16::from_le_bytes(*b).into()).collect(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floating_point_of_every_width_is_read_and_nothing_else() {
        let halves = |to: &dyn Fn(f32) -> [u8; 2]| [1.5, -0.25].map(|v: f32| to(v)).concat();
        let cases = [
            (Dtype::F32, [1.5f32, -0.25].map(f32::to_le_bytes).concat()),
            (Dtype::F64, [1.5f64, -0.25].map(f64::to_le_bytes).concat()),
            (Dtype::F16, halves(&|v| f16::from_f32(v).to_le_bytes())),
            (Dtype::BF16, halves(&|v| bf16::from_f32(v).to_le_bytes())),
        ];
        for (dtype, bytes) in cases {
            let view = TensorView::new(dtype, vec![2], &bytes).unwrap();
            assert!(is_number(dtype) && NUMBERS.contains(&format!("{dtype:?}")));
            assert_eq!(numbers(&view), Some(vec![1.5, -0.25]), "{dtype:?}");
        }
        let others = [
            Dtype::BOOL,
            Dtype::U8,
            Dtype::I8,
            Dtype::U16,
            Dtype::I16,
            Dtype::U32,
            Dtype::I32,
            Dtype::U64,
            Dtype::I64,
        ];
        for dtype in others {
            let bytes = vec![0; 2 * dtype.bitsize() / 8];
            let view = TensorView::new(dtype, vec![2], &bytes).unwrap();
            assert!(!is_number(dtype) && numbers(&view).is_none(), "{dtype:?}");
        }
    }
}
