//! One training of a study's grid, and what came out of it.
use super::pretraining::Pretrained;
use jackpot_store::Digest;
use jackpot_study::{LayerCounts, Lineage, MaskFacts};

/// One training of the grid, or why there is none.
#[derive(Clone, Debug)]
pub struct Run {
    /// Name of the setting; none in a study without settings.
    pub setting: Option<String>,
    /// Name of the ticket.
    pub ticket: String,
    /// Name of the check; `none` for the unmodified ticket.
    pub check: String,
    /// The sparsity as decimal text; `0` for a dense network.
    pub sparsity: String,
    /// One of the seeds of the study.
    pub seed: u64,
    /// What came out.
    pub outcome: RunOutcome,
    /// Facts of the mask that the training was given or would have been given. `None` for a dense
    /// network and where the mask is not known.
    pub facts: Option<MaskFacts>,
}

/// What came out of one cell.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all of them are the large one"
)]
pub enum RunOutcome {
    /// A finished training.
    Done(TrainedRun),
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
pub struct TrainedRun {
    /// Key of the action that trained.
    pub key: Digest,
    /// Digest of its metrics.
    pub metrics: Digest,
    /// The mask that the training was given; `None` for a dense network.
    pub mask: Option<Digest>,
    /// Test accuracy after the last epoch, in percent.
    pub accuracy: f64,
    /// Test accuracy after the best epoch, in percent.
    pub best_accuracy: f64,
    /// Test accuracy after the epoch that is best on the validation rows, in percent; `None` if the
    /// training held no rows back.
    pub selected_accuracy: Option<f64>,
    /// Mean cross-entropy over the test rows after the last epoch.
    pub test_loss: f64,
    /// Test accuracy after each epoch, in percent.
    pub curve: Vec<f64>,
    /// The dense training before pruning; `None` where there is none or where it is not known.
    pub pretraining: Option<Box<Pretrained>>,
    /// The pruned network before this training; `None` where the study does not ask for it, or
    /// where no trained weights were pruned.
    pub before: Option<Before>,
    /// Name, weights and kept weights of each layer, in forward order.
    pub layers: LayerCounts,
    /// Which test images the last weights classify correctly; `None` where the results do not hold
    /// it.
    pub bits: Option<TestBits>,
    /// Which data each stage saw, and how many epochs there were in all; `None` in a manifest of an
    /// older version.
    pub lineage: Option<Box<Lineage>>,
}

/// A pruned network before it is trained on.
#[derive(Clone, Debug, PartialEq)]
pub struct Before {
    /// Key of the evaluation.
    pub key: Digest,
    /// Digest of its metrics.
    pub metrics: Digest,
    /// Test accuracy, in percent.
    pub accuracy: f64,
    /// Mean cross-entropy over the test rows.
    pub test_loss: f64,
}

/// Whether each test image is classified correctly, one bit per image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestBits {
    /// Number of test images.
    pub rows: u64,
    /// Image i is bit i mod 8 of byte i / 8; it is 1 if the image is classified correctly.
    pub right: Vec<u8>,
}

impl TrainedRun {
    /// The kept share of all prunable weights.
    pub fn density(&self) -> f64 {
        let sum = |of: fn(&(String, u64, u64)) -> u64| self.layers.iter().map(of).sum::<u64>();
        sum(|l| l.2) as f64 / sum(|l| l.1).max(1) as f64
    }
}
