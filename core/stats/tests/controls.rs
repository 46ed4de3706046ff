//! When nothing may pass for *insensitive*: without a positive control whose interval lies beyond
//! the margin, and for averages without every part.

#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

use jackpot_stats::*;

/// Five differences around `mean`, whose 95 % interval reaches 0.124 to either side.
fn cell(mean: f64, margin: f64) -> Comparison {
    let shifts = [-0.1, -0.1, 0.0, 0.1, 0.1];
    let pair = |(i, shift): (usize, f64)| Pair {
        seed: i as u64,
        plus: 80.0 + mean + shift,
        minus: 80.0,
        margin: Some(margin),
    };
    Comparison {
        family: format!("{mean}"),
        pairs: shifts.into_iter().enumerate().map(pair).collect(),
        ..Comparison::default()
    }
}

fn verdicts(cells: &[Comparison]) -> Vec<Verdict> {
    let rules = Rules::default();
    let outcomes = judge(cells, &estimates(cells, &rules), &rules);
    outcomes.into_iter().map(|o| o.verdict).collect()
}

/// A cell without an effect beside its control.
fn beside(control: Comparison) -> Verdict {
    let question = Comparison {
        control: Control::At(1),
        ..cell(0.0, 0.5)
    };
    verdicts(&[question, control]).remove(0)
}

const INSENSITIVE: Verdict = Verdict::Insensitive {
    small_but_real: false,
};

#[test]
fn a_cell_is_insensitive_only_where_its_control_is_beyond_the_margin() {
    let not_beyond = Verdict::Uninformative(Uncontrolled::NotBeyond);
    // Whichever way the control differs.
    for (effect, expected) in [
        (0.0, &not_beyond),
        // It shows without any doubt, and would itself pass for insensitive.
        (0.3, &not_beyond),
        // Its mean is beyond the margin, its interval is not.
        (0.6, &not_beyond),
        (0.63, &INSENSITIVE),
        (5.0, &INSENSITIVE),
    ] {
        for sign in [1.0, -1.0] {
            assert_eq!(
                beside(cell(sign * effect, 0.5)),
                *expected,
                "{effect} {sign}"
            );
        }
    }
    // The margin is that of the cell, whatever the control's own is.
    assert_eq!(beside(cell(0.7, 5.0)), INSENSITIVE);
    assert_eq!(beside(cell(0.4, 0.1)), not_beyond);
}

#[test]
fn a_cell_without_a_control_that_can_be_judged_is_uninformative() {
    let without = Comparison {
        control: Control::Missing,
        ..cell(0.0, 0.5)
    };
    let no_control = Verdict::Uninformative(Uncontrolled::NoControl);
    assert_eq!(verdicts(&[without]), [no_control]);
    let mut short = cell(5.0, 0.5);
    short.pairs.pop();
    let unfinished = Comparison {
        unfinished: 1,
        ..cell(5.0, 0.5)
    };
    let not_judged = Verdict::Uninformative(Uncontrolled::NotJudged);
    assert_eq!(beside(short), not_judged);
    assert_eq!(beside(unfinished), not_judged);
    // A control needs none itself.
    assert_eq!(verdicts(&[cell(0.0, 0.5)]), [INSENSITIVE]);
    // A difference that shows needs none either.
    let shown = Comparison {
        control: Control::Missing,
        ..cell(2.0, 0.5)
    };
    assert_eq!(verdicts(&[shown])[0].word(), "sensitive");
}

#[test]
fn an_average_is_insensitive_only_where_every_part_is() {
    // −0.8 at one sparsity and +0.8 at the other: 0 on average, and nothing is insensitive.
    let average = |parts: [Comparison; 2]| {
        let average = Comparison {
            parts: vec![0, 1],
            ..cell(0.0, 0.5)
        };
        let [first, second] = parts;
        verdicts(&[first, second, average])
    };
    let found = average([cell(-0.8, 0.5), cell(0.8, 0.5)]);
    assert_eq!(found[2], Verdict::Undecided(Why::NotEverywhere));
    assert_eq!(average([cell(0.1, 0.5), cell(-0.1, 0.5)])[2], INSENSITIVE);
    // Nor where a part could not have seen a difference.
    let blind = Comparison {
        control: Control::Missing,
        ..cell(0.1, 0.5)
    };
    let found = average([blind, cell(-0.1, 0.5)]);
    assert_eq!(found[2], Verdict::Uninformative(Uncontrolled::NoControl));
    // Nor is it not inferior where a part is.
    let direction = |first: f64, second: f64| {
        let of = |cell: Comparison| Comparison {
            claim: Claim::NonInferiority,
            ..cell
        };
        let average = Comparison {
            parts: vec![0, 1],
            ..of(cell(0.0, 0.5))
        };
        let cells = [of(cell(first, 0.5)), of(cell(second, 0.5)), average];
        let rules = Rules::default();
        judge(&cells, &estimates(&cells, &rules), &rules)[2].direction
    };
    assert_eq!(direction(0.0, 0.9), Some(Direction::NotInferior));
    assert_eq!(direction(-0.6, 0.9), Some(Direction::Open));
    // An average that differs says so, whatever its parts are.
    let shown = Comparison {
        parts: vec![0],
        ..cell(2.0, 0.5)
    };
    let found = verdicts(&[cell(0.0, 0.5), shown]);
    assert_eq!(found[1].word(), "sensitive");
}
