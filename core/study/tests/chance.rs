//! What a whole table says when chance alone speaks: the claim over all sparsities errs in at most
//! 5 % of tables, and of A/A cells 5 % show a difference.
#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

use jackpot_rng::{Key, normal};
use jackpot_stats::{Claim, Spending, Variance, Verdict};
use jackpot_store::Digest;
use jackpot_study::{
    Analysis, Arm, CollapsedRuns, Contrast, Findings, Margin, Margins, Outcome, Role, Run, Scope,
    Table, Trained, findings,
};

const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];
const SPARSITIES: [&str; 2] = ["0.9", "0.98"];
const TABLES: u64 = 1500;
/// Five percent, and three standard errors of so many tables.
const MOST: f64 = 0.05 + 0.017;

fn analysis(role: Role) -> Analysis {
    Analysis {
        format: 1,
        contrasts: vec![Contrast {
            claim: Claim::Equivalence,
            family: "places".into(),
            role,
            plus: Arm::of("smart"),
            minus: Arm::under("smart", "rearrange"),
            margins: None,
        }],
        margins: Margins {
            accuracy: Margin::Fixed(3.0),
            test_loss: Margin::Fixed(1.0),
        },
        variance: Variance::Cell,
        collapsed: CollapsedRuns::Apart,
        looks: vec![SEEDS.len() as u32],
        spending: Spending::default(),
    }
}

fn run(check: &str, sparsity: &str, seed: u64, accuracy: f64) -> Run {
    let name = format!("{check} {sparsity} {seed}");
    Run {
        setting: None,
        ticket: "smart".into(),
        check: check.into(),
        sparsity: sparsity.into(),
        seed,
        outcome: Outcome::Done(Trained {
            key: Digest::of(name.as_bytes()),
            metrics: Digest::of(format!("metrics {name}").as_bytes()),
            mask: None,
            accuracy,
            best_accuracy: accuracy,
            selected_accuracy: None,
            test_loss: 0.5,
            curve: Vec::new(),
            pretraining: None,
            before: None,
            layers: Vec::new(),
            bits: None,
            lineage: None,
        }),
        facts: None,
    }
}

/// One table: at each sparsity the ticket is that many points better than its check, and a
/// difference of one seed varies by one point. Seeds lift both arms alike.
fn table(number: u64, better: [f64; 2], role: Role) -> Findings {
    let mut draws = [0f32; 25];
    normal(Key::from_seed(11).fold(number), &mut draws);
    let mut draws = draws.into_iter().map(f64::from);
    let mut next = || draws.next().unwrap();
    let lifts = SEEDS.map(|_| 3.0 * next());
    let mut runs = Vec::new();
    for (sparsity, better) in SPARSITIES.into_iter().zip(better) {
        for (seed, lift) in SEEDS.into_iter().zip(lifts) {
            for (check, shift) in [("none", better), ("rearrange", 0.0)] {
                let noise = 0.5f64.sqrt() * next();
                runs.push(run(check, sparsity, seed, 80.0 + lift + shift + noise));
            }
        }
    }
    let sparsities = SPARSITIES.map(String::from);
    findings(
        &analysis(role),
        &Table {
            runs: runs.iter().collect(),
            sparsities: &sparsities,
            seeds: &SEEDS,
            collapsed: &|_| false,
        },
    )
}

/// The share of tables whose claim over all sparsities holds.
fn everywhere(better: [f64; 2]) -> f64 {
    let held = (0..TABLES).filter(|number| {
        let found = table(*number, better, Role::Question).findings;
        let average = found.iter().find(|f| f.scope == Scope::Average).unwrap();
        average.everywhere.unwrap()
    });
    held.count() as f64 / TABLES as f64
}

#[test]
fn insensitive_at_every_sparsity_errs_in_at_most_five_percent_of_tables() {
    // One sparsity at the margin is enough to make the claim false, whichever it is.
    for better in [[3.0, 0.0], [0.0, 3.0]] {
        let found = everywhere(better);
        assert!(found <= MOST, "{better:?}: {found}");
        assert!(
            found > 0.02,
            "each cell has the whole level: {better:?}: {found}"
        );
    }
    assert!(everywhere([0.0, 0.0]) > 0.9);
    assert_eq!(everywhere([9.0, 0.0]), 0.0);
}

#[test]
fn five_percent_of_same_law_cells_show_a_difference() {
    let count = |better| {
        let tables = (0..TABLES).map(|n| table(n, better, Role::SameLaw).controls.same_law);
        tables.fold([0, 0], |all, one| [all[0] + one[0], all[1] + one[1]])
    };
    let [tested, shown] = count([0.0, 0.0]);
    assert_eq!(tested, 2 * TABLES as usize);
    let share = shown as f64 / tested as f64;
    assert!((0.03..=MOST).contains(&share), "{share}");
    // A leak of the ticket into its control is seen.
    let [tested, shown] = count([3.0, 3.0]);
    assert!(shown as f64 / tested as f64 > 0.9);
}

/// The headline averages each seed over the sparsities first: half the variance, not twice the n.
#[test]
fn the_average_over_sparsities_is_one_contrast_of_as_many_seeds() {
    let found = table(3, [1.0, 2.0], Role::Question).findings;
    let at = |scope: &Scope| found.iter().find(|f| f.scope == *scope).unwrap();
    let cells = SPARSITIES.map(|s| &at(&Scope::Sparsity(s.into())).accuracy.estimate);
    let average = at(&Scope::Average);
    assert_eq!(average.seeds, SEEDS);
    let mean = (cells[0].mean.unwrap() + cells[1].mean.unwrap()) / 2.0;
    assert!((average.accuracy.estimate.mean.unwrap() - mean).abs() < 1e-9);
    assert_eq!(average.accuracy.estimate.spread.unwrap().df, 4.0);
    assert_ne!(average.accuracy.verdict, Verdict::Identical);
}
