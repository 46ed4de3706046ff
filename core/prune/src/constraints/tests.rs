use super::*;
use jackpot_net::Architecture;
use std::collections::BTreeMap;

fn network() -> Network {
    Architecture::resnet(8, 4, 10, [3, 32, 32]).build().unwrap()
}

fn sparsity(text: &str) -> Sparsity {
    Sparsity::try_from(text.to_string()).unwrap()
}

/// A small linear congruential sequence.
fn draws(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |below| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) % below
    }
}

/// The proportion by bisection in doubles: shares within their bounds that add up to `total`.
fn naive(total: u64, weights: &[u64], bounds: &[(u64, u64)]) -> Vec<f64> {
    let share = |lambda: f64, i: usize| {
        (lambda * weights[i] as f64).clamp(bounds[i].0 as f64, bounds[i].1 as f64)
    };
    let sum = |lambda: f64| (0..weights.len()).map(|i| share(lambda, i)).sum::<f64>();
    let (mut low, mut high) = (0.0, 1e9);
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if sum(middle) < total as f64 {
            low = middle;
        } else {
            high = middle;
        }
    }
    (0..weights.len()).map(|i| share(high, i)).collect()
}

#[test]
fn shares_agree_with_a_bisection_and_add_up_exactly() {
    let mut draw = draws(7);
    let mut cases = 0;
    while cases < 500 {
        let n = 1 + draw(8) as usize;
        let weights: Vec<u64> = (0..n).map(|_| draw(1000)).collect();
        let bounds: Vec<(u64, u64)> = (0..n)
            .map(|_| {
                let low = draw(50);
                (low, low + draw(500))
            })
            .collect();
        let reach = |i: usize| {
            if weights[i] == 0 {
                bounds[i].0
            } else {
                bounds[i].1
            }
        };
        let (least, most): (u64, u64) = (bounds.iter().map(|b| b.0).sum(), (0..n).map(reach).sum());
        let total = least + draw(most - least + 1);
        let found = apportion(total, &weights, &bounds);
        let found = found.unwrap_or_else(|| panic!("{total} {weights:?} {bounds:?}"));
        assert_eq!(found.iter().sum::<u64>(), total);
        let expected = naive(total, &weights, &bounds);
        for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert!((bounds[i].0..=bounds[i].1).contains(found));
            assert!(
                (*found as f64 - expected).abs() <= 1.0 + 1e-6,
                "{total} {weights:?} {bounds:?}: {found} for {expected}"
            );
        }
        // More than there is room for, or less than is bound to be kept, is no share.
        assert_eq!(apportion(most + 1, &weights, &bounds), None);
        assert!(least == 0 || apportion(least - 1, &weights, &bounds).is_none());
        cases += 1;
    }
    // By hand: 10 over 1 : 2 with at most 6 in the second; ties to the lowest index.
    assert_eq!(apportion(10, &[1, 2], &[(0, 9), (0, 6)]), Some(vec![4, 6]));
    assert_eq!(apportion(3, &[5, 5], &[(0, 9), (0, 9)]), Some(vec![2, 1]));
}

#[test]
fn a_reserve_moves_counts_and_keeps_their_total() {
    let network = network();
    let counts: Vec<u64> = network.layers.iter().map(|l| l.len() as u64 / 10).collect();
    let total: u64 = counts.iter().sum();
    let same = constrained_counts(&network, &counts, &LayerConstraints::default()).unwrap();
    assert_eq!(same, counts);
    let constraints = LayerConstraints {
        keep_first_dense: true,
        keep_classifier_dense: true,
        min_weights: 20,
    };
    let moved = constrained_counts(&network, &counts, &constraints).unwrap();
    assert_eq!(moved.iter().sum::<u64>(), total);
    for (layer, count) in network.layers.iter().zip(&moved) {
        if layer.first || layer.classifier {
            assert_eq!(*count, layer.len() as u64);
        } else {
            assert!(*count >= 20);
        }
    }
    let error = constrained_counts(&network, &vec![1; counts.len()], &constraints).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the first layer with the classifier")
            && error.to_string().contains("the floor of 20"),
        "{error}"
    );
    for (bad, says) in [
        (vec![1], "one for each"),
        (vec![u64::MAX / 64; counts.len()], "but it has"),
    ] {
        let error = constrained_counts(&network, &bad, &constraints).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}

