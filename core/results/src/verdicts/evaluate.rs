//! From a study's runs to findings: outcomes and verdicts.
use super::{
    pairs::{Index, Material},
    pools::{Pool, pool, pools},
    table::{Scope, Table},
};
use crate::load::run::{TestBits, Trained};
use jackpot_stats::{
    Better, Comparison, Control, Outcome, Pair, Rules, Variance, Verdict, Why, churn, estimates,
    images, judge,
};
use jackpot_store::Digest;
use jackpot_study::{Analysis, Arm, Contrast, ControlOf, LEVEL, Role};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that the declared contrasts say of one table of runs.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// By contrast in the plan's order; of each its sparsities, then its averages.
    pub findings: Vec<Finding>,
    /// What the controls show.
    pub controls: Controls,
    /// The shared deviations of accuracy.
    pub pools: Vec<Pool>,
    /// Of every test; none: no look is planned at this number of seeds.
    pub level: Option<f64>,
}

/// One contrast at one sparsity, or averaged.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What is compared.
    pub contrast: Contrast,
    /// Where.
    pub scope: Scope,
    /// Seeds that both arms finished with different trainings.
    pub seeds: Vec<u64>,
    /// Seeds that the study asks for.
    pub asked: usize,
    /// Seeds whose two arms are one training.
    pub same: usize,
    /// Why the arms cannot differ, if so.
    pub because: Option<String>,
    /// Why a check cannot be applied to an arm, if so: nothing is known of the difference.
    pub not_applicable: Option<String>,
    /// Seeds of which a run failed or was skipped.
    pub lost: usize,
    /// A run of it collapsed or diverged.
    pub collapsed: bool,
    /// Of averages: each sparsity that is in it, with its mean difference of accuracy.
    pub parts: Vec<(String, f64)>,
    /// Of test accuracy, in points.
    pub accuracy: Outcome,
    /// Of test loss, in nats.
    pub test_loss: Outcome,
    /// Of averages: whether every sparsity alone is within the margin of accuracy, each at the
    /// whole level (an intersection–union test); none where one of them cannot be judged, or lies
    /// within it where nothing says that it could have seen a difference.
    pub everywhere: Option<bool>,
    /// Of a cell with a pooled deviation: p of the test of Brown and Forsythe, where it says (at
    /// 5 %) that the pool's cells do not vary alike.
    pub unlike_pool: Option<f64>,
    /// From the bits of the test images; of one sparsity, and where the results hold them.
    pub images: Option<Images>,
    /// The keys of the trainings that it was computed from.
    pub keys: Vec<Digest>,
}

/// What the test images say of a pair of arms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Images {
    /// Between the arms.
    pub pair: jackpot_stats::ImageDifference,
    /// Percent of the images on which two seeds of one arm differ in being right, a mean over
    /// both arms; none with one seed.
    pub churn_of_seeds: Option<f64>,
}

/// What the controls show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Controls {
    /// Cells whose arms have the same law, and how many of them show a difference at the level,
    /// uncorrected: at most 5 % should.
    pub same_law: [usize; 2],
    /// Sparsities whose positive control of allocation can be judged, and at how many its 95 %
    /// interval lies wholly beyond the margin.
    pub allocation: [usize; 2],
    /// The same of the positive controls of placement.
    pub placement: [usize; 2],
}

impl Controls {
    /// The positive controls of either kind.
    pub fn of(&self, control: ControlOf) -> [usize; 2] {
        match control {
            ControlOf::Allocation => self.allocation,
            ControlOf::Placement => self.placement,
        }
    }
}

/// Evaluates the analysis on one table of runs.
pub fn findings(analysis: &Analysis, table: &Table) -> Findings {
    let index = Index::new(table);
    let mut all = Vec::new();
    let mine = |c: &&Contrast| c.is_across_settings() == table.across_settings;
    for contrast in analysis.contrasts.iter().filter(mine) {
        all.extend(index.materials(analysis, contrast));
    }
    let rules = Rules {
        level: analysis.level(table.seeds.len()),
        variance: analysis.variance,
    };
    let parts = parts(&all);
    let outcomes = [0, 1].map(|response| {
        let cells = cells(&all, &parts, response);
        let estimates = estimates(&cells, &rules);
        judge(&cells, &estimates, &rules)
    });
    let pools = pools(&all, &outcomes[0]);
    let [accuracy, test_loss] = outcomes;
    let part = |place: &usize| {
        let mean = accuracy[*place].estimate.mean?;
        Some((all[*place].scope.word().to_owned(), mean))
    };
    let means = |places: &Vec<usize>| places.iter().filter_map(part).collect();
    let parts: Vec<Vec<(String, f64)>> = parts.iter().map(means).collect();
    let findings: Vec<Finding> = (all.into_iter().zip(parts))
        .zip(accuracy.into_iter().zip(test_loss))
        .map(|((material, parts), outcomes)| finding(material, parts, outcomes))
        .collect();
    let mut result = Findings {
        controls: controls(&findings, rules.level),
        findings,
        pools,
        level: rules.level,
    };
    everywhere(&mut result.findings, rules.level);
    if rules.variance == Variance::Pooled {
        unlike(&mut result);
    }
    result
}

