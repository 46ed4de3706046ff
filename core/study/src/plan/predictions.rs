//! What the masks that the store has say of trainings that are still to run.
use crate::{
    Error,
    actions::{recipe::Recipe, validate},
    masks::facts::MaskFacts,
    plan::{
        assess::{ActionState, Assessment},
        graph::Plan,
    },
};
use jackpot_store::{Digest, Store};
use std::collections::{BTreeMap, btree_map::Entry};

/// What the masks that the store has say of the trainings of a plan that are not done: the
/// training's node, and the facts.
pub fn predictions(
    plan: &Plan,
    a: &Assessment,
    store: &Store,
) -> Result<Vec<(usize, MaskFacts)>, Error> {
    let mut known: BTreeMap<(usize, Digest), MaskFacts> = BTreeMap::new();
    let mut found = Vec::new();
    for (node, state) in a.states.iter().enumerate() {
        let open = a.recipes[node]
            .as_ref()
            .filter(|_| *state != ActionState::Cached);
        let mask = open.and_then(Recipe::trained_mask);
        let Some(digest) = mask.and_then(|m| m.object().ok()).filter(|d| store.has(d)) else {
            continue;
        };
        let facts = match known.entry((plan.nodes[node].setting, digest)) {
            Entry::Occupied(facts) => facts.into_mut(),
            Entry::Vacant(place) => {
                let bytes = store.get(&digest).map_err(Error::from_store)?;
                let mask =
                    validate::mask(&bytes, plan.network_of(node)).map_err(Error::from_host)?;
                place.insert(MaskFacts::of(plan.network_of(node), &mask, digest)?)
            }
        };
        found.push((node, facts.clone()));
    }
    Ok(found)
}
