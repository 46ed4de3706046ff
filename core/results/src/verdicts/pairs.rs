//! The runs of a contrast, seed by seed: what there is to compare.
use super::table::{Scope, Table};
use crate::load::run::{Outcome as RunOutcome, Run, Trained};
use jackpot_study::{Analysis, Arm, CollapsedRuns, Contrast, Margin, WeightedArm};
use std::collections::BTreeMap;

/// One seed of a contrast: accuracy and loss of both arms, and their margins.
#[derive(Clone, Copy)]
pub(super) struct Seed {
    pub seed: u64,
    pub plus: [f64; 2],
    pub minus: [f64; 2],
    pub margin: [Option<f64>; 2],
}

/// A contrast at one scope before any statistics.
pub(super) struct Material<'a> {
    pub contrast: &'a Contrast,
    pub scope: Scope,
    pub seeds: Vec<Seed>,
    /// Of every seed the runs that it is made of: those of plus and minus, then any others.
    pub runs: Vec<Vec<&'a Trained>>,
    pub asked: usize,
    /// Seeds whose arms are one run, by construction or by their key.
    pub same: usize,
    pub because: Option<String>,
    /// Why a check cannot be applied to an arm, if it cannot: there is nothing to compare.
    pub not_applicable: Option<String>,
    pub lost: usize,
    pub unfinished: usize,
    pub collapsed: bool,
    pub diverged: bool,
}

impl Material<'_> {
    pub(super) fn is_identical(&self) -> bool {
        self.asked > 0 && self.same == self.asked
    }

    /// Whether there may be a difference here, and it may be measured.
    fn is_measured(&self) -> bool {
        !self.is_identical() && self.not_applicable.is_none()
    }
}

