//! What recipes are built from: inputs, items of plugins, the platform that libtorch computes on.
//!
//! Inputs are named by content hash, never by the key of the action that made them, so a
//! rebuilt plugin that yields the same mask costs no retraining. While a plan does not know
//! an input yet, the input names the node that will make it, and the recipe has no key.
use crate::{Error, messages::describe_params, spec::ticket::profile::Config, toolbox::Libtorch};
use jackpot_net::{Augment, Compute, Engine, Precision};
use jackpot_protocol::ConfigValue;
use jackpot_store::{Digest, canonical};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error as _};
use serde_json::Value;
use std::collections::BTreeMap;

/// One output of one node of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutputRef {
    /// Index into the plan's nodes.
    pub node: usize,
    /// The output's name.
    pub output: &'static str,
}

/// What an action reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionInput {
    /// The output of an action of the plan whose content hash is not known yet.
    Node(OutputRef),
    /// An object of the store.
    Object(Digest),
}

impl ActionInput {
    /// An output of a node of the plan.
    pub fn node(node: usize, output: &'static str) -> ActionInput {
        ActionInput::Node(OutputRef { node, output })
    }

    /// The object that is read.
    ///
    /// # Errors
    /// The output of a node, whose content hash is not known yet.
    pub fn object(&self) -> Result<Digest, Error> {
        match self {
            ActionInput::Object(digest) => Ok(*digest),
            ActionInput::Node(r) => Err(Error(format!(
                "the output `{}` of action {} is not known yet",
                r.output, r.node
            ))),
        }
    }
}

impl Serialize for ActionInput {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            ActionInput::Object(digest) => digest.serialize(s),
            // Never stored: tells equal nodes of a plan apart from others.
            ActionInput::Node(r) => s.serialize_str(&format!("node {}: {}", r.node, r.output)),
        }
    }
}

impl<'de> Deserialize<'de> for ActionInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ActionInput, D::Error> {
        Digest::deserialize(deserializer).map(ActionInput::Object)
    }
}

/// One item of one plugin and everything that it is given beside its inputs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConfiguredItem {
    /// sha256 of the shared library, which is an object.
    pub plugin: Digest,
    /// The item's id.
    pub item: String,
    /// The item's version.
    pub version: String,
    /// A value for every parameter that the item declares.
    #[serde(serialize_with = "config")]
    pub config: Config,
}

impl ConfiguredItem {
    /// The item and every parameter that the recipe spells: `snip (batches = 1)`.
    pub(crate) fn describe(&self) -> String {
        format!("{}{}", self.item, describe_params(&self.config))
    }

    /// Gives the parameters of an item that was read from the store the types that the item
    /// declares: a recipe spells integers as text.
    pub(crate) fn restore_types(&mut self, declared: &jackpot_protocol::PluginItem) {
        for param in &declared.params {
            let Some(value) = self.config.get_mut(&param.name) else {
                continue;
            };
            let typed = match (&param.default, &*value) {
                (ConfigValue::Int(_), ConfigValue::Text(t)) => t.parse().ok().map(ConfigValue::Int),
                (ConfigValue::Text(_), ConfigValue::Float(x)) => {
                    canonical::float(*x).ok().map(ConfigValue::Text)
                }
                _ => None,
            };
            if let Some(typed) = typed {
                *value = typed;
            }
        }
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

/// What libtorch's numbers depend on beside the inputs. Trainings and evaluations compute in
/// another choice of precisions than scores do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Platform<P = Precision> {
    /// Version and build of libtorch.
    pub libtorch: Libtorch,
    /// The kernels that it computes with, e.g. `cpu-avx2`.
    pub device_class: String,
    /// Number of threads of the computation.
    pub threads: u32,
    /// The precision that the computation runs in; of a score, only where a method does not ask
    /// for f64.
    pub precision: P,
    /// The engine that takes the steps of a training.
    #[serde(default, skip_serializing_if = "Engine::is_libtorch")]
    pub engine: Engine,
}

impl Platform {
    /// The engine and the precision of the computation.
    pub fn compute(&self) -> Compute {
        Compute {
            engine: self.engine,
            precision: self.precision,
        }
    }
}

impl<P> Platform<P> {
    /// What of the platform a machine either has or has not.
    pub(crate) fn machine(&self) -> Machine<'_> {
        Machine {
            libtorch: &self.libtorch,
            device_class: &self.device_class,
            threads: self.threads,
        }
    }
}

/// The libtorch, kernel level and threads that an action's numbers depend on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine<'a> {
    pub libtorch: &'a Libtorch,
    pub device_class: &'a str,
    pub threads: u32,
}

/// The rows that a method's batches are drawn from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SampledRows {
    /// The training rows: a data object.
    pub train: ActionInput,
    /// Mean and standard deviation of the channels of the clean training rows.
    pub normalisation: ActionInput,
    /// The augmentation of batches, if the method asks for augmented ones.
    pub augment: Augment,
}
