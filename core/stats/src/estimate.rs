//! From pairs to means, intervals and p-values.

use crate::sample::{Group, Spread, correlation, mean, own, pooled};
use crate::smallest_margin;
use crate::student::{half_width, p_greater, p_two_sided};
use crate::verdict::{Better, Claim};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Two runs of one seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Seed of the study.
    pub seed: u64,
    /// What the first arm gave.
    pub plus: f64,
    /// What is subtracted from it.
    pub minus: f64,
    /// How far from 0 counts as no difference, above 0; `None` if it is not known. A share of a gap
    /// has another value for each seed, and is tested as one linear contrast with the difference.
    pub margin: Option<f64>,
}

impl Pair {
    /// The first arm less the second.
    pub fn difference(&self) -> f64 {
        self.plus - self.minus
    }
}

/// One cell of a table: the comparison of two arms over their seeds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Numbers of the two arms: cells that share one are not independent.
    pub arms: [usize; 2],
    /// Which test is asked for.
    pub claim: Claim,
    /// Cells of one family are corrected together.
    pub family: String,
    /// Which way is good.
    pub better: Better,
    /// Cells of one pool share a variance; without a pool the cell uses its own.
    pub pool: Option<String>,
    /// Pairs that were measured.
    pub pairs: Vec<Pair>,
    /// The two arms are one run, by construction: nothing is measured.
    pub identical: bool,
    /// Pairs that are asked for and not run yet: to judge before them would be to peek.
    pub unfinished: usize,
    /// What says that this cell could have seen a difference.
    pub control: Control,
    /// Places in the list of the cells whose mean this one is; empty if it is no average.
    pub parts: Vec<usize>,
}

/// What says that a cell could have seen a difference that matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Control {
    /// Nothing is needed: the cell is a control itself, or an average, whose parts have theirs.
    #[default]
    NotNeeded,
    /// A positive control is needed, and there is none.
    Missing,
    /// The positive control at this place in the list of cells.
    At(usize),
}

/// Where a cell's standard deviation comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variance {
    /// Each cell's own. It errs as stated however unlike the cells vary.
    #[default]
    Cell,
    /// One for all cells of a table and sparsity that did not collapse. Where they do not vary
    /// alike, quiet cells lose what they show, and noisy ones show what is not there.
    Pooled,
}

/// What holds for a whole table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Level of every test, after correction; `None` if no look is planned at this number of seeds.
    pub level: Option<f64>,
    /// Where standard deviations come from.
    pub variance: Variance,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            level: Some(0.05),
            variance: Variance::default(),
        }
    }
}

/// What the pairs of a cell say, before any correction. A number is `None` where there are too
/// few values for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Number of pairs.
    pub n: usize,
    /// Mean difference; `None` without pairs.
    pub mean: Option<f64>,
    /// Spread of the differences, pooled or the cell's own.
    pub spread: Option<Spread>,
    /// Student's 90 % interval of the mean.
    pub interval90: Option<[f64; 2]>,
    /// Student's 95 % interval of the mean.
    pub interval95: Option<[f64; 2]>,
    /// The two-sided p of no difference.
    pub p_difference: Option<f64>,
    /// The larger p of the two one-sided tests (Schuirmann 1987) that the difference lies within
    /// the margin.
    pub p_equivalence: Option<f64>,
    /// The one-sided p that the first arm is not worse by the margin or more.
    pub p_noninferior: Option<f64>,
    /// The whole 95 % interval lies outside the margin.
    pub beyond: bool,
    /// The mean margin over the seeds.
    pub margin: Option<f64>,
    /// Correlation between the arms, over seeds.
    pub correlation: Option<f64>,
    /// What this n settles with power [`crate::POWER`], in the unit of the values.
    pub smallest_margin: Option<f64>,
}

/// A cell's values as the three linear contrasts that are tested.
struct Contrasts {
    seeds: Vec<u64>,
    /// plus − minus, and that plus the margin, and the margin less that.
    difference: Vec<f64>,
    above: Option<Vec<f64>>,
    below: Option<Vec<f64>>,
}

impl Contrasts {
    fn of(cell: &Comparison) -> Contrasts {
        let of = |f: &dyn Fn(&Pair) -> Option<f64>| cell.pairs.iter().map(f).collect();
        Contrasts {
            seeds: cell.pairs.iter().map(|p| p.seed).collect(),
            difference: cell.pairs.iter().map(Pair::difference).collect(),
            above: of(&|p| Some(p.margin? + p.difference())),
            below: of(&|p| Some(p.margin? - p.difference())),
        }
    }
}

