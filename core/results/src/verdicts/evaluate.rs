//! From a study's runs to findings: outcomes and verdicts.
use super::{
    pairs::{Index, Material},
    pools::{Pool, pool, pools},
    table::{ContrastScope, RunTable},
};
use crate::load::run::{TestBits, TrainedRun};
use jackpot_stats::{
    ArmComparison, Better, Control, Outcome, Pair, Rules, Variance, Verdict, Why, churn, estimates,
    images, judge,
};
use jackpot_store::Digest;
use jackpot_study::{Analysis, Arm, Contrast, ControlOf, LEVEL, Role};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that the declared contrasts say of one table of runs.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The findings in the order of the plan: of each contrast its sparsities, then its averages.
    pub findings: Vec<Finding>,
    /// What the controls show.
    pub controls: Controls,
    /// The standard deviations of accuracy that cells share.
    pub pools: Vec<Pool>,
    /// The level of every test; `None` where no look is planned at this number of seeds.
    pub level: Option<f64>,
}

/// The finding on one contrast at one sparsity, or averaged over sparsities.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The contrast.
    pub contrast: Contrast,
    /// The sparsity or average.
    pub scope: ContrastScope,
    /// Seeds for which all arms finished, with different trainings.
    pub seeds: Vec<u64>,
    /// Seeds that the study asks for.
    pub asked: usize,
    /// Number of seeds whose arms are one training.
    pub same: usize,
    /// Why the arms cannot differ, if they cannot.
    pub because: Option<String>,
    /// Why a check cannot be applied to an arm, if it cannot; nothing is known of the difference
    /// then.
    pub not_applicable: Option<String>,
    /// Number of seeds of which a run failed or was skipped.
    pub lost: usize,
    /// Whether a run of it collapsed or diverged.
    pub collapsed: bool,
    /// For an average, each sparsity that is part of it, with its mean difference of accuracy.
    pub parts: Vec<(String, f64)>,
    /// The outcome for test accuracy, in percentage points.
    pub accuracy: Outcome,
    /// The outcome for test loss, in nats.
    pub test_loss: Outcome,
    /// For an average, whether every sparsity alone is within the margin of accuracy, each at the
    /// whole level (an intersection–union test). `None` where a sparsity cannot be judged, or lies
    /// within the margin without a control that shows that it could have seen a difference.
    pub everywhere: Option<bool>,
    /// For a cell with a pooled deviation, p of the test of Brown and Forsythe, where it says (at 5
    /// %) that the cells of the pool do not vary alike.
    pub unlike_pool: Option<f64>,
    /// The comparison image by image, at one sparsity, where the results hold which test images
    /// were classified correctly.
    pub images: Option<ImageComparison>,
    /// The keys of the trainings that it was computed from.
    pub keys: Vec<Digest>,
}

/// What the test images say of a pair of arms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImageComparison {
    /// How the arms differ.
    pub pair: jackpot_stats::ImageDifference,
    /// Percentage of the images that one of two seeds of the same arm classifies correctly and the
    /// other does not, as a mean over both arms; `None` with one seed.
    pub churn_of_seeds: Option<f64>,
}

/// What the controls show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Controls {
    /// A/A controls: the number of cells whose arms have the same distribution, and how many of
    /// them show a difference at the uncorrected level, which at most 5 % should.
    pub same_distribution: [usize; 2],
    /// The number of sparsities whose positive control of allocation can be judged, and at how many
    /// of them its 95 % interval lies wholly beyond the margin.
    pub allocation: [usize; 2],
    /// The same for the positive controls of placement.
    pub placement: [usize; 2],
}

impl Controls {
    /// The counts of the positive controls of one kind.
    pub fn of(&self, control: ControlOf) -> [usize; 2] {
        match control {
            ControlOf::Allocation => self.allocation,
            ControlOf::Placement => self.placement,
        }
    }
}

/// Evaluates the analysis on one table of runs.
pub fn findings(analysis: &Analysis, table: &RunTable) -> Findings {
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

/// For every average, the indices of the cells that it is the mean of.
fn parts(all: &[Material]) -> Vec<Vec<usize>> {
    let of = |average: &Material| {
        let uncollapsed = average.scope == ContrastScope::AverageUncollapsed;
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
    matches!(m.scope, ContrastScope::Sparsity(_))
}

/// The cells of one response: 0 is accuracy, 1 is test loss.
fn cells(all: &[Material], parts: &[Vec<usize>], response: usize) -> Vec<ArmComparison> {
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
        ArmComparison {
            arms: [arms[&m.contrast.plus], arms[&m.contrast.minus]],
            claim: m.contrast.claim,
            // A headline is not one of the cells that it averages.
            family: match &m.scope {
                ContrastScope::Sparsity(_) => m.contrast.family.clone(),
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

/// The positive control of a question at one sparsity; an average has those of its parts. Among
/// several controls of placement the one of the same ticket comes first, otherwise the first one of
/// the plan.
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

fn of_images(runs: &[Vec<&TrainedRun>]) -> Option<ImageComparison> {
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
    Some(ImageComparison {
        pair: images(&slices, rows)?,
        churn_of_seeds: jackpot_stats::mean(&churns),
    })
}

fn controls(findings: &[Finding], level: Option<f64>) -> Controls {
    let mut controls = Controls::default();
    let Some(level) = level else {
        return controls;
    };
    let at_sparsity = |f: &&Finding| matches!(f.scope, ContrastScope::Sparsity(_));
    for f in findings.iter().filter(at_sparsity) {
        let judged =
            !matches!(f.accuracy.verdict, Verdict::Identical) && !early(&f.accuracy.verdict);
        let Some(p) = f.accuracy.estimate.p_difference.filter(|_| judged) else {
            continue;
        };
        let (count, shows) = match (f.contrast.role, f.contrast.control) {
            (Role::SameDistribution, _) => (&mut controls.same_distribution, p < level),
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

/// Whether a verdict is undecided for want of runs, not of evidence.
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
        .filter(|f| matches!(f.scope, ContrastScope::Sparsity(_)))
        .filter(|f| f.accuracy.verdict != Verdict::Identical)
        .map(|f| (f.contrast.clone(), within(f, level)))
        .collect();
    for finding in findings
        .iter_mut()
        .filter(|f| f.scope == ContrastScope::Average)
    {
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
    /// Whether an average has sparsities that differ one way and others that differ the other way,
    /// in the hundredths of a point that are printed, so that it says little about any of them.
    pub fn signs_differ(&self) -> bool {
        let is = |sign: fn(f64) -> bool| self.parts.iter().any(|(_, mean)| sign(*mean));
        is(|mean| mean >= 0.005) && is(|mean| mean <= -0.005)
    }
}
