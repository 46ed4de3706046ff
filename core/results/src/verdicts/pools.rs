//! Which cells share a standard deviation, and whether they do.
use super::{pairs::Material, table::Scope};
use jackpot_stats::{BrownForsythe, Outcome, Spread, brown_forsythe};
use jackpot_study::{Arm, Role};

/// Cells that share a deviation.
#[derive(Clone, Debug)]
pub struct Pool {
    /// Their sparsity.
    pub scope: Scope,
    /// Of one ticket with and without a check; else of two tickets.
    pub within_tickets: bool,
    /// How many cells.
    pub cells: usize,
    /// Of their differences of accuracy: the one that they share, or the middle one of their own.
    pub spread: Option<Spread>,
    /// Whether they share it.
    pub homogeneity: Option<BrownForsythe>,
}

/// Materials that share a deviation have one spelling; none: their own.
pub(super) fn pool(m: &Material) -> Option<String> {
    let kind = if m.contrast.is_within_ticket() {
        "check"
    } else {
        "ticket"
    };
    // Uniform random tickets vary as they like: the control must not lend its noise to others.
    // What is made of more than two runs varies more than what is made of two.
    let shares =
        m.contrast.is_pair() && !m.collapsed && !m.diverged && m.contrast.role != Role::Positive;
    shares.then(|| format!("{kind} {:?}", m.scope))
}

/// What a pool is made of, while it is gathered.
struct Gathered<'a> {
    name: String,
    pool: Pool,
    spreads: Vec<Spread>,
    differences: Vec<Vec<f64>>,
    arms: Vec<[&'a Arm; 2]>,
}

/// The pools of accuracy, in the order of their first cells.
pub(super) fn pools(all: &[Material], outcomes: &[Outcome]) -> Vec<Pool> {
    let mut gathered: Vec<Gathered> = Vec::new();
    for (m, outcome) in all.iter().zip(outcomes) {
        let Some(name) = pool(m).filter(|_| !m.is_identical() && m.seeds.len() > 1) else {
            continue;
        };
        let place = gathered.iter().position(|g| g.name == name);
        let place = place.unwrap_or_else(|| {
            gathered.push(Gathered {
                name,
                pool: Pool {
                    scope: m.scope.clone(),
                    within_tickets: m.contrast.is_within_ticket(),
                    cells: 0,
                    spread: None,
                    homogeneity: None,
                },
                spreads: Vec::new(),
                differences: Vec::new(),
                arms: Vec::new(),
            });
            gathered.len() - 1
        });
        let arms = [&m.contrast.plus, &m.contrast.minus];
        let here = &mut gathered[place];
        if !here.arms.contains(&arms) {
            let differences = m.seeds.iter().map(|s| s.plus[0] - s.minus[0]);
            here.differences.push(differences.collect());
            here.arms.push(arms);
            here.spreads.extend(outcome.estimate.spread);
        }
    }
    let done = |mut g: Gathered| {
        let slices: Vec<&[f64]> = g.differences.iter().map(Vec::as_slice).collect();
        g.pool.cells = slices.len();
        g.spreads.sort_by(|a, b| a.sd.total_cmp(&b.sd));
        g.pool.spread = g.spreads.get(g.spreads.len() / 2).copied();
        g.pool.homogeneity = brown_forsythe(&slices);
        g.pool
    };
    gathered.into_iter().map(done).collect()
}
