//! Student's t.

use statrs::distribution::{ContinuousCDF, StudentsT};

fn student(df: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, df).expect("callers give positive degrees of freedom")
}

/// The quantile of Student's t with `df` > 0 degrees of freedom, for 0 < p < 1.
pub fn t_quantile(p: f64, df: f64) -> f64 {
    student(df).inverse_cdf(p)
}

/// The chance of a larger t.
pub fn p_greater(t: f64, df: f64) -> f64 {
    if t.is_infinite() {
        f64::from(u8::from(t < 0.0))
    } else {
        student(df).sf(t)
    }
}

/// The chance of a t that is further from 0.
pub fn p_two_sided(t: f64, df: f64) -> f64 {
    (2.0 * p_greater(t.abs(), df)).min(1.0)
}

/// Half the width of the two-sided interval of a mean of `n` values at `level` (0.95, say):
/// t((1 + level)/2, df) · sd / √n.
pub fn half_width(spread: crate::Spread, n: usize, level: f64) -> f64 {
    t_quantile(0.5 + level / 2.0, spread.df) * spread.sd / (n as f64).sqrt()
}
