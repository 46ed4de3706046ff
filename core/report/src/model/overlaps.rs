//! The weights that the masks of two tickets both keep, as measured and as expected by chance.

use crate::model::cells::UNMODIFIED;
use crate::model::grid::Grid;
use jackpot_results::Named;
use jackpot_stats::mean;
use jackpot_store::Digest;
use jackpot_study::Overlap;

/// The percentage of kept weights that two tickets share, averaged over seeds, and the masks that
/// it was computed from: the measured overlap if `i < j`, otherwise the overlap expected by chance.
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

/// The overlaps of two tickets at one sparsity, one for each seed.
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

/// A number of weights in percent of the weights that the first mask keeps.
pub(crate) fn percent(overlap: &Overlap, weights: f64) -> f64 {
    100.0 * weights / overlap.kept[0].max(1) as f64
}
