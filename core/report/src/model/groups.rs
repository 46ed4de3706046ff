//! The groups of tickets that the paper's questions are about. A ticket's group follows from how it
//! is made.

use crate::model::grid::Grid;
use jackpot_results::{Named, PruningSummary};
use jackpot_study::TicketKind;

/// The tickets that one table or figure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TicketGroup {
    /// Every sparse ticket.
    Sparse,
    /// Tickets of [`TicketKind::Initial`].
    Initial,
    /// Tickets that train on from trained weights: [`TicketKind::PartiallyTrained`] and
    /// [`TicketKind::Hybrid`].
    PartiallyTrained,
    /// Tickets of [`TicketKind::Random`] and [`TicketKind::Smart`].
    Random,
    /// Hybrid tickets, other partially trained tickets, and random tickets with smart ratios.
    Hybrid,
}

/// The tickets of a group that have cells, in the order of the study file.
pub(crate) fn members<'a>(grid: &Grid<'a>, group: TicketGroup) -> Vec<&'a Named> {
    let has = |t: &Named| grid.sparse().any(|c| c.ticket == t);
    let tickets = grid.outline.tickets.iter();
    tickets
        .filter(|t| pruning_of(grid, t).is_some_and(|w| belongs(w.kind, group)) && has(t))
        .collect()
}

/// How a ticket is made, or `None` for the dense network.
pub(crate) fn pruning_of<'a>(grid: &Grid<'a>, ticket: &Named) -> Option<&'a PruningSummary> {
    grid.outline.ways.get(&ticket.name)?.sparse.as_ref()
}

/// The kind of a ticket in the terms of the paper.
pub(crate) fn ticket_kind(grid: &Grid<'_>, ticket: &Named) -> Option<TicketKind> {
    pruning_of(grid, ticket)?.kind
}

/// The random ticket with smart ratios. If there are several, the one whose rule has the fewest
/// options.
pub(crate) fn smart_random_ticket<'a>(grid: &Grid<'a>) -> Option<&'a Named> {
    let random = members(grid, TicketGroup::Random).into_iter();
    let smart = random.filter(|t| ticket_kind(grid, t) == Some(TicketKind::Smart));
    smart.min_by_key(|t| pruning_of(grid, t).map_or(0, |w| w.allocation.len()))
}

fn belongs(kind: Option<TicketKind>, group: TicketGroup) -> bool {
    let is = |of: fn(TicketKind) -> bool| kind.is_some_and(of);
    match group {
        TicketGroup::Sparse => true,
        TicketGroup::Initial => kind == Some(TicketKind::Initial),
        TicketGroup::PartiallyTrained => is(TicketKind::is_partially_trained),
        TicketGroup::Random => is(TicketKind::is_random),
        TicketGroup::Hybrid => {
            is(TicketKind::is_partially_trained) || kind == Some(TicketKind::Smart)
        }
    }
}
