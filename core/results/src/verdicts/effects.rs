//! How much of what tickets differ by each of two factors explains, sparsity by sparsity.
use super::{
    pairs::Index,
    table::{ContrastScope, RunTable},
};
use crate::load::run::{RunOutcome, TrainedRun};
use jackpot_stats::Effects;
use jackpot_store::Digest;
use jackpot_study::{Analysis, Arm, CollapsedRuns, Factorial};
use std::collections::BTreeSet;

/// What two factors explain at one sparsity, or in the averages over sparsities.
#[derive(Clone, Debug)]
pub struct FoundEffects {
    /// The two factors and their tickets.
    pub of: Factorial,
    /// The sparsity or average.
    pub scope: ContrastScope,
    /// Seeds for which every ticket was trained.
    pub seeds: Vec<u64>,
    /// Seeds that the study asks for.
    pub asked: usize,
    /// The effects on test accuracy; `None` with too few seeds, or where nothing is left after the
    /// noise is subtracted.
    pub effects: Option<Effects>,
    /// Number of trainings that it is computed from.
    pub runs: usize,
    /// How many of them collapsed or diverged.
    pub collapsed: usize,
    /// The keys of the trainings that it was computed from.
    pub keys: Vec<Digest>,
}

/// The accuracies of one seed, row by row, and their trainings.
struct Whole<'a> {
    seed: u64,
    accuracies: Vec<Vec<f64>>,
    trained: Vec<&'a TrainedRun>,
}

/// Evaluates every declared effect on one table of runs: first at each sparsity, then their
/// average.
pub fn effects(analysis: &Analysis, table: &RunTable) -> Vec<FoundEffects> {
    let index = Index::new(table);
    let mut all = Vec::new();
    for of in analysis.effects.iter().filter(|_| !table.across_settings) {
        let there = |s: &&String| {
            let mut tickets = of.tickets.iter().flatten();
            tickets.all(|t| index.has(&Arm::of(t), s))
        };
        let sparsities: Vec<&String> = table.sparsities.iter().filter(there).collect();
        let wholes = |s: &&String| -> Vec<Whole> {
            let seeds = table.seeds.iter();
            seeds
                .filter_map(|seed| whole(&index, of, s, *seed))
                .filter(|w| {
                    let excluded = analysis.collapsed == CollapsedRuns::Excluded;
                    !(excluded && w.trained.iter().any(|t| lost(table, t)))
                })
                .collect()
        };
        let at: Vec<Vec<Whole>> = sparsities.iter().map(wholes).collect();
        let found = |scope, wholes: &[Whole]| found(of, table, scope, wholes);
        for (sparsity, wholes) in sparsities.iter().zip(&at) {
            all.push(found(ContrastScope::Sparsity((*sparsity).clone()), wholes));
        }
        if at.len() > 1 {
            all.push(found(ContrastScope::Average, &averages(&at)));
        }
    }
    all
}

fn whole<'a>(index: &Index<'a>, of: &Factorial, sparsity: &str, seed: u64) -> Option<Whole<'a>> {
    let mut trained = Vec::new();
    let mut accuracies = Vec::new();
    for row in &of.tickets {
        let mut own = Vec::new();
        for ticket in row {
            let run = match &index.run(&Arm::of(ticket), sparsity, seed)?.outcome {
                RunOutcome::Done(trained) => trained,
                _ => return None,
            };
            own.push(run.accuracy);
            trained.push(run);
        }
        accuracies.push(own);
    }
    Some(Whole {
        seed,
        accuracies,
        trained,
    })
}

/// The means over sparsities, for every seed that has all tickets at all sparsities.
fn averages<'a>(at: &[Vec<Whole<'a>>]) -> Vec<Whole<'a>> {
    let seeds = at.first().into_iter().flatten().map(|w| w.seed);
    let one = |seed: u64| {
        let own: Option<Vec<&Whole>> = at
            .iter()
            .map(|wholes| wholes.iter().find(|w| w.seed == seed))
            .collect();
        let own = own?;
        let n = own.len() as f64;
        let mut accuracies = own.first()?.accuracies.clone();
        for (i, row) in accuracies.iter_mut().enumerate() {
            for (j, value) in row.iter_mut().enumerate() {
                *value = own.iter().map(|w| w.accuracies[i][j]).sum::<f64>() / n;
            }
        }
        Some(Whole {
            seed,
            accuracies,
            trained: own.iter().flat_map(|w| w.trained.iter().copied()).collect(),
        })
    };
    seeds.filter_map(one).collect()
}

/// Whether a training collapsed or diverged.
fn lost(table: &RunTable, trained: &TrainedRun) -> bool {
    !trained.test_loss.is_finite() || (table.collapsed)(trained)
}

fn found(of: &Factorial, table: &RunTable, scope: ContrastScope, wholes: &[Whole]) -> FoundEffects {
    let tables: Vec<Vec<Vec<f64>>> = wholes.iter().map(|w| w.accuracies.clone()).collect();
    let trained = || wholes.iter().flat_map(|w| w.trained.iter());
    // Two cells may be one training.
    let keys: BTreeSet<Digest> = trained().map(|t| t.key).collect();
    FoundEffects {
        of: of.clone(),
        scope,
        seeds: wholes.iter().map(|w| w.seed).collect(),
        asked: table.seeds.len(),
        effects: jackpot_stats::effects(&tables),
        runs: trained().count(),
        collapsed: trained().filter(|t| lost(table, t)).count(),
        keys: keys.into_iter().collect(),
    }
}
