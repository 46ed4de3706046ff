//! The grid of a study: its runs grouped into cells, each cell's seeds in order.

use crate::Error;
use crate::verdict::{Findings, findings, findings_across};
use jackpot_results::{Named, Outline, Results, Run, RunOutcome as Outcome, TrainedRun as Trained};
use jackpot_stats::{mean, sample_sd};
use jackpot_store::Digest;
use jackpot_study::Lineage;
use std::collections::{BTreeMap, BTreeSet};

/// The check's name of an unmodified ticket.
pub(crate) const UNMODIFIED: &str = "none";
/// The sparsity of a dense network.
pub(crate) const DENSE: &str = "0";
pub(crate) use jackpot_study::COLLAPSE_POINTS;

/// A study's runs by cell.
pub(crate) struct Grid<'a> {
    pub outline: &'a Outline,
    pub results: &'a Results,
    /// In the study file's order: sparsity (dense first), ticket, check (unmodified first).
    pub cells: Vec<Cell<'a>>,
    /// The accuracy of a guess, in percent; none when it is not known how many classes there are.
    pub chance: Option<f64>,
    /// Whether it holds the cells of all settings, of which only those contrasts are evaluated
    /// that compare them.
    pub across_settings: bool,
    /// What the declared analysis says.
    pub findings: Findings,
}

/// All seeds of one ticket under one check at one sparsity.
#[derive(Clone)]
pub(crate) struct Cell<'a> {
    pub sparsity: &'a str,
    pub ticket: &'a Named,
    /// None for the unmodified ticket.
    pub check: Option<&'a Named>,
    /// One for each seed that the study asks for, in its order; none when the results lack it.
    pub runs: Vec<(u64, Option<&'a Run>)>,
}

impl<'a> Cell<'a> {
    /// The runs that were trained, with their seeds.
    pub fn trained(&self) -> impl Iterator<Item = (u64, &'a Trained)> {
        self.runs.iter().filter_map(|(seed, run)| match run {
            Some(Run {
                outcome: Outcome::Done(trained),
                ..
            }) => Some((*seed, trained)),
            _ => None,
        })
    }

    /// The keys of the trainings.
    pub fn keys(&self) -> impl Iterator<Item = Digest> {
        self.trained().map(|(_, t)| t.key)
    }

    /// What its trainings come from: the same for every seed.
    pub fn lineage(&self) -> Option<&'a Lineage> {
        self.trained().find_map(|(_, t)| t.lineage.as_deref())
    }

    /// The training of one seed.
    pub fn of_seed(&self, seed: u64) -> Option<&'a Trained> {
        self.trained().find(|(s, _)| *s == seed).map(|(_, t)| t)
    }

    /// Why the cell cannot differ from its unmodified ticket, if no seed of it was to be run.
    pub fn identical(&self) -> Option<&'a str> {
        self.of_every_seed(|outcome| match outcome {
            Outcome::Identical { because } => Some(because),
            _ => None,
        })
    }

    /// Why the check cannot be applied to the ticket, if it cannot.
    pub fn not_applicable(&self) -> Option<&'a str> {
        self.of_every_seed(|outcome| match outcome {
            Outcome::NotApplicable { because } => Some(because),
            _ => None,
        })
    }

    fn of_every_seed(&self, reason: fn(&'a Outcome) -> Option<&'a str>) -> Option<&'a str> {
        let reasons = self.runs.iter().map(|(_, run)| reason(&(*run)?.outcome));
        let reasons: Option<Vec<_>> = reasons.collect();
        reasons.and_then(|all| all.first().copied())
    }

    pub fn check_name(&self) -> &'a str {
        self.check.map_or(UNMODIFIED, |c| c.name.as_str())
    }
}

/// A mean and, with two values or more, their standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct MeanSd {
    pub mean: f64,
    pub sd: Option<f64>,
}

impl MeanSd {
    pub fn of(values: &[f64]) -> Option<MeanSd> {
        mean(values).map(|mean| MeanSd {
            mean,
            sd: sample_sd(values),
        })
    }
}

