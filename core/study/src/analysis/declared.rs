//! The analysis plans that a study had, in `study.lock`, and what was changed after the fact.
//!
//! The cache makes it free to add seeds until a verdict pleases. Nothing forbids it: it is
//! recorded, and stands beside each verdict that it touches.
use super::Analysis;
use crate::{
    Error,
    plan::{
        assess::{ActionState, AssessmentCache, assess},
        graph::{CellContent, Plan},
    },
    run::lock::Lock,
};
use jackpot_stats::Variance;
use jackpot_store::Store;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, path::Path};

/// One analysis plan, as it was when `jackpot run` first saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredAnalysis {
    /// Of `plan`.
    pub sha256: String,
    /// The study's seeds then.
    pub seeds: Vec<u64>,
    /// Trainings of the study that were done then.
    pub done: u64,
    /// Trainings that the study asked for then.
    pub of: u64,
    /// Whether a report had been drawn before, so that verdicts had been seen.
    pub seen: bool,
    /// The plan itself: canonical JSON.
    pub plan: String,
}

/// Writes the plan's analysis into `study.lock` of its folder, unless it stands there as the last
/// one. Returns what was written. To be called before the first training.
///
/// # Errors
/// When the lock cannot be read or written, or the store cannot be read.
pub fn declare(plan: &Plan, store: &Store) -> Result<Option<DeclaredAnalysis>, Error> {
    let study = &plan.study;
    let found = Lock::read(&study.folder)?;
    let mut lock = found.unwrap_or_else(|| {
        Lock::new(
            study.digest,
            plan.device.class.clone(),
            plan.libtorch.to_string(),
        )
    });
    let sha256 = study.analysis.digest()?.to_string();
    if lock
        .analysis
        .last()
        .is_some_and(|d| d.covers(&sha256, &study.seeds))
    {
        return Ok(None);
    }
    let trainings: BTreeSet<usize> = plan
        .cells
        .iter()
        .filter_map(|c| match c.content {
            CellContent::Run { train, .. } => Some(train),
            CellContent::Identical { .. } | CellContent::NotApplicable { .. } => None,
        })
        .collect();
    let states = assess(plan, store, &mut AssessmentCache::default(), &mut |d| {
        store.has(d)
    })?
    .states;
    let cached = |t: &&usize| states[**t] == ActionState::Cached;
    let declared = DeclaredAnalysis {
        sha256,
        seeds: study.seeds.clone(),
        done: trainings.iter().filter(cached).count() as u64,
        of: trainings.len() as u64,
        seen: !lock.output.is_empty(),
        plan: study.analysis.to_json()?,
    };
    lock.analysis.push(declared.clone());
    lock.write(&study.folder)?;
    Ok(Some(declared))
}

impl DeclaredAnalysis {
    /// The same plan with the same seeds, or with more as planned: the number of seeds at which
    /// verdicts are drawn is part of the plan.
    pub fn covers(&self, sha256: &str, seeds: &[u64]) -> bool {
        self.sha256 == sha256 && self.seeds.iter().all(|s| seeds.contains(s))
    }

    /// "before the first training", "when 12 of 78 trainings were done and a report was drawn".
    pub fn when(&self) -> String {
        match (self.done, self.seen) {
            (0, _) => "before the first training".into(),
            (done, false) => format!("when {done} of {} trainings were done", self.of),
            (done, true) => format!(
                "when {done} of {} trainings were done and a report had been drawn",
                self.of
            ),
        }
    }

    /// The plan, parsed.
    ///
    /// # Errors
    /// Text that is no plan of this version.
    pub fn analysis(&self) -> Result<Analysis, Error> {
        serde_json::from_str(&self.plan).map_err(|e| {
            Error(format!(
                "study.lock: the analysis plan {}: {e}; restore the file, or remove that entry and say so",
                &self.sha256[..self.sha256.len().min(12)]
            ))
        })
    }
}

/// The variance that a study declared for these seeds or some of them, where one did: a default
/// that a later release changes is not a change of the plan. Other seeds are another study.
pub(crate) fn variance_declared(folder: &Path, seeds: &[u64]) -> Result<Option<Variance>, Error> {
    let lock = Lock::read(folder)?;
    let last = lock.as_ref().and_then(|l| l.analysis.last());
    let goes_on = |d: &&DeclaredAnalysis| d.seeds.iter().all(|s| seeds.contains(s));
    let plan = last
        .filter(goes_on)
        .map(DeclaredAnalysis::analysis)
        .transpose()?;
    Ok(plan.map(|plan| plan.variance))
}
