//! The verdicts against chance itself: with nothing to find, at most 5 % find something; and what
//! is stated to be settled with 80 % power is settled so often.

#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

mod draws;

use draws::Draws;
use jackpot_stats::*;

/// A table as studies have it: `tickets` tickets, each against two checks of its own, so that
/// differences share arms, and seeds that lift both arms alike. The first contrast of every ticket
/// differs by `effect`, in deviations of a difference.
fn table(
    draws: &mut Draws,
    tickets: usize,
    n: usize,
    effect: f64,
    margin: f64,
    claim: Claim,
) -> Vec<Comparison> {
    let noise = 0.5f64.sqrt();
    let mut cells = Vec::new();
    let seeds: Vec<f64> = (0..n).map(|_| 3.0 * draws.normal()).collect();
    for ticket in 0..tickets {
        let mut run = |shift: f64| -> Vec<f64> {
            seeds
                .iter()
                .map(|s| 80.0 + shift + s + noise * draws.normal())
                .collect()
        };
        let arms = [run(effect), run(0.0), run(0.0)];
        for check in 1..3 {
            let pair = |i: usize| Pair {
                seed: i as u64,
                plus: arms[0][i],
                minus: arms[check][i],
                margin: Some(margin),
            };
            cells.push(Comparison {
                arms: [3 * ticket, 3 * ticket + check],
                claim,
                family: format!("check {check}"),
                pool: Some("0.9".into()),
                pairs: (0..n).map(pair).collect(),
                ..Comparison::default()
            });
        }
    }
    cells
}

const TABLES: usize = 3000;

/// The share of tables in which some cell of one family (a check on every ticket) is `wanted`.
fn share(
    effect: f64,
    margin: f64,
    claim: Claim,
    n: usize,
    rules: &Rules,
    wanted: fn(&Outcome) -> bool,
) -> f64 {
    let mut draws = Draws::new(&format!("{effect} {margin} {n} {claim:?} {rules:?}"));
    let mut found = 0;
    for _ in 0..TABLES {
        let cells = table(&mut draws, 4, n, effect, margin, claim);
        let outcomes = judge(&cells, &estimates(&cells, rules), rules);
        let family = outcomes.iter().step_by(2);
        found += usize::from(family.into_iter().any(wanted));
    }
    found as f64 / TABLES as f64
}

/// Five percent, and three standard errors of this many tables.
const MOST: f64 = 0.05 + 0.012;

fn both() -> [Rules; 2] {
    [Variance::Pooled, Variance::Cell].map(|variance| Rules {
        variance,
        ..Rules::default()
    })
}

#[test]
fn without_an_effect_at_most_five_percent_of_tables_hold_a_sensitive_cell() {
    let sensitive = |o: &Outcome| matches!(o.verdict, Verdict::Sensitive { .. });
    for rules in both() {
        for n in [5, 10] {
            let found = share(0.0, 0.3, Claim::Equivalence, n, &rules, sensitive);
            assert!(found <= MOST, "{rules:?}, {n} seeds: {found}");
        }
    }
    // The twin: a level that is twice as wide is seen.
    let rules = Rules {
        level: Some(0.10),
        ..Rules::default()
    };
    let found = share(0.0, 0.3, Claim::Equivalence, 5, &rules, sensitive);
    assert!(found > MOST, "{found}");
}

#[test]
fn at_the_margin_at_most_five_percent_of_tables_hold_an_insensitive_cell() {
    let insensitive = |o: &Outcome| matches!(o.verdict, Verdict::Insensitive { .. });
    for rules in both() {
        let found = share(2.0, 2.0, Claim::Equivalence, 5, &rules, insensitive);
        assert!(found <= MOST, "{rules:?}: {found}");
        assert!(share(0.0, 3.0, Claim::Equivalence, 5, &rules, insensitive) > 0.9);
    }
}

