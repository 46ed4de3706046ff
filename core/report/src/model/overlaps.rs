//! How many weights two tickets' masks keep in common, found and by chance.

use crate::model::cells::UNMODIFIED;
use crate::model::grid::Grid;
use jackpot_stats::mean;
use jackpot_store::Digest;
use jackpot_study::{Named, Overlap};

/// What two of these tickets' masks share, in percent, the mean over seeds, and the masks: as found
/// where the first stands before the second, by chance where it does not.
pub(crate) fn shared(
    grid: &Grid<'_>,
    sparsity: &str,
    tickets: &[&Named],
    (i, j): (usize, usize),
) -> (Option<f64>, Vec<Digest>) {
    let found = pair(grid, sparsity, tickets[i.min(j)], tickets[i.max(j)]);
    let of = |o: &&Overlap| {
        if i < j {
            percent(o, o.shared as f64)
        } else {
            percent(o, o.chance)
        }
    };
    let values: Vec<f64> = found.iter().map(of).collect();
    (mean(&values), found.iter().flat_map(|o| o.masks).collect())
}

/// The pair's overlaps at one sparsity, of every seed.
fn pair<'g>(grid: &'g Grid<'_>, sparsity: &str, one: &Named, other: &Named) -> Vec<&'g Overlap> {
    let is = |o: &&Overlap| {
        let names = [(&o.first, one), (&o.second, other)];
        let same = |((ticket, check), named): (&(String, String), &Named)| {
            *ticket == named.name && check == UNMODIFIED
        };
        o.sparsity == sparsity && names.into_iter().all(same)
    };
    grid.results.overlaps.iter().filter(is).collect()
}

/// Percent of the first mask's kept weights.
pub(crate) fn percent(overlap: &Overlap, weights: f64) -> f64 {
    100.0 * weights / overlap.kept[0].max(1) as f64
}