fn finding(
    m: Material,
    parts: Vec<(String, f64)>,
    (accuracy, test_loss): (Outcome, Outcome),
) -> Finding {
    let keys = m.runs.iter().flatten().map(|t| t.key);
    let keys: BTreeSet<Digest> = keys.collect();
    Finding {
        contrast: m.contrast.clone(),
        images: is_at_sparsity(&m).then(|| of_images(&m.runs)).flatten(),
        scope: m.scope,
        seeds: m.seeds.iter().map(|s| s.seed).collect(),
        asked: m.asked,
        same: m.same,
        because: m.because,
        not_applicable: m.not_applicable,
        lost: m.lost,
        collapsed: m.collapsed,
        parts,
        accuracy,
        test_loss,
        everywhere: None,
        unlike_pool: None,
        keys: keys.into_iter().collect(),
    }
}

/// Of every average the places of the cells that it is the mean of.
fn parts(all: &[Material]) -> Vec<Vec<usize>> {
    let of = |average: &Material| {
        let uncollapsed = average.scope == Scope::AverageUncollapsed;
        let is_part = |m: &Material| {
            let has = m.contrast == average.contrast && !m.is_identical();
            has && is_at_sparsity(m) && !(uncollapsed && m.collapsed)
        };
        let places = all.iter().enumerate().filter(|(_, m)| is_part(m));
        places.map(|(place, _)| place).collect()
    };
    let of_averages = |m: &Material| {
        if is_at_sparsity(m) { Vec::new() } else { of(m) }
    };
    all.iter().map(of_averages).collect()
}

fn is_at_sparsity(m: &Material) -> bool {
    matches!(m.scope, Scope::Sparsity(_))
}

/// The cells of one response: 0 accuracy, 1 test loss.
fn cells(all: &[Material], parts: &[Vec<usize>], response: usize) -> Vec<Comparison> {
    let both = |m: &Material| [m.contrast.plus.clone(), m.contrast.minus.clone()];
    let arms: BTreeSet<Arm> = all.iter().flat_map(both).collect();
    let arms: BTreeMap<&Arm, usize> = arms.iter().zip(0..).collect();
    let cell = |(m, parts): (&Material, &Vec<usize>)| {
        // Where one loss is not finite no mean of losses is.
        let seeds = m.seeds.iter().filter(|_| !(m.diverged && response == 1));
        let pairs = seeds.map(|s| Pair {
            seed: s.seed,
            plus: s.plus[response],
            minus: s.minus[response],
            margin: s.margin[response],
        });
        Comparison {
            arms: [arms[&m.contrast.plus], arms[&m.contrast.minus]],
            claim: m.contrast.claim,
            // A headline is not one of the cells that it averages.
            family: match &m.scope {
                Scope::Sparsity(_) => m.contrast.family.clone(),
                average => format!("{} {average:?}", m.contrast.family),
            },
            better: [Better::Higher, Better::Lower][response],
            pool: pool(m),
            pairs: pairs.collect(),
            identical: m.is_identical(),
            unfinished: m.unfinished,
            control: control(all, m),
            parts: parts.clone(),
        }
    };
    all.iter().zip(parts).map(cell).collect()
}

/// The positive control of a question at one sparsity; an average has its parts'. Of several of placement that of its own
/// ticket comes first, else the first of the plan.
fn control(all: &[Material], m: &Material) -> Control {
    if m.contrast.role != Role::Question || !is_at_sparsity(m) {
        return Control::NotNeeded;
    }
    let of = |c: &Material| {
        let kind = (c.contrast.role, c.contrast.control);
        c.scope == m.scope && kind == (Role::Positive, m.contrast.control)
    };
    let own = |c: &Material| of(c) && c.contrast.plus.ticket == m.contrast.plus.ticket;
    let of_placement = m.contrast.control == ControlOf::Placement;
    let own = all.iter().position(|c| of_placement && own(c));
    let found = own.or_else(|| all.iter().position(of));
    found.map_or(Control::Missing, Control::At)
}