/// What one seed has to say.
enum Found<'a> {
    Runs(Vec<&'a Trained>),
    /// One run for all arms; why, where it was known beforehand.
    Same(Option<&'a str>),
    NotApplicable(&'a str),
    Missing,
    Lost,
}

/// Setting, ticket, check and sparsity of a run.
type Place<'a> = (Option<&'a str>, &'a str, &'a str, &'a str);

pub(super) struct Index<'a> {
    table: &'a Table<'a>,
    runs: BTreeMap<Place<'a>, BTreeMap<u64, &'a Run>>,
    /// Of the arms that name none.
    setting: Option<&'a str>,
}

impl<'a> Index<'a> {
    pub(super) fn new(table: &'a Table<'a>) -> Index<'a> {
        let mut runs: BTreeMap<_, BTreeMap<u64, &Run>> = BTreeMap::new();
        for run in &table.runs {
            let cell = (
                run.setting.as_deref(),
                run.ticket.as_str(),
                run.check.as_str(),
                run.sparsity.as_str(),
            );
            runs.entry(cell).or_default().insert(run.seed, *run);
        }
        let setting = table.runs.first().and_then(|run| run.setting.as_deref());
        Index {
            table,
            runs,
            setting,
        }
    }

    fn cell<'s>(&'s self, arm: &'s Arm, sparsity: &'s str) -> Option<&'s BTreeMap<u64, &'a Run>> {
        let setting = arm.setting.as_deref().or(self.setting);
        let place: Place<'s> = (setting, &arm.ticket, arm.check_name(), sparsity);
        self.runs.get(&place)
    }

    /// The run of an arm; a dense one stands at sparsity 0 wherever it is asked for.
    pub(super) fn run(&self, arm: &Arm, sparsity: &str, seed: u64) -> Option<&'a Run> {
        let cell = self.cell(arm, sparsity).or_else(|| self.cell(arm, "0"))?;
        cell.get(&seed).copied()
    }

    pub(super) fn has(&self, arm: &Arm, sparsity: &str) -> bool {
        self.cell(arm, sparsity).is_some()
    }

    pub(super) fn materials(
        &self,
        analysis: &'a Analysis,
        contrast: &'a Contrast,
    ) -> Vec<Material<'a>> {
        let terms = contrast.terms();
        let here = |s: &&str| {
            let at_sparsity = |arm: &Arm| self.has(arm, s);
            let is_there = |term: &WeightedArm| at_sparsity(term.arm) || self.has(term.arm, "0");
            terms.iter().any(|term| at_sparsity(term.arm)) && terms.iter().all(is_there)
        };
        let sparsities =
            std::iter::once("0").chain(self.table.sparsities.iter().map(String::as_str));
        let sparsities: Vec<&str> = sparsities.filter(here).collect();
        // A dense arm beside a sparse one stands at each of the sparse one's sparsities.
        let only_dense = sparsities.len() > 1;
        let mut all: Vec<Material> = sparsities
            .into_iter()
            .filter(|s| !(only_dense && *s == "0"))
            .map(|s| self.material(analysis, contrast, s))
            .collect();
        let average = |scope, of: Vec<&Material<'a>>| average(contrast, scope, &of);
        let of: Vec<&Material> = all.iter().filter(|m| m.is_measured()).collect();
        let fit: Vec<&Material> = of.iter().copied().filter(|m| !m.collapsed).collect();
        let mut averages = Vec::new();
        if of.len() > 1 {
            let apart = !fit.is_empty() && fit.len() < of.len();
            averages.push(average(Scope::Average, of));
            if apart {
                averages.push(average(Scope::AverageUncollapsed, fit));
            }
        }
        all.extend(averages);
        all
    }

    /// What stands behind an arm: of one that is identical to its unmodified ticket what that came
    /// to, and why it is. The arm is that ticket, and no other that it may be compared with.
    fn behind(
        &self,
        arm: &Arm,
        sparsity: &str,
        seed: u64,
    ) -> (Option<&'a RunOutcome>, Option<&'a str>) {
        let outcome = |arm| self.run(arm, sparsity, seed).map(|r| &r.outcome);
        match outcome(arm) {
            Some(RunOutcome::Identical { because }) => (outcome(&arm.unmodified()), Some(because)),
            own => (own, None),
        }
    }

    fn found(&self, terms: &[WeightedArm<'_>], sparsity: &str, seed: u64) -> Found<'a> {
        let mut runs: Vec<&Trained> = Vec::new();
        let mut because = None;
        let (mut not_applicable, mut missing, mut lost) = (None, false, false);
        for term in terms {
            let (outcome, why) = self.behind(term.arm, sparsity, seed);
            because = because.or(why);
            match outcome {
                Some(RunOutcome::Done(trained)) => runs.push(trained),
                Some(RunOutcome::NotApplicable { because }) => not_applicable = Some(because),
                None | Some(RunOutcome::Missing) => missing = true,
                Some(_) => lost = true,
            }
        }
        match not_applicable {
            Some(because) => Found::NotApplicable(because),
            None if missing => Found::Missing,
            None if lost => Found::Lost,
            None if runs.windows(2).all(|w| w[0].key == w[1].key) => Found::Same(because),
            None => Found::Runs(runs),
        }
    }

    fn material(
        &self,
        analysis: &'a Analysis,
        contrast: &'a Contrast,
        sparsity: &str,
    ) -> Material<'a> {
        let mut m = Material {
            contrast,
            scope: Scope::Sparsity(sparsity.to_owned()),
            seeds: Vec::new(),
            runs: Vec::new(),
            asked: self.table.seeds.len(),
            same: 0,
            because: None,
            not_applicable: None,
            lost: 0,
            unfinished: 0,
            collapsed: false,
            diverged: false,
        };
        let terms = contrast.terms();
        for &seed in self.table.seeds {
            let runs = match self.found(&terms, sparsity, seed) {
                Found::Runs(runs) => runs,
                Found::Same(because) => {
                    m.same += 1;
                    m.because = because.map(str::to_owned).or(m.because);
                    continue;
                }
                Found::NotApplicable(because) => {
                    m.not_applicable = Some(because.to_owned());
                    continue;
                }
                Found::Missing => {
                    m.unfinished += 1;
                    continue;
                }
                Found::Lost => {
                    m.lost += 1;
                    continue;
                }
            };
            let diverged = runs.iter().any(|t| !t.test_loss.is_finite());
            let collapsed = diverged || runs.iter().any(|t| (self.table.collapsed)(t));
            if collapsed && analysis.collapsed == CollapsedRuns::Excluded {
                m.lost += 1;
                continue;
            }
            m.collapsed |= collapsed;
            m.diverged |= diverged;
            let margins = analysis.margins(contrast);
            m.seeds.push(Seed {
                seed,
                plus: side(&terms, &runs, |term| term.plus),
                minus: side(&terms, &runs, |term| term.minus),
                margin: [
                    self.margin(&margins.accuracy, 0, sparsity, seed),
                    self.margin(&margins.test_loss, 1, sparsity, seed),
                ],
            });
            m.runs.push(runs);
        }
        // A reason why the arms cannot differ is one for all seeds, or some have no run.
        m.because = m.because.take().filter(|_| m.is_identical());
        m
    }

    /// A margin in the response's unit; none where an arm of its gap was not run.
    fn margin(&self, margin: &Margin, response: usize, sparsity: &str, seed: u64) -> Option<f64> {
        let (share, plus, minus) = match margin {
            Margin::Fixed(x) => return Some(*x),
            Margin::Share { share, plus, minus } => (share, plus, minus),
        };
        let of = |arm| match self.behind(arm, sparsity, seed).0? {
            RunOutcome::Done(trained) => Some(responses(trained)[response]),
            _ => None,
        };
        let gap = of(plus)? - of(minus)?;
        // Of a loss the better arm has less.
        let gain = if response == 0 { gap } else { -gap };
        Some(share * gain).filter(|m| m.is_finite())
    }
}

