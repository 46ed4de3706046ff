//! Which random key feeds what, and which seed makes each key.
//!
//! A ticket and its check share every key but the check's own. No training key derives from
//! a mask, a ticket's name or a recipe: pairs would share nothing. Any key can be held at one
//! seed while the others follow the study's, or the other way round.
use crate::{
    Error,
    messages::{distinct, hint},
};
use jackpot_rng::Key;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Value;

/// The names of keys that a study can hold.
const NAMES: &[&str] = &[
    "init",
    "order",
    "augment",
    "score-batch",
    "selection",
    "allocation",
    "check",
    "corruption",
];

/// The seed of the one corruption that the published code draws for all its runs.
const PUBLISHED_CORRUPTION: u64 = 12345;

/// Which keys do not follow the study's seeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FixedSeeds {
    /// Name of a key to its seed; `None` if it varies although the others are held.
    named: BTreeMap<String, Option<u64>>,
    /// Of every key that is not named; `None` if they vary.
    others: Option<u64>,
}

impl FixedSeeds {
    /// The keys of one of the study's seeds.
    pub fn keys(&self, seed: u64) -> Keys<'_> {
        Keys { seed, held: self }
    }

    /// The same with one key held at a seed.
    pub(crate) fn with(&self, name: &str, seed: u64) -> FixedSeeds {
        let mut held = self.clone();
        held.named.insert(name.to_owned(), Some(seed));
        held
    }

    /// "init from seed 5", for people; empty where every key varies.
    pub fn words(&self) -> Vec<String> {
        let named = self.named.iter().map(|(name, seed)| match seed {
            Some(seed) => format!("{name} held at seed {seed}"),
            None => format!("{name} varied"),
        });
        let others = self.others.map(|s| {
            if self.named.is_empty() {
                format!("every key held at seed {s}")
            } else {
                format!("the other keys held at seed {s}")
            }
        });
        named.chain(others).collect()
    }
}

/// The named keys of one seed.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a> {
    seed: u64,
    held: &'a FixedSeeds,
}

const NOTHING_HELD: &FixedSeeds = &FixedSeeds {
    named: BTreeMap::new(),
    others: None,
};

impl Keys<'static> {
    /// Of a seed that every key follows.
    pub fn of(seed: u64) -> Keys<'static> {
        NOTHING_HELD.keys(seed)
    }
}

impl Keys<'_> {
    /// The key of the seed that `name` follows.
    fn root(self, name: &str) -> Key {
        let named = self.held.named.get(name).copied();
        let held = named.unwrap_or(self.held.others);
        Key::from_seed(held.unwrap_or(self.seed))
    }
    fn named(self, name: &str) -> Key {
        self.root(name).fold_name(name)
    }
    /// First weights.
    pub fn init(self) -> Key {
        self.named("init")
    }
    /// Weights drawn a second time, apart from the first.
    pub fn redrawn(self) -> Key {
        self.init().fold_name("redrawn")
    }
    /// Order of the training rows in every epoch.
    pub fn order(self) -> Key {
        self.named("order")
    }
    /// Crops and flips.
    pub fn augment(self) -> Key {
        self.named("augment")
    }
    /// Rows that a differentiating method draws.
    pub fn score_batch(self) -> Key {
        self.named("score-batch")
    }
    /// Random scores.
    pub fn selection(self) -> Key {
        self.named("selection")
    }
    /// Draws of an allocation.
    pub fn allocation(self) -> Key {
        self.named("allocation")
    }
    /// Draws of a check on scores, masks or weights: never the key of the ticket's own draw.
    pub fn check(self, name: &str, step: usize) -> Key {
        let key = self.root("check").fold_name(&format!("check.{name}"));
        if step == 0 {
            key
        } else {
            key.fold(step as u64)
        }
    }
    /// Draws of one step of a check on data; `before` counts the steps of the same item that
    /// went before. Two checks that share a step share its draws.
    pub fn corruption(self, step: &str, before: usize) -> Key {
        let key = self.named("corruption").fold_name(step);
        match before {
            0 => key,
            n => key.fold(n as u64),
        }
    }
}

/// `[1, 2, 3]`, or `{ values = [1, 2, 3], init = 5 }`: every key follows the values but those
/// that are named; `others = 7` holds all that are not named, and `"varied"` lets one go.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct SeedsSection {
    values: Vec<u64>,
    held: FixedSeeds,
}

impl SeedsSection {
    pub(crate) fn read(&self) -> Result<(Vec<u64>, FixedSeeds), Error> {
        Ok((distinct("seeds", self.values.clone())?, self.held.clone()))
    }
}

impl TryFrom<Value> for SeedsSection {
    type Error = String;
    fn try_from(value: Value) -> Result<Self, String> {
        let list = |value: Value| {
            value
                .try_into::<Vec<u64>>()
                .map_err(|e| format!("`seeds`: {}", e.message()))
        };
        let mut table = match value {
            Value::Table(table) => table,
            value => {
                return Ok(SeedsSection {
                    values: list(value)?,
                    held: FixedSeeds::default(),
                });
            }
        };
        let values = table.remove("values").ok_or(
            "`seeds`: expected `values = [1, 2, 3]` beside the keys that are held, found none",
        )?;
        let mut held = FixedSeeds::default();
        for (name, value) in table {
            let seed = seed(&name, &value)?;
            match (name.as_str(), seed) {
                ("others", Some(seed)) => held.others = Some(seed),
                ("others", None) => {
                    return Err(
                        "`seeds.others`: expected a seed, found `varied`: leave it out".into(),
                    );
                }
                (name, seed) if NAMES.contains(&name) => {
                    held.named.insert(name.to_owned(), seed);
                }
                (name, _) => {
                    let known = NAMES.iter().copied().chain(["values", "others"]);
                    return Err(format!(
                        "`seeds`: expected `values`, `others` or a key ({}), found `{name}`{}",
                        NAMES.join(", "),
                        hint(name, known)
                    ));
                }
            }
        }
        if held.others.is_none()
            && let Some(name) = held.named.iter().find(|(_, s)| s.is_none()).map(|(n, _)| n)
        {
            return Err(format!(
                "`seeds.{name}`: `varied` changes nothing without `others = …`, which holds the keys that are not named"
            ));
        }
        Ok(SeedsSection {
            values: list(values)?,
            held,
        })
    }
}

/// The seed that a key is held at; `None` if it varies.
fn seed(name: &str, value: &Value) -> Result<Option<u64>, String> {
    match value {
        Value::Integer(n) => u64::try_from(*n)
            .map(Some)
            .map_err(|_| format!("`seeds.{name}`: expected 0 or more, found {n}")),
        Value::String(word) if word == "varied" => Ok(None),
        Value::String(word) if word == "published" && name == "corruption" => {
            Ok(Some(PUBLISHED_CORRUPTION))
        }
        other => Err(format!(
            "`seeds.{name}`: expected a seed or `varied`{}, found {other}",
            match name {
                "corruption" => " or `published` (one draw for all, from seed 12345)",
                _ => "",
            }
        )),
    }
}
