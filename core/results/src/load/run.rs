//! One training of a study's grid, and what came out of it.
use super::pretraining::Pretrained;
use jackpot_store::Digest;
use jackpot_study::{Lineage, MaskFacts};

/// One training of the grid, or why there is none.
#[derive(Clone, Debug)]
pub struct Run {
    /// Name of the setting; none in a study without settings.
    pub setting: Option<String>,
    /// Name of the ticket.
    pub ticket: String,
    /// Name of the check; `none` for the unmodified ticket.
    pub check: String,
    /// Decimal text; `0` for dense.
    pub sparsity: String,
    /// Of the study.
    pub seed: u64,
    /// What came out.
    pub outcome: Outcome,
    /// Of the mask that it was given or would have been; none: dense, or not known.
    pub facts: Option<MaskFacts>,
}

/// What came out of one cell.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all of them are the large one"
)]
pub enum Outcome {
    /// A finished training.
    Done(Trained),
    /// The check cannot change this ticket, by construction: known at plan time, not run; the
    /// unmodified ticket has run.
    Identical {
        /// Why, in words.
        because: String,
    },
    /// The check changes what is trained before the ticket, and the ticket is given weights of an
    /// object: nothing of the check can be applied there, and nothing is known of its effect.
    NotApplicable {
        /// Why, in words.
        because: String,
    },
    /// The training or an action before it failed, or the training diverged.
    Failed {
        /// Why, in words.
        why: String,
        /// Whether it is the training itself, and its loss is no number any more.
        diverged: bool,
    },
    /// Not started: its mask is certain to collapse, and the study skips such trainings.
    Collapsed {
        /// Why, in words.
        why: String,
    },
    /// Not run yet, or no longer in the store.
    Missing,
}

/// A finished training.
#[derive(Clone, Debug)]
pub struct Trained {
    /// Of the action.
    pub key: Digest,
    /// The metrics object.
    pub metrics: Digest,
    /// The mask that the training was given; none: dense.
    pub mask: Option<Digest>,
    /// Percent, after the last epoch.
    pub accuracy: f64,
    /// Percent, after the best epoch.
    pub best_accuracy: f64,
    /// Percent, on the test rows after the epoch that is best on validation rows; none if the
    /// training held none back.
    pub selected_accuracy: Option<f64>,
    /// Mean cross-entropy over the test rows after the last epoch.
    pub test_loss: f64,
    /// Percent of the test images, after each epoch.
    pub curve: Vec<f64>,
    /// The dense training before pruning; none: there is none, or it is not known.
    pub pretraining: Option<Box<Pretrained>>,
    /// The pruned network before this training; none: the study does not ask, or no trained
    /// weights were pruned.
    pub before: Option<Before>,
    /// Name, weights, kept weights of each layer, in forward order.
    pub layers: Vec<(String, u64, u64)>,
    /// Which test images the last weights got right; none: the results do not hold them.
    pub bits: Option<TestBits>,
    /// Which data each stage saw, and the epochs in all; none in a pin of an older version.
    pub lineage: Option<Box<Lineage>>,
}

/// A pruned network before it is trained on.
#[derive(Clone, Debug, PartialEq)]
pub struct Before {
    /// Of the action.
    pub key: Digest,
    /// Its metrics object.
    pub metrics: Digest,
    /// Percent of the test images.
    pub accuracy: f64,
    /// Mean cross-entropy over the test rows.
    pub test_loss: f64,
}

/// Right or wrong, one bit a test image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestBits {
    /// Test images.
    pub rows: u64,
    /// Image i is bit i mod 8 of byte i / 8, 1 for right.
    pub right: Vec<u8>,
}

impl Trained {
    /// The kept share of all prunable weights.
    pub fn density(&self) -> f64 {
        let sum = |of: fn(&(String, u64, u64)) -> u64| self.layers.iter().map(of).sum::<u64>();
        sum(|l| l.2) as f64 / sum(|l| l.1).max(1) as f64
    }
}