#[test]
fn directions_err_in_at_most_five_percent_of_tables() {
    let superior = |o: &Outcome| o.direction == Some(Direction::Superior);
    let not_worse = |o: &Outcome| {
        matches!(
            o.direction,
            Some(Direction::NotInferior | Direction::Superior)
        )
    };
    let rules = Rules::default();
    let found = share(0.0, 1.0, Claim::Superiority, 5, &rules, superior);
    assert!(found <= MOST, "better without an effect: {found}");
    let found = share(-1.5, 1.5, Claim::NonInferiority, 5, &rules, not_worse);
    assert!(found <= MOST, "not worse, at the margin: {found}");
    assert!(share(2.5, 1.0, Claim::Superiority, 5, &rules, superior) > 0.9);
}

/// Peeking at 3, 5 and 10 seeds with the whole level each time errs more often than 5 %; the
/// planned looks do not.
#[test]
fn looks_spend_their_level_once() {
    let looks = [3, 5, 10];
    for (spending, most) in [
        (Some(Spending::ObrienFleming), MOST),
        (Some(Spending::Pocock), MOST),
        (None, 1.0),
    ] {
        let mut draws = Draws::new(&format!("{spending:?}"));
        let mut found = 0;
        for _ in 0..TABLES {
            let all = table(&mut draws, 1, 10, 0.0, 0.3, Claim::Equivalence);
            let differs = looks.iter().any(|n| {
                let mut cell = all[0].clone();
                cell.pairs.truncate(*n as usize);
                let e = &estimates(&[cell], &both()[1])[0];
                let own = spending.map_or(Some(0.05), |s| level(s, 0.05, &looks, *n));
                e.p_difference.unwrap() < own.unwrap()
            });
            found += usize::from(differs);
        }
        let share = f64::from(found as u32) / TABLES as f64;
        assert!(share <= most, "{spending:?}: {share}");
        assert!(spending.is_some() || share > MOST, "peeking errs: {share}");
    }
}

#[test]
fn the_stated_power_is_the_power() {
    let [pooled, own] = both();
    for (claim, n, tickets, rules) in [
        (Claim::Equivalence, 5, 1, pooled),
        (Claim::Equivalence, 3, 8, pooled),
        (Claim::NonInferiority, 5, 1, pooled),
        (Claim::Superiority, 5, 4, pooled),
        (Claim::Equivalence, 5, 4, own),
        (Claim::Superiority, 10, 4, own),
    ] {
        let mut draws = Draws::new(&format!("{claim:?} {n} {tickets}"));
        let sample = table(&mut draws, tickets, n, 0.0, 1.0, claim);
        let df = estimates(&sample, &rules)[0].spread.unwrap().df;
        let margin = smallest_margin(claim, n, df, 0.05);
        let effect = if claim == Claim::Superiority {
            margin
        } else {
            0.0
        };
        let (mut settled, tables) = (0, 12_000 / tickets);
        for _ in 0..tables {
            let cells = table(&mut draws, tickets, n, effect, margin, claim);
            // One cell a ticket: independent of each other but for the pooled deviation.
            for e in estimates(&cells, &rules).iter().step_by(2) {
                let p = match claim {
                    Claim::Equivalence => e.p_equivalence,
                    Claim::NonInferiority => e.p_noninferior,
                    Claim::Superiority => e.p_difference,
                };
                settled += usize::from(p.unwrap() < 0.05);
            }
        }
        let power = settled as f64 / (tables * tickets) as f64;
        assert!(
            (power - POWER).abs() < 0.02,
            "{claim:?}, {n} seeds, {df} df: {power}"
        );
    }
}

