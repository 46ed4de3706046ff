//! What a run keeps in the store beside the results of its actions, and what it lets go.
use super::{Executor, Queue};
use crate::{
    Error,
    actions::recipe::ActionInput,
    plan::assess::{ActionState, Assessment},
};
use jackpot_store::{Digest, canonical};
use std::collections::BTreeSet;

impl Executor<'_> {
    /// A finished action whose recipe is damaged or gone is the result of nobody knows what. The
    /// plan knows it: it is looked up by that recipe's sha256.
    pub(super) fn restore_recipes(&self, queue: &mut Queue, a: &Assessment) -> Result<(), Error> {
        let store = self.store;
        for ((key, recipe), outputs) in a.keys.iter().zip(&a.recipes).zip(&a.outputs) {
            let (Some(key), Some(recipe), Some(_)) = (key, recipe, outputs) else {
                continue;
            };
            if !queue.present(store)(key) {
                let bytes = canonical::to_bytes(&recipe.to_value()?).map_err(Error::from_store)?;
                store.put(&bytes).map_err(Error::from_store)?;
            }
        }
        Ok(())
    }

    /// A checkpoint is kept only while an unfinished action of this run, or another run, may
    /// read it.
    pub(super) fn forget_checkpoints(
        &self,
        queue: &mut Queue,
        a: &Assessment,
    ) -> Result<(), Error> {
        let (plan, store) = (self.plan, self.store);
        if plan.study.run.keep_checkpoints {
            return Ok(());
        }
        let mut read = BTreeSet::new();
        for (node, state) in plan.nodes.iter().zip(&a.states) {
            if *state == ActionState::Cached {
                continue;
            }
            for input in node.recipe.inputs() {
                if let ActionInput::Node(r) = input {
                    read.extend(a.object(&r));
                }
            }
        }
        let checkpoints = a
            .outputs
            .iter()
            .flatten()
            .filter_map(|o| o.get("checkpoint"));
        let unread: BTreeSet<Digest> = checkpoints
            .filter(|c| !read.contains(c) && store.has(c))
            .copied()
            .collect();
        if unread.is_empty() {
            return Ok(());
        }
        // Another run may be about to read them; the last one to end forgets its own.
        let forget = || {
            for digest in &unread {
                store.remove(digest)?;
                queue.verified.remove(digest);
            }
            Ok(())
        };
        let done: Result<bool, jackpot_store::Error> = self.running.if_alone(forget);
        done.map(|_| ()).map_err(Error::from_store)
    }
}