/// Accuracy and loss of one side of a contrast: its runs, each with its weight.
fn side(
    terms: &[WeightedArm<'_>],
    runs: &[&Trained],
    weight: fn(&WeightedArm<'_>) -> f64,
) -> [f64; 2] {
    let mut sums = [0.0; 2];
    // A run that is not of this side adds nothing, also where its loss is no number.
    let weighted = terms
        .iter()
        .map(weight)
        .zip(runs)
        .filter(|(w, _)| *w != 0.0);
    for (weight, run) in weighted {
        for (sum, response) in sums.iter_mut().zip(responses(run)) {
            *sum += weight * response;
        }
    }
    sums
}

fn responses(trained: &Trained) -> [f64; 2] {
    [trained.accuracy, trained.test_loss]
}

/// The mean over sparsities of every seed that has all of them.
fn average<'a>(contrast: &'a Contrast, scope: Scope, of: &[&Material<'a>]) -> Material<'a> {
    let first = of.first().map_or(&[][..], |m| &m.seeds);
    let n = of.len() as f64;
    let seeds = first.iter().filter_map(|seed| {
        let mut mean = Seed {
            seed: seed.seed,
            plus: [0.0; 2],
            minus: [0.0; 2],
            margin: [Some(0.0); 2],
        };
        for m in of {
            let at = m.seeds.iter().find(|s| s.seed == seed.seed)?;
            for i in 0..2 {
                mean.plus[i] += at.plus[i] / n;
                mean.minus[i] += at.minus[i] / n;
                mean.margin[i] = mean.margin[i].zip(at.margin[i]).map(|(sum, x)| sum + x / n);
            }
        }
        Some(mean)
    });
    let seeds: Vec<Seed> = seeds.collect();
    let used = |seed: &Seed| seeds.iter().any(|s| s.seed == seed.seed);
    let runs = of.iter().flat_map(|m| m.seeds.iter().zip(&m.runs));
    let runs = runs
        .filter(|(seed, _)| used(seed))
        .map(|(_, runs)| runs.clone());
    let sum = |of_one: fn(&Material) -> usize| of.iter().map(|m| of_one(m)).sum();
    Material {
        contrast,
        scope,
        runs: runs.collect(),
        asked: of.first().map_or(0, |m| m.asked),
        same: 0,
        because: None,
        not_applicable: None,
        lost: sum(|m| m.lost),
        unfinished: sum(|m| m.unfinished),
        collapsed: of.iter().any(|m| m.collapsed),
        diverged: of.iter().any(|m| m.diverged),
        seeds,
    }
}
