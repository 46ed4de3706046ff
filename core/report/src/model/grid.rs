//! The grid of a study: its runs grouped into cells, each cell's seeds in order.

use crate::Error;
use crate::model::analysis::findings::{Findings, evaluate};
use crate::model::cells::{Cell, UNMODIFIED, name_of};
use crate::model::format::DENSE;
use crate::model::mean_sd::MeanSd;
use jackpot_results::{ContrastScope, Finding, Outline, Results, Run, RunOutcome, TrainedRun};
use jackpot_store::Digest;
use jackpot_study::Arm;
pub(crate) use jackpot_study::COLLAPSE_POINTS;
use std::collections::{BTreeMap, BTreeSet};

/// A study's runs by cell.
pub(crate) struct Grid<'a> {
    pub outline: &'a Outline,
    pub results: &'a Results,
    /// In the order of the study file: by sparsity (dense first), then ticket, then check
    /// (unmodified first).
    pub cells: Vec<Cell<'a>>,
    /// The accuracy of guessing, in percent, or `None` if the number of classes is not known.
    pub chance: Option<f64>,
    /// The results of the declared analysis.
    pub findings: Findings,
}

/// The outcomes of a cell's seeds.
pub(crate) struct Summary {
    /// The number of trainings in the means.
    pub n: usize,
    pub asked: usize,
    pub accuracy: Option<MeanSd>,
    pub best: Option<MeanSd>,
    /// Over the trainings that selected an epoch on validation rows.
    pub selected: Option<MeanSd>,
    pub loss: Option<MeanSd>,
    pub failed: usize,
    pub missing: usize,
    /// Seeds that were not run because their masks are certain to collapse.
    pub skipped: usize,
    /// Seeds that were not run because they cannot differ.
    pub not_run: usize,
    /// Seeds that share the training of the unmodified ticket, because planning or running found
    /// their recipes equal.
    pub shared: usize,
    /// `None` if the accuracy of guessing is not known.
    pub collapsed: Option<usize>,
    /// Trainings whose test loss is not finite; they are not counted as collapsed.
    pub diverged: usize,
}

