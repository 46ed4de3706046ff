//! Recipes: everything that an action's result is a function of, one struct a kind.
//!
//! Inputs are named by content hash, never by the key of the action that made them, so a
//! rebuilt plugin that yields the same mask costs no retraining. While a plan does not know
//! an input yet, the input names the node that will make it, and the recipe has no key.
//!
//! The spelling of a recipe is for ever: a field added later is left out where it says "as
//! before", so that no old key moves; `revision` is bumped when the numerics of a kind change.
use crate::{
    Error,
    actions::{
        allocate::AllocateRecipe,
        check::CheckRecipe,
        data::DataRecipe,
        evaluate::EvaluateRecipe,
        init::InitRecipe,
        score::ScoreRecipe,
        select::{By, SelectRecipe},
        train::TrainRecipe,
    },
    floats::floats_to_text,
    spec::profile::Config,
    toolbox::Libtorch,
};
use jackpot_host::ConfigValue;
use jackpot_net::{Augment, Compute, Engine, Precision};
use jackpot_store::{Digest, Store, canonical};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error as _};
use serde_json::Value;
use std::collections::BTreeMap;

/// One output of one node of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ref {
    /// Index into the plan's nodes.
    pub node: usize,
    /// The output's name.
    pub output: &'static str,
}

/// What an action reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Not known yet.
    Node(Ref),
    /// An object of the store.
    Object(Digest),
}

impl Input {
    /// An output of a node of the plan.
    pub fn node(node: usize, output: &'static str) -> Input {
        Input::Node(Ref { node, output })
    }

    /// The object, once known.
    pub fn object(&self) -> Result<Digest, Error> {
        match self {
            Input::Object(digest) => Ok(*digest),
            Input::Node(r) => Err(Error(format!(
                "the output `{}` of action {} is not known yet",
                r.output, r.node
            ))),
        }
    }
}

impl Serialize for Input {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Input::Object(digest) => digest.serialize(s),
            // Never stored: tells equal nodes of a plan apart from others.
            Input::Node(r) => s.serialize_str(&format!("node {}: {}", r.node, r.output)),
        }
    }
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Input, D::Error> {
        Digest::deserialize(deserializer).map(Input::Object)
    }
}

/// One item of one plugin with all that it is given beside its inputs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Item {
    /// sha256 of the shared library, which is an object.
    pub plugin: Digest,
    /// Its id.
    pub item: String,
    /// Its version.
    pub version: String,
    /// Every declared parameter.
    #[serde(serialize_with = "config")]
    pub config: Config,
}

/// What libtorch's numbers depend on beside the inputs. Trainings and evaluations compute in
/// another choice of precisions than scores do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Platform<P = Precision> {
    /// Version and build.
    pub libtorch: Libtorch,
    /// Kernel level.
    pub device_class: String,
    /// Threads of the computation.
    pub threads: u32,
    /// Of a score: what is computed in where a method does not ask for f64.
    pub precision: P,
    /// Of a training: who takes the steps.
    #[serde(default, skip_serializing_if = "Engine::is_libtorch")]
    pub engine: Engine,
}

impl Platform {
    /// What it is computed by, and in.
    pub fn compute(&self) -> Compute {
        Compute {
            engine: self.engine,
            precision: self.precision,
        }
    }
}

impl<P> Platform<P> {
    fn machine(&self) -> (&Libtorch, &str, u32) {
        (&self.libtorch, &self.device_class, self.threads)
    }
}

/// The rows that a method's batches are drawn from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sampled {
    /// A data object.
    pub train: Input,
    /// Of the clean training rows.
    pub normalisation: Input,
    /// Used if the method asks for augmented batches.
    pub augment: Augment,
}

/// Everything that an action's result is a function of.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Recipe {
    /// Outputs `train`, `test` (data objects) and `normalisation`.
    Data(DataRecipe),
    /// Output `weights`: the first state_dict.
    Init(InitRecipe),
    /// Output `scores`; with rounds also `mask`, what the last round keeps. Of a method that gives
    /// masks, `mask` alone.
    Score(ScoreRecipe),
    /// Output `counts`.
    Allocate(AllocateRecipe),
    /// Outputs `mask` and `selection` (ties at the threshold).
    Select(SelectRecipe),
    /// Output `train` (on data), `scores`, `mask` or `weights`.
    Check(CheckRecipe),
    /// Outputs `metrics`, `bits`, `checkpoint`.
    Train(TrainRecipe),
    /// Outputs `metrics` and `bits`: a network as pruning left it, before it is trained on.
    Evaluate(EvaluateRecipe),
}

