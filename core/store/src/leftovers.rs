//! What a death directly after a commit leaves behind.

use crate::{Digest, Error, Store, actions::digests_in};

impl Store {
    /// Removes failures and resume points of actions that are finished: their process died
    /// after the action had its name and before it could remove them. Nobody would miss or
    /// find them. Those of an action whose outputs are not all there stay: it may be running
    /// again.
    pub fn forget_leftovers(&self) -> Result<(), Error> {
        for folder in ["failures", "resume"] {
            for key in digests_in(&self.root().join(folder))? {
                let Some(_claim) = self.claim(&key)? else {
                    continue;
                };
                if self.is_whole(&key) {
                    self.forget_failure(&key)?;
                    self.forget_resume(&key)?;
                }
            }
        }
        Ok(())
    }

    /// A damaged action is not finished.
    fn is_whole(&self, key: &Digest) -> bool {
        let action = self.action(key).ok().flatten();
        action.is_some_and(|action| action.outputs.values().all(|digest| self.has(digest)))
    }
}