fn table(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(a, b): &(&str, &str)| (a.to_string(), b.to_string());
    entries.iter().map(owned).collect()
}

#[test]
fn a_table_of_densities_is_exact_and_the_rest_is_uniform() {
    let network = network();
    let size = |name: &str| {
        let layer = network.layers.iter().find(|l| l.name == name).unwrap();
        layer.len() as u64
    };
    let last = network.layers.last().unwrap().name.as_str();
    let own = table(&[("conv1.weight", "1"), (last, "0.125")]);
    let sparsity = sparsity("0.9");
    let counts = counts_of_densities(&network, &own, &sparsity).unwrap();
    let all = network.prunable_weights();
    assert_eq!(counts.iter().sum::<u64>(), sparsity.kept(all));
    assert_eq!(counts[0], size("conv1.weight"));
    assert_eq!(
        *counts.last().unwrap(),
        (size(last) as f64 / 8.0).round_ties_even() as u64
    );
    let named = size("conv1.weight") + size(last);
    let rest = (sparsity.kept(all) - counts[0] - counts.last().unwrap()) as f64;
    for (layer, count) in network.layers.iter().zip(&counts) {
        if layer.name != "conv1.weight" && layer.name != last {
            let uniform = rest * layer.len() as f64 / (all - named) as f64;
            assert!((*count as f64 - uniform).abs() < 1.0, "{}", layer.name);
        }
    }
}

#[test]
fn a_whole_table_may_miss_by_its_rounding_and_no_more() {
    let network = network();
    let entries = |density: &str| {
        let all = network.layers.iter();
        let named = all.map(|l| (l.name.clone(), density.to_string()));
        named.collect::<BTreeMap<_, _>>()
    };
    let tenth = sparsity("0.9");
    let counts = counts_of_densities(&network, &entries("0.1"), &tenth).unwrap();
    assert_eq!(
        counts.iter().sum::<u64>(),
        tenth.kept(network.prunable_weights())
    );
    for (layer, count) in network.layers.iter().zip(&counts) {
        assert!((*count as f64 - layer.len() as f64 / 10.0).abs() <= 1.0);
    }
    for (density, says) in [
        ("0.2", "more than sparsity 0.9"),
        ("0", "fewer than sparsity 0.9"),
    ] {
        let error = counts_of_densities(&network, &entries(density), &tenth).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        let kept: u64 = (network.layers.iter())
            .map(|l| (l.len() as f64 * density.parse::<f64>().unwrap()).round_ties_even() as u64)
            .sum();
        let by = kept.abs_diff(tenth.kept(network.prunable_weights()));
        assert!(error.to_string().contains(&format!(", {by} ")), "{error}");
    }
}

#[test]
fn tables_that_cannot_be_met_say_what_is_wrong() {
    let network = network();
    let refused = |entries: &[(&str, &str)], text: &str| {
        let error = counts_of_densities(&network, &table(entries), &sparsity(text));
        error.unwrap_err().to_string()
    };
    let error = refused(&[("conv1.wieght", "0.5")], "0.9");
    assert!(error.contains("did you mean `conv1.weight`?"), "{error}");
    for bad in ["1.5", "-0.1", "0,5", "", "half", ".", "1e-1", "2", "0.5.5"] {
        let error = refused(&[("conv1.weight", bad)], "0.9");
        assert!(
            error.contains("`conv1.weight`: expected a decimal"),
            "{bad}: {error}"
        );
    }
    let largest = network.layers.iter().max_by_key(|l| l.len()).unwrap();
    let error = refused(&[(&largest.name, "1")], "0.9");
    let asked = sparsity("0.9").kept(network.prunable_weights());
    let more = format!("{} more than", largest.len() as u64 - asked);
    assert!(error.contains(&more), "{error}");
    let error = refused(&[(&largest.name, "0")], "0.1");
    assert!(
        error.contains("fewer than sparsity 0.1 asks for"),
        "{error}"
    );
}

#[test]
fn densities_read_from_text_are_exact() {
    use crate::sparsity::density;
    for (text, found) in [
        ("0", (0, 0)),
        ("1", (1, 0)),
        ("1.000", (1, 0)),
        ("0.0", (0, 0)),
        (".25", (25, 2)),
        ("0.125", (125, 3)),
        ("0.100", (1, 1)),
    ] {
        assert_eq!(density(text), Ok(found), "{text}");
    }
}
