//! How many weights two masks keep in common by chance, and how far between chance and no change
//! an overlap lies.
use crate::{LayerMask, Mask};

/// Standard normal quantile of 97.5 %.
const Z: f64 = 1.959_963_984_540_054;

/// How many weights two masks share by chance if nothing but their counts in each layer is alike: a
/// sum of independent hypergeometric counts, one for each layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chance {
    /// The expected number of shared weights, Σ k·k'/n.
    pub mean: f64,
    /// The standard deviation of that sum.
    pub deviation: f64,
}

impl Chance {
    /// Half of the interval that holds 95 % (normal; mean and deviation are exact).
    pub fn width(&self) -> f64 {
        Z * self.deviation
    }
}

/// Chance for two masks with these counts in layers of these sizes, single weights being drawn.
/// Layers of other lengths are ignored.
pub fn chance(first: &[u64], second: &[u64], sizes: &[u64]) -> Chance {
    let layers = first.iter().zip(second).zip(sizes);
    chance_of_draws(layers.map(|((&k, &l), &n)| [k, l, n, 1]))
}

/// Chance for two masks: in a layer of which both keep or prune whole filters, filters are
/// drawn, else single weights.
pub fn chance_of_masks(first: &Mask, second: &Mask) -> Chance {
    let layers = first.layers.iter().zip(&second.layers);
    chance_of_draws(layers.map(|(a, b)| {
        let unit = match (filter(a), filter(b)) {
            (Some(unit), Some(_)) => unit,
            _ => 1,
        };
        [a.count(), b.count(), a.kept.len() as u64, unit]
    }))
}

/// How many weights a filter has, if each is kept or pruned whole.
fn filter(layer: &LayerMask) -> Option<u64> {
    let filters = *layer.shape.first().filter(|filters| **filters > 0)?;
    let length = layer.kept.len() / filters;
    let mut chunks = layer.kept.chunks_exact(length.max(1));
    let whole = chunks.all(|filter| filter.iter().all(|kept| *kept == filter[0]));
    whole.then_some(length.max(1) as u64)
}

/// Chance from four numbers for each layer: the kept weights of either mask, the weights of the
/// layer, and how many of them are drawn together.
fn chance_of_draws(layers: impl Iterator<Item = [u64; 4]>) -> Chance {
    let (mut mean, mut variance) = (0.0, 0.0);
    for [k, l, n, unit] in layers.filter(|[_, _, n, _]| *n > 0) {
        let [k, l, n, unit] = [k, l, n, unit].map(|x| x as f64);
        mean += k * l / n;
        if n > unit {
            // unit² times the variance of k/unit and l/unit things of n/unit.
            variance += unit * k * l * (n - k) * (n - l) / (n * n * (n - unit));
        }
    }
    Chance {
        mean,
        deviation: variance.sqrt(),
    }
}

/// (clean − check) / (clean − chance), of shares of `kept`: 0 no more change than another
/// batch makes, 1 chance. None where another batch itself lands on chance: there is nothing
/// between the anchors.
pub fn dependence_index(clean: f64, check: f64, chance: &Chance, kept: f64) -> Option<f64> {
    let mean = chance.mean / kept;
    let room = chance.width() / kept;
    // Adding 0 makes −0, which canonical JSON has no spelling for, plain.
    (clean > mean + room).then(|| (clean - check) / (clean - mean) + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jackpot_rng::{Key, permutation};

    #[test]
    fn chance_is_what_random_subsets_share() {
        let sizes = [40u64, 7, 90];
        let (first, second) = ([13u64, 7, 20], [20u64, 3, 0]);
        let expected = chance(&first, &second, &sizes);
        assert!((expected.mean - (13.0 * 20.0 / 40.0 + 3.0)).abs() < 1e-12);
        let draws = 4000;
        let mut found = Vec::new();
        for draw in 0..draws {
            let mut shared = 0u64;
            for (layer, &n) in sizes.iter().enumerate() {
                let key = Key::from_seed(9).fold(draw).fold(layer as u64);
                let chosen = |key: Key, k: u64| permutation(key, n as usize)[..k as usize].to_vec();
                let a = chosen(key.fold(1), first[layer]);
                let b = chosen(key.fold(2), second[layer]);
                shared += a.iter().filter(|x| b.contains(x)).count() as u64;
            }
            found.push(shared as f64);
        }
        let mean = found.iter().sum::<f64>() / draws as f64;
        let variance = found.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws as f64;
        assert!((mean - expected.mean).abs() < 5.0 * expected.deviation / (draws as f64).sqrt());
        assert!((variance.sqrt() / expected.deviation - 1.0).abs() < 0.06);
        let inside = found
            .iter()
            .filter(|x| (*x - expected.mean).abs() <= expected.width());
        let share = inside.count() as f64 / draws as f64;
        assert!((0.90..0.99).contains(&share), "{share}");
    }

    /// Two masks of one layer, of `filters` filters of 6 weights.
    fn of_filters(first: &[usize], second: &[usize], filters: usize) -> [Mask; 2] {
        [first, second].map(|chosen| Mask {
            layers: vec![LayerMask {
                name: "conv.weight".into(),
                shape: vec![filters, 2, 3, 1],
                kept: (0..6 * filters)
                    .map(|i| chosen.contains(&(i / 6)))
                    .collect(),
            }],
        })
    }

    #[test]
    fn whole_filters_are_drawn_whole() {
        // All pairs of 2 of 5 filters and 3 of 5.
        let subsets = |size: u32| -> Vec<Vec<usize>> {
            let all = (0u32..32).filter(|bits| bits.count_ones() == size);
            all.map(|bits| (0..5).filter(|i| bits >> i & 1 == 1).collect())
                .collect()
        };
        let mut found = Vec::new();
        for a in subsets(2) {
            for b in subsets(3) {
                let [a, b] = of_filters(&a, &b, 5);
                found.push(a.overlap(&b).unwrap().iter().sum::<u64>() as f64);
            }
        }
        let mean = found.iter().sum::<f64>() / found.len() as f64;
        let variance = found.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / found.len() as f64;
        let [a, mut b] = of_filters(&[0, 1], &[1, 2, 3], 5);
        let drawn = chance_of_masks(&a, &b);
        assert!((drawn.mean - mean).abs() < 1e-12);
        assert!((drawn.deviation - variance.sqrt()).abs() < 1e-12);
        // One weight of a filter more, and single weights are what is drawn.
        b.layers[0].kept[0] = true;
        let single = chance(&[12], &[19], &[30]);
        assert_eq!(chance_of_masks(&a, &b), single);
        assert!(single.deviation < 0.6 * drawn.deviation);
    }

    #[test]
    fn the_index_runs_from_another_batch_to_chance() {
        let chance = Chance {
            mean: 30.0,
            deviation: 2.0,
        };
        assert_eq!(dependence_index(0.5, 0.5, &chance, 100.0), Some(0.0));
        assert_eq!(dependence_index(0.5, 0.3, &chance, 100.0), Some(1.0));
        assert_eq!(
            dependence_index(0.33, 0.3, &chance, 100.0),
            None,
            "the anchors touch"
        );
    }
}
