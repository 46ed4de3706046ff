//! Recipes: everything that an action's result is a function of, one struct a kind.
//!
//! The spelling of a recipe is for ever: a field added later is left out where it says "as
//! before", so that no old key moves; `revision` is bumped when the numerics of a kind change.
use crate::{
    Error,
    actions::{
        allocate::AllocateRecipe,
        check::CheckRecipe,
        context::{ActionContext, Made, Observe},
        data::DataRecipe,
        estimate::{Estimate, EstimateContext, MaskForecast},
        evaluate::EvaluateRecipe,
        init::InitRecipe,
        kind::{ActionKind, NameKey, ObjectReader},
        score::ScoreRecipe,
        select::SelectRecipe,
        train::TrainRecipe,
    },
    floats::{floats_from_text, floats_to_text},
};
use jackpot_net::Network;
use jackpot_protocol::Failure;
use jackpot_store::{Digest, Store, canonical};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) use crate::actions::parts::{
    ActionInput, ConfiguredItem, Machine, OutputRef, Platform, SampledRows,
};

/// Declares [`Recipe`] and what leads from it to its kind and back, from one line a kind.
macro_rules! recipes {
    ($($(#[$doc:meta])* $kind:ident($recipe:ident), $as_kind:ident;)+) => {
        /// Everything that an action's result is a function of.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "lowercase")]
        pub enum Recipe {
            $($(#[$doc])* $kind($recipe),)+
        }

        impl Recipe {
            fn action(&self) -> &dyn ActionKind {
                match self {
                    $(Recipe::$kind(recipe) => recipe,)+
                }
            }

            fn action_mut(&mut self) -> &mut dyn ActionKind {
                match self {
                    $(Recipe::$kind(recipe) => recipe,)+
                }
            }

            $(
                /// The recipe, if it is of this kind.
                pub fn $as_kind(&self) -> Option<&$recipe> {
                    match self {
                        Recipe::$kind(recipe) => Some(recipe),
                        _ => None,
                    }
                }
            )+
        }

        $(
            impl From<$recipe> for Recipe {
                fn from(recipe: $recipe) -> Recipe {
                    Recipe::$kind(recipe)
                }
            }
        )+
    };
}

recipes! {
    /// Prepares the rows of a data set.
    Data(DataRecipe), as_data;
    /// Draws the first weights of a network.
    Init(InitRecipe), as_init;
    /// Scores weights, or gives a mask, by a method.
    Score(ScoreRecipe), as_score;
    /// Counts how many weights each layer keeps.
    Allocate(AllocateRecipe), as_allocate;
    /// Selects the weights that a mask keeps.
    Select(SelectRecipe), as_select;
    /// Changes data, scores, a mask or weights.
    Check(CheckRecipe), as_check;
    /// Trains a network.
    Train(TrainRecipe), as_train;
    /// Evaluates a network as pruning left it.
    Evaluate(EvaluateRecipe), as_evaluate;
}

/// What a recipe says of its action.
impl Recipe {
    /// The kind, as the recipe spells it.
    pub fn kind(&self) -> &'static str {
        self.action().name()
    }

    /// Bumped when the host's numerics of this kind change; the golden keys pin it.
    pub fn revision(&self) -> u32 {
        self.action().revision()
    }

    /// The network that the action works on, if it works on one that can be built.
    pub fn network(&self) -> Option<Network> {
        self.action().architecture()?.build().ok()
    }

    /// The item of a plugin that the action calls, if it calls one.
    pub fn plugin(&self) -> Option<&ConfiguredItem> {
        self.action().item()
    }

    /// The machine that the action's numbers depend on, if they depend on one.
    pub(crate) fn machine(&self) -> Option<Machine<'_>> {
        self.action().machine()
    }

    /// The mask of a training under a mask.
    pub fn trained_mask(&self) -> Option<&ActionInput> {
        self.as_train()?.mask.as_ref()
    }

    /// What the action does, in words; `name_key` names the seed behind a random key.
    pub fn describe(&self, name_key: NameKey) -> String {
        self.action().describe(name_key)
    }

    /// Roughly what the action costs.
    pub(crate) fn estimate(&self, context: &EstimateContext) -> Estimate {
        self.action().estimate(context)
    }

    /// About which share of the network's multiply-adds is left under the mask or the counts that
    /// the action makes; 1 where it makes neither.
    pub(crate) fn multiply_adds_left(&self, masks: &dyn MaskForecast) -> f64 {
        self.action().multiply_adds_left(masks)
    }

    /// Gives the parameters of a recipe that was read from the store the types that its item
    /// declares among the items of a plugin.
    pub(crate) fn restore_types(&mut self, plugin: &jackpot_protocol::Plugin) {
        if let Some(item) = self.action_mut().item_mut()
            && let Some(declared) = plugin.items.iter().find(|i| i.id == item.item)
        {
            item.restore_types(declared);
        }
    }
}

/// What an action reads.
impl Recipe {
    /// Everything that the action reads.
    pub fn inputs(&self) -> Vec<ActionInput> {
        let mut copy = self.clone();
        let inputs = copy.action_mut().inputs_mut();
        inputs.into_iter().map(|(_, input)| *input).collect()
    }

    /// The objects that the action reads, under the names that an audit has for them. An input
    /// that is not known yet is left out.
    pub fn reads(&self) -> Vec<(&'static str, Digest)> {
        let mut copy = self.clone();
        let inputs = copy.action_mut().inputs_mut();
        inputs
            .into_iter()
            .filter_map(|(name, input)| Some((name, input.object().ok()?)))
            .collect()
    }

    /// The same recipe with every input by content hash, if all of them are known.
    pub fn resolve(&self, known: &dyn Fn(&OutputRef) -> Option<Digest>) -> Option<Recipe> {
        let mut copy = self.clone();
        for (_, input) in copy.action_mut().inputs_mut() {
            if let ActionInput::Node(r) = input {
                *input = ActionInput::Object(known(r)?);
            }
        }
        Some(copy)
    }
}

/// Its execution and what came of it.
impl Recipe {
    /// Runs the action, verifies what it made and stores it; commits nothing. `key` is the
    /// recipe's own.
    pub(crate) fn execute(
        &self,
        context: &ActionContext,
        key: &Digest,
        observe: Observe,
    ) -> Result<Made, Failure> {
        self.action().execute(context, key, observe)
    }

    /// What is wrong with outputs that the store has: they are compared with each other, with the
    /// recipe and, where the action is a function of bytes alone, with what it gives again.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn verify(
        &self,
        outputs: &BTreeMap<String, Digest>,
        objects: &mut dyn ObjectReader,
    ) -> Result<Vec<String>, Error> {
        self.action().verify(outputs, objects)
    }
}

/// The spelling of a recipe, and its key.
impl Recipe {
    /// The recipe as it is stored: no float, no number above 2^53.
    ///
    /// # Errors
    /// A float that is not a number.
    pub fn to_value(&self) -> Result<Value, Error> {
        let mut value = serde_json::to_value(self)
            .map_err(|e| Error(format!("recipe of kind `{}`: {e}", self.kind())))?;
        floats_to_text(&mut value)?;
        value["revision"] = self.revision().into();
        Ok(value)
    }

    /// The sha256 of the canonical spelling.
    ///
    /// # Errors
    /// As [`Recipe::to_value`].
    pub fn key(&self) -> Result<Digest, Error> {
        Store::key(&self.to_value()?).map_err(Error::from_store)
    }

    /// The recipe that an object spells. What is read is spelled again and must give the same
    /// key, so nothing of the recipe was overlooked.
    ///
    /// # Errors
    /// Bytes that are not a recipe, or one of another version of Jackpot: a field that this
    /// version does not know, another revision of its kind.
    pub fn read(key: &Digest, bytes: &[u8]) -> Result<Recipe, Error> {
        let wrong = |why: &dyn std::fmt::Display| Error(format!("recipe {key}: {why}"));
        let mut value = canonical::parse(bytes).map_err(|e| wrong(&e))?;
        let stored = value.clone();
        let revision = value.as_object_mut().and_then(|map| map.remove("revision"));
        floats_from_text(&mut value);
        let recipe: Recipe = serde_json::from_value(value).map_err(|e| wrong(&e))?;
        let wanted = recipe.revision();
        if revision.as_ref().and_then(Value::as_u64) != Some(u64::from(wanted)) {
            return Err(wrong(&format!(
                "expected revision {wanted} of `{}`, found {}; read it with the version of Jackpot that wrote it",
                recipe.kind(),
                revision.unwrap_or_default()
            )));
        }
        let again = recipe.to_value()?;
        if let Some(field) = first_difference(&stored, &again, "") {
            return Err(wrong(&format!(
                "`{field}` is not what this version of Jackpot writes; read it with the one that wrote it"
            )));
        }
        if recipe.key()? != *key {
            return Err(wrong(&"its canonical spelling has another sha256"));
        }
        Ok(recipe)
    }
}

/// The first field, by its path, in which two values differ.
fn first_difference(a: &Value, b: &Value, place: &str) -> Option<String> {
    if a == b {
        return None;
    }
    let (Value::Object(x), Value::Object(y)) = (a, b) else {
        return Some(place.to_owned());
    };
    x.keys().chain(y.keys()).find_map(|name| {
        let inner = format!("{place}{}{name}", if place.is_empty() { "" } else { "." });
        match (x.get(name), y.get(name)) {
            (Some(a), Some(b)) => first_difference(a, b, &inner),
            _ => Some(inner),
        }
    })
}
