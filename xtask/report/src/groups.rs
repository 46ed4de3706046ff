//! Which tickets belong to which of the paper's questions, by what they are made of.

use crate::cells::Grid;
use jackpot_results::{Named, PruningSummary as SparseWay};
use jackpot_study::TicketKind;

/// The tickets that one table or figure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Every sparse ticket.
    Sparse,
    /// Of [`TicketKind::Initial`].
    Initial,
    /// Trained weights go on: [`TicketKind::PartiallyTrained`] and [`TicketKind::Hybrid`].
    PartiallyTrained,
    /// Of [`TicketKind::Random`] and [`TicketKind::Smart`].
    Random,
    /// Hybrid tickets, the other partially-trained ones, and the smart random ticket.
    Hybrid,
}

/// The study's tickets of a group that have cells, in its order.
pub(crate) fn members<'a>(grid: &Grid<'a>, group: Group) -> Vec<&'a Named> {
    let has = |t: &Named| grid.sparse().any(|c| c.ticket == t);
    let tickets = grid.outline.tickets.iter();
    tickets
        .filter(|t| way(grid, t).is_some_and(|w| belongs(w.kind, group)) && has(t))
        .collect()
}

/// How a ticket is made; none of the dense network.
pub(crate) fn way<'a>(grid: &Grid<'a>, ticket: &Named) -> Option<&'a SparseWay> {
    grid.outline.ways.get(&ticket.name)?.sparse.as_ref()
}

/// Which of the paper's kinds a ticket is.
pub(crate) fn kind(grid: &Grid<'_>, ticket: &Named) -> Option<TicketKind> {
    way(grid, ticket)?.kind
}

fn belongs(kind: Option<TicketKind>, group: Group) -> bool {
    let is = |of: fn(TicketKind) -> bool| kind.is_some_and(of);
    match group {
        Group::Sparse => true,
        Group::Initial => kind == Some(TicketKind::Initial),
        Group::PartiallyTrained => is(TicketKind::is_partially_trained),
        Group::Random => is(TicketKind::is_random),
        Group::Hybrid => is(TicketKind::is_partially_trained) || kind == Some(TicketKind::Smart),
    }
}
