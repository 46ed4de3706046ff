//! Why an action is a hit or a miss: its recipe, field by field, against the nearest other.
use crate::{
    Error,
    plan::{
        assess::{ActionState, Assessment},
        graph::Plan,
    },
};
use jackpot_store::{Digest, Look, Store, canonical};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// One action, and what the store knows of it.
#[derive(Clone, Debug, Serialize)]
pub struct ActionExplanation {
    /// In words.
    pub title: String,
    /// As the recipe spells it.
    pub kind: String,
    /// The key, once every input is known.
    pub key: Option<Digest>,
    /// Hit, miss, or not yet knowable.
    pub verdict: CacheVerdict,
    /// The other finished action of that kind whose recipe differs in the fewest fields, if there
    /// is one.
    pub nearest: Option<NearestRecipe>,
}

/// Whether an action has to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CacheVerdict {
    /// The store has its result.
    Hit,
    /// It is finished, and an output that a reader needs is gone: names it.
    Gone(String),
    /// It ran and failed: why.
    Failed(String),
    /// The store has never seen it.
    Miss,
    /// An input is not known before the action that makes it has run.
    Unknown,
}

/// Another finished action of the same kind.
#[derive(Clone, Debug, Serialize)]
pub struct NearestRecipe {
    /// Its key.
    pub key: Digest,
    /// Where the two recipes differ.
    pub fields: Vec<FieldDifference>,
}

/// One field in which two recipes differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldDifference {
    /// The path of the field, e.g. `training.lr`.
    pub field: String,
    /// What the first recipe says, if it has the field.
    pub here: Option<String>,
    /// What the second recipe says, if it has the field.
    pub there: Option<String>,
}

/// The fields in which two values differ, by their paths.
pub fn differences(here: &Value, there: &Value) -> Vec<FieldDifference> {
    let (here, there) = (fields(here), fields(there));
    let mut names: Vec<&String> = here.keys().chain(there.keys()).collect();
    names.sort();
    names.dedup();
    let differ = names.into_iter().filter(|n| here.get(*n) != there.get(*n));
    differ
        .map(|name| FieldDifference {
            field: name.clone(),
            here: here.get(name).cloned(),
            there: there.get(name).cloned(),
        })
        .collect()
}

/// Every leaf of a value under its path.
fn fields(value: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    flatten("", value, &mut found);
    found
}

fn flatten(place: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    let inner = |name: &str| match place {
        "" => name.to_owned(),
        place => format!("{place}.{name}"),
    };
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(name, value)| flatten(&inner(name), value, found)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(i, value)| flatten(&inner(&i.to_string()), value, found)),
        Value::String(text) => drop(found.insert(place.to_owned(), text.clone())),
        other => drop(found.insert(place.to_owned(), other.to_string())),
    }
}

/// The recipes of every finished action, by kind.
pub struct RecipeIndex {
    kinds: BTreeMap<String, Vec<(Digest, Value)>>,
}

impl RecipeIndex {
    /// Reads them. One that is damaged is left out: the audit names it.
    pub fn read(store: &Store) -> Result<RecipeIndex, Error> {
        let mut kinds: BTreeMap<String, Vec<(Digest, Value)>> = BTreeMap::new();
        for key in store.action_keys().map_err(Error::from_store)? {
            let Look::Sound(bytes) = store.look(&key).map_err(Error::from_store)? else {
                continue;
            };
            let Ok(recipe) = canonical::parse(&bytes) else {
                continue;
            };
            let kind = recipe["kind"].as_str().unwrap_or_default().to_owned();
            kinds.entry(kind).or_default().push((key, recipe));
        }
        Ok(RecipeIndex { kinds })
    }

    /// The other recipe of the same kind that differs in the fewest fields; of equally near
    /// ones the one with the lowest key.
    pub fn nearest(&self, key: Option<&Digest>, recipe: &Value) -> Option<NearestRecipe> {
        let kind = recipe["kind"].as_str().unwrap_or_default();
        let others = self.kinds.get(kind)?.iter();
        others
            .filter(|(other, _)| Some(other) != key)
            .map(|(other, value)| NearestRecipe {
                key: *other,
                fields: differences(recipe, value),
            })
            .min_by_key(|near| (near.fields.len(), near.key))
    }
}

/// Explains an action by its key.
///
/// # Errors
/// A key that is no recipe of the store.
pub fn explain(
    store: &Store,
    recipes: &RecipeIndex,
    key: &Digest,
) -> Result<ActionExplanation, Error> {
    let bytes = match store.look(key).map_err(Error::from_store)? {
        Look::Sound(bytes) => bytes,
        Look::Absent => {
            return Err(Error(format!("{key}: the store has no such recipe")));
        }
        Look::Damaged(found) => return Err(Error(format!("the recipe {key}: {found}"))),
    };
    let recipe = canonical::parse(&bytes).map_err(Error::from_store)?;
    let Some(kind) = recipe["kind"].as_str() else {
        return Err(Error(format!(
            "{key} is an object, not an action: expected a recipe, which has a `kind`"
        )));
    };
    let verdict = match store.look_action(key).map_err(Error::from_store)? {
        Look::Sound(action) => {
            let mut outputs = action.outputs.iter();
            let gone = outputs.find(|(name, d)| *name != "checkpoint" && !store.has(d));
            gone.map_or(CacheVerdict::Hit, |(name, _)| {
                CacheVerdict::Gone(name.clone())
            })
        }
        Look::Damaged(found) => CacheVerdict::Failed(format!("its file is damaged: {found}")),
        Look::Absent => failed(store, key)?.map_or(CacheVerdict::Miss, CacheVerdict::Failed),
    };
    Ok(ActionExplanation {
        title: kind.to_owned(),
        kind: kind.to_owned(),
        key: Some(*key),
        verdict,
        nearest: recipes.nearest(Some(key), &recipe),
    })
}

fn failed(store: &Store, key: &Digest) -> Result<Option<String>, Error> {
    let failure = store.failure(key).map_err(Error::from_store)?;
    Ok(failure.map(|f| {
        f["message"]
            .as_str()
            .unwrap_or("no reason was kept")
            .to_owned()
    }))
}

/// Explains a training of a plan and every action before it, those before it first.
pub fn explain_node(
    plan: &Plan,
    a: &Assessment,
    store: &Store,
    recipes: &RecipeIndex,
    node: usize,
) -> Result<Vec<ActionExplanation>, Error> {
    let explain = |node: usize| -> Result<ActionExplanation, Error> {
        let recipe = &plan.nodes[node].recipe;
        let key = a.keys[node];
        let verdict = match (a.states[node], key) {
            (ActionState::Cached, _) => CacheVerdict::Hit,
            (ActionState::Unknown, _) | (_, None) => CacheVerdict::Unknown,
            (ActionState::ToRun, Some(key)) => match &a.outputs[node] {
                Some(outputs) => {
                    let gone = outputs.iter().find(|(_, d)| !store.has(d));
                    CacheVerdict::Gone(gone.map_or("an output", |(n, _)| n).to_owned())
                }
                None => failed(store, &key)?.map_or(CacheVerdict::Miss, CacheVerdict::Failed),
            },
        };
        let value = match &a.recipes[node] {
            Some(resolved) => Some(resolved.to_value()?),
            None => None,
        };
        Ok(ActionExplanation {
            title: plan.nodes[node].title.clone(),
            kind: recipe.kind().to_owned(),
            key,
            verdict,
            nearest: value.and_then(|v| recipes.nearest(key.as_ref(), &v)),
        })
    };
    plan.ancestors(node).into_iter().map(explain).collect()
}