/// The share of cells (not of tables) that are `wanted`, of those that `of` counts.
fn share_of_cells(
    effect: f64,
    margin: f64,
    n: usize,
    of: fn(&Outcome) -> bool,
    wanted: fn(&Outcome) -> bool,
) -> f64 {
    let mut draws = Draws::new(&format!("cells {effect} {margin} {n}"));
    let rules = Rules::default();
    let (mut counted, mut found) = (0, 0);
    for _ in 0..TABLES {
        let cells = table(&mut draws, 4, n, effect, margin, Claim::Equivalence);
        let outcomes = judge(&cells, &estimates(&cells, &rules), &rules);
        // The first contrast of every ticket: those of different tickets are independent but for
        // the pooled deviation.
        let outcomes: Vec<&Outcome> = outcomes.iter().step_by(2).filter(|o| of(o)).collect();
        counted += outcomes.len();
        found += outcomes.into_iter().filter(|o| wanted(o)).count();
    }
    assert!(counted > TABLES, "{counted} cells say nothing");
    found as f64 / counted as f64
}

/// The qualifiers are read off a 95 % interval, cell by cell.
#[test]
fn qualifiers_err_as_often_as_their_interval() {
    let small = |o: &Outcome| {
        let real = Verdict::Insensitive {
            small_but_real: true,
        };
        o.verdict == real
    };
    let found = share_of_cells(0.0, 3.0, 5, |_| true, small);
    assert!(
        (0.03..=MOST).contains(&found),
        "small but real, at 0: {found}"
    );
    assert!(share_of_cells(2.5, 6.0, 5, |_| true, small) > 0.9);
    let beyond = |o: &Outcome| {
        let beyond = Verdict::Sensitive {
            beyond_margin: true,
        };
        o.verdict == beyond
    };
    let found = share_of_cells(3.0, 3.0, 5, |_| true, beyond);
    assert!(
        (0.015..=MOST / 2.0).contains(&found),
        "beyond, at the margin: {found}"
    );
    assert!(share_of_cells(6.0, 2.0, 5, |_| true, beyond) > 0.9);
}

#[test]
fn inferior_errs_as_rarely_as_superior() {
    let inferior = |o: &Outcome| o.direction == Some(Direction::Inferior);
    let superior = |o: &Outcome| o.direction == Some(Direction::Superior);
    let rules = Rules::default();
    for claim in [Claim::Superiority, Claim::NonInferiority] {
        let found = share(0.0, 1.0, claim, 5, &rules, inferior);
        assert!(found <= MOST, "worse without an effect: {claim:?}: {found}");
        let found = share(0.0, 1.0, claim, 5, &rules, superior);
        assert!(
            found <= MOST,
            "better without an effect: {claim:?}: {found}"
        );
        assert!(share(-2.5, 1.0, claim, 5, &rules, inferior) > 0.9);
    }
}

/// Tables of one ticket, its check and the positive control of both: the share of each verdict
/// of the check, which has no effect and a wide margin.
fn beside_a_control(effect: f64, wanted: fn(&Verdict) -> bool) -> f64 {
    let mut draws = Draws::new(&format!("control {effect}"));
    let rules = both()[1];
    let mut found = 0;
    for _ in 0..TABLES {
        let mut cells = table(&mut draws, 1, 5, 0.0, 6.0, Claim::Equivalence);
        let mut control = table(&mut draws, 1, 5, effect, 6.0, Claim::Superiority).remove(0);
        control.family = "control".into();
        control.arms = [8, 9];
        cells.truncate(1);
        cells[0].control = Control::At(1);
        cells.push(control);
        let outcomes = judge(&cells, &estimates(&cells, &rules), &rules);
        found += usize::from(wanted(&outcomes[0].verdict));
    }
    found as f64 / TABLES as f64
}

/// A cell whose control is no farther than the margin passes for insensitive in at most 2.5 % of
/// tables, and one whose control is as far beyond it as its seeds settle is called uninformative in
/// 20 %.
#[test]
fn a_control_within_the_margin_makes_its_cells_uninformative() {
    let insensitive = |v: &Verdict| matches!(v, Verdict::Insensitive { .. });
    let uninformative = |v: &Verdict| matches!(v, Verdict::Uninformative(_));
    let found = beside_a_control(6.0, insensitive);
    assert!((0.015..=MOST / 2.0).contains(&found), "{found}");
    // An effect within the margin is there beyond doubt, and is not enough.
    assert_eq!(beside_a_control(3.0, insensitive), 0.0);
    assert!(beside_a_control(0.0, uninformative) > 0.9);
    let settled = 6.0 + smallest_margin(Claim::NonInferiority, 5, 4.0, 0.025);
    let found = beside_a_control(settled, uninformative);
    assert!((found - (1.0 - POWER)).abs() < 0.02, "{found}");
    assert_eq!(beside_a_control(100.0, uninformative), 0.0);
}

