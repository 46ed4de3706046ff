//! Which random key feeds what.
//!
//! A ticket and its check share every key but the check's own. No training key derives from
//! a mask, a ticket's name or a recipe: pairs would share nothing.
use jackpot_rng::Key;

/// The named keys of one seed.
#[derive(Clone, Copy, Debug)]
pub struct Keys(Key);

impl Keys {
    /// Of a study's seed.
    pub fn of(seed: u64) -> Keys {
        Keys(Key::from_seed(seed))
    }
    /// First weights.
    pub fn init(self) -> Key {
        self.0.fold_name("init")
    }
    /// Order of the training rows in every epoch.
    pub fn order(self) -> Key {
        self.0.fold_name("order")
    }
    /// Crops and flips.
    pub fn augment(self) -> Key {
        self.0.fold_name("augment")
    }
    /// Rows that a differentiating method draws.
    pub fn score_batch(self) -> Key {
        self.0.fold_name("score-batch")
    }
    /// Random scores.
    pub fn selection(self) -> Key {
        self.0.fold_name("selection")
    }
    /// Draws of an allocation.
    pub fn allocation(self) -> Key {
        self.0.fold_name("allocation")
    }
    /// Draws of a check on masks: never the key of the ticket's own draw.
    pub fn check(self, name: &str, step: usize) -> Key {
        let key = self.0.fold_name(&format!("check.{name}"));
        if step == 0 {
            key
        } else {
            key.fold(step as u64)
        }
    }
    /// Draws of one step of a check on data. Two checks that share a step share its draws.
    pub fn corruption(self, step: &str) -> Key {
        self.0.fold_name("corruption").fold_name(step)
    }
}