impl<'a> Grid<'a> {
    pub fn new(outline: &'a Outline, results: &'a Results) -> Result<Grid<'a>, Error> {
        if outline.digest != results.study {
            return Err(Error::Study(format!(
                "study.toml of `{}` has the digest {}, but its last run was of {}: run the study again",
                outline.name, outline.digest, results.study
            )));
        }
        let mut by_cell: BTreeMap<(&str, &str, &str), BTreeMap<u64, &Run>> = BTreeMap::new();
        for run in &results.runs {
            known(outline, run)?;
            let cell = (
                run.sparsity.as_str(),
                run.ticket.as_str(),
                run.check.as_str(),
            );
            if by_cell
                .entry(cell)
                .or_default()
                .insert(run.seed, run)
                .is_some()
            {
                return Err(Error::Study(format!("{} is there twice", name_of(run))));
            }
        }
        let sparsities =
            std::iter::once(DENSE).chain(outline.sparsities.iter().map(String::as_str));
        let seen = &mut BTreeSet::new();
        let mut cells = Vec::new();
        for sparsity in sparsities.filter(|s| seen.insert(*s)) {
            for ticket in &outline.tickets {
                for check in std::iter::once(None).chain(outline.checks.iter().map(Some)) {
                    let name = check.map_or(UNMODIFIED, |c| c.name.as_str());
                    if let Some(found) = by_cell.get(&(sparsity, ticket.name.as_str(), name)) {
                        let runs = outline.seeds.iter().map(|s| (*s, found.get(s).copied()));
                        cells.push(Cell {
                            sparsity,
                            ticket,
                            check,
                            runs: runs.collect(),
                        });
                    }
                }
            }
        }
        let classes = outline.subject.classes;
        let chance = (classes > 1).then(|| 100.0 / f64::from(classes));
        let collapsed = |trained: &TrainedRun| is_collapsed(chance, trained);
        Ok(Grid {
            outline,
            results,
            cells,
            chance,
            findings: evaluate(outline, results, false, &collapsed)?,
        })
    }

    /// The cells of all settings of a study, one setting after the other.
    pub fn of_settings(
        outline: &'a Outline,
        results: &'a Results,
        parts: &[Grid<'a>],
    ) -> Result<Grid<'a>, Error> {
        // Each setting has its own accuracy of guessing. A training has one recipe and so one data
        // set.
        let collapsed = parts.iter().flat_map(|part| {
            let trained = part.cells.iter().flat_map(Cell::trained).map(|(_, t)| t);
            trained.filter(|t| part.collapsed(t))
        });
        let collapsed: BTreeSet<Digest> = collapsed.map(|t| t.key).collect();
        let is_collapsed = |trained: &TrainedRun| collapsed.contains(&trained.key);
        Ok(Grid {
            outline,
            results,
            cells: parts.iter().flat_map(|p| p.cells.iter().cloned()).collect(),
            chance: None,
            findings: evaluate(outline, results, true, &is_collapsed)?,
        })
    }

    /// Every cell but the dense network's, in the grid's order.
    pub fn sparse(&self) -> impl Iterator<Item = &Cell<'a>> {
        self.cells.iter().filter(|c| c.sparsity != DENSE)
    }

    pub fn cell(&self, sparsity: &str, ticket: &str, check: &str) -> Option<&Cell<'a>> {
        self.cells
            .iter()
            .find(|c| c.sparsity == sparsity && c.ticket.name == ticket && c.check_name() == check)
    }

    /// The unmodified ticket that `cell` is a check of.
    pub fn unmodified(&self, cell: &Cell<'_>) -> Option<&Cell<'a>> {
        self.cell(cell.sparsity, &cell.ticket.name, UNMODIFIED)
    }

    /// The sparsities that have cells other than the dense network's, in the study's order.
    pub fn sparsities(&self) -> Vec<&'a str> {
        let mut all: Vec<&str> = Vec::new();
        for cell in &self.cells {
            if cell.sparsity != DENSE && !all.contains(&cell.sparsity) {
                all.push(cell.sparsity);
            }
        }
        all
    }

    /// The cells of one sparsity.
    pub fn at(&self, sparsity: &str) -> impl Iterator<Item = &Cell<'a>> {
        self.cells.iter().filter(move |c| c.sparsity == sparsity)
    }

    /// Whether a training collapsed: its accuracy is at chance and its loss is finite (with an
    /// infinite loss it diverged). False if the accuracy of guessing is not known.
    pub fn collapsed(&self, trained: &TrainedRun) -> bool {
        is_collapsed(self.chance, trained)
    }

    /// Whether a training neither collapsed nor diverged. Trainings that did vary on another scale.
    pub fn learned(&self, trained: &TrainedRun) -> bool {
        trained.test_loss.is_finite() && !self.collapsed(trained)
    }

    /// Whether a check shares the training of its unmodified ticket at this seed: both are one
    /// action, so their results are equal by construction and not by measurement.
    pub fn shares(&self, cell: &Cell<'_>, seed: u64) -> bool {
        let of = |c: &Cell<'_>| c.of_seed(seed).map(|t| t.key);
        cell.check.is_some() && of(cell).is_some() && self.unmodified(cell).and_then(of) == of(cell)
    }

    /// The finding on the unmodified ticket minus the ticket under the check of `cell`, or `None`
    /// if `cell` is an unmodified ticket.
    pub fn check_finding(&self, cell: &Cell<'_>) -> Option<&Finding> {
        let ticket = &cell.ticket.name;
        let (plus, minus) = (Arm::of(ticket), Arm::under(ticket, &cell.check?.name));
        let scope = ContrastScope::Sparsity(cell.sparsity.to_owned());
        self.findings.of(&plus, &minus, &scope)
    }

    /// Whether every seed of a check shares the training of its unmodified ticket, as planned or as
    /// found when it was run.
    pub fn identical(&self, cell: &Cell<'_>) -> bool {
        let shared = || cell.runs.iter().all(|(seed, _)| self.shares(cell, *seed));
        cell.identical().is_some() || (!cell.runs.is_empty() && shared())
    }

    /// The titles of other cells at the same sparsity that have the same trainings. Cells of the
    /// same ticket are left out if they share the trainings of the unmodified ticket, which another
    /// note says.
    pub fn titles_of_same_recipe(&self, cell: &Cell<'_>) -> Vec<String> {
        let keys = |c: &Cell<'_>| -> Vec<(u64, Digest)> {
            c.trained().map(|(seed, t)| (seed, t.key)).collect()
        };
        let ours = keys(cell);
        if ours.is_empty() {
            return Vec::new();
        }
        let is_unmodified = cell.check.is_none() || self.identical(cell);
        let others = self.at(cell.sparsity).filter(|other| {
            let own = other.ticket == cell.ticket;
            let told = own && (is_unmodified || other.check == cell.check);
            !told && keys(other) == ours
        });
        let title = |other: &Cell<'_>| match other.check {
            None => other.ticket.title.clone(),
            Some(check) => format!("{} under {}", other.ticket.title, check.title),
        };
        others.map(title).collect()
    }

    /// Whether a training of the study selected an epoch on validation rows.
    pub fn selects(&self) -> bool {
        let mut trained = self.cells.iter().flat_map(Cell::trained);
        trained.any(|(_, t)| t.selected_accuracy.is_some())
    }

    pub fn summary(&self, cell: &Cell<'_>) -> Summary {
        let trained: Vec<&TrainedRun> = cell.trained().map(|(_, t)| t).collect();
        let selected: Vec<f64> = trained.iter().filter_map(|t| t.selected_accuracy).collect();
        let values = |of: fn(&TrainedRun) -> f64| trained.iter().map(|t| of(t)).collect::<Vec<_>>();
        let count = |is: fn(&RunOutcome) -> bool| {
            let found = cell
                .runs
                .iter()
                .filter(|(_, r)| r.is_some_and(|r| is(&r.outcome)));
            found.count()
        };
        let not_run = count(|o| matches!(o, RunOutcome::Identical { .. }));
        let not_applicable = count(|o| matches!(o, RunOutcome::NotApplicable { .. }));
        let failed = count(|o| matches!(o, RunOutcome::Failed { .. }));
        let skipped = count(|o| matches!(o, RunOutcome::Collapsed { .. }));
        let diverged = trained.iter().filter(|t| !t.test_loss.is_finite()).count();
        let loss = MeanSd::of(&values(|t| t.test_loss)).filter(|_| diverged == 0);
        Summary {
            n: trained.len(),
            asked: cell.runs.len(),
            accuracy: MeanSd::of(&values(|t| t.accuracy)),
            best: MeanSd::of(&values(|t| t.best_accuracy)),
            selected: MeanSd::of(&selected),
            loss,
            failed,
            missing: cell.runs.len() - trained.len() - not_run - not_applicable - failed - skipped,
            skipped,
            not_run,
            shared: cell
                .trained()
                .filter(|(seed, _)| self.shares(cell, *seed))
                .count(),
            collapsed: self
                .chance
                .map(|_| trained.iter().filter(|t| self.collapsed(t)).count()),
            diverged,
        }
    }
}

