//! Means, standard deviations, and one variance shared by many cells.

/// The arithmetic mean; none of an empty slice.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The sample standard deviation, with n − 1 in the denominator; none under two values.
pub fn sample_sd(values: &[f64]) -> Option<f64> {
    let squares = squares(values)?;
    (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

/// Σ(x − mean)²; none of an empty slice.
fn squares(values: &[f64]) -> Option<f64> {
    let centre = mean(values)?;
    Some(values.iter().map(|x| (x - centre) * (x - centre)).sum())
}

/// Pearson's correlation; none under three pairs, or where one side does not vary.
pub fn correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    if pairs.len() < 3 {
        return None;
    }
    let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (cx, cy) = (mean(&x)?, mean(&y)?);
    let cross: f64 = pairs.iter().map(|(a, b)| (a - cx) * (b - cy)).sum();
    let scale = (squares(&x)? * squares(&y)?).sqrt();
    (scale > 0.0).then(|| (cross / scale).clamp(-1.0, 1.0))
}

/// A standard deviation and how well it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The standard deviation, in the unit of the values.
    pub sd: f64,
    /// Degrees of freedom of Student's t; not always whole, see [`pooled`].
    pub df: f64,
}

/// The spread of one sample; `None` under two values.
pub fn own(values: &[f64]) -> Option<Spread> {
    sample_sd(values).map(|sd| Spread {
        sd,
        df: (values.len() - 1) as f64,
    })
}

/// Differences of one cell, for a pool.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// What was subtracted from what, as numbers that the caller gives to arms.
    pub arms: [usize; 2],
    /// The seed of each difference; pairs of cells share what a seed gave.
    pub seeds: &'a [u64],
    /// One difference per seed.
    pub values: &'a [f64],
}

/// The standard deviation within groups that are taken to share one variance:
/// s² = Σᵢ(nᵢ − 1)sᵢ² / Σᵢ(nᵢ − 1); groups of one value add nothing, none if no group has two.
///
/// Two differences that share an arm are correlated (ρ = ±½ where arms vary alike and
/// independently but for what the pair shares), so their squares do not count as two. The degrees
/// of freedom are those of the χ² with the same mean and variance (Satterthwaite 1946):
/// (Σνᵢ)² / Σᵢⱼ ρᵢⱼ² tr(PᵢPⱼ), Pᵢ the centring of group i's seeds. Without shared arms this is Σνᵢ.
pub fn pooled(groups: &[Group]) -> Option<Spread> {
    let used: Vec<&Group> = groups.iter().filter(|g| g.values.len() > 1).collect();
    let freedom: f64 = used.iter().map(|g| (g.values.len() - 1) as f64).sum();
    if used.is_empty() {
        return None;
    }
    let squares: f64 = used.iter().filter_map(|g| squares(g.values)).sum();
    let mut variance = 0.0;
    for a in &used {
        for b in &used {
            variance += alike(a, b) * overlap(a, b);
        }
    }
    Some(Spread {
        sd: (squares / freedom).sqrt(),
        df: freedom * freedom / variance,
    })
}

/// ρ² of the differences of two cells: 1 of one pair of arms, ¼ where they share one arm.
fn alike(a: &Group, b: &Group) -> f64 {
    let shared = a.arms.iter().filter(|arm| b.arms.contains(arm)).count();
    match shared {
        0 => 0.0,
        1 => 0.25,
        _ => 1.0,
    }
}

/// tr(PᵢPⱼ): n − 1 of the same seeds, 0 of disjoint ones.
fn overlap(a: &Group, b: &Group) -> f64 {
    let common = a.seeds.iter().filter(|s| b.seeds.contains(s)).count() as f64;
    let (n, m) = (a.values.len() as f64, b.values.len() as f64);
    common - common / n - common / m + common * common / (n * m)
}
