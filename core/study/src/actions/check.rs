//! Checks: what one step of a check makes of data, scores, a mask or weights.
use crate::actions::recipe::{Input, Item};
use jackpot_net::Architecture;
use serde::{Deserialize, Deserializer, Serialize};

/// What a check changes. The name keeps `serde` from borrowing what it reads.
type Part = &'static str;

/// Output `train` (on data), `scores`, `mask` or `weights`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckRecipe {
    /// The check.
    #[serde(flatten)]
    pub item: Item,
    /// `data`, `scores`, `mask` or `weights`.
    #[serde(deserialize_with = "changed_part")]
    pub on: Part,
    /// The network, a fact that every check sees.
    pub architecture: Architecture,
    /// Training rows, a fact that every check sees.
    pub rows: u32,
    /// What is changed.
    pub input: Input,
    /// If the check draws.
    pub key: Option<String>,
    /// Of a check on weights: the mask that they are trained under; none: dense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<Input>,
    /// Another seed's mask, if the check asks for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub donor: Option<Input>,
    /// Initial weights, if the check asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Input>,
}

fn changed_part<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Part, D::Error> {
    let word = String::deserialize(deserializer)?;
    let known = ["data", "scores", "mask", "weights"];
    known.into_iter().find(|k| *k == word).ok_or_else(|| {
        serde::de::Error::custom(format!(
            "`on`: expected `data`, `scores`, `mask` or `weights`, found `{word}`"
        ))
    })
}
