//! Studies: what to ask (`study.toml`), which actions answer it, and what came out.
//!
//! [`Study::load`] reads and checks the file, [`plan()`] turns it into a graph of actions in
//! which shared prefixes appear once, [`assess()`] says what the store already knows of it,
//! [`run()`] does the rest and pins the result, [`collect`] reads it back for a report.
//!
//! **Invariant**: this crate never links libtorch and never loads a plugin: it starts worker
//! processes and commits what they made, after checking it. No key, recipe or result depends
//! on the clock, the machine's name, a path, or on how many workers ran.

mod actions;
mod analysis;
mod describe;
mod floats;
mod messages;
mod needs;
mod plan;
mod probe;
mod results;
mod run;
mod spec;
mod toolbox;

pub use actions::allocate::AllocateRecipe;
pub use actions::check::CheckRecipe;
pub use actions::data::{DataRecipe, File};
pub use actions::evaluate::EvaluateRecipe;
pub use actions::init::InitRecipe;
pub use actions::kind::{NameKey, ObjectReader};
pub use actions::parts::{Input, Item, Platform, Ref, Sampled};
pub use actions::recipe::Recipe;
pub use actions::score::ScoreRecipe;
pub use actions::select::{By, SelectRecipe};
pub use actions::train::TrainRecipe;
pub use analysis::{
    Analysis, Arm, ArmPair, COLLAPSE_POINTS, CollapsedRuns, Contrast, ControlOf, Controls,
    Declared, Dose, Factor, Factorial, Finding, Findings, FoundEffects, Images, LEVEL, LOSS_MARGIN,
    MARGIN, Margin, Margins, PlanChange, PlanChanges, Pool, REFERENCE_SD, Role, Scope, Settles,
    Table, asked_margin, declare, effects, findings, plan_changes, settles,
};
pub use describe::way::{Change, SparseWay, Way};
pub use jackpot_host::printable;
pub use jackpot_stats::{LEAST_SEEDS, Variance};
pub use messages::nearest;
pub use needs::word;
pub use plan::alike::alike;
pub use plan::allocation_warnings::foresee;
pub use plan::assess::{Assessment, Memo, State, Summary, assess};
pub use plan::engine_choice::{EngineUse, Gain};
pub use plan::explain::{
    Difference, Explained, Nearest, Recipes, Verdict, differences, explain, explain_node,
};
pub use plan::graph::{Cell, Content, Node, Plan};
pub use plan::grid::{outlook, plan};
pub use plan::lineage::{Lineage, NOT_KNOWN};
pub use plan::origins::Origins;
pub use plan::pretraining::Pretrained;
pub use plan::require::require;
pub use probe::{
    Asked, Comparison, LayerRow, LeftOut, Made, MaskRow, Part, Probe, ProbeTable, Probed, Spelled,
    make, measure, probe,
};
pub use results::curves::{EpochNumbers, curves};
pub use results::diff::{LayerPair, MetricPair, Rows, RunDiff, Whole, diff};
pub use results::evidence::{EVIDENCE, evidence, evidence_within, results_of, selection};
pub use results::facts::{Collapse, MaskFacts, Selected, predictions};
pub use results::load::{
    Before, Named, Outcome, Outline, Results, Run, SettingOutline, Subject, TestBits, Trained,
    collect, facts, outline,
};
pub use results::named::{RUN_NAME, RunName};
pub use results::overlaps::{Overlap, overlaps};
pub use results::provenance::{Link, Mark, Tracer, report_of};
pub use run::lock::{LOCK, Lock, LockEntry, LockInputs, digest_of_results};
pub use run::manifest::{Pin, PinnedCell};
pub use run::mask_summary::survey;
pub use run::queue::{Event, Finish, Options, run};
pub use run::rerun::{Again, Rerun, behind, chosen};
pub use spec::checks::{Check, Pretraining, Redraw, Sees, Step, Steps, Target};
pub use spec::data::DataChoice;
pub use spec::file::{FIGURES, Study, TABLES};
pub use spec::keys::{Held, Keys};
pub use spec::names::NO_CHECK;
pub use spec::reference::Reference;
pub use spec::repeat::{Level, Series};
pub use spec::run_section::Collapsed;
pub use spec::run_section::RunChoice;
pub use spec::setting::Setting;
pub use spec::ticket::allocations::{Allocation, DonorSeed};
pub use spec::ticket::kind::TicketKind;
pub use spec::ticket::profile::Config;
pub use spec::ticket::profile::{Profile, preset, published_rule};
pub use spec::ticket::stage::Stage;
pub use spec::ticket::tickets::{Calls, Rounds, Selection, Sparse, Ticket};
pub use spec::trial::Trial;
pub use toolbox::Libtorch;
pub use toolbox::{Device, Plugins, Programs, RefusedPlugin};

/// What is wrong and what to do, in words.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Error(
    /// One message: the thing, what was expected, what was found, what to do.
    pub String,
);

impl Error {
    pub(crate) fn from_store(error: jackpot_store::Error) -> Error {
        Error(error.to_string())
    }
    pub(crate) fn from_host(error: jackpot_protocol::Failure) -> Error {
        Error(error.message)
    }
}
