//! The statistics against numbers that SciPy and NumPy computed (`student_t.py`).

#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

use jackpot_report::stats::{Spread, half_width, mean, pooled_sd, sample_sd, t_quantile};
use serde_json::Value;

fn fixture() -> Value {
    serde_json::from_str(include_str!("student_t.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap();
    list.iter().map(|x| x.as_f64().unwrap()).collect()
}

fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0)
}

#[test]
fn quantiles_are_scipys() {
    for row in fixture()["quantiles"].as_array().unwrap() {
        let [p, df, expected] = numbers(row)[..] else {
            panic!("a row of three")
        };
        let ours = t_quantile(p, df as usize);
        assert!(close(ours, expected), "t({p}, {df}) = {ours}, {expected}");
        // The broken twin: one degree of freedom off is seen at every size here.
        assert!(!close(t_quantile(p, df as usize + 1), expected));
    }
}

#[test]
fn means_deviations_and_own_intervals_are_numpys() {
    let fixture = fixture();
    for (i, group) in fixture["groups"].as_array().unwrap().iter().enumerate() {
        let group = numbers(group);
        let centre = mean(&group).unwrap();
        assert!(close(centre, fixture["means"][i].as_f64().unwrap()));
        let Some(sd) = sample_sd(&group) else {
            assert!(fixture["sds"][i].is_null(), "one value has no deviation");
            continue;
        };
        assert!(close(sd, fixture["sds"][i].as_f64().unwrap()));
        let n = group.len();
        let half = half_width(Spread { sd, df: n - 1 }, n, 0.95);
        let expected = numbers(&fixture["own_intervals"][i]);
        assert!(close(centre - half, expected[0]) && close(centre + half, expected[1]));
        // The broken twins: n in place of n − 1, and another level.
        let population = sd * ((n - 1) as f64 / n as f64).sqrt();
        assert!(!close(population, fixture["sds"][i].as_f64().unwrap()));
        let narrow = half_width(Spread { sd, df: n - 1 }, n, 0.90);
        assert!(!close(centre - narrow, expected[0]));
    }
}

#[test]
fn pooled_intervals_are_scipys() {
    let fixture = fixture();
    let groups: Vec<Vec<f64>> = fixture["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(numbers)
        .collect();
    let spread = pooled_sd(groups.iter().map(Vec::as_slice)).unwrap();
    assert!(close(spread.sd, fixture["pooled"][0].as_f64().unwrap()));
    assert_eq!(spread.df as u64, fixture["pooled"][1].as_u64().unwrap());
    for (i, group) in groups.iter().enumerate() {
        let centre = mean(group).unwrap();
        let half = half_width(spread, group.len(), 0.95);
        let expected = numbers(&fixture["pooled_intervals"][i]);
        assert!(close(centre - half, expected[0]) && close(centre + half, expected[1]));
    }
    // The broken twin: an unweighted mean of variances is not the pooled one.
    let variances: Vec<f64> = groups
        .iter()
        .filter_map(|g| sample_sd(g))
        .map(|s| s * s)
        .collect();
    assert!(!close(mean(&variances).unwrap().sqrt(), spread.sd));
}

#[test]
fn nothing_to_measure_gives_nothing() {
    assert_eq!(mean(&[]), None);
    assert_eq!(sample_sd(&[1.0]), None);
    assert_eq!(pooled_sd([&[1.0][..], &[2.0][..], &[][..]]), None);
}
