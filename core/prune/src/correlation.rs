//! Correlation coefficients over layers.

/// The arithmetic mean. An empty slice has no mean.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Pearson's correlation, Σ(x − x̄)(y − ȳ) / √(Σ(x − x̄)² Σ(y − ȳ)²); None where a side is constant.
pub(crate) fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let (centre, other) = (mean(a)?, mean(b)?);
    let product = |x: &[f64], cx: f64, y: &[f64], cy: f64| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - cx) * (y - cy)).sum()
    };
    let scale = (product(a, centre, a, centre) * product(b, other, b, other)).sqrt();
    (scale > 1e-9).then(|| product(a, centre, b, other) / scale + 0.0)
}

/// Spearman's rank correlation with mid-ranks; None where either side is constant or there
/// are fewer than three values.
pub fn spearman(first: &[f64], second: &[f64]) -> Option<f64> {
    if first.len() < 3 || first.len() != second.len() {
        return None;
    }
    let (a, b) = (mid_ranks(first), mid_ranks(second));
    // Mid-ranks always average to this.
    let mean = (first.len() + 1) as f64 / 2.0;
    let product = |x: &[f64], y: &[f64]| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - mean) * (y - mean)).sum()
    };
    let scale = (product(&a, &a) * product(&b, &b)).sqrt();
    (scale > 0.0).then(|| product(&a, &b) / scale + 0.0)
}

/// Ranks from 1; equal values share the mean of theirs.
fn mid_ranks(values: &[f64]) -> Vec<f64> {
    let rank = |x: &f64| {
        let below = values.iter().filter(|y| *y < x).count() as f64;
        let equal = values.iter().filter(|y| *y == x).count() as f64;
        below + (equal + 1.0) / 2.0
    };
    values.iter().map(rank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_by_hand() {
        assert_eq!(mid_ranks(&[5.0, 1.0, 5.0, 7.0]), [2.5, 1.0, 2.5, 4.0]);
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[9.0, 5.0, 1.0]), Some(-1.0));
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[4.0, 4.0, 4.0]), None);
        // Of the four ranks 1, 2, 3, 4 against 1, 2.5, 2.5, 4: 4.5 / √(5 · 4.5).
        let tied = spearman(&[1.0, 2.0, 3.0, 4.0], &[1.0, 6.0, 6.0, 8.0]);
        assert!((tied.unwrap() - 4.5 / 22.5f64.sqrt()).abs() < 1e-12);
    }
}
