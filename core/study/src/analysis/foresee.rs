//! What the planned number of seeds can settle, before anything is run.
use super::{Analysis, Arm, Contrast, Table, declared::words_of, findings};
use crate::{
    Error, Study,
    results::{Outcome, Trained, collect},
};
use jackpot_stats::{Claim, Group, Variance, is_enough, pooled, smallest_margin};
use jackpot_store::Store;
use std::collections::{BTreeMap, BTreeSet};

/// The standard deviation of a difference of two runs, in points of accuracy, where a study has
/// no runs of its own yet: 18 cells of a reproduction of Su et al. (answer42, the ML
/// Reproducibility Challenge of 2020).
pub const REFERENCE_SD: f64 = 0.31;

/// What a number of seeds settles for one kind of contrast.
#[derive(Clone, Debug, PartialEq)]
pub struct Settles {
    /// `check − ticket` or `two tickets`, and where.
    pub what: String,
    /// Of a difference of one seed, in points of accuracy.
    pub sd: f64,
    /// Where that is known from.
    pub source: String,
    /// Seeds.
    pub seeds: usize,
    /// Of the deviation at that number of seeds.
    pub df: f64,
    /// Points, infinite at a look that spends next to nothing; none: no verdict is drawn from so
    /// few seeds.
    pub margin: Option<f64>,
}

/// For each planned number of seeds, the smallest margin that it settles with 80 % power, for
/// checks of one ticket and for pairs of tickets. The deviation is that of the study's finished
/// runs, where some cells have two seeds, else [`REFERENCE_SD`].
///
/// # Errors
/// When results are there and cannot be read.
pub fn settles(study: &Study, store: &Store) -> Result<Vec<Settles>, Error> {
    let own = own_deviations(study, store)?;
    let analysis = &study.analysis;
    let mut all = Vec::new();
    for (within, what) in [(true, "a ticket and its check"), (false, "two tickets")] {
        let arms = arms(analysis, within);
        if arms.is_empty() {
            continue;
        }
        let reference = [(
            what.to_owned(),
            REFERENCE_SD,
            "a reproduction of Su et al., 18 cells".to_owned(),
        )];
        let found: Vec<_> = own
            .iter()
            .filter(|(is_within, ..)| *is_within == within)
            .map(|(_, sparsity, sd)| {
                let what = format!("{what} at {sparsity}");
                (what, *sd, "this study's finished runs".to_owned())
            })
            .collect();
        let known = if found.is_empty() {
            reference.to_vec()
        } else {
            found
        };
        for (what, sd, source) in known {
            for look in &analysis.looks {
                let seeds = *look as usize;
                let df = match analysis.variance {
                    Variance::Cell => seeds.saturating_sub(1) as f64,
                    Variance::Pooled => freedom(&arms, seeds),
                };
                let level = analysis.level(seeds).filter(|_| is_enough(seeds, df));
                all.push(Settles {
                    what: what.clone(),
                    sd,
                    source: source.clone(),
                    seeds,
                    df,
                    margin: level.map(|l| sd * smallest_margin(Claim::Equivalence, seeds, df, l)),
                });
            }
        }
    }
    Ok(all)
}

/// The margin that the plan asks for, in words.
pub fn asked_margin(analysis: &Analysis) -> String {
    words_of(&analysis.margins.accuracy)
}

/// The pairs of arms that share a deviation.
fn arms(analysis: &Analysis, within: bool) -> BTreeSet<[Arm; 2]> {
    let shares = |c: &&Contrast| c.is_within_ticket() == within && c.role != super::Role::Positive;
    let pairs = analysis.contrasts.iter().filter(shares);
    pairs.map(|c| [c.plus.clone(), c.minus.clone()]).collect()
}

/// Degrees of freedom that these contrasts give one pool.
fn freedom(arms: &BTreeSet<[Arm; 2]>, seeds: usize) -> f64 {
    let every: BTreeSet<&Arm> = arms.iter().flatten().collect();
    let numbers: BTreeMap<&Arm, usize> = every.into_iter().zip(0..).collect();
    let of: Vec<u64> = (0..seeds as u64).collect();
    // The degrees of freedom do not depend on the values.
    let values: Vec<f64> = of.iter().map(|s| *s as f64).collect();
    let group = |pair: &[Arm; 2]| Group {
        arms: [numbers[&pair[0]], numbers[&pair[1]]],
        seeds: &of,
        values: &values,
    };
    let groups: Vec<Group> = arms.iter().map(group).collect();
    pooled(&groups).map_or(0.0, |s| s.df)
}

/// Deviations of the study's finished runs, pooled or that of the middle cell: within a ticket or
/// not, the sparsity, points.
fn own_deviations(study: &Study, store: &Store) -> Result<Vec<(bool, String, f64)>, Error> {
    let pinned = store.read_pin(&study.name).map_err(Error::from_store)?;
    if pinned.is_none() {
        return Ok(Vec::new());
    }
    let results = collect(store, &study.name)?;
    let sparsities: Vec<String> = study
        .sparsities
        .iter()
        .map(|s| s.text().to_owned())
        .collect();
    let done = |s: &&u64| {
        let mut of = results.runs.iter().filter(|r| r.seed == **s);
        of.any(|r| matches!(r.outcome, Outcome::Done(_)))
    };
    let seeds: Vec<u64> = study.seeds.iter().filter(done).copied().collect();
    let mut all = Vec::new();
    for setting in &study.settings {
        let chance = 100.0 / f64::from(setting.architecture.classes);
        let at_chance = |t: &Trained| t.accuracy <= chance + crate::COLLAPSE_POINTS;
        let found = findings(
            &study.analysis,
            &Table {
                runs: results
                    .runs
                    .iter()
                    .filter(|r| r.setting == setting.name)
                    .collect(),
                across_settings: false,
                sparsities: &sparsities,
                seeds: &seeds,
                collapsed: &at_chance,
            },
        );
        let of = setting.of();
        all.extend(found.pools.into_iter().filter_map(|pool| {
            let super::Scope::Sparsity(sparsity) = &pool.scope else {
                return None;
            };
            let spread = pool.spread?;
            Some((pool.within_tickets, format!("{sparsity}{of}"), spread.sd))
        }));
    }
    Ok(all)
}
