//! Studies: what to ask (`study.toml`), which actions answer it, and what came out.
//!
//! [`Study::load`] reads and checks the file, [`plan()`] turns it into a graph of actions in
//! which shared prefixes appear once, [`assess()`] says what the store already knows of it,
//! [`run()`] does the rest and pins the result, [`collect`] reads it back for a report.
//!
//! **Invariant**: this crate never links libtorch and never loads a plugin: it starts worker
//! processes and commits what they made, after checking it. No key, recipe or result depends
//! on the clock, the machine's name, a path, or on how many workers ran.

mod alike;
mod allocations;
mod analysis;
mod assess;
mod checks;
mod curves;
mod data;
mod derivation;
mod diff;
mod engine;
mod estimate;
mod evidence;
mod execute;
mod explain;
mod facts;
mod file;
mod foresee;
mod gains;
mod grid;
mod jobs;
mod keys;
mod lineage;
mod lock;
mod makers;
mod named;
mod needs;
mod origins;
mod outcome;
mod overlaps;
mod pin;
mod pipeline;
mod plan;
mod pretraining;
mod probe;
mod profile;
mod pure;
mod recipe;
mod recorded;
mod reference;
mod repeat;
mod require;
mod rerun;
mod results;
mod run;
mod sections;
mod setting;
mod stage;
mod survey;
mod tickets;
mod titles;
mod toolbox;
mod training;
mod trial;
mod validate;
mod way;
mod words;

pub use alike::alike;
pub use allocations::{Allocation, DonorSeed};
pub use analysis::{
    Analysis, Arm, ArmPair, COLLAPSE_POINTS, CollapsedRuns, Contrast, ControlOf, Controls,
    Declared, Dose, Factor, Factorial, Finding, Findings, FoundEffects, Images, LEVEL, LOSS_MARGIN,
    MARGIN, Margin, Margins, PlanChange, PlanChanges, Pool, REFERENCE_SD, Role, Scope, Settles,
    Table, asked_margin, declare, effects, findings, plan_changes, settles,
};
pub use assess::{Assessment, Memo, State, Summary, assess};
pub use checks::{Check, Pretraining, Redraw, Sees, Step, Steps, Target};
pub use curves::{EpochNumbers, curves};
pub use data::DataChoice;
pub use derivation::{Link, Mark, Tracer, report_of};
pub use diff::{LayerPair, MetricPair, Rows, RunDiff, Whole, diff};
pub use engine::{Compute, Engine, kernels, lowers, storage};
pub use evidence::{EVIDENCE, evidence, evidence_within, results_of, selection};
pub use explain::{
    Difference, Explained, Nearest, Recipes, Verdict, differences, explain, explain_node,
};
pub use facts::{Collapse, Collapsed, MaskFacts, Selected, predictions};
pub use file::{FIGURES, NO_CHECK, RunChoice, Study, TABLES, nearest};
pub use foresee::foresee;
pub use gains::{EngineUse, Gain};
pub use grid::{outlook, plan};
pub use jackpot_host::printable;
pub use jackpot_stats::{LEAST_SEEDS, Variance};
pub use jobs::{EvaluateJob, Job, StepsJob, TrainJob};
pub use keys::{Held, Keys};
pub use lineage::{Lineage, NOT_KNOWN};
pub use lock::{LOCK, Lock, LockEntry, LockInputs, digest_of_results};
pub use makers::Makers;
pub use named::{RUN_NAME, RunName};
pub use needs::word;
pub use origins::Origins;
pub use overlaps::{Overlap, overlaps};
pub use pin::{Pin, PinnedCell};
pub use plan::{Cell, Content, Node, Plan};
pub use pretraining::Pretrained;
pub use probe::{
    Asked, Comparison, LayerRow, LeftOut, Made, MaskRow, Part, Probe, ProbeTable, Probed, Spelled,
    make, measure, probe,
};
pub use profile::{Profile, preset, published_rule};
pub use recipe::{By, Config, File, Input, Item, Libtorch, Platform, Recipe, Ref, Sampled};
pub use reference::Reference;
pub use repeat::{Level, Series};
pub use require::require;
pub use rerun::{Again, Rerun, behind, chosen};
pub use results::{
    Before, Named, Outcome, Outline, Results, Run, SettingOutline, Subject, TestBits, Trained,
    collect, facts, outline,
};
pub use run::{Event, Finish, Options, run};
pub use setting::Setting;
pub use stage::Stage;
pub use survey::survey;
pub use tickets::{Calls, Rounds, Selection, Sparse, Ticket};
pub use toolbox::{Device, Plugins, Programs, RefusedPlugin};
pub use training::Precision;
pub use trial::Trial;
pub use way::{Change, SparseWay, TicketKind, Way};

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
    pub(crate) fn from_host(error: jackpot_host::Failure) -> Error {
        Error(error.message)
    }
}
