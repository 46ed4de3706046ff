//! Which data each stage of a cell saw, and what its ticket cost, read from the plan's graph.
use crate::{
    actions::{recipe::ActionInput, train::TrainRecipe},
    plan::graph::{CellContent, GridCell, Plan},
    spec::ticket::profile::Config,
};
use jackpot_net::{Order, Training};
use jackpot_store::Digest;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a cell's result comes from. The test rows are always clean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// The data of dense trainings and rounds before the ticket's own training, if there are any.
    /// What made the weights of an object is not known to the study, and said to be so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretraining: Option<String>,
    /// The data that a method drew batches from, if a method of the cell declares data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scoring: Option<String>,
    /// The data of the ticket's own training.
    pub training: String,
    /// Epochs of every training that the cell needs, its own among them, as decimal text, or
    /// [`NOT_KNOWN`] where it needs the weights of an object.
    pub epochs: String,
}

const CLEAN: &str = "clean";

/// What stands in a lineage in place of epochs that nobody counted.
pub const NOT_KNOWN: &str = "not known";

impl Plan {
    /// The lineage of a cell, if anything is run for it.
    pub fn lineage(&self, cell: &GridCell) -> Option<Lineage> {
        let CellContent::Run { train, .. } = cell.content else {
            return None;
        };
        let mut pretraining = BTreeSet::new();
        let mut scoring = BTreeSet::new();
        // Trainings that differ only in where they stop are one training, read at several
        // stages: the longest counts.
        let mut epochs: BTreeMap<String, f64> = BTreeMap::new();
        for node in self.ancestors(train) {
            let recipe = &self.nodes[node].recipe;
            if let Some(before) = recipe.as_train() {
                let most = epochs.entry(without_end(before)).or_insert(0.0);
                *most = most.max(self.epochs(node, &before.training));
                if node != train {
                    let otherwise = self.otherwise(node, &before.training);
                    pretraining.insert(self.data_of(&before.train) + &otherwise);
                }
            }
            if let Some(data) = recipe.as_score().and_then(|score| score.data.as_ref()) {
                scoring.insert(self.data_of(&data.train));
            }
        }
        let given = self.given(train);
        let unknown = |d: &Digest| format!("{NOT_KNOWN} (object {})", &d.to_string()[..12]);
        pretraining.extend(given.iter().map(unknown));
        let joined = |all: BTreeSet<String>| {
            let all: Vec<String> = all.into_iter().collect();
            (!all.is_empty()).then(|| all.join(" and "))
        };
        let own = match self.nodes[train].recipe.as_train() {
            Some(own) => self.data_of(&own.train),
            None => CLEAN.to_owned(),
        };
        Some(Lineage {
            pretraining: joined(pretraining),
            scoring: joined(scoring),
            training: own,
            epochs: if given.is_empty() {
                number_of_epochs(epochs.values().sum())
            } else {
                NOT_KNOWN.to_owned()
            },
        })
    }

    /// The objects that the study gives to a node or to anything that it needs: weights.
    fn given(&self, node: usize) -> BTreeSet<Digest> {
        let behind = self.ancestors(node).into_iter();
        let inputs = behind.flat_map(|node| self.nodes[node].recipe.inputs());
        inputs
            .filter_map(|input| match input {
                ActionInput::Object(digest) => Some(digest),
                ActionInput::Node(_) => None,
            })
            .collect()
    }

    /// A node and everything that it needs.
    pub(crate) fn ancestors(&self, node: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            if found.insert(node) {
                let inputs = self.nodes[node].recipe.inputs();
                open.extend(inputs.iter().filter_map(|i| match i {
                    ActionInput::Node(r) => Some(r.node),
                    ActionInput::Object(_) => None,
                }));
            }
        }
        found
    }

    /// "clean", or the checks that changed the rows, in their order.
    fn data_of(&self, rows: &ActionInput) -> String {
        let mut steps = Vec::new();
        let mut rows = *rows;
        while let ActionInput::Node(r) = rows {
            let Some(check) = self.nodes[r.node].recipe.as_check() else {
                break;
            };
            let item = &check.item;
            steps.push(item.item.clone() + &self.changed(&item.item, &item.config));
            rows = check.input;
        }
        steps.reverse();
        if steps.is_empty() {
            CLEAN.to_owned()
        } else {
            steps.join(" + ")
        }
    }

    /// " (share = 0.5)": the parameters that are not the item's defaults.
    fn changed(&self, id: &str, config: &Config) -> String {
        let items = self.plugins.all.iter().flat_map(|p| &p.items);
        let Some(item) = items.clone().find(|i| i.id == id) else {
            return String::new();
        };
        let changed = item.params.iter().filter_map(|p| {
            let value = config.get(&p.name).filter(|v| **v != p.default)?;
            Some(format!("{} = {value}", p.name))
        });
        let changed: Vec<String> = changed.collect();
        if changed.is_empty() {
            String::new()
        } else {
            format!(" ({})", changed.join(", "))
        }
    }

    /// What a training before the ticket's own does otherwise with its rows.
    fn otherwise(&self, node: usize, training: &Training) -> String {
        let base = &self.setting_of(node).training;
        let mut words = Vec::new();
        if training.order != base.order {
            words.push(match training.order {
                Order::Shuffled => "shuffled".to_owned(),
                Order::Stored => "stored order".to_owned(),
            });
        }
        if let Some(steps) = training
            .steps_per_epoch
            .filter(|_| training.steps_per_epoch != base.steps_per_epoch)
        {
            words.push(crate::messages::steps(steps));
        }
        let whole = |t: &Training| t.epochs + t.offset_epochs;
        if whole(training) != whole(base) {
            words.push(crate::messages::epochs(f64::from(training.epochs)));
        }
        if words.is_empty() {
            String::new()
        } else {
            format!(", {}", words.join(", "))
        }
    }

    fn epochs(&self, node: usize, training: &Training) -> f64 {
        match training.until {
            None => f64::from(training.epochs),
            Some(step) => {
                let rows = u64::from(self.setting_of(node).data.train_rows);
                step as f64 / training.steps_in_epoch(rows).max(1) as f64
            }
        }
    }
}

/// The recipe of a training as if it ran to its end: equal for all of its prefixes.
fn without_end(recipe: &TrainRecipe) -> String {
    serde_json::to_string(&recipe.without_end()).unwrap_or_default()
}

/// At most two decimals, no trailing zeros.
fn number_of_epochs(epochs: f64) -> String {
    let text = format!("{epochs:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
