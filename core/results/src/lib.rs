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
mod named;
mod outline;
mod overlaps;
mod provenance;
mod tickets;
mod verdicts;

pub use diff::{LayerPair, MetricPair, Rows, RunDiff, Whole, diff};
pub use evidence::{EVIDENCE, evidence, evidence_within, results_of, selection};
pub use load::curves::{EpochNumbers, curves};
pub use load::pretraining::Pretrained;
pub use load::run::{Before, Outcome, Run, TestBits, Trained};
pub use load::{Results, collect};
pub use named::{RUN_NAME, RunName};
pub use outline::{Named, Outline, SettingOutline, Subject, outline};
pub use overlaps::overlaps;
pub use provenance::node::{Link, Mark};
pub use provenance::{Tracer, report_of};
pub use tickets::{Change, SparseWay, Way};
pub use verdicts::effects::{FoundEffects, effects};
pub use verdicts::evaluate::{Controls, Finding, Findings, Images, findings};
pub use verdicts::plan_changes::{PlanChange, PlanChanges, plan_changes};
pub use verdicts::pools::Pool;
pub use verdicts::power::{REFERENCE_SD, Settles, asked_margin, settles};
pub use verdicts::table::{Scope, Table};
