//! How the weights of objects were made that a study gives to its tickets, as far as the store
//! knows: it names the action behind what it made itself.
use crate::{
    Error,
    actions::recipe::{ActionInput, Recipe},
    plan::graph::{CellContent, Plan},
};
use jackpot_store::{Digest, Look, ProducerIndex, Store};
use std::collections::{BTreeMap, BTreeSet};

/// How one object came to be.
enum Origin {
    /// No action of the store made it, or none that can be read.
    Unknown,
    /// Drawn by this action; nothing was trained.
    Drawn(Digest),
    /// Trained on these rows by this action, dense or under a mask.
    Trained {
        action: Digest,
        on: String,
        is_dense: bool,
    },
}

/// Where the weights come from that keep checks from being applied.
pub struct Origins {
    known: BTreeMap<Digest, Origin>,
}

impl Origins {
    /// Of the weights that cells of the plan name. The store's actions are read only if any does.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn of(plan: &Plan, store: &Store) -> Result<Origins, Error> {
        let named = plan.cells.iter().filter_map(|cell| match &cell.content {
            CellContent::NotApplicable { weights, .. } => Some(*weights),
            _ => None,
        });
        let named: BTreeSet<Digest> = named.collect();
        let mut known = BTreeMap::new();
        if !named.is_empty() {
            let producers = ProducerIndex::read(store).map_err(Error::from_store)?;
            for weights in named {
                known.insert(weights, origin(store, &producers, weights)?);
            }
        }
        Ok(Origins { known })
    }

    /// Why a check that changes what is trained before a ticket cannot be applied to one whose
    /// `field` names these weights.
    pub fn because(&self, field: &str, weights: &Digest) -> String {
        let short = |digest: &Digest| digest.to_string()[..12].to_owned();
        let these = format!("{field}: the object {}", short(weights));
        match self.known.get(weights) {
            None | Some(Origin::Unknown) => {
                format!("{these}: how these weights were made is not known")
            }
            Some(Origin::Drawn(action)) => format!(
                "{these}: these weights were drawn by action {}, and no check follows an object; write `\"initial\"` or `\"redrawn\"`",
                short(action)
            ),
            Some(Origin::Trained {
                action,
                on,
                is_dense,
            }) => format!(
                "{these}: these weights were trained on {on} by action {}; a check on that data would have to train them again{}",
                short(action),
                if *is_dense {
                    ": write `\"trained\"`"
                } else {
                    ""
                }
            ),
        }
    }
}

/// Follows weights back through checks that changed them.
fn origin(store: &Store, producers: &ProducerIndex, weights: Digest) -> Result<Origin, Error> {
    let mut seen = BTreeSet::new();
    let mut weights = weights;
    while seen.insert(weights) {
        let Some((action, recipe)) = made(store, producers, &weights)? else {
            break;
        };
        if recipe.as_init().is_some() {
            return Ok(Origin::Drawn(action));
        }
        if let Some(train) = recipe.as_train()
            && let ActionInput::Object(rows) = train.train
        {
            return Ok(Origin::Trained {
                action,
                on: data(store, producers, rows)?,
                is_dense: train.mask.is_none(),
            });
        }
        match recipe.as_check().map(|check| check.input) {
            Some(ActionInput::Object(before)) => weights = before,
            _ => break,
        }
    }
    Ok(Origin::Unknown)
}

/// The rows of a training in words: the set, and the checks that changed it.
fn data(store: &Store, producers: &ProducerIndex, rows: Digest) -> Result<String, Error> {
    let mut checks: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut rows = rows;
    let mut set = None;
    while seen.insert(rows) {
        let Some((_, recipe)) = made(store, producers, &rows)? else {
            break;
        };
        if let Some(data) = recipe.as_data() {
            set = Some(data.set.clone());
            break;
        }
        let Some(check) = recipe.as_check() else {
            break;
        };
        let ActionInput::Object(before) = check.input else {
            break;
        };
        checks.push(check.item.item.clone());
        rows = before;
    }
    let set = set.unwrap_or_else(|| "data that this store no longer knows".to_owned());
    checks.reverse();
    Ok(if checks.is_empty() {
        set
    } else {
        format!("{set} under {}", checks.join(" + "))
    })
}

/// The first action that made an object, and its recipe, if there is such an action whose recipe can
/// be read.
fn made(
    store: &Store,
    producers: &ProducerIndex,
    object: &Digest,
) -> Result<Option<(Digest, Recipe)>, Error> {
    for key in producers.of(object) {
        if let Look::Sound(bytes) = store.look(key).map_err(Error::from_store)?
            && let Ok(recipe) = Recipe::read(key, &bytes)
        {
            return Ok(Some((*key, recipe)));
        }
    }
    Ok(None)
}
