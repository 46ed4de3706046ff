//! What runs left, read back: the results of a study, its declared analysis evaluated to verdicts,
//! and where each number came from.
//!
//! [`outline()`] reads the study file, [`collect`] the results of its last run, [`findings`]
//! evaluates the analysis on them, [`Tracer`] follows any object of the store back to keys, data
//! and plugins, [`evidence()`] packs what answers such questions into a bundle.
//!
//! **Invariant**: this crate only reads. It starts no process, runs no action, and writes neither
//! to the store nor to a study's folder. What it says is a function of bytes that it has verified.

mod diff;
mod evidence;
mod load;
mod outline;
mod overlaps;
mod provenance;
mod run_name;
mod summaries;
mod verdicts;

pub use diff::{LayerPair, MaskPair, MetricPair, RunDiff, SharedRows, diff};
pub use evidence::{EVIDENCE, evidence, evidence_within, results_of, selection};
pub use load::curves::{EpochNumbers, curves};
pub use load::pretraining::Pretrained;
pub use load::run::{Before, Run, RunOutcome, TestBits, TrainedRun};
pub use load::{Results, collect};
pub use outline::{Named, Outline, SettingOutline, Subject, outline};
pub use overlaps::overlaps;
pub use provenance::node::{NodeVerdict, ProvenanceNode};
pub use provenance::{Tracer, report_of};
pub use run_name::{RUN_NAME, RunName};
pub use summaries::{CheckSummary, PruningSummary, TicketSummary};
pub use verdicts::effects::{FoundEffects, effects};
pub use verdicts::evaluate::{Controls, Finding, Findings, ImageComparison, findings};
pub use verdicts::plan_changes::{PlanChange, PlanChanges, plan_changes};
pub use verdicts::pools::Pool;
pub use verdicts::power::{PlannedPower, REFERENCE_SD, asked_margin, planned_power};
pub use verdicts::table::{ContrastScope, RunTable};