/// What a cell's seeds came to.
pub(crate) struct Summary {
    /// Trainings in the means.
    pub n: usize,
    pub asked: usize,
    pub accuracy: Option<MeanSd>,
    pub best: Option<MeanSd>,
    /// Over the trainings that chose an epoch on validation rows.
    pub selected: Option<MeanSd>,
    pub loss: Option<MeanSd>,
    pub failed: usize,
    pub missing: usize,
    /// Seeds that were not run because their masks are certain to collapse.
    pub skipped: usize,
    /// Seeds that were not run because they cannot differ.
    pub not_run: usize,
    /// Seeds whose training is the unmodified ticket's, found to be so when it was planned or run.
    pub shared: usize,
    /// None when chance is not known.
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
        let mut grid = Grid {
            outline,
            results,
            cells,
            chance,
            across_settings: false,
            findings: Findings::default(),
        };
        grid.findings = findings(&grid)?;
        Ok(grid)
    }

    /// The cells of all settings of a study, each setting after the other.
    pub fn across(
        outline: &'a Outline,
        results: &'a Results,
        parts: &[Grid<'a>],
    ) -> Result<Grid<'a>, Error> {
        let mut grid = Grid {
            outline,
            results,
            cells: parts.iter().flat_map(|p| p.cells.iter().cloned()).collect(),
            chance: None,
            across_settings: true,
            findings: Findings::default(),
        };
        grid.findings = findings_across(&grid, parts)?;
        Ok(grid)
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

    /// True when a training's accuracy is at chance with a finite loss (divergence is another
    /// thing); false when chance is not known.
    pub fn collapsed(&self, trained: &Trained) -> bool {
        let at_chance = |chance| trained.accuracy <= chance + COLLAPSE_POINTS;
        trained.test_loss.is_finite() && self.chance.is_some_and(at_chance)
    }

    /// True when a training neither collapsed nor diverged: those vary on another scale.
    pub fn learned(&self, trained: &Trained) -> bool {
        trained.test_loss.is_finite() && !self.collapsed(trained)
    }

    /// True when this seed of a check is the very training of its unmodified ticket: one action,
    /// so one result, by construction and not by measurement.
    pub fn shares(&self, cell: &Cell<'_>, seed: u64) -> bool {
        let of = |c: &Cell<'_>| c.of_seed(seed).map(|t| t.key);
        cell.check.is_some() && of(cell).is_some() && self.unmodified(cell).and_then(of) == of(cell)
    }

    /// True when every seed of a check is its unmodified ticket's, planned so or found to be so.
    pub fn identical(&self, cell: &Cell<'_>) -> bool {
        let shared = || cell.runs.iter().all(|(seed, _)| self.shares(cell, *seed));
        cell.identical().is_some() || (!cell.runs.is_empty() && shared())
    }

    /// Titles of the other cells of its sparsity whose trainings are the very same; those of its own
    /// ticket only where they are not the unmodified ticket's too, which is told elsewhere.
    pub fn one_recipe(&self, cell: &Cell<'_>) -> Vec<String> {
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

    /// True when a training of the study chose an epoch on validation rows.
    pub fn selects(&self) -> bool {
        let mut trained = self.cells.iter().flat_map(Cell::trained);
        trained.any(|(_, t)| t.selected_accuracy.is_some())
    }

    pub fn summary(&self, cell: &Cell<'_>) -> Summary {
        let trained: Vec<&Trained> = cell.trained().map(|(_, t)| t).collect();
        let selected: Vec<f64> = trained.iter().filter_map(|t| t.selected_accuracy).collect();
        let values = |of: fn(&Trained) -> f64| trained.iter().map(|t| of(t)).collect::<Vec<_>>();
        let count = |is: fn(&Outcome) -> bool| {
            let found = cell
                .runs
                .iter()
                .filter(|(_, r)| r.is_some_and(|r| is(&r.outcome)));
            found.count()
        };
        let not_run = count(|o| matches!(o, Outcome::Identical { .. }));
        let not_applicable = count(|o| matches!(o, Outcome::NotApplicable { .. }));
        let failed = count(|o| matches!(o, Outcome::Failed { .. }));
        let skipped = count(|o| matches!(o, Outcome::Collapsed { .. }));
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

/// What every result in `cells` hashes to.
pub(crate) fn metrics<'c, 'a: 'c>(
    cells: impl IntoIterator<Item = &'c Cell<'a>>,
) -> BTreeSet<Digest> {
    let trained = cells.into_iter().flat_map(|c| c.trained());
    trained.map(|(_, t)| t.metrics).collect()
}

/// Metrics and masks of the runs, each in the order of the grid.
pub(crate) fn in_order(cells: &[Cell<'_>]) -> [Vec<Digest>; 2] {
    let mut found = [Vec::new(), Vec::new()];
    let runs = cells.iter().flat_map(|c| &c.runs);
    for run in runs.filter_map(|(_, run)| *run) {
        let trained = match &run.outcome {
            Outcome::Done(trained) => Some(trained),
            _ => None,
        };
        found[0].extend(trained.map(|t| t.metrics));
        let mask = run.facts.as_ref().map(|facts| facts.mask);
        found[1].extend(mask.or(trained.and_then(|t| t.mask)));
    }
    found
}

/// `` `snip` under `rearrange` at 0.9, seed 3``, for messages.
pub(crate) fn name_of(run: &Run) -> String {
    let check = match run.check.as_str() {
        UNMODIFIED => String::new(),
        check => format!(" under `{check}`"),
    };
    format!(
        "`{}`{check} at {}, seed {}",
        run.ticket, run.sparsity, run.seed
    )
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

/// An accuracy is a count of images: one outside 0 to 100 means that the metrics are not what
/// this crate takes them for. (A loss may diverge.)
fn possible(run: &Run) -> Result<(), Error> {
    let percent = 0.0..=100.0;
    match &run.outcome {
        Outcome::Done(t)
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
