//! How much of what tickets differ by each of two factors explains, sparsity by sparsity.
use super::{
    pairs::Index,
    table::{Scope, Table},
};
use crate::load::run::{Outcome, Trained};
use jackpot_stats::Effects;
use jackpot_store::Digest;
use jackpot_study::{Analysis, Arm, CollapsedRuns, Factorial};
use std::collections::BTreeSet;

/// What two factors explain at one sparsity, or of the averages over sparsities.
#[derive(Clone, Debug)]
pub struct FoundEffects {
    /// The factors.
    pub of: Factorial,
    /// Where.
    pub scope: Scope,
    /// Seeds of which every ticket was trained.
    pub seeds: Vec<u64>,
    /// Seeds that the study asks for.
    pub asked: usize,
    /// Of test accuracy; none: too few seeds, or nothing is left when the noise is taken off.
    pub effects: Option<Effects>,
    /// Trainings in it.
    pub runs: usize,
    /// Of these, how many collapsed or diverged.
    pub collapsed: usize,
    /// The keys of the trainings that it was computed from.
    pub keys: Vec<Digest>,
}

/// The accuracies of one seed, row by row, and the trainings that they are of.
struct Whole<'a> {
    seed: u64,
    accuracies: Vec<Vec<f64>>,
    trained: Vec<&'a Trained>,
}

/// Evaluates every declared effect on one table of runs: of each its sparsities, then their average.
pub fn effects(analysis: &Analysis, table: &Table) -> Vec<FoundEffects> {
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
            all.push(found(Scope::Sparsity((*sparsity).clone()), wholes));
        }
        if at.len() > 1 {
            all.push(found(Scope::Average, &averages(&at)));
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
                Outcome::Done(trained) => trained,
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

/// The means over sparsities of every seed that is whole at all of them.
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

/// Collapsed or diverged.
fn lost(table: &Table, trained: &Trained) -> bool {
    !trained.test_loss.is_finite() || (table.collapsed)(trained)
}

fn found(of: &Factorial, table: &Table, scope: Scope, wholes: &[Whole]) -> FoundEffects {
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
