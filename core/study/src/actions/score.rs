//! Scores: what a method of a plugin makes of weights, data and draws; some give masks instead.
use crate::actions::recipe::{Input, Item, Platform, Sampled};
use jackpot_host::{Rounds, Sparsity};
use jackpot_net::{Architecture, ScorePrecision};
use serde::{Deserialize, Serialize};

/// Output `scores`; with rounds also `mask`, what the last round keeps. Of a method that gives
/// masks, `mask` alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScoreRecipe {
    /// The method.
    #[serde(flatten)]
    pub item: Item,
    /// The network.
    pub architecture: Architecture,
    /// Training rows, a fact that every method sees.
    pub rows: u32,
    /// state_dict, if the method reads weights or differentiates.
    pub weights: Option<Input>,
    /// Initial weights, if the method asks for them beside trained ones.
    pub reference: Option<Input>,
    /// Only for methods that declare data: the others' results cannot depend on it.
    pub data: Option<Sampled>,
    /// If gradients come from libtorch.
    pub platform: Option<Platform<ScorePrecision>>,
    /// If the method draws, rows among them.
    pub key: Option<String>,
    /// What is kept so far; none: everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<Input>,
    /// None: one call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<Rounds>,
    /// What a method that gives masks is asked to reach; none: it gives scores, which serve all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sparsity: Option<Sparsity>,
}
