//! The evaluation of a study's declared analysis.

use crate::Error;
use crate::model::analysis::headlines::{Compared, Headline, headlines};
use jackpot_results::{
    ContrastScope, Finding, FoundEffects, Outline, PlanChanges, Results, RunTable, TrainedRun,
    plan_changes,
};
use jackpot_study::Arm;

/// The evaluated contrasts and effects of a study.
#[derive(Default)]
pub(crate) struct Findings {
    pub found: jackpot_results::Findings,
    /// The shares of variance that the declared factors explain.
    pub effects: Vec<FoundEffects>,
    /// How the declared plan changed over time.
    pub changes: PlanChanges,
    /// The findings in sentences: the claims first, the controls last.
    pub headlines: Vec<Headline>,
}

impl Findings {
    /// The finding on `plus − minus` in a scope, or `None` if no contrast compares exactly these
    /// two arms.
    pub fn of(&self, plus: &Arm, minus: &Arm, scope: &ContrastScope) -> Option<&Finding> {
        let is = |f: &&Finding| {
            let contrast = &f.contrast;
            let arms = (&contrast.plus, &contrast.minus) == (plus, minus);
            f.scope == *scope && contrast.is_pair() && arms
        };
        self.found.findings.iter().find(is)
    }
}

/// Evaluates the declared analysis of a study: the contrasts within a setting or, with
/// `across_settings`, those that compare settings.
///
/// # Errors
/// When the plans in the lock cannot be read.
pub(crate) fn evaluate(
    outline: &Outline,
    results: &Results,
    across_settings: bool,
    collapsed: &dyn Fn(&TrainedRun) -> bool,
) -> Result<Findings, Error> {
    let table = RunTable {
        runs: results.runs.iter().collect(),
        across_settings,
        sparsities: &outline.sparsities,
        seeds: &outline.seeds,
        collapsed,
    };
    let found = jackpot_results::findings(&outline.analysis, &table);
    let changes = plan_changes(&outline.declared, &outline.analysis, &outline.seeds)
        .map_err(|e| Error::Study(e.to_string()))?;
    let compared = Compared {
        outline,
        across_settings,
    };
    Ok(Findings {
        headlines: headlines(compared, &found, &changes),
        found,
        effects: jackpot_results::effects(&outline.analysis, &table),
        changes,
    })
}
