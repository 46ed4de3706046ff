//! What the store knows of a plan: which actions are cached, which are to run, and which
//! cannot be looked up yet because an input is not known.
//!
//! A hit needs the outputs that this plan reads, no more: a finished training whose
//! checkpoint is gone still serves its metrics. And an action is looked up by what it
//! reads, so an upstream that was rebuilt into the same bytes leaves its downstream cached.
use crate::{
    Error,
    actions::recipe::{ActionInput, OutputRef, Recipe},
    plan::graph::{CellContent, Plan},
};
use jackpot_store::{Digest, Store};
use std::collections::{BTreeMap, BTreeSet};

/// Where one action of a plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionState {
    /// The store has what the plan reads of it.
    Cached,
    /// Its inputs are known, its result is not there.
    ToRun,
    /// An input is not known yet, so it cannot be looked up.
    Unknown,
}

/// Where a plan stands.
#[derive(Clone, Debug, Default)]
pub struct Assessment {
    /// The state of each node.
    pub states: Vec<ActionState>,
    /// The recipe of each node with its inputs by content hash, once they are known.
    pub recipes: Vec<Option<Recipe>>,
    /// The action's key, once its inputs are known.
    pub keys: Vec<Option<Digest>>,
    /// Outputs that are known, whether or not their objects are still there.
    pub outputs: Vec<Option<BTreeMap<String, Digest>>>,
}

/// How much there is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PlanSummary {
    /// Actions of the plan.
    pub actions: usize,
    /// The store has them.
    pub cached: usize,
    /// Ready, or waiting for another action whose outputs are known.
    pub to_run: usize,
    /// An input is not known yet.
    pub unknown: usize,
    /// Times that an action was asked for and there already.
    pub shared: usize,
    /// Estimated seconds of one core.
    pub seconds: f64,
    /// Estimated bytes that will be added to the store.
    pub bytes: u64,
}

impl Assessment {
    /// Counts and estimates. What is not knowable is counted as if it had to run.
    pub fn summary(&self, plan: &Plan) -> PlanSummary {
        let mut s = PlanSummary {
            actions: plan.nodes.len(),
            shared: plan.shared,
            ..PlanSummary::default()
        };
        for (node, state) in plan.nodes.iter().zip(&self.states) {
            match state {
                ActionState::Cached => s.cached += 1,
                ActionState::ToRun => s.to_run += 1,
                ActionState::Unknown => s.unknown += 1,
            }
            if *state != ActionState::Cached {
                s.seconds += node.seconds;
                s.bytes += node.bytes;
            }
        }
        s
    }

    /// Keys of the plan's actions that the store has finished, whatever it keeps of them.
    pub fn finished(&self) -> Vec<Digest> {
        let all = self.keys.iter().zip(&self.outputs);
        let finished = all.filter_map(|(key, outputs)| key.filter(|_| outputs.is_some()));
        let finished: BTreeSet<Digest> = finished.collect();
        finished.into_iter().collect()
    }

    /// The object behind an output, once known.
    pub fn object(&self, r: &OutputRef) -> Option<Digest> {
        self.outputs[r.node].as_ref()?.get(r.output).copied()
    }

    /// Whether every object that the action reads is there.
    pub fn ready(&self, node: usize, present: &mut dyn FnMut(&Digest) -> bool) -> bool {
        let Some(recipe) = &self.recipes[node] else {
            return false;
        };
        recipe
            .inputs()
            .iter()
            .all(|i| matches!(i, ActionInput::Object(d) if present(d)))
    }
}

/// What does not change from one look at the store to the next.
#[derive(Debug, Default)]
pub struct AssessmentCache {
    /// The recipe and key of a node, with the inputs that they were made from.
    keys: BTreeMap<usize, (Recipe, Digest)>,
    actions: BTreeMap<Digest, BTreeMap<String, Digest>>,
}

/// Looks at the store once. `present` says whether an object is there.
pub fn assess(
    plan: &Plan,
    store: &Store,
    memo: &mut AssessmentCache,
    present: &mut dyn FnMut(&Digest) -> bool,
) -> Result<Assessment, Error> {
    let mut a = look_up(plan, store, memo)?;
    let mut needed: Vec<BTreeSet<&'static str>> = vec![BTreeSet::new(); plan.nodes.len()];
    for cell in &plan.cells {
        let CellContent::Run {
            train,
            mask,
            before,
        } = &cell.content
        else {
            continue;
        };
        needed[*train].extend(["metrics", "bits"]);
        if let Some(before) = before {
            needed[*before].insert("metrics");
        }
        if let Some(mask) = mask {
            needed[mask.node].insert(mask.output);
        }
    }
    for wanted in &plan.wanted {
        needed[wanted.node].insert(wanted.output);
    }
    // Readers come after what they read, so their needs are complete when it is reached.
    for node in (0..plan.nodes.len()).rev() {
        let there = match &a.outputs[node] {
            None => false,
            Some(outputs) => needed[node]
                .iter()
                .all(|name| outputs.get(*name).is_some_and(&mut *present)),
        };
        a.states[node] = match (there, &a.keys[node]) {
            (true, _) => ActionState::Cached,
            (false, Some(_)) => ActionState::ToRun,
            (false, None) => ActionState::Unknown,
        };
        for input in plan.nodes[node].recipe.inputs() {
            let ActionInput::Node(r) = input else {
                continue;
            };
            // An action that cannot be looked up yet may turn out to be cached, so of what
            // is known it asks for nothing; a reader of a vanished checkpoint asks when its
            // own turn to run has come.
            let wanted = match a.states[node] {
                ActionState::Cached => false,
                ActionState::ToRun => true,
                ActionState::Unknown => a.outputs[r.node].is_none(),
            };
            if wanted {
                needed[r.node].insert(r.output);
            }
        }
    }
    Ok(a)
}

fn look_up(plan: &Plan, store: &Store, memo: &mut AssessmentCache) -> Result<Assessment, Error> {
    let mut a = Assessment {
        states: vec![ActionState::Unknown; plan.nodes.len()],
        ..Assessment::default()
    };
    for (index, node) in plan.nodes.iter().enumerate() {
        let known = |r: &OutputRef| a.object(r);
        let Some(recipe) = node.recipe.resolve(&known) else {
            a.recipes.push(None);
            a.keys.push(None);
            a.outputs.push(None);
            continue;
        };
        let key = match memo.keys.get(&index) {
            Some((old, key)) if old.inputs() == recipe.inputs() => *key,
            _ => recipe.key()?,
        };
        memo.keys.insert(index, (recipe.clone(), key));
        let outputs = match memo.actions.get(&key) {
            Some(outputs) => Some(outputs.clone()),
            None => match store.action(&key) {
                Ok(action) => action.map(|a| a.outputs),
                // A damaged action file is a miss; the audit names it.
                Err(jackpot_store::Error::Corrupt { .. }) => None,
                Err(other) => return Err(Error::from_store(other)),
            },
        };
        if let Some(outputs) = &outputs {
            memo.actions.insert(key, outputs.clone());
        }
        a.recipes.push(Some(recipe));
        a.keys.push(Some(key));
        a.outputs.push(outputs);
    }
    Ok(a)
}