fn of_images(runs: &[Vec<&Trained>]) -> Option<Images> {
    let pairs: Option<Vec<[&TestBits; 2]>> = runs
        .iter()
        .map(|runs| match runs.as_slice() {
            [a, b] => Some([a.bits.as_ref()?, b.bits.as_ref()?]),
            _ => None,
        })
        .collect();
    let pairs = pairs?;
    let rows = pairs.first()?[0].rows as usize;
    let slices: Vec<(&[u8], &[u8])> = pairs
        .iter()
        .map(|[a, b]| (&a.right[..], &b.right[..]))
        .collect();
    let mut churns = Vec::new();
    for arm in [0, 1] {
        for (i, a) in pairs.iter().enumerate() {
            for b in &pairs[..i] {
                churns.push(churn(&a[arm].right, &b[arm].right, rows));
            }
        }
    }
    Some(Images {
        pair: images(&slices, rows)?,
        churn_of_seeds: jackpot_stats::mean(&churns),
    })
}

fn controls(findings: &[Finding], level: Option<f64>) -> Controls {
    let mut controls = Controls::default();
    let Some(level) = level else {
        return controls;
    };
    let at_sparsity = |f: &&Finding| matches!(f.scope, Scope::Sparsity(_));
    for f in findings.iter().filter(at_sparsity) {
        let judged =
            !matches!(f.accuracy.verdict, Verdict::Identical) && !early(&f.accuracy.verdict);
        let Some(p) = f.accuracy.estimate.p_difference.filter(|_| judged) else {
            continue;
        };
        let (count, shows) = match (f.contrast.role, f.contrast.control) {
            (Role::SameLaw, _) => (&mut controls.same_law, p < level),
            (Role::Positive, ControlOf::Allocation) => {
                (&mut controls.allocation, f.accuracy.estimate.beyond)
            }
            (Role::Positive, ControlOf::Placement) => {
                (&mut controls.placement, f.accuracy.estimate.beyond)
            }
            (Role::Question | Role::NoiseFloor, _) => continue,
        };
        count[0] += 1;
        count[1] += usize::from(shows);
    }
    controls
}

/// Undecided for want of runs, not of evidence.
fn early(verdict: &Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Undecided(Why::NoPairs | Why::Unfinished | Why::NotPlanned | Why::TooFewSeeds)
    )
}

/// Marks cells whose pool does not share one deviation.
fn unlike(result: &mut Findings) {
    for f in &mut result.findings {
        let apart = f.collapsed || f.contrast.role == Role::Positive || !f.contrast.is_pair();
        let mine =
            |p: &&Pool| p.scope == f.scope && p.within_tickets == f.contrast.is_within_ticket();
        let test = result.pools.iter().find(mine).and_then(|p| p.homogeneity);
        f.unlike_pool = test
            .map(|t| t.p)
            .filter(|p| *p < LEVEL && !apart && f.seeds.len() > 1);
    }
}

/// "Insensitive at every sparsity": each cell at the whole level, uncorrected (Berger 1982).
fn everywhere(findings: &mut [Finding], level: Option<f64>) {
    let cells: Vec<(Contrast, Option<bool>)> = findings
        .iter()
        .filter(|f| matches!(f.scope, Scope::Sparsity(_)))
        .filter(|f| f.accuracy.verdict != Verdict::Identical)
        .map(|f| (f.contrast.clone(), within(f, level)))
        .collect();
    for finding in findings.iter_mut().filter(|f| f.scope == Scope::Average) {
        let mine = cells.iter().filter(|(c, _)| *c == finding.contrast);
        let each: Option<Vec<bool>> = mine.map(|(_, within)| *within).collect();
        finding.everywhere = each.map(|all| all.into_iter().all(|x| x));
    }
}

fn within(f: &Finding, level: Option<f64>) -> Option<bool> {
    if early(&f.accuracy.verdict) {
        return None;
    }
    let within = f.accuracy.estimate.p_equivalence? < level?;
    (!within || f.accuracy.uncontrolled.is_none()).then_some(within)
}

impl Finding {
    /// Of an average: some of its sparsities differ one way and some the other, in the hundredths
    /// of a point that are printed, so that it says little of any of them.
    pub fn signs_differ(&self) -> bool {
        let is = |sign: fn(f64) -> bool| self.parts.iter().any(|(_, mean)| sign(*mean));
        is(|mean| mean >= 0.005) && is(|mean| mean <= -0.005)
    }
}
