//! A study as a graph of actions.
use crate::{
    actions::recipe::{OutputRef, Recipe},
    spec::{file::Study, setting::Setting},
    toolbox::{Device, Libtorch, Plugins},
};
use jackpot_data::Source;
use jackpot_net::{Network, ScorePrecision};
use jackpot_store::Digest;
use std::collections::BTreeMap;

/// One action of a plan.
#[derive(Clone, Debug)]
pub struct ActionNode {
    /// For people; the first cell that asked for it.
    pub title: String,
    /// Inputs may not be known yet.
    pub recipe: Recipe,
    /// Index into the study's settings: the first that asked for it.
    pub setting: usize,
    /// Estimated seconds on one core.
    pub seconds: f64,
    /// Estimated bytes that stay in the store.
    pub bytes: u64,
}

/// One cell of the grid.
#[derive(Clone, Debug)]
pub struct GridCell {
    /// Index into the study's settings.
    pub setting: usize,
    /// Name of the ticket.
    pub ticket: String,
    /// Name of the check, or `none`.
    pub check: String,
    /// Decimal text; `0` for dense.
    pub sparsity: String,
    /// Of the study.
    pub seed: u64,
    /// What fills it.
    pub content: CellContent,
}

/// What fills a cell.
#[derive(Clone, Debug)]
pub enum CellContent {
    /// A training, and the mask that it was given.
    Run {
        /// Index of the training.
        train: usize,
        /// None: dense.
        mask: Option<OutputRef>,
        /// Index of the evaluation of the pruned network before that training; `None` if the study
        /// does not ask for it, or no trained weights were pruned.
        before: Option<usize>,
    },
    /// The check cannot change this ticket, by construction.
    Identical {
        /// Why, in words.
        because: String,
    },
    /// The check changes what is trained before the ticket, and the study gives the ticket
    /// weights of an object: no training of the plan made them, so the check cannot be applied.
    /// [`crate::Origins`] has the reason in words.
    NotApplicable {
        /// Where the study names the object.
        field: String,
        /// The object.
        weights: Digest,
    },
}

/// A study as a graph of actions.
#[derive(Clone, Debug)]
pub struct Plan {
    /// As loaded.
    pub study: Study,
    /// Of each setting, built from its architecture.
    pub networks: Vec<Network>,
    /// Of each setting, the data set's files, hashed.
    pub sources: Vec<Source>,
    /// Where tensors live.
    pub device: Device,
    /// Which libtorch computes.
    pub libtorch: Libtorch,
    /// Every plugin that was found.
    pub plugins: Plugins,
    /// Every action after those whose outputs it reads.
    pub nodes: Vec<ActionNode>,
    /// The grid.
    pub cells: Vec<GridCell>,
    /// Outputs that are wanted beside what the grid reads.
    pub wanted: Vec<OutputRef>,
    /// How often an action was asked for and there already.
    pub shared: usize,
    /// Of allocations whose counts are known beforehand: the share of the network's
    /// multiply-adds that they leave.
    pub(crate) foreseen: BTreeMap<usize, f64>,
}

impl Plan {
    /// The setting that an action belongs to: its data, network and training.
    pub fn setting_of(&self, node: usize) -> &Setting {
        &self.study.settings[self.nodes[node].setting]
    }

    /// A sentence for a plan whose scores are computed in what they were before there was a
    /// choice, because the study does not choose.
    pub fn unsaid_precision(&self) -> Option<String> {
        let differentiates = |node: &ActionNode| {
            let score = node.recipe.as_score();
            score.is_some_and(|score| score.platform.is_some())
        };
        let unsaid = self.study.scoring.is_none() && self.nodes.iter().any(differentiates);
        unsaid.then(|| {
            let computed = ScorePrecision::default();
            format!(
                "scores are computed in {}, because the study does not say `precision` in `[scoring]`; recommended: `precision = \"{}\"`, whose masks rounding does not change; `precision = \"{}\"` says what is done now, and keeps the results that the store has",
                computed.describe(),
                ScorePrecision::F64.name(),
                computed.name()
            )
        })
    }

    /// The network that an action is about.
    pub fn network_of(&self, node: usize) -> &Network {
        &self.networks[self.nodes[node].setting]
    }
}
