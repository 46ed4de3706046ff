//! What may be said of a cell.

use crate::estimate::{ArmComparison, Control, Estimate, Pair, Rules, Variance, estimates};
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
    /// Its name in study files and tables.
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
    /// Within the margin, but nothing says that this cell could have seen a difference.
    Uninformative(Uncontrolled),
}

impl Verdict {
    /// Its one word, in tables and for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Insensitive { .. } => "insensitive",
            Verdict::Sensitive { .. } => "sensitive",
            Verdict::Undecided(_) => "undecided",
            Verdict::Identical => "identical",
            Verdict::Uninformative(_) => "uninformative",
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
    /// Under [`LEAST_SEEDS`].
    TooFewSeeds,
    /// A difference that does not show, and no margin that it could be held against.
    NoMargin,
    /// A test was under the level alone, but not after correction for the number of cells.
    Multiplicity,
    /// An average lies within the margin, and not all that it is the mean of is insensitive.
    NotEverywhere,
    /// The interval holds both 0 and the margin.
    Open,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Why::NoPairs => "no seed has both runs",
            Why::Unfinished => "runs that the plan asks for are missing",
            Why::NotPlanned => "the plan has no look at this number of seeds",
            Why::TooFewSeeds => return write!(f, "needs {LEAST_SEEDS} seeds"),
            Why::NoMargin => "no difference shows, and the margin is not known",
            Why::Multiplicity => "clear alone, not after the correction for the number of cells",
            Why::NotEverywhere => {
                "within the margin on average, but not insensitive in every cell of the average"
            }
            Why::Open => "the interval holds both no difference and one that matters",
        })
    }
}

/// Why nothing says that a cell could have seen a difference that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncontrolled {
    /// There is no positive control for it.
    NoControl,
    /// The positive control lacks runs.
    NotJudged,
    /// The positive control's 95 % interval does not lie wholly beyond the cell's margin.
    NotBeyond,
}

impl std::fmt::Display for Uncontrolled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Uncontrolled::NoControl => "it has no positive control",
            Uncontrolled::NotJudged => "its positive control lacks runs",
            Uncontrolled::NotBeyond => {
                "the interval of its positive control does not lie wholly beyond the margin"
            }
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
    /// The direction, of claims that have one.
    pub direction: Option<Direction>,
    /// Why nothing says that the cell could have seen a difference; `None` if its positive control
    /// says so, or if it needs no control.
    pub uncontrolled: Option<Uncontrolled>,
}

/// Corrects every family and gives each cell its verdict, in the order of the cells, whose
/// estimates these are.
pub fn judge(cells: &[ArmComparison], estimates: &[Estimate], rules: &Rules) -> Vec<Outcome> {
    let adjusted = |p: fn(&Estimate) -> Option<f64>| adjust(cells, estimates, p);
    let difference = adjusted(|e| e.p_difference);
    let equivalence = adjusted(|e| e.p_equivalence);
    let noninferior = adjusted(|e| e.p_noninferior);
    let outcome = |(i, cell): (usize, &ArmComparison)| {
        let uncontrolled = match cell.control {
            Control::NotNeeded => None,
            Control::Missing => Some(Uncontrolled::NoControl),
            Control::At(place) => uncontrolled(cell, &cells[place], &estimates[place], rules),
        };
        let mut outcome = Outcome {
            claim: cell.claim,
            estimate: estimates[i].clone(),
            adjusted_difference: difference[i],
            adjusted_equivalence: equivalence[i],
            adjusted_noninferior: noninferior[i],
            verdict: Verdict::Identical,
            direction: None,
            uncontrolled,
        };
        if !cell.identical {
            outcome.verdict = verdict(cell, &outcome, rules);
            outcome.direction = direction(cell, &outcome, rules);
        }
        outcome
    };
    let mut outcomes: Vec<Outcome> = cells.iter().enumerate().map(outcome).collect();
    for (i, cell) in cells.iter().enumerate() {
        let parts: Vec<Outcome> = cell.parts.iter().map(|p| outcomes[*p].clone()).collect();
        average(&mut outcomes[i], &parts);
    }
    outcomes
}

