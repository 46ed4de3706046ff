//! The shares of two factors: against the sums of squares of an analysis of variance where there is
//! no noise, and against chance where there is.

#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

mod draws;

use draws::Draws;
use jackpot_stats::{Effects, effects};

/// Six rows by five columns, as the factorial study has them.
fn means(of_rows: f64, of_columns: f64, both: f64) -> Vec<Vec<f64>> {
    let centred = |i: usize, n: usize| i as f64 - (n as f64 - 1.0) / 2.0;
    let cell = |r: usize, c: usize| {
        let sign = if (r + c).is_multiple_of(2) { 1.0 } else { -1.0 };
        80.0 + of_rows * centred(r, 6) + of_columns * centred(c, 5) + both * sign
    };
    (0..6)
        .map(|r| (0..5).map(|c| cell(r, c)).collect())
        .collect()
}

/// Seeds that lift whole tables, and noise in every run.
fn tables(draws: &mut Draws, means: &[Vec<f64>], seeds: usize, noise: f64) -> Vec<Vec<Vec<f64>>> {
    let table = |draws: &mut Draws| {
        let lift = 3.0 * draws.normal();
        let mut run = |mean: &f64| mean + lift + noise * draws.normal();
        means
            .iter()
            .map(|row| row.iter().map(&mut run).collect())
            .collect()
    };
    (0..seeds).map(|_| table(draws)).collect()
}

fn shares(e: &Effects) -> [f64; 3] {
    [e.rows, e.columns, e.interaction].map(|s| s.estimate)
}

/// Sums of squares by their textbook formulas, which share no line with what is tested.
fn by_sums_of_squares(table: &[Vec<f64>]) -> [f64; 3] {
    let (r, c) = (table.len() as f64, table[0].len() as f64);
    let total: f64 = table.iter().flatten().sum();
    let correction = total * total / (r * c);
    let squares = |sums: Vec<f64>, n: f64| sums.iter().map(|s| s * s).sum::<f64>() / n - correction;
    let rows = squares(table.iter().map(|row| row.iter().sum()).collect(), c);
    let column = |j: usize| table.iter().map(|row| row[j]).sum();
    let columns = squares((0..table[0].len()).map(column).collect(), r);
    let all = squares(table.iter().flatten().copied().collect(), 1.0);
    [rows / all, columns / all, (all - rows - columns) / all]
}

#[test]
fn without_noise_the_shares_are_those_of_the_sums_of_squares() {
    for of in [[1.0, 0.3, 0.2], [0.0, 1.0, 0.0], [0.5, 0.5, 2.0]] {
        let means = means(of[0], of[1], of[2]);
        let found = effects(&tables(&mut Draws::new("no noise"), &means, 4, 0.0)).unwrap();
        for (share, wanted) in shares(&found).iter().zip(by_sums_of_squares(&means)) {
            assert!((share - wanted).abs() < 1e-9, "{found:?} {wanted}");
        }
        let width = found.rows.interval[1] - found.rows.interval[0];
        assert!(width < 1e-9, "nothing varies between seeds: {found:?}");
    }
}

#[test]
fn noise_neither_takes_from_a_share_nor_adds_to_the_interaction() {
    const STUDIES: usize = 2000;
    // Without interaction: noise is all that each single table shows of one.
    let means = means(0.2, 0.1, 0.0);
    let truth = by_sums_of_squares(&means);
    let mut draws = Draws::new("noise");
    let (mut sums, mut naive, mut covered) = ([0.0; 3], 0.0, [0; 3]);
    for _ in 0..STUDIES {
        let tables = tables(&mut draws, &means, 5, 0.3);
        let found = effects(&tables).unwrap();
        let all = [found.rows, found.columns, found.interaction];
        for (term, share) in all.iter().enumerate() {
            sums[term] += share.estimate / STUDIES as f64;
            let [low, high] = share.interval;
            covered[term] += usize::from(low <= truth[term] && truth[term] <= high);
        }
        let one: f64 = tables.iter().map(|t| by_sums_of_squares(t)[2]).sum();
        naive += one / tables.len() as f64 / STUDIES as f64;
    }
    for (term, mean) in sums.iter().enumerate() {
        assert!((mean - truth[term]).abs() < 0.02, "{sums:?} {truth:?}");
        let coverage = covered[term] as f64 / STUDIES as f64;
        assert!((0.90..=0.99).contains(&coverage), "{term}: {coverage}");
    }
    // The share of each table alone, averaged, calls a third of it interaction.
    assert!(naive > 0.25, "{naive}");
}

#[test]
fn what_cannot_be_told_is_not() {
    let means = means(1.0, 1.0, 0.0);
    let mut draws = Draws::new("untold");
    let whole = tables(&mut draws, &means, 3, 0.1);
    assert!(effects(&whole).is_some());
    assert_eq!(effects(&whole[..2]), None, "two seeds");
    let one_row: Vec<_> = whole.iter().map(|t| t[..1].to_vec()).collect();
    assert_eq!(effects(&one_row), None, "one level");
    let mut ragged = whole.clone();
    ragged[1][2].pop();
    assert_eq!(effects(&ragged), None, "tables of two shapes");
    let mut diverged = whole;
    diverged[0][0][0] = f64::NAN;
    assert_eq!(effects(&diverged), None, "not a number");
    let same = vec![vec![vec![80.0; 5]; 6]; 3];
    assert_eq!(effects(&same), None, "nothing varies");
}
