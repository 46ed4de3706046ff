//! Rows about one finding of the declared analysis, and what several tables say about it.

use crate::model::analysis::titles::{sides, verdict_title};
use crate::model::format;
use crate::model::grid::Grid;
use crate::tables::value::{Entry, Value};
use jackpot_results::{ContrastScope, Finding};
use jackpot_stats::{Outcome, Variance, Verdict};
use jackpot_study::{Contrast, ControlOf, Role};

/// A row about one finding.
#[derive(Clone, Copy)]
pub(crate) struct FindingRow<'g, 'a> {
    pub grid: &'g Grid<'a>,
    pub finding: &'g Finding,
}

impl FindingRow<'_, '_> {
    /// The title of the first side of the contrast.
    pub fn plus(&self) -> Entry {
        let [plus, _] = self.sides();
        plus
    }

    /// The title of the side that is subtracted.
    pub fn minus(&self) -> Entry {
        let [_, minus] = self.sides();
        minus
    }

    fn sides(&self) -> [Entry; 2] {
        sides(self.grid.outline, &self.finding.contrast)
            .map(|(name, title)| Value::Named { name, title }.into())
    }

    /// A value that was computed from the runs of the finding.
    pub fn value(&self, value: Value) -> Entry {
        Entry::of_runs(value, self.finding.keys.iter().copied())
    }

    /// As [`FindingRow::value`], or nothing if the pair was not measured.
    pub fn measured(&self, value: Value) -> Entry {
        match not_measured(self.finding) {
            Some(_) => Value::Blank.into(),
            None => self.value(value),
        }
    }

    /// The difference in accuracy, or why it was not measured.
    pub fn accuracy(&self) -> Entry {
        match not_measured(self.finding) {
            Some(word) => Value::Absent(word).into(),
            None => self.value(Value::difference(&self.finding.accuracy.estimate, 2)),
        }
    }

    /// The number of seeds, or nothing if the pair was not measured.
    pub fn n(&self) -> Value {
        match not_measured(self.finding) {
            Some(_) => Value::CountOf(0, 0),
            None => Value::CountOf(self.finding.seeds.len(), self.finding.asked),
        }
    }

    /// As [`FindingRow::n`], with the runs of the finding as its source.
    pub fn measured_n(&self) -> Entry {
        match not_measured(self.finding) {
            Some(_) => self.n().into(),
            None => self.value(self.n()),
        }
    }

    /// The verdict on test accuracy, or `not applicable`.
    pub fn verdict(&self) -> Entry {
        match &self.finding.not_applicable {
            Some(_) => Value::Verdict {
                word: "not applicable".into(),
                whole: "not applicable".into(),
            }
            .into(),
            None => self.value(verdict(&self.finding.accuracy)),
        }
    }

    /// The role of the pair, and notes on its runs.
    pub fn notes(&self) -> Vec<String> {
        let contrast = &self.finding.contrast;
        let role = match contrast.role {
            Role::Question => None,
            Role::SameDistribution => Some("A/A control"),
            Role::Positive | Role::NoiseFloor => Some(role_word(contrast)),
        };
        let role = role.map(String::from).into_iter();
        role.chain(run_notes(self.grid, self.finding)).collect()
    }
}

/// The word for a pair of arms that has no measurement, or `None` if it is or will be measured.
pub(crate) fn not_measured(f: &Finding) -> Option<&'static str> {
    let not_applicable = f.not_applicable.as_ref().map(|_| "not applicable");
    let identical = f.accuracy.verdict == Verdict::Identical;
    not_applicable.or(identical.then_some("identical"))
}

pub(crate) fn verdict(outcome: &Outcome) -> Value {
    Value::Verdict {
        word: outcome.verdict.word().into(),
        whole: verdict_title(outcome),
    }
}

/// The role of a contrast, for programs.
pub(crate) fn role_word(contrast: &Contrast) -> &'static str {
    match (contrast.role, contrast.control) {
        (Role::Question, _) => "question",
        (Role::Positive, ControlOf::Allocation) => "positive control",
        (Role::Positive, ControlOf::Placement) => "positive control of placement",
        (Role::SameDistribution, _) => "a/a control",
        (Role::NoiseFloor, _) => "noise floor",
    }
}

/// Notes on the runs of a finding, and on the standard deviation that it uses.
pub(crate) fn run_notes(grid: &Grid<'_>, f: &Finding) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(because) = &f.not_applicable {
        notes.push(because.clone());
    } else if let Some(because) = &f.because {
        notes.push(format!("not run: {}", format::shortened(because)));
    } else if f.same > 0 {
        let arms = if f.contrast.is_pair() { "both" } else { "all" };
        let seeds = seeds(f.same, f.asked);
        notes.push(format!("{seeds} one training for {arms} arms"));
    }
    if f.lost > 0 {
        notes.push(format!(
            "{} without a run to compare",
            seeds(f.lost, f.asked)
        ));
    }
    if f.collapsed {
        let pooled = grid.outline.analysis.variance == Variance::Pooled;
        let average = !matches!(f.scope, ContrastScope::Sparsity(_));
        notes.push(match (average, pooled) {
            (false, false) => "collapsed or diverged runs".into(),
            (false, true) => "collapsed or diverged runs: own standard deviation".into(),
            (true, false) => "collapsed or diverged runs in the average".into(),
            (true, true) => {
                "collapsed or diverged runs in the average: own standard deviation".into()
            }
        });
    }
    if let Some(p) = f.unlike_pool {
        notes.push(format!(
            "the cells that it shares its deviation with vary unlike (Brown–Forsythe p = {})",
            format::number(p, 3)
        ));
    }
    notes
}

/// `2 of 3 seeds`. For an average, seeds and sparsities are counted together.
fn seeds(n: usize, asked: usize) -> String {
    if n <= asked {
        format!("{n} of {asked} seeds")
    } else {
        format!("{n} runs")
    }
}
