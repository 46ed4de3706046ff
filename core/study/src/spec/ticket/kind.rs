//! The kinds of tickets that claims, tables and figures are about.
use crate::spec::ticket::{stage::WeightsSource, tickets::SparseTicket};

/// The kinds of tickets that the claims of Su et al. (2020) are about. The standard contrasts and
/// every table and figure of a kind go by these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketKind {
    /// Random scores within smart ratios, trained from the initial weights: the paper's random
    /// ticket.
    Smart,
    /// Other random scores, trained from weights that no training made: all that such a ticket
    /// is, is its allocation.
    Random,
    /// Scored, and trained from weights of before the end of a dense training: lottery tickets,
    /// SNIP, GraSP, weight rewinding, rounds of them.
    Initial,
    /// Trained weights go on, as in learning-rate rewinding.
    PartiallyTrained,
    /// A partially-trained ticket whose scores choose within the counts of a rule.
    Hybrid,
}

impl TicketKind {
    /// Random scores: the ticket is its allocation alone.
    pub fn is_random(self) -> bool {
        matches!(self, TicketKind::Smart | TicketKind::Random)
    }

    /// Trained weights go on; a hybrid ticket's among them.
    pub fn is_partially_trained(self) -> bool {
        matches!(self, TicketKind::PartiallyTrained | TicketKind::Hybrid)
    }

    /// Of what a ticket is made. Random scores in rounds, from weights of some epoch or of whole filters
    /// are of no kind: such a ticket is more than its allocation, and rearranging its weights changes
    /// its law. Nor is a ticket that is trained from the weights of an object: whether they were trained,
    /// and for how long, is not known.
    pub fn of(s: &SparseTicket) -> Option<TicketKind> {
        let rule = s.allocation.item();
        match (s.method == "random", s.start) {
            (_, WeightsSource::Object(_)) => None,
            (false, WeightsSource::Trained) if rule.is_some() => Some(TicketKind::Hybrid),
            (_, WeightsSource::Trained) => Some(TicketKind::PartiallyTrained),
            (false, _) => Some(TicketKind::Initial),
            (true, start) if s.rounds.is_some() || start.is_learned() => None,
            (true, _) if !s.unit.is_weights() => None,
            (true, WeightsSource::Initial) if rule == Some("smart-ratio") => {
                Some(TicketKind::Smart)
            }
            (true, _) => Some(TicketKind::Random),
        }
    }
}
