//! What may be said of a cell.

use crate::estimate::{Cell, Estimate, Rules};
use crate::multiplicity::holm;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is claimed of a contrast, and so which test it needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// No difference that matters: two one-sided tests.
    #[default]
    Equivalence,
    /// The first is not worse by the margin; where that holds, whether it is better.
    NonInferiority,
    /// The first is better.
    Superiority,
}

impl Claim {
    /// As study files and tables spell it.
    pub fn word(self) -> &'static str {
        match self {
            Claim::Equivalence => "equivalence",
            Claim::NonInferiority => "non-inferiority",
            Claim::Superiority => "superiority",
        }
    }
}

/// Which way of a response is good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Better {
    /// An accuracy.
    #[default]
    Higher,
    /// A loss.
    Lower,
}

/// What is known of the difference between two arms. Dependence is a property: no verdict is a
/// success or a failure of a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The difference lies within the margin.
    Insensitive {
        /// The 95 % interval excludes 0 all the same.
        small_but_real: bool,
    },
    /// There is a difference.
    Sensitive {
        /// The whole 95 % interval lies outside the margin.
        beyond_margin: bool,
    },
    /// Neither is known.
    Undecided(Why),
    /// The same run by construction.
    Identical,
    /// Within the margin, but so is the positive control: this cell could not have seen a
    /// difference.
    Uninformative,
}

impl Verdict {
    /// Its one word, in tables and for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Insensitive { .. } => "insensitive",
            Verdict::Sensitive { .. } => "sensitive",
            Verdict::Undecided(_) => "undecided",
            Verdict::Identical => "identical",
            Verdict::Uninformative => "uninformative",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())?;
        match self {
            Verdict::Insensitive {
                small_but_real: true,
            } => f.write_str(", small but real"),
            Verdict::Sensitive {
                beyond_margin: true,
            } => f.write_str(", beyond the margin"),
            _ => Ok(()),
        }
    }
}

/// Why a cell is undecided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// No seed has both arms.
    NoPairs,
    /// Some pairs have not been run yet.
    Unfinished,
    /// The plan has no look at this number of seeds.
    NotPlanned,
    /// Under 5 seeds, or under 3, or without 10 degrees of freedom from other cells.
    TooFewSeeds,
    /// A difference that does not show, and no margin that it could be held against.
    NoMargin,
    /// A test was under the level alone, but not after correction for the number of cells.
    Multiplicity,
    /// The interval holds both 0 and the margin.
    Open,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Why::NoPairs => "no seed has both runs",
            Why::Unfinished => "runs that the plan asks for are missing",
            Why::NotPlanned => "the plan has no look at this number of seeds",
            Why::TooFewSeeds => "needs 5 seeds, or 3 with 10 pooled degrees of freedom",
            Why::NoMargin => "no difference shows, and the margin is not known",
            Why::Multiplicity => "clear alone, not after the correction for the number of cells",
            Why::Open => "the interval holds both no difference and one that matters",
        })
    }
}

/// What a directional claim comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Better, after correction.
    Superior,
    /// Not worse by the margin.
    NotInferior,
    /// Worse, after correction.
    Inferior,
    /// None of them is known.
    Open,
}

impl Direction {
    /// For tables and programs.
    pub fn word(self) -> &'static str {
        match self {
            Direction::Superior => "superior",
            Direction::NotInferior => "not inferior",
            Direction::Inferior => "inferior",
            Direction::Open => "open",
        }
    }
}

/// An estimate, corrected for the size of its family, and what may be said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Which test was asked for.
    pub claim: Claim,
    /// Before correction.
    pub estimate: Estimate,
    /// Holm's, over the family's tests of a difference.
    pub adjusted_difference: Option<f64>,
    /// Holm's, over the family's tests of equivalence.
    pub adjusted_equivalence: Option<f64>,
    /// Holm's, over the family's tests of non-inferiority.
    pub adjusted_noninferior: Option<f64>,
    /// One of five.
    pub verdict: Verdict,
    /// Of claims that have one.
    pub direction: Option<Direction>,
    /// Whether the positive control shows an effect; none: there is none, or it says nothing yet.
    pub informative: Option<bool>,
}

