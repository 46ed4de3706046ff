//! How kept weights are allocated to layers: with depth, and how far apart two allocations are.

use crate::correlation::{mean, pearson, spearman};
use jackpot_net::{Layer, LayerRole, Network};

/// Total variation of two allocations, ½ Σ |k/K − k'/K'|: 0 the same, 1 disjoint.
pub fn allocation_distance(first: &[u64], second: &[u64]) -> f64 {
    let total = |counts: &[u64]| counts.iter().sum::<u64>() as f64;
    let (all, others) = (total(first), total(second));
    let apart = first.iter().zip(second);
    let apart = apart.map(|(&k, &l)| (k as f64 / all - l as f64 / others).abs());
    0.5 * apart.sum::<f64>() + 0.0
}

/// Rank correlation of the kept share with depth, over convolutions in forward order, projections
/// left out. None where it is not defined (see [`spearman`]).
pub fn depth_correlation(network: &Network, counts: &[u64]) -> Option<f64> {
    let main = |l: &Layer| l.role == LayerRole::Conv && !l.shortcut;
    let layers = network.layers.iter().zip(counts);
    let shares: Vec<f64> = layers
        .filter(|(l, _)| main(l))
        .map(|(l, kept)| *kept as f64 / l.len() as f64)
        .collect();
    let depths: Vec<f64> = (0..shares.len()).map(|at| at as f64).collect();
    spearman(&depths, &shares)
}

/// The kept share of the layers that are meant, taken together. None if no layer is meant.
pub fn kept_share(
    network: &Network,
    counts: &[u64],
    meant: impl Fn(&Layer) -> bool,
) -> Option<f64> {
    let layers = network.layers.iter().zip(counts).filter(|(l, _)| meant(l));
    let (all, kept) = layers.fold((0, 0), |(all, kept), (l, k)| {
        (all + l.len() as u64, kept + k)
    });
    (all > 0).then(|| kept as f64 / all as f64)
}

/// Name, weights, kept weights of each layer, in forward order.
pub type KeptOfLayers = [(String, u64, u64)];

/// Two masks' kept shares compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AllocationDifference {
    /// The largest absolute difference of a layer's kept share, in points.
    pub largest: f64,
    /// The mean absolute difference over layers (the L1 distance over their number), in points.
    pub mean: f64,
    /// Pearson's correlation of the shares over layers; None where one side is constant.
    pub correlation: Option<f64>,
    /// ½ Σ |k/K − k'/K'|: the share of all kept weights that lie in other layers.
    pub moved: f64,
}

impl AllocationDifference {
    /// The difference; None for masks of other layers, or without any.
    pub fn of(one: &KeptOfLayers, other: &KeptOfLayers) -> Option<AllocationDifference> {
        let alike = |(a, b): (&(String, u64, u64), &(String, u64, u64))| a.0 == b.0 && a.1 == b.1;
        if one.is_empty() || one.len() != other.len() || !one.iter().zip(other).all(alike) {
            return None;
        }
        let shares = |layers: &KeptOfLayers| -> Vec<f64> {
            let share = |(_, all, kept): &(String, u64, u64)| 100.0 * *kept as f64 / *all as f64;
            layers.iter().map(share).collect()
        };
        let counts = |layers: &KeptOfLayers| layers.iter().map(|l| l.2).collect::<Vec<u64>>();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(kept: [u64; 3]) -> Vec<(String, u64, u64)> {
        let layer = |(i, kept): (usize, u64)| (format!("layer {i}"), [10, 20, 40][i], kept);
        kept.into_iter().enumerate().map(layer).collect()
    }

    #[test]
    fn distances_by_hand() {
        assert_eq!(allocation_distance(&[1, 1], &[3, 3]), 0.0);
        assert_eq!(allocation_distance(&[4, 0], &[0, 9]), 1.0);
        assert_eq!(allocation_distance(&[1, 3], &[2, 2]), 0.25);
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
