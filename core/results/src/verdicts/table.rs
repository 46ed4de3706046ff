//! What the analysis is evaluated on: the runs of one table, and where a contrast is taken.
use crate::load::run::{Run, Trained};

/// What is looked at: the runs of one table and how to read them.
pub struct Table<'a> {
    /// Of one setting; of all, where settings are compared.
    pub runs: Vec<&'a Run>,
    /// Whether they are those of all settings: other contrasts are evaluated.
    pub across_settings: bool,
    /// In the study's order.
    pub sparsities: &'a [String],
    /// In the study's order.
    pub seeds: &'a [u64],
    /// Whether a training is at chance.
    pub collapsed: &'a dyn Fn(&Trained) -> bool,
}

/// Where a contrast is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Decimal text; `0` for dense networks.
    Sparsity(String),
    /// Averaged over sparsities, seed by seed.
    Average,
    /// The same over the sparsities at which nothing collapsed.
    AverageUncollapsed,
}

impl Scope {
    /// Decimal text, or a word.
    pub fn word(&self) -> &str {
        match self {
            Scope::Sparsity(text) => text,
            Scope::Average => "average",
            Scope::AverageUncollapsed => "average without collapse",
        }
    }
}
