//! Whether cells share one variance.

use crate::sample::mean;
use statrs::distribution::{ContinuousCDF, FisherSnedecor};

/// The test of Brown and Forsythe (1974): an analysis of variance of the distances to each
/// group's median.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BrownForsythe {
    /// The ratio of mean squares between and within groups.
    pub f: f64,
    /// Groups − 1, and values − groups.
    pub df: [usize; 2],
    /// Small: the groups do not share one variance.
    pub p: f64,
}

/// None under two groups of two values, or where nothing varies. Groups of one value are left out.
/// Groups that share an arm are not independent, so p is a guide and no test of its nominal size.
pub fn brown_forsythe(groups: &[&[f64]]) -> Option<BrownForsythe> {
    let used = groups.iter().filter(|g| g.len() > 1);
    let distances: Vec<Vec<f64>> = used
        .map(|g| {
            let centre = median(g);
            g.iter().map(|x| (x - centre).abs()).collect()
        })
        .collect();
    let (k, n) = (
        distances.len(),
        distances.iter().map(Vec::len).sum::<usize>(),
    );
    if k < 2 || n <= k {
        return None;
    }
    let all = mean(&distances.concat())?;
    let (mut between, mut within) = (0.0, 0.0);
    for group in &distances {
        let centre = mean(group)?;
        between += group.len() as f64 * (centre - all) * (centre - all);
        within += group
            .iter()
            .map(|x| (x - centre) * (x - centre))
            .sum::<f64>();
    }
    let df = [k - 1, n - k];
    let f = (between / df[0] as f64) / (within / df[1] as f64);
    let law = FisherSnedecor::new(df[0] as f64, df[1] as f64).ok()?;
    f.is_finite().then(|| BrownForsythe {
        f,
        df,
        p: law.sf(f),
    })
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
        _ => sorted[middle],
    }
}
