//! The statistics against SciPy's and statsmodels' (`fixture.py`). Each test has a broken twin.

#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

use jackpot_stats::*;
use serde_json::Value;

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixture.json")).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0)
}

fn claim(word: &Value) -> Claim {
    serde_json::from_value(word.clone()).unwrap()
}

/// The fixture's two arms with a margin a seed.
fn cell(margin: impl Fn(usize) -> f64) -> Comparison {
    let arms = rows(&fixture()["pairs"]);
    let pair = |i: usize| Pair {
        seed: i as u64,
        plus: arms[0][i],
        minus: arms[1][i],
        margin: Some(margin(i)),
    };
    Comparison {
        arms: [1, 0],
        pairs: (0..arms[0].len()).map(pair).collect(),
        ..Comparison::default()
    }
}

fn estimate(cell: &Comparison) -> Estimate {
    estimates(std::slice::from_ref(cell), &Rules::default()).remove(0)
}

#[test]
fn a_pair_is_scipys() {
    let fixture = fixture();
    let e = estimate(&cell(|_| 0.5));
    assert!(close(e.mean.unwrap(), number(&fixture["mean"])));
    assert!(close(
        e.p_difference.unwrap(),
        number(&fixture["difference"])
    ));
    assert!(close(
        e.correlation.unwrap(),
        number(&fixture["correlation"])
    ));
    for (ours, theirs) in [e.interval90, e.interval95]
        .iter()
        .zip(rows(&fixture["intervals"]))
    {
        let ours = ours.unwrap();
        assert!(close(ours[0], theirs[0]) && close(ours[1], theirs[1]));
    }
    // The twin: an unpaired look at the same numbers.
    let mut shuffled = cell(|_| 0.5);
    let minus: Vec<f64> = shuffled.pairs.iter().map(|p| p.minus).collect();
    for (i, pair) in shuffled.pairs.iter_mut().enumerate() {
        pair.minus = minus[(i + 1) % 5];
    }
    assert!(!close(
        estimate(&shuffled).p_difference.unwrap(),
        number(&fixture["difference"])
    ));
}

#[test]
fn two_one_sided_tests_are_statsmodels() {
    for row in fixture()["tost"].as_array().unwrap() {
        let mut cell = cell(|_| number(&row["margin"]));
        let e = estimate(&cell);
        assert!(close(e.p_equivalence.unwrap(), number(&row["p"])));
        assert!(close(e.p_noninferior.unwrap(), number(&row["above"])));
        cell.better = Better::Lower;
        assert!(close(
            estimate(&cell).p_noninferior.unwrap(),
            number(&row["below"])
        ));
        assert!(!close(e.p_noninferior.unwrap(), number(&row["below"])));
    }
}

#[test]
fn a_share_of_a_gap_is_one_linear_contrast() {
    let share = &fixture()["share"];
    let gap = numbers(&share["gap"]);
    let of = number(&share["share"]);
    let e = estimate(&cell(|i| of * gap[i]));
    assert!(close(e.p_noninferior.unwrap(), number(&share["above"])));
    let larger = number(&share["above"]).max(number(&share["below"]));
    assert!(close(e.p_equivalence.unwrap(), larger));
    // The twin: the mean gap as if it were known.
    let fixed = estimate(&cell(|_| of * mean(&gap).unwrap()));
    assert!(!close(fixed.p_equivalence.unwrap(), larger));
}

