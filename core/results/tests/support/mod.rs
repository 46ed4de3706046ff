//! Trainings that are made up, beside the plans that tests of studies make.
#![allow(dead_code)] // each test takes what it needs

#[path = "../../../study/tests/study/support/mod.rs"]
mod plans;

use jackpot_results::Trained;
use jackpot_store::Digest;
#[allow(unused_imports)] // each test takes what it needs
pub use plans::*;

/// A finished training of this name and test accuracy, made up: nothing of it is in a store.
pub fn made_up(name: &str, accuracy: f64) -> Trained {
    Trained {
        key: Digest::of(name.as_bytes()),
        metrics: Digest::of(format!("metrics {name}").as_bytes()),
        mask: None,
        accuracy,
        best_accuracy: accuracy,
        selected_accuracy: None,
        test_loss: 0.5,
        curve: Vec::new(),
        pretraining: None,
        before: None,
        layers: Vec::new(),
        bits: None,
        lineage: None,
    }
}
