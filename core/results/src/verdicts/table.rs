//! What the analysis is evaluated on: the runs of one table, and where a contrast is taken.
use crate::load::run::{Run, TrainedRun};

/// The runs of one table, and how to read them.
pub struct RunTable<'a> {
    /// The runs of one setting, or those of all settings where settings are compared.
    pub runs: Vec<&'a Run>,
    /// Whether these are the runs of all settings: then contrasts across settings are evaluated,
    /// otherwise those within one.
    pub across_settings: bool,
    /// Sparsities in the order of the study.
    pub sparsities: &'a [String],
    /// Seeds in the order of the study.
    pub seeds: &'a [u64],
    /// Says whether the accuracy of a training is that of chance.
    pub collapsed: &'a dyn Fn(&TrainedRun) -> bool,
}

/// The sparsity, or the average over sparsities, at which a contrast is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContrastScope {
    /// One sparsity as decimal text; `0` for dense networks.
    Sparsity(String),
    /// Averaged over sparsities, seed by seed.
    Average,
    /// Averaged over the sparsities at which nothing collapsed.
    AverageUncollapsed,
}

impl ContrastScope {
    /// The sparsity as decimal text, or the average in words.
    pub fn word(&self) -> &str {
        match self {
            ContrastScope::Sparsity(text) => text,
            ContrastScope::Average => "average",
            ContrastScope::AverageUncollapsed => "average without collapse",
        }
    }
}
