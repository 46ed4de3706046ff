//! How tickets are made and what checks change, as far as tables group by it.
use jackpot_prune::{Granularity, PruningScope};
use jackpot_study::{
    Allocation, Check, Sees, Setting, Sparse, Study, Target, Ticket, TicketKind, describe_params,
    describe_unit,
};
use std::collections::BTreeMap;

/// How one ticket is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// Epochs of the ticket's own training.
    pub epochs: u32,
    /// Highest learning rate of that training.
    pub learning_rate: f64,
    /// Scores, allocation and start; none: the dense network.
    pub sparse: Option<SparseWay>,
}

/// What makes a ticket sparse.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseWay {
    /// The item that scores, with the parameters that were given.
    pub scores: String,
    /// The item alone.
    pub method: String,
    /// The weights that are scored, in words.
    pub of: String,
    /// Whether those weights were trained before.
    pub of_learned: bool,
    /// Whether they are an object, of which the study does not know how it was made.
    pub of_object: bool,
    /// How many each layer keeps, in words, with the parameters that were given.
    pub allocation: String,
    /// `global`, the item of a plugin, `copy` or `densities`.
    pub rule: String,
    /// What is kept or pruned as one.
    pub unit: Granularity,
    /// The weights that the ticket's training starts from, in words.
    pub start: String,
    /// Whether a dense training made those.
    pub start_learned: bool,
    /// Whether they are an object, of which the study does not know how it was made.
    pub start_object: bool,
    /// The pruned share of what is left, of tickets made in rounds of training and pruning.
    pub rounds: Option<f64>,
    /// Which of the paper's kinds it is; none: none of them.
    pub kind: Option<TicketKind>,
}

impl SparseWay {
    /// Random scores, of whatever kind the ticket is.
    pub fn is_random(&self) -> bool {
        self.method == "random"
    }
}

/// What one check changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Items in the order of the pipeline: what is changed, and by which item with the parameters
    /// that were given.
    pub steps: Vec<(Target, String)>,
    /// The items alone, in that order.
    pub items: Vec<String>,
    /// Whether pretraining or scoring runs on other data, or otherwise, than without the check.
    pub on_data: bool,
}

/// Of every ticket of a setting, by its name.
pub(crate) fn ways(setting: &Setting) -> BTreeMap<String, Way> {
    let way = |t: &Ticket| Way {
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

fn sparse(s: &Sparse) -> SparseWay {
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
    SparseWay {
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

/// Of every check, by its name.
pub(crate) fn changes(study: &Study) -> BTreeMap<String, Change> {
    let change = |c: &Check| Change {
        steps: (c.steps.iter())
            .map(|s| (s.on, s.item.clone() + &describe_params(&s.params)))
            .collect(),
        items: c.steps.iter().map(|s| s.item.clone()).collect(),
        on_data: c.changes(Sees::Pretraining) || c.changes(Sees::Scoring),
    };
    let named = |c: &Check| (c.name.clone(), change(c));
    study.checks.iter().map(named).collect()
}
