//! Means, standard deviations and Student's t-intervals.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The arithmetic mean; none of an empty slice.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The sample standard deviation, with n − 1 in the denominator; none under two values.
pub fn sample_sd(values: &[f64]) -> Option<f64> {
    let centre = mean(values)?;
    let squares: f64 = values.iter().map(|x| (x - centre) * (x - centre)).sum();
    (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

/// A standard deviation and its degrees of freedom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// In the unit of the values.
    pub sd: f64,
    /// Degrees of freedom: what multiplies into Student's t.
    pub df: usize,
}

/// The standard deviation within groups that are taken to share one variance:
/// s² = Σ(nᵢ − 1)sᵢ² / Σ(nᵢ − 1), with Σ(nᵢ − 1) degrees of freedom.
/// Groups of one value add nothing; none if no group has two.
pub fn pooled_sd<'a>(groups: impl IntoIterator<Item = &'a [f64]>) -> Option<Spread> {
    let (mut squares, mut df) = (0.0, 0);
    for group in groups {
        if let Some(sd) = sample_sd(group) {
            squares += sd * sd * (group.len() - 1) as f64;
            df += group.len() - 1;
        }
    }
    (df > 0).then(|| Spread {
        sd: (squares / df as f64).sqrt(),
        df,
    })
}

/// The quantile of Student's t with `df` degrees of freedom, for 0 < p < 1 and df ≥ 1.
pub fn t_quantile(p: f64, df: usize) -> f64 {
    StudentsT::new(0.0, 1.0, df as f64)
        .expect("callers give at least one degree of freedom")
        .inverse_cdf(p)
}

/// Half the width of the two-sided interval of a mean of `n` values at `level` (0.95, say):
/// t((1 + level)/2, df) · sd / √n.
pub fn half_width(spread: Spread, n: usize, level: f64) -> f64 {
    t_quantile(0.5 + level / 2.0, spread.df) * spread.sd / (n as f64).sqrt()
}

/// Six decimals, with no negative zero: what tables hold, so that a last bit that differs
/// between two mathematics libraries does not reach a file.
pub(crate) fn settle(x: f64) -> f64 {
    (x * 1e6).round() / 1e6 + 0.0
}