#[test]
fn means_deviations_and_intervals_are_numpys() {
    let samples = &fixture()["samples"];
    let groups = rows(&samples["groups"]);
    let seeds = [1, 2, 3, 4];
    let apart = |(i, g): (usize, &'_ Vec<f64>)| (2 * i, g.clone());
    let apart: Vec<_> = groups.iter().enumerate().map(apart).collect();
    let shared: Vec<Group> = apart
        .iter()
        .map(|(i, g)| group([*i, i + 1], &seeds[..g.len()], g))
        .collect();
    let shared = pooled(&shared).unwrap();
    let expected = numbers(&samples["pooled"]);
    assert!(close(shared.sd, expected[0]) && close(shared.df, expected[1]));
    let within = |centre: f64, half: f64, expected: &Value| {
        let expected = numbers(expected);
        close(centre - half, expected[0]) && close(centre + half, expected[1])
    };
    for (i, values) in groups.iter().enumerate() {
        let (n, centre) = (values.len(), mean(values).unwrap());
        assert!(close(centre, number(&samples["means"][i])));
        let half = half_width(shared, n, 0.95);
        assert!(within(centre, half, &samples["pooled_intervals"][i]));
        let Some(spread) = own(values) else {
            assert!(samples["sds"][i].is_null(), "one value has no deviation");
            continue;
        };
        assert_eq!(sample_sd(values), Some(spread.sd));
        assert!(close(spread.sd, number(&samples["sds"][i])));
        let expected = &samples["own_intervals"][i];
        assert!(within(centre, half_width(spread, n, 0.95), expected));
        // The broken twins: n in place of n − 1, and another level.
        let population = spread.sd * (spread.df / n as f64).sqrt();
        assert!(!close(population, number(&samples["sds"][i])));
        assert!(!within(centre, half_width(spread, n, 0.90), expected));
    }
    // The broken twin: an unweighted mean of variances is not the pooled one.
    let variances: Vec<f64> = groups
        .iter()
        .filter_map(|g| sample_sd(g))
        .map(|s| s * s)
        .collect();
    assert!(!close(mean(&variances).unwrap().sqrt(), shared.sd));
}

#[test]
fn nothing_to_measure_gives_nothing() {
    assert_eq!(mean(&[]), None);
    assert_eq!(sample_sd(&[]), None);
    assert_eq!(sample_sd(&[1.0]), None);
    assert_eq!(own(&[1.0]), None);
    let one = [group([0, 1], &[1], &[1.0]), group([2, 3], &[], &[])];
    assert_eq!(pooled(&one), None);
}

fn group<'a>(arms: [usize; 2], seeds: &'a [u64], values: &'a [f64]) -> Group<'a> {
    Group {
        arms,
        seeds,
        values,
    }
}

#[test]
fn pooled_deviations_are_those_of_least_squares() {
    let fixture = fixture();
    let groups = rows(&fixture["groups"]);
    let seeds = [1, 2, 3, 4];
    let apart = |(i, g): (usize, &'_ Vec<f64>)| (2 * i, g.clone());
    let apart: Vec<_> = groups.iter().enumerate().map(apart).collect();
    let groups: Vec<Group> = apart
        .iter()
        .map(|(i, g)| group([*i, i + 1], &seeds[..g.len()], g))
        .collect();
    let spread = pooled(&groups).unwrap();
    let expected = numbers(&fixture["pooled"]);
    assert!(close(spread.sd, expected[0]) && close(spread.df, expected[1]));
    assert_eq!(pooled(&groups[3..4]), None, "one value has no deviation");
}

#[test]
fn degrees_of_freedom_of_shared_arms_are_those_of_the_covariance() {
    for pool in fixture()["pools"].as_array().unwrap() {
        let cells = pool["cells"].as_array().unwrap();
        let read = |c: &Value| {
            let arms = numbers(&c[0]);
            let seeds: Vec<u64> = numbers(&c[1]).iter().map(|s| *s as u64).collect();
            let values: Vec<f64> = seeds.iter().map(|s| (*s * *s) as f64).collect();
            ([arms[0] as usize, arms[1] as usize], seeds, values)
        };
        let cells: Vec<_> = cells.iter().map(read).collect();
        let groups: Vec<Group> = cells.iter().map(|(a, s, v)| group(*a, s, v)).collect();
        let df = pooled(&groups).unwrap().df;
        assert!(close(df, number(&pool["df"])), "{df} {}", pool["df"]);
        let most: usize = cells.iter().map(|c| c.2.len() - 1).sum();
        assert!(df <= most as f64 + 1e-9);
    }
}

#[test]
fn tails_and_quantiles_are_scipys() {
    for row in rows(&fixture()["t"]) {
        assert!(
            close(p_greater(row[0], row[1]), row[2]) && close(p_two_sided(row[0], row[1]), row[3])
        );
        assert!(row[0] > 2.0 || !close(p_greater(row[0], row[1] + 1.0), row[2]));
    }
    for row in rows(&fixture()["quantiles"]) {
        assert!(close(t_quantile(row[0], row[1]), row[2]));
        // The twin: one degree of freedom off is seen at every size here.
        assert!(!close(t_quantile(row[0], row[1] + 1.0), row[2]));
    }
}

#[test]
fn homogeneity_and_holm() {
    let fixture = fixture();
    let groups = rows(&fixture["groups"]);
    let slices: Vec<&[f64]> = groups.iter().map(Vec::as_slice).collect();
    let ours = brown_forsythe(&slices).unwrap();
    let theirs = numbers(&fixture["brown_forsythe"]);
    assert!(close(ours.f, theirs[0]) && close(ours.p, theirs[1]));
    assert_eq!(brown_forsythe(&slices[..1]), None);
    let [raw, adjusted] = &rows(&fixture["holm"])[..] else {
        panic!("two lists")
    };
    for (ours, theirs) in holm(raw).iter().zip(adjusted) {
        assert!(close(*ours, *theirs));
    }
    let bonferroni = raw.iter().map(|p| (p * raw.len() as f64).min(1.0));
    assert!(bonferroni.zip(adjusted).any(|(b, h)| !close(b, *h)));
}

#[test]
fn power_is_the_double_integral() {
    for row in fixture()["power"].as_array().unwrap() {
        let [margin, n, df, alpha, expected] = [1, 2, 3, 4, 5].map(|i| number(&row[i]));
        let ours = power(claim(&row[0]), margin, n as usize, df, alpha);
        assert!((ours - expected).abs() < 1e-6, "{row}: {ours}");
        assert!(
            (power(claim(&row[0]), margin, n as usize, df + 1.0, alpha) - expected).abs() > 1e-5
        );
    }
}

/// The figures that the design states for a deviation of 0.31 points of a difference.
#[test]
fn the_smallest_margin_is_where_the_power_is_stated() {
    let margin = |n: usize, df: f64| 0.31 * smallest_margin(Claim::Equivalence, n, df, 0.05);
    for (n, alone, together) in [(3, 0.82, 0.53), (5, 0.50, 0.41), (10, 0.31, 0.29)] {
        let own = margin(n, (n - 1) as f64);
        assert!((own - alone).abs() < 0.006, "n = {n}: {own}");
        let pooled = margin(n, 18.0 * (n - 1) as f64);
        assert!((pooled - together).abs() < 0.006, "n = {n}: {pooled}");
        let power = power(Claim::Equivalence, own / 0.31, n, (n - 1) as f64, 0.05);
        assert!((power - POWER).abs() < 1e-4, "n = {n}: {power}");
    }
}

#[test]
fn alpha_is_spent_by_the_stated_formula() {
    for row in fixture()["spent"].as_array().unwrap() {
        let spending: Spending = serde_json::from_value(row[0].clone()).unwrap();
        assert!(close(
            spent(spending, 0.05, number(&row[1])),
            number(&row[2])
        ));
    }
    for spending in [Spending::ObrienFleming, Spending::Pocock] {
        let looks = [3, 5, 10];
        let all: f64 = looks
            .iter()
            .map(|n| level(spending, 0.05, &looks, *n).unwrap())
            .sum();
        assert!(close(all, 0.05));
        assert_eq!(level(spending, 0.05, &looks, 4), None);
    }
    assert_eq!(level(Spending::Pocock, 0.05, &[], 4), None);
    assert!(close(level(Spending::Pocock, 0.05, &[3], 3).unwrap(), 0.05));
}

/// The first of two looks that lie far apart: its level is 10⁻²⁹, and 1 less that is 1.
#[test]
fn a_look_that_spends_next_to_nothing_settles_nothing() {
    let alpha = level(Spending::ObrienFleming, 0.05, &[3, 100], 3).unwrap();
    for claim in [
        Claim::Equivalence,
        Claim::NonInferiority,
        Claim::Superiority,
    ] {
        assert_eq!(power(claim, 1.0, 3, 36.0, alpha), 0.0);
        assert!(smallest_margin(claim, 3, 36.0, alpha).is_infinite());
    }
    let rules = Rules {
        level: Some(alpha),
        ..Rules::default()
    };
    assert_eq!(estimates(&[cell(|_| 0.5)], &rules)[0].smallest_margin, None);
    let wider = level(Spending::ObrienFleming, 0.05, &[3, 10], 3).unwrap();
    assert!(smallest_margin(Claim::Equivalence, 3, 36.0, wider).is_finite());
}

#[test]
fn images_are_numpys() {
    let fixture = &fixture()["images"];
    let bytes = |of: &Value| -> Vec<Vec<u8>> {
        let row = |r: Vec<f64>| r.iter().map(|b| *b as u8).collect();
        rows(of).into_iter().map(row).collect()
    };
    let (a, b) = (bytes(&fixture["first"]), bytes(&fixture["second"]));
    let pairs: Vec<(&[u8], &[u8])> = a.iter().zip(&b).map(|(a, b)| (&a[..], &b[..])).collect();
    let ours = images(&pairs, 37).unwrap();
    assert!(close(ours.mean, number(&fixture["mean"])));
    assert!(close(ours.error, number(&fixture["error"])));
    assert!(close(ours.churn, number(&fixture["churn"])));
    // The twins: other images, and a number of images that the bits do not have.
    let turned: Vec<(&[u8], &[u8])> = a
        .iter()
        .zip(b.iter().rev())
        .map(|(a, b)| (&a[..], &b[..]))
        .collect();
    assert!(!close(
        images(&turned, 37).unwrap().churn,
        number(&fixture["churn"])
    ));
    assert_eq!(images(&pairs, 41), None);
    assert_eq!(images(&[], 37), None);
}
