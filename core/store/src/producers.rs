//! Which finished actions made an object.
use crate::{Digest, Error, Look, Store};
use std::collections::BTreeMap;

/// The finished actions of a store by the objects that they made.
pub struct Makers {
    actions: BTreeMap<Digest, Vec<Digest>>,
}

impl Makers {
    /// Reads every action's file. One that is damaged made nothing: the audit names it.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn read(store: &Store) -> Result<Makers, Error> {
        let mut actions: BTreeMap<Digest, Vec<Digest>> = BTreeMap::new();
        for key in store.action_keys()? {
            let Look::Sound(action) = store.look_action(&key)? else {
                continue;
            };
            for digest in action.outputs.into_values() {
                let makers = actions.entry(digest).or_default();
                // Two outputs of one action may be the same bytes.
                if makers.last() != Some(&key) {
                    makers.push(key);
                }
            }
        }
        Ok(Makers { actions })
    }

    /// The keys of those that made an object, in order; none: it was given.
    pub fn of(&self, object: &Digest) -> &[Digest] {
        let makers = self.actions.get(object);
        makers.map(Vec::as_slice).unwrap_or_default()
    }

    /// The first of them.
    pub fn first(&self, object: &Digest) -> Option<Digest> {
        self.of(object).first().copied()
    }
}
