//! What a whole table says when chance alone speaks: the claim over all sparsities errs in at most
//! 5 % of tables, and of A/A cells 5 % show a difference.

use jackpot_results::{ContrastScope, Finding, Findings, Run, RunOutcome, RunTable, findings};
use jackpot_rng::{Key, normal};
use jackpot_stats::{Claim, Spending, Uncontrolled, Variance, Verdict, Why};
use jackpot_study::{Analysis, Arm, CollapsedRuns, Contrast, ControlOf, Margin, Margins, Role};

const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];
const SPARSITIES: [&str; 2] = ["0.9", "0.98"];
const TABLES: u64 = 1500;
/// Five percent, and three standard errors of so many tables.
const MOST: f64 = 0.05 + 0.017;

fn contrast(role: Role, minus: Arm) -> Contrast {
    Contrast {
        claim: Claim::Equivalence,
        family: format!("{role:?}"),
        role,
        control: ControlOf::Allocation,
        plus: Arm::of("smart"),
        minus,
        less: None,
        trend: Vec::new(),
        margins: None,
    }
}

/// The contrast that is looked at, and a control of the allocation that nobody overlooks.
fn analysis(role: Role) -> Analysis {
    Analysis {
        format: 1,
        contrasts: vec![
            contrast(role, Arm::under("smart", "rearrange")),
            contrast(Role::Positive, Arm::of("uniform")),
        ],
        margins: Margins {
            accuracy: Margin::Fixed(3.0),
            test_loss: Margin::Fixed(1.0),
        },
        variance: Variance::Cell,
        collapsed: CollapsedRuns::Apart,
        looks: vec![SEEDS.len() as u32],
        spending: Spending::default(),
        pilot: None,
        effects: Vec::new(),
    }
}

fn run(ticket: &str, check: &str, sparsity: &str, seed: u64, accuracy: f64) -> Run {
    let name = format!("{ticket} {check} {sparsity} {seed}");
    Run {
        setting: None,
        ticket: ticket.into(),
        check: check.into(),
        sparsity: sparsity.into(),
        seed,
        outcome: RunOutcome::Done(crate::support::made_up(&name, accuracy)),
        facts: None,
    }
}

/// One table: at each sparsity the ticket is that many points better than its check, and a
/// difference of one seed varies by one point. Seeds lift both arms alike.
fn table(number: u64, better: [f64; 2], role: Role) -> Findings {
    table_of(number, better, &analysis(role))
}

