//! Studies: what to ask (`study.toml`), which actions answer it, and running them.
//!
//! [`Study::load`] reads and checks the file, [`plan()`] turns it into a graph of actions in
//! which shared prefixes appear once, [`assess()`] says what the store already knows of it,
//! [`run()`] does the rest and writes down which action fills which cell of the grid.
//!
//! **Invariant**: this crate never links libtorch and never loads a plugin: it starts worker
//! processes and commits what they made, after checking it. It draws no conclusion from results:
//! `jackpot-results` reads them. No key, recipe or result depends
//! on the clock, the machine's name, a path, or on how many workers ran.

mod actions;
mod analysis;
mod describe;
mod floats;
mod masks;
mod messages;
mod needs;
mod plan;
mod probe;
mod run;
mod spec;
mod toolbox;

pub use actions::allocate::AllocateRecipe;
pub use actions::check::CheckRecipe;
pub use actions::data::{DataFile, DataRecipe};
pub use actions::evaluate::EvaluateRecipe;
pub use actions::init::InitRecipe;
pub use actions::kind::{NameKey, ObjectReader};
pub use actions::parts::{ActionInput, ConfiguredItem, OutputRef, Platform, SampledRows};
pub use actions::recipe::Recipe;
pub use actions::score::ScoreRecipe;
pub use actions::select::{SelectRecipe, SelectionCounts};
pub use actions::train::TrainRecipe;
pub use analysis::{
    Analysis, Arm, ArmPair, COLLAPSE_POINTS, CollapsedRuns, Contrast, ControlOf, DeclaredAnalysis,
    Dose, Factor, Factorial, LEVEL, LOSS_MARGIN, MARGIN, Margin, Margins, Role, WeightedArm,
    declare,
};
pub use jackpot_host::printable;
pub use jackpot_stats::{LEAST_SEEDS, Variance};
pub use masks::facts::{Collapse, MaskFacts};
pub use masks::overlaps::{MaskedCell, Overlap, overlaps_of};
pub use masks::recorded::{LayerCounts, RecordedMasks};
pub use masks::summary::{EVIDENCE_ROOM, bytes_of_masks, summarise_masks};
pub use messages::{describe_params, describe_unit, hint, nearest};
pub use needs::word;
pub use plan::alike::alike;
pub use plan::allocation_warnings::allocation_warnings;
pub use plan::assess::{ActionState, Assessment, AssessmentCache, PlanSummary, assess};
pub use plan::engine_choice::{EngineGain, EngineUse};
pub use plan::explain::{
    ActionExplanation, CacheVerdict, FieldDifference, NearestRecipe, RecipeIndex, differences,
    explain, explain_node,
};
pub use plan::graph::{ActionNode, CellContent, GridCell, Plan};
pub use plan::grid::{plan, plan_for_reading};
pub use plan::lineage::{Lineage, NOT_KNOWN};
pub use plan::origins::Origins;
pub use plan::predictions::predictions;
pub use plan::require::require;
pub use probe::{
    LayerRow, MaskComparison, MaskRow, OmittedTicket, OutputFormat, Probe, ProbeMasks, ProbePart,
    ProbeRequest, ProbeResult, ProbeTable, make, measure, probe,
};
pub use run::lock::{LOCK, Lock, LockEntry, LockInputs, digest_of_results};
pub use run::manifest::{IDENTICAL_TO, ManifestCell, RunManifest};
pub use run::queue::{RunEvent, RunOptions, RunSummary, run};
pub use run::rerun::{Rerun, RerunOutcome, behind, chosen};
pub use spec::checks::{
    Check, CheckStep, CheckTarget, DataStage, EpochSteps, Pretraining, ResampledKey,
};
pub use spec::data::DataSettings;
pub use spec::file::{FIGURES, Study, TABLES};
pub use spec::keys::{FixedSeeds, Keys};
pub use spec::names::NO_CHECK;
pub use spec::reference::Reference;
pub use spec::repeat::{Sweep, SweepLevel};
pub use spec::run_section::{CollapsePolicy, RunSettings};
pub use spec::setting::{Setting, but_for_the_rate};
pub use spec::ticket::allocations::{Allocation, DonorSeed};
pub use spec::ticket::kind::TicketKind;
pub use spec::ticket::profile::{Config, Profile, preset, published_rule};
pub use spec::ticket::stage::WeightsSource;
pub use spec::ticket::tickets::{IterativePruning, ScoringRounds, SparseTicket, Ticket, TieRule};
pub use spec::trial::Trial;
pub use toolbox::{Device, Libtorch, Plugins, Programs, RefusedPlugin};

/// What actions made, as bytes: read and checked.
pub mod outputs {
    pub use crate::actions::validate::{
        RecordedMetrics, counts, mask, metrics, normalisation, weights,
    };
}

/// What is wrong and what to do, in words.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Error(
    /// One message: the thing, what was expected, what was found, what to do.
    pub String,
);

impl Error {
    /// The message of an error of the store.
    pub fn from_store(error: jackpot_store::Error) -> Error {
        Error(error.to_string())
    }
    pub(crate) fn from_host(error: jackpot_protocol::Failure) -> Error {
        Error(error.message)
    }
}
