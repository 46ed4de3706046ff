//! Sanity of the distributions. Every bound is five or more standard errors wide and
//! the draws are fixed, so a failure is a change of the generator, never bad luck.

use jackpot_rng::{Key, bits, normal, permutation, uniform};

const N: usize = 1 << 18;

/// |mean| of `values` in units of `scale / sqrt(n)`.
fn standard_errors(values: impl Iterator<Item = f64>, scale: f64) -> f64 {
    let (mut sum, mut n) = (0.0, 0.0);
    for value in values {
        sum += value;
        n += 1.0;
    }
    (sum / n).abs() / (scale / f64::sqrt(n))
}

#[test]
fn every_bit_is_as_often_one_as_zero() {
    let mut words = vec![0; N];
    bits(Key::from_seed(1), &mut words);
    for bit in 0..64 {
        let signs = words.iter().map(|word| ((word >> bit) & 1) as f64 - 0.5);
        assert!(standard_errors(signs, 0.5) < 5.0, "bit {bit}");
    }
}

#[test]
fn uniforms_fill_the_unit_interval_evenly() {
    let mut values = vec![0.0; N];
    uniform(Key::from_seed(2), &mut values);
    assert!(values.iter().all(|&x| (0.0..1.0).contains(&x)));
    let mut counts = [0.0; 64];
    for &x in &values {
        counts[(x * 64.0) as usize] += 1.0;
    }
    let expect = N as f64 / 64.0;
    let chi2: f64 = counts.iter().map(|c| (c - expect).powi(2) / expect).sum();
    // 63 degrees of freedom: mean 63, standard deviation 11.2.
    assert!((chi2 - 63.0).abs() < 5.0 * 11.2, "chi2 = {chi2}");
}

#[test]
fn normals_have_the_moments_of_the_normal_distribution() {
    let mut values = vec![0.0f32; N];
    normal(Key::from_seed(3), &mut values);
    let power = |k: i32| values.iter().map(move |&x| f64::from(x).powi(k));
    assert!(standard_errors(power(1), 1.0) < 5.0, "mean");
    let deviations = power(2).map(|x| x - 1.0);
    assert!(standard_errors(deviations, 2f64.sqrt()) < 5.0, "variance");
    assert!(standard_errors(power(3), 15f64.sqrt()) < 5.0, "skewness");
    let deviations = power(4).map(|x| x - 3.0);
    assert!(standard_errors(deviations, 96f64.sqrt()) < 5.0, "kurtosis");
    let neighbours = values.windows(2).map(|w| f64::from(w[0] * w[1]));
    assert!(standard_errors(neighbours, 1.0) < 5.0, "correlation");
}

#[test]
fn streams_of_neighbouring_keys_are_uncorrelated() {
    let root = Key::from_seed(4);
    let (mut a, mut b) = (vec![0.0f32; N], vec![0.0f32; N]);
    normal(root.fold(0), &mut a);
    normal(root.fold(1), &mut b);
    let products = a.iter().zip(&b).map(|(&x, &y)| f64::from(x) * f64::from(y));
    assert!(standard_errors(products, 1.0) < 5.0);
}

#[test]
fn a_permutation_holds_every_place_once_and_in_any_order() {
    let mut order = permutation(Key::from_seed(5), 1000);
    assert_ne!(order, (0..1000).collect::<Vec<u64>>());
    order.sort();
    assert_eq!(order, (0..1000).collect::<Vec<u64>>());
    assert!(permutation(Key::from_seed(5), 0).is_empty());

    let mut counts = std::collections::BTreeMap::new();
    for seed in 0..24_000 {
        *counts
            .entry(permutation(Key::from_seed(seed), 4))
            .or_insert(0.0) += 1.0;
    }
    assert_eq!(counts.len(), 24);
    let chi2: f64 = counts
        .values()
        .map(|c: &f64| (c - 1000.0).powi(2) / 1000.0)
        .sum();
    // 23 degrees of freedom: mean 23, standard deviation 6.8.
    assert!((chi2 - 23.0).abs() < 5.0 * 6.8, "chi2 = {chi2}");
}