fn is_collapsed(chance: Option<f64>, trained: &TrainedRun) -> bool {
    let at_chance = |chance| trained.accuracy <= chance + COLLAPSE_POINTS;
    trained.test_loss.is_finite() && chance.is_some_and(at_chance)
}

fn known(outline: &Outline, run: &Run) -> Result<(), Error> {
    let unknown = if !outline.tickets.iter().any(|t| t.name == run.ticket) {
        "ticket"
    } else if run.check != UNMODIFIED && !outline.checks.iter().any(|c| c.name == run.check) {
        "check"
    } else if run.sparsity != DENSE && !outline.sparsities.contains(&run.sparsity) {
        "sparsity"
    } else if !outline.seeds.contains(&run.seed) {
        "seed"
    } else {
        return possible(run);
    };
    Err(Error::Study(format!(
        "the results hold {}, whose {unknown} is not in study.toml of `{}`",
        name_of(run),
        outline.name
    )))
}

/// Refuses an accuracy outside 0 to 100 %: such metrics are not what this crate expects. (A loss
/// may be infinite.)
fn possible(run: &Run) -> Result<(), Error> {
    let percent = 0.0..=100.0;
    match &run.outcome {
        RunOutcome::Done(t)
            if ![Some(t.accuracy), Some(t.best_accuracy), t.selected_accuracy]
                .into_iter()
                .flatten()
                .all(|accuracy| percent.contains(&accuracy)) =>
        {
            Err(Error::Study(format!(
                "{}: an accuracy must lie between 0 and 100 %, found {} (best {}{})",
                name_of(run),
                t.accuracy,
                t.best_accuracy,
                t.selected_accuracy
                    .map_or(String::new(), |a| format!(", selected {a}"))
            )))
        }
        _ => Ok(()),
    }
}