/// The estimates of a table's cells, in their order.
pub fn estimates(cells: &[Comparison], rules: &Rules) -> Vec<Estimate> {
    let contrasts: Vec<Contrasts> = cells.iter().map(Contrasts::of).collect();
    let all = || cells.iter().zip(&contrasts);
    type Of = fn(&Contrasts) -> Option<&Vec<f64>>;
    let kinds: [Of; 3] = [
        |c| Some(&c.difference),
        |c| c.above.as_ref(),
        |c| c.below.as_ref(),
    ];
    let pools = kinds.map(|of| pools(all(), of));
    let estimate = |(cell, contrasts): (&Comparison, &Contrasts)| {
        let spreads = [0, 1, 2].map(|i| {
            let values = kinds[i](contrasts)?;
            let pool = cell
                .pool
                .as_ref()
                .filter(|_| rules.variance == Variance::Pooled);
            match pool {
                Some(pool) => pools[i].get(pool.as_str()).copied(),
                None => own(values),
            }
        });
        one(cell, contrasts, spreads, rules.level)
    };
    all().map(estimate).collect()
}

fn pools<'c>(
    cells: impl Iterator<Item = (&'c Comparison, &'c Contrasts)>,
    of: fn(&Contrasts) -> Option<&Vec<f64>>,
) -> BTreeMap<&'c str, Spread> {
    let mut groups: BTreeMap<&str, Vec<Group>> = BTreeMap::new();
    for (cell, contrasts) in cells.filter(|(cell, _)| !cell.identical) {
        let (Some(pool), Some(values)) = (&cell.pool, of(contrasts)) else {
            continue;
        };
        let list = groups.entry(pool).or_default();
        // The same comparison under two claims adds nothing to what is known of the variance.
        if !list.iter().any(|g| g.arms == cell.arms) {
            list.push(Group {
                arms: cell.arms,
                seeds: &contrasts.seeds,
                values,
            });
        }
    }
    let spread = |(pool, groups): (_, Vec<Group>)| Some((pool, pooled(&groups)?));
    groups.into_iter().filter_map(spread).collect()
}

fn one(
    cell: &Comparison,
    contrasts: &Contrasts,
    spreads: [Option<Spread>; 3],
    level: Option<f64>,
) -> Estimate {
    let n = cell.pairs.len();
    let arms: Vec<(f64, f64)> = cell.pairs.iter().map(|p| (p.plus, p.minus)).collect();
    let margins: Option<Vec<f64>> = cell.pairs.iter().map(|p| p.margin).collect();
    let mut estimate = Estimate {
        n,
        mean: mean(&contrasts.difference),
        margin: margins.as_deref().and_then(mean),
        correlation: correlation(&arms),
        ..Estimate::default()
    };
    let (Some(centre), Some(spread)) = (estimate.mean, spreads[0]) else {
        return estimate;
    };
    let interval = |level| {
        let half = half_width(spread, n, level);
        Some([centre - half, centre + half])
    };
    estimate.spread = Some(spread);
    estimate.interval90 = interval(0.90);
    estimate.interval95 = interval(0.95);
    estimate.p_difference = Some(p_two_sided(t(centre, spread, n), spread.df));
    let alpha = level.unwrap_or(0.05);
    let smallest = spread.sd * smallest_margin(cell.claim, n, spread.df, alpha);
    estimate.smallest_margin = Some(smallest).filter(|margin| margin.is_finite());
    let side = |values: &Option<Vec<f64>>, spread: Option<Spread>| {
        let (centre, spread) = (mean(values.as_ref()?)?, spread?);
        let out = centre + half_width(spread, n, 0.95) < 0.0;
        Some((p_greater(t(centre, spread, n), spread.df), out))
    };
    let sides = (
        side(&contrasts.above, spreads[1]),
        side(&contrasts.below, spreads[2]),
    );
    if let (Some(above), Some(below)) = sides {
        estimate.p_equivalence = Some(above.0.max(below.0));
        estimate.p_noninferior = Some(match cell.better {
            Better::Higher => above.0,
            Better::Lower => below.0,
        });
        estimate.beyond = above.1 || below.1;
    }
    estimate
}

/// Student's t of a mean; without any spread every mean but 0 is infinitely far.
fn t(mean: f64, spread: Spread, n: usize) -> f64 {
    if spread.sd > 0.0 {
        mean * (n as f64).sqrt() / spread.sd
    } else if mean == 0.0 {
        0.0
    } else {
        mean.signum() * f64::INFINITY
    }
}
