//! What a number of seeds can settle.

use crate::{student::t_quantile, verdict::Claim};
use statrs::distribution::{ContinuousCDF, Normal};
use statrs::function::gamma::ln_gamma;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The power that "settles" means.
pub const POWER: f64 = 0.8;

/// The chance that the claim's test settles at `margin`, with `n` seeds, a difference of standard
/// deviation 1 that is estimated with `df` degrees of freedom, at level `alpha` a side.
///
/// Equivalence and non-inferiority: the margin's chance to be kept when the true difference is 0.
/// Superiority: the chance to see a true difference of `margin` in a two-sided test.
///
/// Given s, the mean is normal: the chance is ∫ P(settled | s) f(s) ds over the law of the
/// estimated deviation, s² ~ χ²(df)/df (Phillips 1990, for the two one-sided tests).
pub fn power(claim: Claim, margin: f64, n: usize, df: f64, alpha: f64) -> f64 {
    let normal = Normal::standard();
    let far = margin * (n as f64).sqrt();
    let t = match claim {
        Claim::Superiority => t_quantile(1.0 - alpha / 2.0, df),
        _ => t_quantile(1.0 - alpha, df),
    };
    if t.is_infinite() {
        return 0.0; // a first look that spends next to nothing: 1 − alpha rounds to 1
    }
    let given = |s: f64| match claim {
        Claim::Equivalence => (2.0 * normal.cdf(far - t * s) - 1.0).max(0.0),
        Claim::NonInferiority => normal.cdf(far - t * s),
        Claim::Superiority => normal.cdf(far - t * s) + normal.cdf(-far - t * s),
    };
    let law = |s: f64| deviation_density(s, df);
    let mut end = 1.0 + 12.0 / (2.0 * df).sqrt();
    if claim == Claim::Equivalence {
        end = end.min(far / t); // beyond it nothing settles: a kink, where Simpson's rule is poor
    }
    simpson(end, |s| given(s) * law(s))
}

/// The density of s where s² ~ χ²(df)/df, for s > 0; its limit at 0 is 0 for df > 1.
fn deviation_density(s: f64, df: f64) -> f64 {
    if s <= 0.0 {
        return if df > 1.0 {
            0.0
        } else {
            (2.0 / std::f64::consts::PI).sqrt()
        };
    }
    let half = df / 2.0;
    let log = std::f64::consts::LN_2 + half * half.ln() - ln_gamma(half) + (df - 1.0) * s.ln();
    (log - half * s * s).exp()
}

/// ∫ f over 0 to `end` by Simpson's rule on 512 intervals.
fn simpson(end: f64, f: impl Fn(f64) -> f64) -> f64 {
    const INTERVALS: usize = 512;
    let step = end / INTERVALS as f64;
    let inner = (1..INTERVALS).map(|i| {
        let weight = if i % 2 == 1 { 4.0 } else { 2.0 };
        weight * f(i as f64 * step)
    });
    step / 3.0 * (f(0.0) + inner.sum::<f64>() + f(end))
}

/// The smallest margin (of superiority: the smallest difference) that `n` seeds settle with
/// power [`POWER`], in units of the difference's standard deviation. By bisection, to 10⁻⁶ of itself.
/// Infinite where `alpha` is too small for any.
///
/// The cells of a table share few values of its arguments and ask for many: what was found is kept.
pub fn smallest_margin(claim: Claim, n: usize, df: f64, alpha: f64) -> f64 {
    static FOUND: Mutex<BTreeMap<(Claim, usize, u64, u64), f64>> = Mutex::new(BTreeMap::new());
    let key = (claim, n, df.to_bits(), alpha.to_bits());
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    *found
        .entry(key)
        .or_insert_with(|| bisected(claim, n, df, alpha))
}

fn bisected(claim: Claim, n: usize, df: f64, alpha: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while power(claim, high, n, df, alpha) < POWER {
        low = high;
        high *= 2.0;
        if high.is_infinite() {
            return high;
        }
    }
    while high - low > 1e-6 * high {
        let middle = (low + high) / 2.0;
        if power(claim, middle, n, df, alpha) < POWER {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}