/// Cells that are one run by construction test nothing: they say so, and leave the correction of
/// the others as it was.
#[test]
fn identical_cells_are_never_judged_nor_counted() {
    let mut draws = Draws::new("identical");
    let rules = Rules::default();
    for _ in 0..200 {
        let cells = table(&mut draws, 4, 5, 1.0, 0.5, Claim::Equivalence);
        let alone = judge(&cells, &estimates(&cells, &rules), &rules);
        let mut more = cells.clone();
        for (i, cell) in cells.iter().enumerate() {
            more.push(Comparison {
                pairs: Vec::new(),
                identical: true,
                arms: [3 * i, 3 * i],
                ..cell.clone()
            });
        }
        let all = judge(&more, &estimates(&more, &rules), &rules);
        assert_eq!(all[..cells.len()], alone);
        for outcome in &all[cells.len()..] {
            assert_eq!(outcome.verdict, Verdict::Identical);
            assert_eq!(outcome.adjusted_difference, None);
        }
    }
}

/// Under five seeds carry no verdict, whatever other cells add and however large the effect.
#[test]
fn too_few_seeds_leave_every_cell_undecided() {
    let mut draws = Draws::new("few");
    let [pooled, own] = both();
    for (n, rules) in [2, 3, 4].into_iter().flat_map(|n| [(n, pooled), (n, own)]) {
        for _ in 0..200 {
            let cells = table(&mut draws, 8, n, 50.0, 1.0, Claim::Equivalence);
            for outcome in judge(&cells, &estimates(&cells, &rules), &rules) {
                assert_eq!(outcome.verdict, Verdict::Undecided(Why::TooFewSeeds));
            }
        }
    }
    for rules in [pooled, own] {
        let cells = table(&mut draws, 8, LEAST_SEEDS, 50.0, 1.0, Claim::Equivalence);
        let decided = judge(&cells, &estimates(&cells, &rules), &rules);
        assert!(decided.iter().all(|o| o.verdict.word() == "sensitive"));
    }
}

/// A margin that is a share of a gap is another number in every seed: with the difference at that
/// share, at most 5 % of tables call it insensitive.
#[test]
fn a_share_of_a_gap_errs_no_more_than_a_number() {
    let mut draws = Draws::new("share");
    let rules = both()[1];
    let (mut false_ones, mut right_ones) = (0, 0);
    for _ in 0..TABLES {
        // Half of a gap of 8 that varies from seed to seed; arms at that share and at none.
        let gaps: Vec<f64> = (0..5).map(|_| 8.0 + draws.normal()).collect();
        let mut cell = |true_difference: f64| Comparison {
            arms: [0, 1],
            family: "share".into(),
            pairs: (0..5)
                .map(|i| Pair {
                    seed: i as u64,
                    plus: 80.0 + true_difference + draws.normal(),
                    minus: 80.0,
                    margin: Some(0.5 * gaps[i]),
                })
                .collect(),
            ..Comparison::default()
        };
        let cells = [cell(4.0), cell(0.0)];
        let insensitive = |cell: &Comparison| {
            let one = std::slice::from_ref(cell);
            let outcome = &judge(one, &estimates(one, &rules), &rules)[0];
            usize::from(outcome.verdict.word() == "insensitive")
        };
        false_ones += insensitive(&cells[0]);
        right_ones += insensitive(&cells[1]);
    }
    let share = |n: usize| n as f64 / TABLES as f64;
    assert!(share(false_ones) <= MOST, "{}", share(false_ones));
    assert!(share(right_ones) > 0.9, "{}", share(right_ones));
}