/// Corrects every family and gives each cell its verdict, in the order of the cells, whose
/// estimates these are.
pub fn judge(cells: &[Cell], estimates: &[Estimate], rules: &Rules) -> Vec<Outcome> {
    let adjusted = |p: fn(&Estimate) -> Option<f64>| adjust(cells, estimates, p);
    let difference = adjusted(|e| e.p_difference);
    let equivalence = adjusted(|e| e.p_equivalence);
    let noninferior = adjusted(|e| e.p_noninferior);
    let outcome = |(i, cell): (usize, &Cell)| {
        let mut outcome = Outcome {
            claim: cell.claim,
            estimate: estimates[i].clone(),
            adjusted_difference: difference[i],
            adjusted_equivalence: equivalence[i],
            adjusted_noninferior: noninferior[i],
            verdict: Verdict::Identical,
            direction: None,
            informative: cell
                .control
                .and_then(|c| shows(&cells[c], &estimates[c], rules)),
        };
        if !cell.identical {
            outcome.verdict = verdict(cell, &outcome, rules);
            outcome.direction = direction(cell, &outcome, rules);
        }
        outcome
    };
    cells.iter().enumerate().map(outcome).collect()
}

/// Holm's adjustment within every family; identical cells test nothing and are not counted.
fn adjust(
    cells: &[Cell],
    estimates: &[Estimate],
    p: fn(&Estimate) -> Option<f64>,
) -> Vec<Option<f64>> {
    let mut families: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, cell) in cells.iter().enumerate() {
        if !cell.identical && p(&estimates[i]).is_some() {
            families.entry(&cell.family).or_default().push(i);
        }
    }
    let mut adjusted = vec![None; cells.len()];
    for members in families.values() {
        let raw: Vec<f64> = members.iter().filter_map(|i| p(&estimates[*i])).collect();
        for (i, p) in members.iter().zip(holm(&raw)) {
            adjusted[*i] = Some(p);
        }
    }
    adjusted
}

/// Whether a verdict may be drawn from so many pairs, whose deviation has so many degrees of
/// freedom: from 5, or from 3 with what other cells add.
pub fn is_enough(pairs: usize, df: f64) -> bool {
    pairs >= 5 && df > 0.0 || pairs >= 3 && df >= 10.0
}

/// Why nothing may be said of a cell yet, if so.
fn too_early(cell: &Cell, estimate: &Estimate, rules: &Rules) -> Option<Why> {
    let df = estimate.spread.map_or(0.0, |s| s.df);
    match () {
        _ if cell.unfinished > 0 => Some(Why::Unfinished),
        _ if estimate.n == 0 => Some(Why::NoPairs),
        _ if rules.level.is_none() => Some(Why::NotPlanned),
        _ if !is_enough(estimate.n, df) => Some(Why::TooFewSeeds),
        _ => None,
    }
}

/// Whether a positive control shows an effect; none while nothing may be said of it.
fn shows(control: &Cell, estimate: &Estimate, rules: &Rules) -> Option<bool> {
    let level = rules.level?;
    match too_early(control, estimate, rules) {
        None => Some(estimate.p_difference? < level),
        Some(_) => None,
    }
}

fn verdict(cell: &Cell, outcome: &Outcome, rules: &Rules) -> Verdict {
    let estimate = &outcome.estimate;
    if let Some(why) = too_early(cell, estimate, rules) {
        return Verdict::Undecided(why);
    }
    let level = rules.level.unwrap_or(0.0);
    let under = |p: Option<f64>| p.is_some_and(|p| p < level);
    if under(outcome.adjusted_equivalence) {
        return match outcome.informative {
            Some(false) => Verdict::Uninformative,
            _ => Verdict::Insensitive {
                small_but_real: under(estimate.p_difference),
            },
        };
    }
    if under(outcome.adjusted_difference) {
        return Verdict::Sensitive {
            beyond_margin: estimate.beyond,
        };
    }
    Verdict::Undecided(match estimate.p_equivalence {
        _ if under(estimate.p_difference) || under(estimate.p_equivalence) => Why::Multiplicity,
        None => Why::NoMargin,
        Some(_) => Why::Open,
    })
}

fn direction(cell: &Cell, outcome: &Outcome, rules: &Rules) -> Option<Direction> {
    if cell.claim == Claim::Equivalence {
        return None;
    }
    let estimate = &outcome.estimate;
    let level = rules.level?;
    let under = |p: Option<f64>| p.is_some_and(|p| p < level);
    if too_early(cell, estimate, rules).is_some() {
        return Some(Direction::Open);
    }
    let better = match cell.better {
        Better::Higher => estimate.mean? > 0.0,
        Better::Lower => estimate.mean? < 0.0,
    };
    Some(match under(outcome.adjusted_difference) {
        true if better => Direction::Superior,
        true => Direction::Inferior,
        false if under(outcome.adjusted_noninferior) && cell.claim == Claim::NonInferiority => {
            Direction::NotInferior
        }
        false => Direction::Open,
    })
}
