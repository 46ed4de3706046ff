//! How tickets are made and what checks change, as far as tables group by it.
use jackpot_prune::{Granularity, PruningScope};
use jackpot_study::{
    Allocation, Check, CheckTarget, DataStage, Setting, SparseTicket, Study, Ticket, TicketKind,
    describe_params, describe_unit,
};
use std::collections::BTreeMap;

/// How one ticket is made.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketSummary {
    /// Epochs of the ticket's own training.
    pub epochs: u32,
    /// Highest learning rate of that training.
    pub learning_rate: f64,
    /// How the ticket is pruned; `None` for the dense network.
    pub sparse: Option<PruningSummary>,
}

/// How a ticket is pruned: scores, allocation and the weights that its training starts from.
#[derive(Clone, Debug, PartialEq)]
pub struct PruningSummary {
    /// The item that scores, with the parameters that were given.
    pub scores: String,
    /// The name of the scoring item alone.
    pub method: String,
    /// The weights that are scored, in words.
    pub of: String,
    /// Whether the scored weights were trained before.
    pub of_learned: bool,
    /// Whether the scored weights are an object given by its digest, of which the study does not
    /// know how it was made.
    pub of_object: bool,
    /// How many weights each layer keeps, in words, with the parameters that were given.
    pub allocation: String,
    /// `global`, the item of a plugin, `copy` or `densities`.
    pub rule: String,
    /// What is kept or pruned as one unit.
    pub unit: Granularity,
    /// The weights that the ticket's training starts from, in words.
    pub start: String,
    /// Whether a dense training made the weights that the training starts from.
    pub start_learned: bool,
    /// Whether the training starts from an object given by its digest, of which the study does not
    /// know how it was made.
    pub start_object: bool,
    /// For tickets made in rounds of training and pruning, the share of the remaining weights that
    /// each round prunes.
    pub rounds: Option<f64>,
    /// Which kind of ticket it is, of those that claims are about; `None` if it is another.
    pub kind: Option<TicketKind>,
}

impl PruningSummary {
    /// Whether the scores are random, whatever kind the ticket is.
    pub fn is_random(&self) -> bool {
        self.method == "random"
    }
}

/// What one check changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckSummary {
    /// What is changed, and by which item with which parameters, in the order of the pipeline.
    pub steps: Vec<(CheckTarget, String)>,
    /// The names of the items alone, in the same order.
    pub items: Vec<String>,
    /// Whether pretraining or scoring runs on other data, or otherwise, than without the check.
    pub on_data: bool,
}

/// The summary of every ticket of a setting, by its name.
pub(crate) fn ticket_summaries(setting: &Setting) -> BTreeMap<String, TicketSummary> {
    let way = |t: &Ticket| TicketSummary {
        epochs: own(t, setting).epochs,
        learning_rate: own(t, setting).lr,
        sparse: t.sparse.as_ref().map(sparse),
    };
    let named = |t: &Ticket| (t.name.clone(), way(t));
    setting.tickets.iter().map(named).collect()
}

fn own<'a>(ticket: &'a Ticket, setting: &'a Setting) -> &'a jackpot_net::Training {
    ticket
        .sparse
        .as_ref()
        .map_or(&setting.training, |s| &s.training)
}

fn sparse(s: &SparseTicket) -> PruningSummary {
    let (rule, allocation) = match &s.allocation {
        Allocation::Global(PruningScope::All) => ("global", "global".to_owned()),
        Allocation::Global(PruningScope::Convolutions) => {
            ("global", "global over convolutions".into())
        }
        Allocation::Rule { item, params } => {
            (item.as_str(), item.clone() + &describe_params(params))
        }
        Allocation::Table(_) => ("densities", "own densities".into()),
        Allocation::Copy { ticket, .. } => ("copy", format!("as {ticket}")),
        Allocation::ByMethod => ("method", "the method's own".into()),
    };
    PruningSummary {
        scores: s.method.clone() + &describe_params(&s.params),
        method: s.method.clone(),
        of: s.of.to_string(),
        of_learned: s.of.is_learned(),
        of_object: s.of.object().is_some(),
        rule: rule.to_owned(),
        allocation: allocation + describe_unit(s.unit),
        unit: s.unit,
        start: s.start.to_string(),
        start_learned: s.start.is_learned(),
        start_object: s.start.object().is_some(),
        rounds: s.rounds.as_ref().map(|r| r.share),
        kind: TicketKind::of(s),
    }
}

/// The summary of every check, by its name.
pub(crate) fn check_summaries(study: &Study) -> BTreeMap<String, CheckSummary> {
    let change = |c: &Check| CheckSummary {
        steps: (c.steps.iter())
            .map(|s| (s.on, s.item.clone() + &describe_params(&s.params)))
            .collect(),
        items: c.steps.iter().map(|s| s.item.clone()).collect(),
        on_data: c.changes(DataStage::Pretraining) || c.changes(DataStage::Scoring),
    };
    let named = |c: &Check| (c.name.clone(), change(c));
    study.checks.iter().map(named).collect()
}
