//! The contrasts of a study that declares none: the claims of Su et al. (2020) with the test that
//! each needs, and the controls.
use super::{Arm, Contrast, ControlOf, Role};
use crate::spec::{
    checks::{Check, CheckStep, CheckTarget},
    ticket::{
        allocations::Allocation,
        kind::TicketKind,
        stage::WeightsSource,
        tickets::{SparseTicket, Ticket},
    },
};
use jackpot_stats::Claim;

/// Items that leave the law of a random ticket as it is: its scores are drawn alike, and its
/// initial weights too.
const SAME_LAW: &[&str] = &[
    "layerwise-rearrange",
    "shuffle-scores",
    "shuffle-kept",
    "shuffle-all",
];

/// In the order of the claims; within one in the study's order.
pub(crate) fn contrasts(tickets: &[Ticket], checks: &[Check]) -> Vec<Contrast> {
    let mut all = Vec::new();
    for ticket in tickets {
        let applied = checks.iter().filter(|c| c.applies_to(&ticket.name));
        all.extend(applied.filter_map(|check| checked(ticket, check)));
    }
    let sparse: Vec<(&str, &SparseTicket)> = tickets
        .iter()
        .filter_map(|t| Some((t.name.as_str(), t.sparse.as_ref()?)))
        .collect();
    all.extend(random_tickets(&sparse));
    all.extend(hybrids(&sparse));
    all.extend(redrawn(&sparse));
    // One claim after the other: a reader sees a family whole.
    const ORDER: &[&str] = &[
        "data",
        "kept-weights",
        "start-weights",
        "several-at-once",
        "random-tickets",
        "partially-trained",
        "hybrid",
        "positive-control",
        "same-law",
        "noise-floor",
    ];
    let place = |c: &Contrast| ORDER.iter().position(|f| *f == c.family);
    all.sort_by_key(|c| place(c).unwrap_or(ORDER.len()));
    all
}

fn contrast(claim: Claim, family: &str, role: Role, plus: Arm, minus: Arm) -> Contrast {
    Contrast {
        claim,
        family: family.into(),
        role,
        control: ControlOf::Allocation,
        plus,
        minus,
        less: None,
        trend: Vec::new(),
        margins: None,
    }
}

/// Whether a ticket's counts stay as they are whatever its scores are.
fn keeps_counts(sparse: &SparseTicket) -> bool {
    !matches!(
        sparse.allocation,
        Allocation::Global(_) | Allocation::ByMethod
    )
}

/// Whether a check changes nothing but which weights of each layer are kept, or their values.
fn is_of_placement(sparse: &SparseTicket, check: &Check) -> bool {
    let within = |target| match target {
        CheckTarget::Scores => keeps_counts(sparse),
        CheckTarget::Mask | CheckTarget::Weights => true,
        CheckTarget::Data | CheckTarget::PretrainingData | CheckTarget::ScoringData => false,
    };
    let changes = !check.steps.is_empty() || check.start.is_some();
    changes && check.pretraining.is_empty() && check.steps.iter().all(|s| within(s.on))
}

/// Whether both arms are one sparse ticket with as many weights in every layer, and others.
pub(crate) fn asks_placement(contrast: &Contrast, tickets: &[Ticket], checks: &[Check]) -> bool {
    let ticket = tickets.iter().find(|t| t.name == contrast.plus.ticket);
    let Some(sparse) = ticket.and_then(|t| t.sparse.as_ref()) else {
        return false;
    };
    let placed = |arm: &Arm| {
        let check = checks.iter().find(|c| Some(&c.name) == arm.check.as_ref());
        check.is_none_or(|c| is_of_placement(sparse, c))
    };
    let of_one = contrast.plus.ticket == contrast.minus.ticket;
    of_one && placed(&contrast.plus) && placed(&contrast.minus)
}

/// Whether the check keeps the weights with the lowest scores in place of the highest, as many in
/// every layer. Random scores have the same law either way.
fn inverts_placement(sparse: &SparseTicket, check: &Check) -> bool {
    let alone = check.pretraining.is_empty() && check.start.is_none() && check.redraw.is_empty();
    let inverts = |s: &CheckStep| s.item == "invert" && s.on == CheckTarget::Scores;
    let inverts = matches!(check.steps.as_slice(), [step] if inverts(step));
    alone && inverts && keeps_counts(sparse) && sparse.method != "random"
}

fn is_random(sparse: &SparseTicket) -> bool {
    TicketKind::of(sparse).is_some_and(TicketKind::is_random)
}

fn is_partially_trained(sparse: &SparseTicket) -> bool {
    TicketKind::of(sparse).is_some_and(TicketKind::is_partially_trained)
}

fn rule(sparse: &SparseTicket) -> Option<&str> {
    sparse.allocation.item()
}

