//! Paired differences: the same seed of two cells, one minus the other.
//!
//! A ticket and its check share every key of a seed but the check's own, so what the seed gave to
//! both drops out. Each interval is Student's, with the standard deviation of paired differences
//! pooled over the cells of one contrast and one sparsity. Cells with collapsed or diverged runs
//! vary on another scale: they stay out of the pool and get an interval of their own.

use crate::cells::{Cell, Grid, UNMODIFIED};
use jackpot_stats::{Spread, half_width, mean, own};
use jackpot_store::Digest;

/// The confidence of every interval in a report.
pub(crate) const LEVEL: f64 = 0.95;
/// The ticket that other tickets are compared with: random scores with smart-ratio allocation.
pub(crate) const SMART: &str = "smart";
/// The positive control: random scores with uniform allocation.
pub(crate) const UNIFORM: &str = "uniform";
/// The check that is an A/A control on random tickets.
pub(crate) const REARRANGE: &str = "rearrange";

/// What is subtracted from what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contrast {
    /// A ticket under a check − the unmodified ticket.
    Check,
    /// An unmodified ticket − the smart random ticket.
    Smart,
}

/// The part that a cell plays in its study.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Question,
    /// Both arms have the same law: what shows is noise.
    SameLaw,
    /// A difference is expected; where none shows, the cell could not have seen one.
    Positive,
}

/// One cell minus another, seed by seed.
pub(crate) struct Pair<'g, 'a> {
    pub contrast: Contrast,
    pub cell: &'g Cell<'a>,
    pub role: Role,
    /// Over the seeds that both arms finished with different recipes.
    pub accuracy: Vec<f64>,
    pub loss: Vec<f64>,
    /// Of the trainings behind the differences, both arms'.
    pub keys: Vec<Digest>,
    /// Seeds whose arms are one training, by construction.
    pub identical: usize,
    pub because: Option<&'a str>,
    pub asked: usize,
    /// True when a run of either arm collapsed or diverged.
    pub unlike: bool,
}

/// What the seeds of a pair say about a mean difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    pub mean: f64,
    /// None when no cell has two differences.
    pub spread: Option<Spread>,
    /// Half the interval's width, where there is a spread.
    pub half: Option<f64>,
}

impl Estimate {
    /// None without values.
    pub fn of(values: &[f64], spread: Option<Spread>) -> Option<Estimate> {
        Some(Estimate {
            mean: mean(values)?,
            spread,
            half: spread.map(|s| half_width(s, values.len(), LEVEL)),
        })
    }
}

/// Both estimates of a pair; none where it has no differences to show.
pub(crate) struct Estimated<'g, 'a> {
    pub pair: Pair<'g, 'a>,
    pub accuracy: Option<Estimate>,
    pub loss: Option<Estimate>,
}

/// All pairs of a contrast at one sparsity, in the grid's order.
pub(crate) fn estimates<'g, 'a>(
    grid: &'g Grid<'a>,
    contrast: Contrast,
    sparsity: &str,
) -> Vec<Estimated<'g, 'a>> {
    let pairs: Vec<_> = grid
        .at(sparsity)
        .filter_map(|c| pair(grid, contrast, c))
        .collect();
    let pooled = || pairs.iter().filter(|p| !p.unlike);
    let accuracy = pooled_sd(pooled().map(|p| p.accuracy.as_slice()));
    let loss = pooled_sd(pooled().map(|p| p.loss.as_slice()));
    let estimate = |values: &[f64], unlike: bool, pool: Option<Spread>| {
        Estimate::of(values, if unlike { own(values) } else { pool })
    };
    let estimated = pairs.into_iter().map(|pair| Estimated {
        accuracy: estimate(&pair.accuracy, pair.unlike, accuracy),
        loss: estimate(&pair.loss, pair.unlike, loss),
        pair,
    });
    estimated.collect()
}

/// The standard deviation within groups that are taken to share one variance:
/// s² = Σνᵢsᵢ² / Σνᵢ, with Σνᵢ degrees of freedom whatever arms the groups share, unlike
/// [`jackpot_stats::pooled`].
/// Groups of one value add nothing; none if no group has two.
fn pooled_sd<'v>(groups: impl Iterator<Item = &'v [f64]>) -> Option<Spread> {
    let spreads: Vec<Spread> = groups.filter_map(own).collect();
    let df: f64 = spreads.iter().map(|s| s.df).sum();
    let squares: f64 = spreads.iter().map(|s| s.sd * s.sd * s.df).sum();
    (df > 0.0).then(|| Spread {
        sd: (squares / df).sqrt(),
        df,
    })
}

fn pair<'g, 'a>(
    grid: &'g Grid<'a>,
    contrast: Contrast,
    cell: &'g Cell<'a>,
) -> Option<Pair<'g, 'a>> {
    let base = match contrast {
        Contrast::Check => cell.check.and_then(|_| grid.unmodified(cell))?,
        Contrast::Smart if cell.check.is_some() || cell.ticket.name == SMART => return None,
        Contrast::Smart => grid.cell(cell.sparsity, SMART, UNMODIFIED)?,
    };
    let mut pair = Pair {
        contrast,
        cell,
        role: role(contrast, cell),
        accuracy: Vec::new(),
        loss: Vec::new(),
        keys: Vec::new(),
        identical: 0,
        because: cell.identical(),
        asked: cell.runs.len(),
        unlike: false,
    };
    for (seed, arm) in cell.trained() {
        let Some(other) = base.of_seed(seed) else {
            continue;
        };
        if arm.key == other.key {
            pair.identical += 1;
            continue;
        }
        pair.keys.extend([arm.key, other.key]);
        pair.accuracy.push(arm.accuracy - other.accuracy);
        pair.loss.push(arm.test_loss - other.test_loss);
        pair.unlike |= !(grid.learned(arm) && grid.learned(other));
    }
    if pair.because.is_some() {
        pair.identical = pair.asked;
    }
    if pair.loss.iter().any(|x| !x.is_finite()) {
        pair.loss.clear();
    }
    Some(pair)
}

fn role(contrast: Contrast, cell: &Cell<'_>) -> Role {
    let random = cell.ticket.name == SMART || cell.ticket.name == UNIFORM;
    match contrast {
        Contrast::Check if random && cell.check_name() == REARRANGE => Role::SameLaw,
        Contrast::Smart if cell.ticket.name == UNIFORM => Role::Positive,
        _ => Role::Question,
    }
}

#[cfg(test)]
mod tests {
    use super::pooled_sd;
    use serde_json::Value;

    #[test]
    fn pooled_deviations_are_numpys() {
        let fixture = include_str!("../../../core/stats/tests/fixture.json");
        let fixture: Value = serde_json::from_str(fixture).unwrap();
        let samples = &fixture["samples"];
        let groups: Vec<Vec<f64>> = serde_json::from_value(samples["groups"].clone()).unwrap();
        let spread = pooled_sd(groups.iter().map(Vec::as_slice)).unwrap();
        assert!((spread.sd - samples["pooled"][0].as_f64().unwrap()).abs() <= 1e-9);
        assert_eq!(Some(spread.df), samples["pooled"][1].as_f64());
        assert_eq!(
            pooled_sd([&[1.0][..], &[2.0][..], &[][..]].into_iter()),
            None
        );
    }
}