impl Recipe {
    /// As the recipe spells it.
    pub fn kind(&self) -> &'static str {
        match self {
            Recipe::Data(_) => "data",
            Recipe::Init(_) => "init",
            Recipe::Score(_) => "score",
            Recipe::Allocate(_) => "allocate",
            Recipe::Select(_) => "select",
            Recipe::Check(_) => "check",
            Recipe::Train(_) => "train",
            Recipe::Evaluate(_) => "evaluate",
        }
    }

    /// Bumped when the host's numerics of this kind change; the golden keys pin it.
    pub fn revision(&self) -> u32 {
        match self {
            // Counted by itself: other sums in the sparse engine move no key of libtorch's.
            Recipe::Train(TrainRecipe {
                platform:
                    Platform {
                        engine: Engine::Sparse,
                        ..
                    },
                ..
            }) => 1,
            Recipe::Data(_)
            | Recipe::Init(_)
            | Recipe::Score(_)
            | Recipe::Allocate(_)
            | Recipe::Select(_)
            | Recipe::Check(_)
            | Recipe::Train(_)
            | Recipe::Evaluate(_) => 1,
        }
    }

    /// The libtorch, device class and threads that its numbers depend on, if they do.
    pub(crate) fn machine(&self) -> Option<(&Libtorch, &str, u32)> {
        match self {
            Recipe::Train(TrainRecipe { platform, .. })
            | Recipe::Evaluate(EvaluateRecipe { platform, .. }) => Some(platform.machine()),
            Recipe::Score(ScoreRecipe { platform, .. }) => platform.as_ref().map(Platform::machine),
            _ => None,
        }
    }

    fn inputs_mut(&mut self) -> Vec<&mut Input> {
        match self {
            Recipe::Data(_) | Recipe::Init(_) => Vec::new(),
            Recipe::Score(ScoreRecipe {
                weights,
                reference,
                data,
                mask,
                ..
            }) => {
                let data = data
                    .iter_mut()
                    .flat_map(|d| [&mut d.train, &mut d.normalisation]);
                let weights = weights.iter_mut().chain(reference).chain(mask);
                weights.chain(data).collect()
            }
            Recipe::Allocate(AllocateRecipe {
                scores, weights, ..
            }) => scores.iter_mut().chain(weights).collect(),
            Recipe::Select(SelectRecipe {
                scores, by, within, ..
            }) => {
                let counts = match by {
                    By::Global { .. } | By::Table { .. } => None,
                    By::Counts(i) | By::Mask(i) => Some(i),
                };
                let scores = std::iter::once(scores);
                scores.chain(counts).chain(within).collect()
            }
            Recipe::Check(CheckRecipe {
                input,
                mask,
                donor,
                reference,
                ..
            }) => {
                let input = std::iter::once(input);
                input.chain(mask).chain(donor).chain(reference).collect()
            }
            Recipe::Train(TrainRecipe {
                weights,
                mask,
                train,
                test,
                normalisation,
                ..
            }) => {
                let data = [weights, train, test, normalisation];
                data.into_iter().chain(mask).collect()
            }
            Recipe::Evaluate(EvaluateRecipe {
                weights,
                mask,
                test,
                normalisation,
                ..
            }) => vec![weights, mask, test, normalisation],
        }
    }

    /// What the action reads.
    pub fn inputs(&self) -> Vec<Input> {
        let mut copy = self.clone();
        copy.inputs_mut().into_iter().map(|i| *i).collect()
    }

    /// Every input by content hash; none if one is not known yet.
    pub fn resolve(&self, known: &dyn Fn(&Ref) -> Option<Digest>) -> Option<Recipe> {
        let mut copy = self.clone();
        for input in copy.inputs_mut() {
            if let Input::Node(r) = input {
                *input = Input::Object(known(r)?);
            }
        }
        Some(copy)
    }

    /// The recipe as it is stored: no float, no number above 2^53.
    pub fn to_value(&self) -> Result<Value, Error> {
        let mut value = serde_json::to_value(self)
            .map_err(|e| Error(format!("recipe of kind `{}`: {e}", self.kind())))?;
        floats_to_text(&mut value)?;
        value["revision"] = self.revision().into();
        Ok(value)
    }

    /// The sha256 of the canonical spelling.
    pub fn key(&self) -> Result<Digest, Error> {
        Store::key(&self.to_value()?).map_err(Error::from_store)
    }
}

/// Integers of a configuration are 64 bits wide, so they travel as decimal text; the item's
/// own declaration tells `"10"` the number from `"10"` the text.
fn config<S: Serializer>(config: &Config, s: S) -> Result<S::Ok, S::Error> {
    let mut map = BTreeMap::new();
    for (name, value) in config {
        let value = match value {
            ConfigValue::Bool(b) => Value::from(*b),
            ConfigValue::Int(i) => Value::from(i.to_string()),
            ConfigValue::Float(x) => canonical::float(*x).map_err(S::Error::custom)?.into(),
            ConfigValue::Text(t) => Value::from(t.clone()),
        };
        map.insert(name, value);
    }
    map.serialize(s)
}