/// An average is insensitive, or not inferior, only where each of its parts is, and informative only
/// where each is.
fn average(outcome: &mut Outcome, parts: &[Outcome]) {
    let uncontrolled = parts.iter().find_map(|p| p.uncontrolled);
    outcome.uncontrolled = outcome.uncontrolled.or(uncontrolled);
    let insensitive = |o: &Outcome| matches!(o.verdict, Verdict::Insensitive { .. });
    if insensitive(outcome) && !parts.iter().all(insensitive) {
        outcome.verdict = match uncontrolled {
            Some(why) => Verdict::Uninformative(why),
            None => Verdict::Undecided(Why::NotEverywhere),
        };
    }
    let not_worse = |o: &Outcome| {
        use Direction::{NotInferior, Superior};
        matches!(o.direction, Some(NotInferior | Superior))
    };
    if outcome.direction == Some(Direction::NotInferior) && !parts.iter().all(not_worse) {
        outcome.direction = Some(Direction::Open);
    }
}

/// Holm's adjustment within every family; identical cells test nothing and are not counted.
fn adjust(
    cells: &[ArmComparison],
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

/// A verdict needs so many seeds, whatever other cells say of the variance.
pub const LEAST_SEEDS: usize = 5;

/// Whether a verdict may be drawn from so many pairs, whose deviation has so many degrees of
/// freedom.
pub fn is_enough(pairs: usize, df: f64) -> bool {
    pairs >= LEAST_SEEDS && df > 0.0
}

/// Why nothing may be said of a cell yet, if so.
fn too_early(cell: &ArmComparison, estimate: &Estimate, rules: &Rules) -> Option<Why> {
    let df = estimate.spread.map_or(0.0, |s| s.df);
    match () {
        _ if cell.unfinished > 0 => Some(Why::Unfinished),
        _ if estimate.n == 0 => Some(Why::NoPairs),
        _ if rules.level.is_none() => Some(Why::NotPlanned),
        _ if !is_enough(estimate.n, df) => Some(Why::TooFewSeeds),
        _ => None,
    }
}

/// Why a positive control does not say that the cell could have seen a difference; `None` if it
/// does.
/// An effect that merely shows is not enough: one within the margin would itself pass for none.
fn uncontrolled(
    cell: &ArmComparison,
    control: &ArmComparison,
    estimate: &Estimate,
    rules: &Rules,
) -> Option<Uncontrolled> {
    if too_early(control, estimate, rules).is_some() {
        return Some(Uncontrolled::NotJudged);
    }
    // The control's differences against the margin of the cell, which may be another than its own.
    let margins: BTreeMap<u64, Option<f64>> =
        cell.pairs.iter().map(|p| (p.seed, p.margin)).collect();
    let with_margin = |pair: &Pair| Pair {
        margin: margins.get(&pair.seed).copied().flatten(),
        ..*pair
    };
    let held = |pair: &&Pair| margins.contains_key(&pair.seed);
    let against = ArmComparison {
        pairs: control.pairs.iter().filter(held).map(with_margin).collect(),
        better: control.better,
        ..ArmComparison::default()
    };
    let own = Rules {
        variance: Variance::Cell,
        ..*rules
    };
    let beyond = estimates(&[against], &own).iter().all(|e| e.beyond);
    (!beyond).then_some(Uncontrolled::NotBeyond)
}

fn verdict(cell: &ArmComparison, outcome: &Outcome, rules: &Rules) -> Verdict {
    let estimate = &outcome.estimate;
    if let Some(why) = too_early(cell, estimate, rules) {
        return Verdict::Undecided(why);
    }
    let level = rules.level.unwrap_or(0.0);
    let under = |p: Option<f64>| p.is_some_and(|p| p < level);
    if under(outcome.adjusted_equivalence) {
        return match outcome.uncontrolled {
            Some(why) => Verdict::Uninformative(why),
            None => Verdict::Insensitive {
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

fn direction(cell: &ArmComparison, outcome: &Outcome, rules: &Rules) -> Option<Direction> {
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
    Some(if under(outcome.adjusted_difference) {
        if better {
            Direction::Superior
        } else {
            Direction::Inferior
        }
    } else if cell.claim == Claim::NonInferiority && under(outcome.adjusted_noninferior) {
        Direction::NotInferior
    } else {
        Direction::Open
    })
}
