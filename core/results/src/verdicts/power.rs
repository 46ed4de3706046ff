//! What the planned number of seeds can settle, before anything is run.
use super::{
    evaluate::findings,
    plan_changes::words_of,
    table::{Scope, Table},
};
use crate::load::{
    collect,
    run::{Outcome, Trained},
};
use jackpot_stats::{Claim, Group, Variance, is_enough, pooled, smallest_margin};
use jackpot_store::Store;
use jackpot_study::{Analysis, Arm, COLLAPSE_POINTS, Contrast, Error, Role, Study};
use std::collections::{BTreeMap, BTreeSet};

/// The standard deviation of a difference of two runs, in points of accuracy, where a study has
/// no runs of its own yet: 18 cells of a reproduction of Su et al. (answer42, the ML
/// Reproducibility Challenge of 2020).
pub const REFERENCE_SD: f64 = 0.31;

/// What a number of seeds settles for one kind of contrast.
#[derive(Clone, Debug, PartialEq)]
pub struct Settles {
    /// `two tickets`, `a trend over 4 places`, and where.
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

/// What contrasts of one kind have in common.
struct Kind {
    /// In words.
    what: String,
    /// Their deviation in that of a difference of two runs, where all runs vary alike and each for
    /// itself.
    times: f64,
    /// Whether they share a deviation with others, where the plan pools.
    shares: bool,
}

impl Kind {
    fn of(contrast: &Contrast) -> Kind {
        let what = if !contrast.trend.is_empty() {
            format!("a trend over {} places", contrast.trend.len())
        } else if contrast.less.is_some() {
            "a difference of differences".into()
        } else if contrast.is_across_settings() {
            "two arms of any settings".into()
        } else if contrast.is_within_ticket() {
            "a ticket and its check".into()
        } else {
            "two tickets".into()
        };
        let terms = contrast.terms();
        let squares: f64 = terms.iter().map(|t| (t.plus - t.minus).powi(2)).sum();
        Kind {
            what,
            times: (squares / 2.0).sqrt(),
            shares: contrast.is_pair(),
        }
    }
}

/// For each planned number of seeds, the smallest margin that it settles with 80 % power, for
/// every kind of contrast: checks of one ticket, pairs of tickets, and what is made of more runs.
/// The deviation is that of the study's finished runs, where some cells have two seeds, else
/// [`REFERENCE_SD`].
///
/// # Errors
/// When results are there and cannot be read.
pub fn settles(study: &Study, store: &Store) -> Result<Vec<Settles>, Error> {
    let own = own_deviations(study, store)?;
    let mut all = Vec::new();
    for (kind, arms) in kinds(&study.analysis) {
        let found: Vec<_> = own
            .iter()
            .filter(|own| own.what == kind.what)
            .map(|own| {
                let what = format!("{} at {}", kind.what, own.at);
                (what, own.sd, "this study's finished runs".to_owned())
            })
            .collect();
        let known = if found.is_empty() {
            let source = if kind.shares {
                "a reproduction of Su et al., 18 cells"
            } else {
                "as runs that vary each for itself, by a reproduction of Su et al."
            };
            vec![(
                kind.what.clone(),
                REFERENCE_SD * kind.times,
                source.to_owned(),
            )]
        } else {
            found
        };
        for known in known {
            all.extend(at_each_look(&study.analysis, &kind, &arms, &known));
        }
    }
    Ok(all)
}

/// One line a planned number of seeds, of what is known of one deviation: what, how large, by whom.
fn at_each_look(
    analysis: &Analysis,
    kind: &Kind,
    arms: &BTreeSet<[Arm; 2]>,
    (what, sd, source): &(String, f64, String),
) -> Vec<Settles> {
    let at = |look: &u32| {
        let seeds = *look as usize;
        let df = match analysis.variance {
            Variance::Pooled if kind.shares => freedom(arms, seeds),
            Variance::Pooled | Variance::Cell => seeds.saturating_sub(1) as f64,
        };
        let level = analysis.level(seeds).filter(|_| is_enough(seeds, df));
        Settles {
            what: what.clone(),
            sd: *sd,
            source: source.clone(),
            seeds,
            df,
            margin: level.map(|l| sd * smallest_margin(Claim::Equivalence, seeds, df, l)),
        }
    };
    analysis.looks.iter().map(at).collect()
}

/// The kinds of contrasts that the plan has, checks first, each with its pairs of arms; a trend of
/// other places is a kind of its own.
fn kinds(analysis: &Analysis) -> Vec<(Kind, BTreeSet<[Arm; 2]>)> {
    let is_control = |c: &&Contrast| c.role == Role::Positive;
    let mut asked: Vec<&Contrast> = analysis.contrasts.iter().collect();
    asked.retain(|c| !is_control(c));
    asked.sort_by_key(|c| (!c.is_pair(), c.is_across_settings(), !c.is_within_ticket()));
    let mut kinds: Vec<(Kind, BTreeSet<[Arm; 2]>)> = Vec::new();
    for contrast in asked {
        let (kind, arms) = (Kind::of(contrast), [&contrast.plus, &contrast.minus]);
        let same = |k: &Kind| k.what == kind.what && (k.times - kind.times).abs() < 1e-9;
        let place = kinds.iter().position(|(k, _)| same(k));
        let place = place.unwrap_or_else(|| {
            kinds.push((kind, BTreeSet::new()));
            kinds.len() - 1
        });
        kinds[place].1.insert(arms.map(Arm::clone));
    }
    kinds
}

/// The margin that the plan asks for, in words.
pub fn asked_margin(analysis: &Analysis) -> String {
    words_of(&analysis.margins.accuracy)
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

/// A deviation of the study's finished runs, pooled or that of the middle cell.
struct Own {
    /// As [`Kind::what`].
    what: String,
    /// A sparsity, and the setting.
    at: String,
    /// Points.
    sd: f64,
}

fn own_deviations(study: &Study, store: &Store) -> Result<Vec<Own>, Error> {
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
        let at_chance = |t: &Trained| t.accuracy <= chance + COLLAPSE_POINTS;
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
            let Scope::Sparsity(sparsity) = &pool.scope else {
                return None;
            };
            let what = if pool.within_tickets {
                "a ticket and its check"
            } else {
                "two tickets"
            };
            Some(Own {
                what: what.into(),
                at: format!("{sparsity}{of}"),
                sd: pool.spread?.sd,
            })
        }));
    }
    Ok(all)
}
