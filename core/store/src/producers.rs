//! Which finished actions made an object.
use crate::{Digest, Error, Look, Store};
use std::collections::BTreeMap;

/// The finished actions of a store by the objects that they made.
pub struct ProducerIndex {
    actions: BTreeMap<Digest, Vec<Digest>>,
}

impl ProducerIndex {
    /// Reads every action's file. A damaged file counts as an action that made nothing: the audit
    /// names it.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn read(store: &Store) -> Result<ProducerIndex, Error> {
        let mut actions: BTreeMap<Digest, Vec<Digest>> = BTreeMap::new();
        for key in store.action_keys()? {
            let Look::Sound(action) = store.look_action(&key)? else {
                continue;
            };
            for digest in action.outputs.into_values() {
                let producers = actions.entry(digest).or_default();
                // Two outputs of one action may be the same bytes.
                if producers.last() != Some(&key) {
                    producers.push(key);
                }
            }
        }
        Ok(ProducerIndex { actions })
    }

    /// The keys of the actions that made an object, in order; an object that was given has none.
    pub fn of(&self, object: &Digest) -> &[Digest] {
        let producers = self.actions.get(object);
        producers.map(Vec::as_slice).unwrap_or_default()
    }

    /// The first action that made an object.
    pub fn first(&self, object: &Digest) -> Option<Digest> {
        self.of(object).first().copied()
    }
}
