//! Which tickets belong to which of the paper's questions, by what they are made of.

use crate::cells::{DENSE, Grid};
use jackpot_study::{Named, SparseWay};

/// The tickets that one table or figure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Every sparse ticket.
    Sparse,
    /// Scored on something, trained from weights that were not trained before.
    Initial,
    /// Trained on from trained weights.
    PartiallyTrained,
    /// Random scores: all that they are is their allocation.
    Random,
    /// Hybrid tickets, the partially-trained ones, and random ones within the same counts.
    Hybrid,
}

/// The study's tickets of a group that have cells, in its order.
pub(crate) fn members<'a>(grid: &Grid<'a>, group: Group) -> Vec<&'a Named> {
    let has = |t: &Named| {
        let mut cells = grid.cells.iter();
        cells.any(|c| c.sparsity != DENSE && c.ticket == t)
    };
    let tickets = grid.outline.tickets.iter();
    tickets
        .filter(|t| way(grid, t).is_some_and(|w| belongs(w, group)) && has(t))
        .collect()
}

/// How a ticket is made; none of the dense network.
pub(crate) fn way<'a>(grid: &Grid<'a>, ticket: &Named) -> Option<&'a SparseWay> {
    grid.outline.ways.get(&ticket.name)?.sparse.as_ref()
}

/// The largest magnitudes of trained weights, or other scores, within counts that no score
/// chose, trained on from trained weights.
pub(crate) fn is_hybrid(way: &SparseWay) -> bool {
    way.start_learned && !way.is_random() && way.rule != "global"
}

/// Random scores within smart-ratio counts.
pub(crate) fn is_smart(way: &SparseWay) -> bool {
    way.is_random() && way.rule == "smart-ratio"
}

fn belongs(way: &SparseWay, group: Group) -> bool {
    match group {
        Group::Sparse => true,
        Group::Initial => !way.start_learned && !way.is_random(),
        Group::PartiallyTrained => way.start_learned,
        Group::Random => way.is_random() && !way.start_learned,
        Group::Hybrid => way.start_learned || is_smart(way),
    }
}
