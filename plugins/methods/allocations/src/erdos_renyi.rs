//! Erdős–Rényi: wide layers keep less, as a random graph of constant mean degree does.
//!
//! The density of a layer is proportional to (in + out) / (in · out) (Mocanu et al.,
//! "Scalable training of artificial neural networks with adaptive sparse connectivity
//! inspired by network science", 2018), and with the kernel to
//! (in + out + height + width) / (in · out · height · width) (ERK: Evci, Gale, Menick,
//! Castro and Elsen, "Rigging the lottery: making all tickets winners", 2020). Layers that
//! would be over 1 are whole, and the others share what is left in the same proportion,
//! until none is over: this is where [`share`] arrives at once, to the weight.
use crate::proportion::{Bounds, share};

/// Whether the kernel's height and width count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Erdős–Rényi: channels only.
    Left,
    /// ERK.
    Counted,
}

/// Counts that add up to `budget` for weights of these shapes, `[out, in]` or
/// `[out, in / groups, height, width]`; `budget` is at most their total.
pub fn counts(shapes: &[&[i64]], kernel: Kernel, budget: u64) -> Vec<u64> {
    let bounds: Vec<Bounds> = shapes
        .iter()
        .map(|shape| Bounds {
            wish: wish(shape, kernel),
            least: 0,
            most: shape.iter().product::<i64>() as u64,
        })
        .collect();
    share(&bounds, budget)
}

/// Density times size, but for one factor: (in + out) · height · width, and with the
/// kernel counted in + out + height + width.
fn wish(shape: &[i64], kernel: Kernel) -> f64 {
    let ends: i64 = shape.iter().take(2).sum();
    let wish = match kernel {
        Kernel::Left => ends * shape.iter().skip(2).product::<i64>(),
        Kernel::Counted => shape.iter().sum(),
    };
    wish as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the papers put it: make whole what is over 1, solve for the factor again.
    fn by_rounds(shapes: &[&[i64]], kernel: Kernel, budget: u64) -> Vec<f64> {
        let size = |shape: &[i64]| shape.iter().product::<i64>() as f64;
        let raw = |shape: &[i64]| match (kernel, shape) {
            (Kernel::Counted, &[o, i, h, w]) => (o + i + h + w) as f64 / size(shape),
            (_, &[o, i, ..]) => (o + i) as f64 / (o * i) as f64,
            _ => unreachable!("two or four numbers"),
        };
        let mut whole = vec![false; shapes.len()];
        loop {
            let taken: f64 = (shapes.iter().zip(&whole))
                .filter(|(_, whole)| **whole)
                .map(|(shape, _)| size(shape))
                .sum();
            let open: f64 = (shapes.iter().zip(&whole))
                .filter(|(_, whole)| !**whole)
                .map(|(shape, _)| raw(shape) * size(shape))
                .sum();
            let factor = (budget as f64 - taken) / open;
            let over: Vec<bool> = (shapes.iter().zip(&whole))
                .map(|(shape, &whole)| whole || factor * raw(shape) > 1.0)
                .collect();
            if over == whole {
                let count = |(shape, &whole): (&&[i64], &bool)| {
                    if whole {
                        size(shape)
                    } else {
                        factor * raw(shape) * size(shape)
                    }
                };
                return shapes.iter().zip(&whole).map(count).collect();
            }
            whole = over;
        }
    }

    fn check(shapes: &[&[i64]], kernel: Kernel, budget: u64) {
        let found = counts(shapes, kernel, budget);
        assert_eq!(found.iter().sum::<u64>(), budget);
        let expected = by_rounds(shapes, kernel, budget);
        for (found, expected) in found.iter().zip(&expected) {
            let off = (*found as f64 - expected).abs();
            assert!(off < 1.0 + 1e-6, "{found} against {expected}: {kernel:?}");
        }
    }

    /// By hand: 3 layers of 6, 36 and 12 weights; wishes 5, 12 and 7 of 24.
    #[test]
    fn a_whole_layer_hands_on_what_it_cannot_take() {
        let shapes: [&[i64]; 3] = [&[3, 2], &[6, 6], &[3, 4]];
        // 12 weights: a half of each wish.
        assert_eq!(counts(&shapes, Kernel::Left, 12), [3, 6, 3]);
        assert_eq!(counts(&shapes, Kernel::Left, 24), [5, 12, 7]);
        // 36: the first is whole at 6; 30 are shared 12 : 7, or 18.95 and 11.05.
        assert_eq!(counts(&shapes, Kernel::Left, 36), [6, 19, 11]);
        // 48: the last would take 15.5, so both are whole.
        assert_eq!(counts(&shapes, Kernel::Counted, 48), [6, 30, 12]);
        assert_eq!(counts(&shapes, Kernel::Counted, 54), [6, 36, 12]);
        // With a kernel: (1 + 2)·9 = 27 against 1 + 2 + 3 + 3 = 9.
        let shapes: [&[i64]; 2] = [&[1, 2, 3, 3], &[6, 3]];
        assert_eq!(counts(&shapes, Kernel::Left, 12), [9, 3]);
        assert_eq!(counts(&shapes, Kernel::Counted, 12), [6, 6]);
    }

    proptest! {
        #[test]
        fn counts_are_those_of_the_papers_rounds(
            layers in proptest::collection::vec((1i64..200, 1i64..200, 0i64..4), 1..20),
            kernel in any::<bool>(), share in 0.001..1.0f64
        ) {
            let shapes: Vec<Vec<i64>> = layers.iter().map(|&(o, i, k)| match k {
                0 => vec![o, i],
                k => vec![o, i, 2 * k - 1, 2 * k - 1],
            }).collect();
            let shapes: Vec<&[i64]> = shapes.iter().map(Vec::as_slice).collect();
            let total: i64 = shapes.iter().map(|s| s.iter().product::<i64>()).sum();
            let budget = (total as f64 * share) as u64;
            check(&shapes, if kernel { Kernel::Counted } else { Kernel::Left }, budget);
        }
    }
}