fn table_of(number: u64, better: [f64; 2], analysis: &Analysis) -> Findings {
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
                let accuracy = 80.0 + lift + shift + noise;
                runs.push(run("smart", check, sparsity, seed, accuracy));
            }
            // Far below the ticket; inverted, the ticket is a point better than itself.
            let noise = 0.01 * seed as f64;
            let own = 80.0 + lift + better;
            runs.push(run("uniform", "none", sparsity, seed, own - 20.0 + noise));
            runs.push(run("smart", "inverted", sparsity, seed, own + 1.0 + noise));
        }
    }
    let sparsities = SPARSITIES.map(String::from);
    findings(
        analysis,
        &RunTable {
            runs: runs.iter().collect(),
            across_settings: false,
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
        let average = found
            .iter()
            .find(|f| f.scope == ContrastScope::Average)
            .unwrap();
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
        let tables = (0..TABLES).map(|n| {
            table(n, better, Role::SameDistribution)
                .controls
                .same_distribution
        });
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
    let at = |scope: &ContrastScope| found.iter().find(|f| f.scope == *scope).unwrap();
    let cells = SPARSITIES.map(|s| &at(&ContrastScope::Sparsity(s.into())).accuracy.estimate);
    let average = at(&ContrastScope::Average);
    assert_eq!(average.seeds, SEEDS);
    let mean = (cells[0].mean.unwrap() + cells[1].mean.unwrap()) / 2.0;
    assert!((average.accuracy.estimate.mean.unwrap() - mean).abs() < 1e-9);
    assert_eq!(average.accuracy.estimate.spread.unwrap().df, 4.0);
    assert_ne!(average.accuracy.verdict, Verdict::Identical);
}

fn average(found: &Findings) -> &Finding {
    let average = found
        .findings
        .iter()
        .find(|f| f.scope == ContrastScope::Average);
    average.unwrap()
}

/// Eight points up at one sparsity and eight down at the other are nothing on average, and nothing
/// is insensitive.
#[test]
fn an_average_of_opposite_signs_says_so_and_is_not_insensitive() {
    let found = table(3, [8.0, -8.0], Role::Question);
    let opposite = average(&found);
    assert!(opposite.signs_differ());
    let at: Vec<&str> = opposite.parts.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(at, SPARSITIES);
    assert!(opposite.parts[0].1 > 5.0 && opposite.parts[1].1 < -5.0);
    let why = Verdict::Undecided(Why::NotEverywhere);
    assert_eq!(opposite.accuracy.verdict, why);
    assert_eq!(opposite.everywhere, Some(false));

    let found = table(3, [0.0, 0.0], Role::Question);
    assert_eq!(average(&found).accuracy.verdict.word(), "insensitive");
    assert_eq!(average(&found).everywhere, Some(true));
    let found = table(3, [2.0, 1.0], Role::Question);
    assert!(!average(&found).signs_differ());
}

/// Each question has its own control, and without one that shows nothing is insensitive.
#[test]
fn a_question_is_judged_by_the_control_of_what_it_asks() {
    let verdicts = |change: &dyn Fn(&mut Vec<Contrast>)| -> Vec<Verdict> {
        let mut analysis = analysis(Role::Question);
        change(&mut analysis.contrasts);
        let found = table_of(3, [0.0, 0.0], &analysis);
        let first = &analysis.contrasts[0];
        let mine = found.findings.iter().filter(|f| f.contrast == *first);
        mine.map(|f| f.accuracy.verdict.clone()).collect()
    };
    let all = |why| vec![Verdict::Uninformative(why); 3];
    let insensitive = verdicts(&|_| ());
    assert!(insensitive.iter().all(|v| v.word() == "insensitive"));
    let none = verdicts(&|contrasts| contrasts.truncate(1));
    assert_eq!(none, all(Uncontrolled::NoControl));
    // A control of placement that shows a point, which is within the margin of three.
    let placement = || Contrast {
        control: ControlOf::Placement,
        ..contrast(Role::Positive, Arm::under("smart", "inverted"))
    };
    let of_allocation = verdicts(&|contrasts| contrasts.push(placement()));
    assert_eq!(of_allocation, insensitive);
    let of_placement = verdicts(&|contrasts| {
        contrasts.push(placement());
        contrasts[0].control = ControlOf::Placement;
    });
    assert_eq!(of_placement, all(Uncontrolled::NotBeyond));
    // Of two controls of placement that of the ticket counts.
    let own_first = verdicts(&|contrasts| {
        contrasts[1].control = ControlOf::Placement;
        contrasts[1].plus = Arm::of("uniform");
        contrasts[1].minus = Arm::of("smart");
        contrasts.push(placement());
        contrasts[0].control = ControlOf::Placement;
    });
    assert_eq!(own_first, all(Uncontrolled::NotBeyond));
    let other = verdicts(&|contrasts| {
        contrasts[1].control = ControlOf::Placement;
        contrasts[1].plus = Arm::of("uniform");
        contrasts[1].minus = Arm::of("smart");
        contrasts[0].control = ControlOf::Placement;
    });
    assert_eq!(other, insensitive);
}

#[test]
fn controls_are_counted_by_what_they_vary() {
    let mut analysis = analysis(Role::SameDistribution);
    analysis.contrasts.push(Contrast {
        control: ControlOf::Placement,
        ..contrast(Role::Positive, Arm::under("smart", "inverted"))
    });
    let controls = table_of(3, [0.0, 0.0], &analysis).controls;
    assert_eq!(controls.allocation, [2, 2]);
    assert_eq!(controls.placement, [2, 0]);
    assert_eq!(controls.same_distribution[0], 2);
}
