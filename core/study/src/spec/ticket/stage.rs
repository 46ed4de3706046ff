//! Which weights: how a study names a stage of training, and what that stage is made of.
use crate::{Error, messages::hint};
use jackpot_net::Training;
use jackpot_store::Digest;
use serde::Deserialize;
use toml::Value;

const WORDS: &[&str] = &["initial", "redrawn", "trained"];

/// Which weights: `"initial"`, `"redrawn"`, `"trained"`, `{ epoch = 2 }`, `{ step = 500 }` or
/// `{ object = "…" }`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "Value")]
pub enum WeightsSource {
    /// As drawn from the seed's key `init`.
    #[default]
    Initial,
    /// Drawn a second time, from a key of its own: re-initialisation.
    Redrawn,
    /// After a dense training of the study's length; of a ticket with rounds, after its last.
    Trained,
    /// As the dense training left them after so many epochs.
    Epoch(u32),
    /// As the dense training left them after so many steps.
    Step(u64),
    /// A state_dict of the store, as `jackpot import` names it.
    Object(Digest),
}

impl WeightsSource {
    /// Whether a dense training makes these weights, so that they depend on its data.
    pub fn is_learned(self) -> bool {
        matches!(
            self,
            WeightsSource::Trained | WeightsSource::Epoch(_) | WeightsSource::Step(_)
        )
    }

    /// The object that these weights are; `None` if the study makes them.
    pub fn object(self) -> Option<Digest> {
        match self {
            WeightsSource::Object(digest) => Some(digest),
            _ => None,
        }
    }
}

impl std::fmt::Display for WeightsSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            WeightsSource::Initial => f.write_str("the initial weights"),
            WeightsSource::Redrawn => f.write_str("weights drawn anew"),
            WeightsSource::Trained => f.write_str("the trained weights"),
            WeightsSource::Epoch(n) => write!(f, "the weights after epoch {n}"),
            WeightsSource::Step(n) => write!(f, "the weights after step {n}"),
            WeightsSource::Object(digest) => write!(f, "the weights {}", &digest.to_string()[..12]),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    epoch: Option<u32>,
    step: Option<u64>,
    object: Option<String>,
}

impl TryFrom<Value> for WeightsSource {
    type Error = String;
    fn try_from(value: Value) -> Result<Self, String> {
        const EXPECTED: &str = "expected `initial`, `redrawn`, `trained`, `{ epoch = 2 }`, `{ step = 500 }` or `{ object = \"sha256\" }`";
        match value {
            Value::String(word) => match word.as_str() {
                "initial" => Ok(WeightsSource::Initial),
                "redrawn" => Ok(WeightsSource::Redrawn),
                "trained" => Ok(WeightsSource::Trained),
                other => Err(format!(
                    "which weights: {EXPECTED}, found `{other}`{}",
                    hint(other, WORDS.iter().copied())
                )),
            },
            Value::Table(_) => {
                let table: Table = value
                    .try_into()
                    .map_err(|e: toml::de::Error| e.message().to_owned())?;
                match table {
                    Table {
                        epoch: Some(n),
                        step: None,
                        object: None,
                    } => Ok(WeightsSource::Epoch(n)),
                    Table {
                        epoch: None,
                        step: Some(n),
                        object: None,
                    } => Ok(WeightsSource::Step(n)),
                    Table {
                        epoch: None,
                        step: None,
                        object: Some(digest),
                    } => digest
                        .parse()
                        .map(WeightsSource::Object)
                        .map_err(|e: jackpot_store::Error| format!("`object`: {e}")),
                    _ => Err(
                        "which weights: expected exactly one of `epoch`, `step` and `object`"
                            .into(),
                    ),
                }
            }
            other => Err(format!("which weights: {EXPECTED}, found {other}")),
        }
    }
}

/// Refuses a stage that the study's dense training does not pass through.
pub(crate) fn check(
    field: &str,
    stage: WeightsSource,
    training: &Training,
    steps_per_epoch: u64,
) -> Result<(), Error> {
    let steps = u64::from(training.epochs) * steps_per_epoch;
    let (unit, at, end) = match stage {
        WeightsSource::Epoch(n) => ("epoch", u64::from(n), u64::from(training.epochs)),
        WeightsSource::Step(n) => ("step", n, steps),
        _ => return Ok(()),
    };
    let word = match at {
        0 => "write `\"initial\"`",
        n if n == end => "write `\"trained\"`",
        n if n > end => "the dense training ends before",
        _ => return Ok(()),
    };
    Err(Error(format!(
        "{field}: `{{ {unit} = {at} }}`: expected 1 to {}, the dense training has {end} {unit}s; {word}",
        end - 1
    )))
}
