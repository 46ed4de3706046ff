//! The difference between the allocations of two masks: the shares of each layer that they keep.

use jackpot_stats::mean;
use jackpot_study::allocation_distance;

/// The name, the number of weights and the number of kept weights of each layer, in forward order.
type Layers = [(String, u64, u64)];

/// The kept shares of two masks, compared layer by layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct AllocationDifference {
    /// The largest absolute difference of a layer's kept share, in points.
    pub largest: f64,
    /// The mean absolute difference over layers (the L1 distance over their number), in points.
    pub mean: f64,
    /// Pearson's correlation of the shares over layers, or `None` if one side is constant.
    pub correlation: Option<f64>,
    /// ½ Σ |k/K − k'/K'|: the share of all kept weights that lie in other layers.
    pub moved: f64,
}

impl AllocationDifference {
    /// Compares two masks. `None` if their layers differ or there are none.
    pub fn of(one: &Layers, other: &Layers) -> Option<AllocationDifference> {
        let alike = |(a, b): (&(String, u64, u64), &(String, u64, u64))| a.0 == b.0 && a.1 == b.1;
        if one.is_empty() || one.len() != other.len() || !one.iter().zip(other).all(alike) {
            return None;
        }
        let shares = |layers: &Layers| -> Vec<f64> {
            let share = |(_, all, kept): &(String, u64, u64)| 100.0 * *kept as f64 / *all as f64;
            layers.iter().map(share).collect()
        };
        let counts = |layers: &Layers| layers.iter().map(|l| l.2).collect::<Vec<u64>>();
        let (a, b) = (shares(one), shares(other));
        let apart: Vec<f64> = a.iter().zip(&b).map(|(x, y)| (x - y).abs()).collect();
        Some(AllocationDifference {
            largest: apart.iter().copied().fold(0.0, f64::max),
            mean: mean(&apart)?,
            correlation: pearson(&a, &b),
            moved: allocation_distance(&counts(one), &counts(other)),
        })
    }
}

/// Σ(x − x̄)(y − ȳ) / √(Σ(x − x̄)² Σ(y − ȳ)²).
fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let (centre, other) = (mean(a)?, mean(b)?);
    let product = |x: &[f64], cx: f64, y: &[f64], cy: f64| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - cx) * (y - cy)).sum()
    };
    let scale = (product(a, centre, a, centre) * product(b, other, b, other)).sqrt();
    (scale > 1e-9).then(|| product(a, centre, b, other) / scale + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(kept: [u64; 3]) -> Vec<(String, u64, u64)> {
        let layer = |(i, kept): (usize, u64)| (format!("layer {i}"), [10, 20, 40][i], kept);
        kept.into_iter().enumerate().map(layer).collect()
    }

    /// Shares 50, 25, 10 % against 50, 50, 5 %: differences 0, 25 and 5 points. Of 14 and 17 kept
    /// weights: ½ (|5/14 − 5/17| + |5/14 − 10/17| + |4/14 − 2/17|) = 55/238.
    #[test]
    fn by_hand() {
        let apart = AllocationDifference::of(&layers([5, 5, 4]), &layers([5, 10, 2])).unwrap();
        assert!((apart.largest - 25.0).abs() < 1e-12);
        assert!((apart.mean - 10.0).abs() < 1e-12);
        assert!((apart.moved - 55.0 / 238.0).abs() < 1e-12);
        // Centred: (65, −10, −55)/3 and (15, 15, −30): 2475 / √(7350 · 1350) · 3/3.
        let expected: f64 = (65.0 * 15.0 - 10.0 * 15.0 + 55.0 * 30.0) / 3.0;
        let scale = ((65.0f64.powi(2) + 100.0 + 55.0f64.powi(2)) / 9.0 * 1350.0).sqrt();
        assert!((apart.correlation.unwrap() - expected / scale).abs() < 1e-12);
    }

    #[test]
    fn the_same_shares_are_nothing_apart_and_other_layers_are_not_compared() {
        let same = AllocationDifference::of(&layers([5, 5, 4]), &layers([5, 5, 4])).unwrap();
        assert_eq!((same.largest, same.mean, same.moved), (0.0, 0.0, 0.0));
        assert!((same.correlation.unwrap() - 1.0).abs() < 1e-12);
        let uniform = AllocationDifference::of(&layers([1, 2, 4]), &layers([5, 5, 4])).unwrap();
        assert_eq!(uniform.correlation, None, "one side is constant");
        let mut other = layers([5, 5, 4]);
        other[1].1 = 21;
        assert_eq!(AllocationDifference::of(&layers([5, 5, 4]), &other), None);
        assert_eq!(AllocationDifference::of(&[], &[]), None);
    }
}