/// A ticket without and with a check.
fn checked(ticket: &Ticket, check: &Check) -> Option<Contrast> {
    let changes = |of: fn(CheckTarget) -> bool| check.steps.iter().any(|s| of(s.on));
    let data = changes(|t| {
        !matches!(
            t,
            CheckTarget::Scores | CheckTarget::Mask | CheckTarget::Weights
        )
    }) || !check.pretraining.is_empty();
    let places = changes(|t| matches!(t, CheckTarget::Scores | CheckTarget::Mask));
    let weights = changes(|t| t == CheckTarget::Weights) || check.start.is_some();
    let redraws = !check.redraw.is_empty();
    let family = match (data, places, weights, redraws) {
        (true, false, false, false) => "data",
        (false, true, false, false) => "kept-weights",
        (false, false, true, false) => "start-weights",
        (false, false, false, true) => "noise-floor",
        _ => "several-at-once",
    };
    let same_law = || {
        let mut steps = check.steps.iter();
        let drawn = matches!(
            check.start,
            None | Some(WeightsSource::Initial | WeightsSource::Redrawn)
        );
        drawn && steps.all(|s| SAME_LAW.contains(&s.item.as_str()))
    };
    let arms = (Arm::of(&ticket.name), Arm::under(&ticket.name, &check.name));
    if let Some(sparse) = &ticket.sparse
        && inverts_placement(sparse, check)
    {
        let (family, role) = ("positive-control", Role::Positive);
        return Some(Contrast {
            control: ControlOf::Placement,
            ..contrast(Claim::Superiority, family, role, arms.0, arms.1)
        });
    }
    let (claim, family, role) = match &ticket.sparse {
        _ if family == "noise-floor" => (Claim::Equivalence, family, Role::NoiseFloor),
        // A dense network has neither a mask nor data of its own that a check could change.
        None if !weights => return None,
        Some(s) if is_random(s) && !data && same_law() => {
            (Claim::Equivalence, "same-law", Role::SameDistribution)
        }
        Some(s) if is_partially_trained(s) => {
            (Claim::Superiority, "partially-trained", Role::Question)
        }
        _ => (Claim::Equivalence, family, Role::Question),
    };
    Some(contrast(claim, family, role, arms.0, arms.1))
}

fn smart<'a>(tickets: &[(&'a str, &SparseTicket)]) -> Option<&'a str> {
    let is = |(_, s): &&(&str, &SparseTicket)| TicketKind::of(s) == Some(TicketKind::Smart);
    tickets.iter().find(is).map(|(name, _)| *name)
}

/// The smart random ticket against initial tickets, and against the uniform one.
fn random_tickets(tickets: &[(&str, &SparseTicket)]) -> Vec<Contrast> {
    let Some(smart) = smart(tickets) else {
        return Vec::new();
    };
    let initial = tickets
        .iter()
        .filter(|(_, s)| TicketKind::of(s) == Some(TicketKind::Initial));
    let mut all: Vec<Contrast> = initial
        .map(|(name, _)| {
            let arms = (Arm::of(smart), Arm::of(name));
            contrast(
                Claim::NonInferiority,
                "random-tickets",
                Role::Question,
                arms.0,
                arms.1,
            )
        })
        .collect();
    let uniform = |s: &SparseTicket| is_random(s) && rule(s) == Some("uniform");
    if let Some((name, _)) = tickets.iter().find(|(_, s)| uniform(s)) {
        let arms = (Arm::of(smart), Arm::of(name));
        all.push(contrast(
            Claim::Superiority,
            "positive-control",
            Role::Positive,
            arms.0,
            arms.1,
        ));
    }
    all
}

/// Trained scores within a rule's counts, against what it is made of.
fn hybrids(tickets: &[(&str, &SparseTicket)]) -> Vec<Contrast> {
    let is_hybrid = |s: &SparseTicket| TicketKind::of(s) == Some(TicketKind::Hybrid);
    let mut all = Vec::new();
    for (hybrid, _) in tickets.iter().filter(|(_, s)| is_hybrid(s)) {
        let rewound = tickets
            .iter()
            .filter(|(_, s)| is_partially_trained(s) && rule(s).is_none())
            .map(|(name, _)| *name);
        for other in rewound.chain(smart(tickets)) {
            let arms = (Arm::of(hybrid), Arm::of(other));
            all.push(contrast(
                Claim::Superiority,
                "hybrid",
                Role::Question,
                arms.0,
                arms.1,
            ));
        }
    }
    all
}

/// Tickets that differ in nothing but in being initialised again.
fn redrawn(tickets: &[(&str, &SparseTicket)]) -> Vec<Contrast> {
    let at_first = |s: &SparseTicket| SparseTicket {
        start: WeightsSource::Initial,
        ..s.clone()
    };
    let mut all = Vec::new();
    for (again, sparse) in tickets
        .iter()
        .filter(|(_, s)| s.start == WeightsSource::Redrawn)
    {
        // Sections hold maps of plain values: one spelling each.
        let wanted = format!("{:?}", at_first(sparse));
        let first = tickets.iter().find(|(_, s)| format!("{s:?}") == wanted);
        if let Some((first, _)) = first {
            let (family, role) = if is_random(sparse) {
                ("same-law", Role::SameDistribution)
            } else {
                ("start-weights", Role::Question)
            };
            let arms = (Arm::of(first), Arm::of(again));
            all.push(contrast(Claim::Equivalence, family, role, arms.0, arms.1));
        }
    }
    all
}
