//! Alpha over planned looks.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

/// How much of alpha may be spent by a share of the information (Lan and DeMets 1983).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spending {
    /// 2 − 2Φ(z(1 − α/2)/√share): nearly nothing at first.
    #[default]
    ObrienFleming,
    /// α ln(1 + (e − 1) share): about evenly.
    Pocock,
}

/// Alpha that is spent when this `share` of the seeds, above 0 to 1, has been seen.
pub fn spent(spending: Spending, alpha: f64, share: f64) -> f64 {
    match spending {
        Spending::ObrienFleming => {
            let normal = Normal::standard();
            let z = normal.inverse_cdf(1.0 - alpha / 2.0);
            2.0 * normal.sf(z / share.sqrt())
        }
        Spending::Pocock => alpha * (1.0 + (std::f64::consts::E - 1.0) * share).ln(),
    }
}

/// The level of the look at `n` seeds: what is spent by it less what the looks before it could
/// spend. By the union bound all looks together err with at most alpha, whatever the correlation
/// between them; the exact boundaries are a little wider and need normal data with a known variance.
/// None when no look is planned at `n`. `looks` rise.
pub fn level(spending: Spending, alpha: f64, looks: &[u32], n: u32) -> Option<f64> {
    let last = f64::from(*looks.last()?);
    let at = looks.iter().position(|look| *look == n)?;
    let by = |look: u32| spent(spending, alpha, f64::from(look) / last);
    let before = match at {
        0 => 0.0,
        _ => by(looks[at - 1]),
    };
    Some(by(n) - before)
}
