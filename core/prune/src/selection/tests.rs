use super::*;
use jackpot_net::{Layer, LayerRole};

/// Layers of given lengths, the last one linear; nothing else of the network matters to selection.
fn network(lengths: &[usize]) -> Network {
    let last = lengths.len() - 1;
    let role = |i| {
        if i == last {
            LayerRole::Linear
        } else {
            LayerRole::Conv
        }
    };
    let layers = lengths
        .iter()
        .enumerate()
        .map(|(i, &n)| (role(i), vec![n, 1]));
    crate::test_network::network(layers.collect())
}

fn scores(layers: &[&[f64]]) -> Scores {
    let named = |(i, v): (usize, &&[f64])| (format!("l{i}.weight"), v.to_vec());
    Scores {
        layers: layers.iter().enumerate().map(named).collect(),
    }
}

fn sparsity(text: &str) -> Sparsity {
    Sparsity::try_from(text.to_string()).unwrap()
}

fn global(
    layers: &[&[f64]],
    text: &str,
    scope: PruningScope,
    rule: SelectionRule,
) -> Result<(String, ThresholdSharpness), Error> {
    let lengths: Vec<usize> = layers.iter().map(|l| l.len()).collect();
    let (mask, selected) = select_global(
        &network(&lengths),
        &scores(layers),
        &sparsity(text),
        scope,
        rule,
    )?;
    Ok((show(&mask), selected))
}

/// "x." a weight, "|" between layers.
fn show(mask: &Mask) -> String {
    let layer = |l: &LayerMask| {
        l.kept
            .iter()
            .map(|&k| if k { 'x' } else { '.' })
            .collect::<String>()
    };
    mask.layers.iter().map(layer).collect::<Vec<_>>().join("|")
}

#[test]
fn exact_keeps_the_largest_over_all_layers() {
    let (mask, selected) = global(
        &[&[1.0, 9.0, 3.0], &[8.0, -5.0]],
        "0.6",
        PruningScope::All,
        SelectionRule::Exact,
    )
    .unwrap();
    assert_eq!(mask, ".x.|x.");
    assert_eq!(selected, ThresholdSharpness { ties: 0, near: 1 });
}

#[test]
fn ties_go_to_the_lowest_flat_index_in_forward_order() {
    let (mask, selected) = global(
        &[&[1.0, 2.0], &[2.0, 2.0]],
        "0.5",
        PruningScope::All,
        SelectionRule::Exact,
    )
    .unwrap();
    assert_eq!(
        (mask.as_str(), selected),
        (".x|x.", ThresholdSharpness { ties: 1, near: 3 })
    );
    // −0 and 0 are one value: the first index wins whatever its sign.
    let (mask, _) = global(
        &[&[-0.0, 0.0], &[0.0, -1.0]],
        "0.5",
        PruningScope::All,
        SelectionRule::Exact,
    )
    .unwrap();
    assert_eq!(mask, "xx|..");
}

#[test]
fn agrees_with_a_stable_sort_on_many_ties() {
    // A small linear congruential sequence with few distinct values, both signs of zero.
    let mut state = 1u64;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        [(-0.0), 0.0, 1.5, -2.0, 3.0, 1e-300, 1e300][(state >> 60) as usize % 7]
    };
    let (a, b): (Vec<f64>, Vec<f64>) = (
        (0..700).map(|_| next()).collect(),
        (0..300).map(|_| next()).collect(),
    );
    for text in ["0.5", "0.9", "0.123", "0.999"] {
        let (mask, _) = global(&[&a, &b], text, PruningScope::All, SelectionRule::Exact).unwrap();
        let all: Vec<f64> = a.iter().chain(&b).copied().collect();
        let mut order: Vec<usize> = (0..1000).collect();
        order.sort_by(|&i, &j| all[j].partial_cmp(&all[i]).unwrap()); // stable: ties by index
        let k = sparsity(text).kept(1000) as usize;
        let mut expected = vec!['.'; 1000];
        order[..k].iter().for_each(|&i| expected[i] = 'x');
        assert_eq!(
            mask.replace('|', ""),
            expected.iter().collect::<String>(),
            "{text}"
        );
    }
}

#[test]
fn published_rules_keep_what_the_published_code_keeps() {
    // oracles.md, "Selection": n = 1000, prune 90 %.
    let distinct: Vec<f64> = (0..1000).map(|i| ((i * 617) % 1000) as f64 + 0.5).collect();
    let mut zeros = vec![0.0; 1000];
    (0..52).for_each(|i| zeros[i * 19] = 1.0 + i as f64);
    let negated = |v: &[f64]| v.iter().map(|x| -x).collect::<Vec<f64>>();
    let kept = |v: &[f64], rule| {
        let (mask, _) = global(&[v], "0.9", PruningScope::All, rule).unwrap();
        mask.matches('x').count()
    };
    assert_eq!(
        (
            kept(&distinct, SelectionRule::PublishedSnip),
            kept(&zeros, SelectionRule::PublishedSnip)
        ),
        (99, 1000)
    );
    // GraSP's table is on prune scores, which are our scores negated.
    let (d, z) = (negated(&distinct), negated(&zeros));
    assert_eq!(
        (
            kept(&d, SelectionRule::PublishedGrasp),
            kept(&z, SelectionRule::PublishedGrasp)
        ),
        (101, 948)
    );
    assert_eq!(
        (
            kept(&distinct, SelectionRule::Exact),
            kept(&zeros, SelectionRule::Exact)
        ),
        (100, 100)
    );
}

#[test]
fn convolutions_keep_the_classifier_whole_and_match_the_total() {
    let layers: [&[f64]; 2] = [&[1.0, 5.0, 3.0, 4.0, 0.0, 2.0], &[-9.0, -9.0]];
    let (mask, _) = global(
        &layers,
        "0.5",
        PruningScope::Convolutions,
        SelectionRule::Exact,
    )
    .unwrap();
    assert_eq!(mask, ".x.x..|xx");
    let error = global(
        &layers,
        "0.9",
        PruningScope::Convolutions,
        SelectionRule::Exact,
    )
    .unwrap_err();
    assert!(error.to_string().contains("classifier alone"), "{error}");
    let error = global(
        &layers,
        "0.5",
        PruningScope::Convolutions,
        SelectionRule::PublishedSnip,
    )
    .unwrap_err();
    assert!(error.to_string().contains("over all layers"), "{error}");
}

#[test]
fn counts_choose_within_each_layer() {
    let net = network(&[3, 2]);
    let s = scores(&[&[1.0, 1.0, 1.0], &[2.0, 3.0]]);
    let (mask, selected) = select_counts(&net, &s, &[2, 1]).unwrap();
    assert_eq!(
        (show(&mask).as_str(), selected),
        ("xx.|.x", ThresholdSharpness { ties: 1, near: 4 })
    );
    assert_eq!(show(&select_counts(&net, &s, &[0, 2]).unwrap().0), "...|xx");
    for (bad, word) in [
        (vec![4, 0], "`l0.weight`"),
        (vec![1], "one for each"),
        (vec![0, 0], "no weight"),
        (vec![3, 2], "every weight"),
    ] {
        let error = select_counts(&net, &s, &bad).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn refuses_what_is_not_a_number_and_what_does_not_fit() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = global(
            &[&[1.0, bad], &[0.0]],
            "0.5",
            PruningScope::All,
            SelectionRule::Exact,
        )
        .unwrap_err();
        assert!(
            matches!(error, Error::NotFinite(_))
                && error.to_string().contains("`l0.weight`: entry 1"),
            "{error}"
        );
    }
    let net = network(&[2, 2]);
    let error = select_global(
        &net,
        &scores(&[&[1.0, 2.0]]),
        &sparsity("0.5"),
        PruningScope::All,
        SelectionRule::Exact,
    );
    assert!(error.unwrap_err().to_string().contains("expected 2 layers"));
    let error = global(
        &[&[1.0, 2.0], &[3.0]],
        "0.999",
        PruningScope::All,
        SelectionRule::Exact,
    )
    .unwrap_err();
    assert!(error.to_string().contains("keeps 0"), "{error}");
    let error = global(
        &[&[1.0, 2.0], &[3.0]],
        "0.001",
        PruningScope::All,
        SelectionRule::Exact,
    )
    .unwrap_err();
    assert!(error.to_string().contains("keeps 3"), "{error}");
}

#[test]
fn one_shot_masks_are_nested_over_sparsity() {
    let values: Vec<f64> = (0..500).map(|i| f64::from((i * 7) % 50)).collect();
    let kept = |t: &str| {
        global(
            &[&values, &values],
            t,
            PruningScope::All,
            SelectionRule::Exact,
        )
        .unwrap()
        .0
    };
    let (low, high) = (kept("0.8"), kept("0.95"));
    assert!(
        low.chars()
            .zip(high.chars())
            .all(|(l, h)| h != 'x' || l == 'x')
    );
}

/// The rule again, naively: what is reserved, then a stable sort of the rest.
fn naive(
    layers: &[Vec<f64>],
    k: usize,
    within: &[Vec<bool>],
    whole: &[bool],
    floor: usize,
) -> Vec<Vec<bool>> {
    let mut kept: Vec<Vec<bool>> = layers.iter().map(|l| vec![false; l.len()]).collect();
    let best = |kept: &[Vec<bool>], of: &dyn Fn(usize) -> bool| {
        let mut open = Vec::new();
        for (i, layer) in layers.iter().enumerate().filter(|(i, _)| of(*i)) {
            let free = |j: &usize| within[i][*j] && !kept[i][*j];
            open.extend((0..layer.len()).filter(free).map(|j| (i, j)));
        }
        open.sort_by(|a, b| layers[b.0][b.1].partial_cmp(&layers[a.0][a.1]).unwrap());
        open
    };
    for (i, &whole) in whole.iter().enumerate() {
        let least = if whole { usize::MAX } else { floor };
        let own = best(&kept, &|l| l == i);
        own.into_iter()
            .take(least)
            .for_each(|(i, j)| kept[i][j] = true);
    }
    let taken = kept.iter().flatten().filter(|k| **k).count();
    let rest = best(&kept, &|_| true);
    rest.into_iter()
        .take(k - taken)
        .for_each(|(i, j)| kept[i][j] = true);
    kept
}

#[test]
fn choices_agree_with_a_naive_sort() {
    let mut state = 3u64;
    let mut draw = |below: u64| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) % below
    };
    let mut tried = 0;
    for case in 0..400 {
        let lengths: Vec<usize> = (0..2 + draw(3)).map(|_| 1 + draw(30) as usize).collect();
        // Few distinct values: most cases have ties at the threshold.
        let distinct = 2 + draw(40);
        let layers: Vec<Vec<f64>> = lengths
            .iter()
            .map(|&n| (0..n).map(|_| draw(distinct) as f64 - 1.0).collect())
            .collect();
        let narrow = case % 2 == 0;
        let within: Vec<Vec<bool>> = lengths
            .iter()
            .map(|&n| (0..n).map(|_| !narrow || draw(4) > 0).collect())
            .collect();
        let net = network(&lengths);
        let mask = build(&net, &within);
        let constraints = LayerConstraints {
            keep_first_dense: draw(3) == 0,
            keep_classifier_dense: draw(3) == 0,
            min_weights: draw(3),
        };
        let whole: Vec<bool> = net
            .layers
            .iter()
            .map(|l| constraints.keeps_dense(l))
            .collect();
        let total: usize = within.iter().flatten().filter(|k| **k).count();
        let k = 1 + draw(total.max(1) as u64) as usize;
        let options = SelectionOptions {
            budget: PruningBudget::Total {
                kept: k as u64,
                scope: PruningScope::All,
            },
            within: narrow.then_some(&mask),
            constraints,
            granularity: Granularity::Weights,
        };
        let values: Vec<&[f64]> = layers.iter().map(Vec::as_slice).collect();
        let Ok((found, _)) = select_values(&net, &values, &options) else {
            continue;
        };
        tried += 1;
        let expected = naive(
            &layers,
            k,
            &within,
            &whole,
            constraints.min_weights as usize,
        );
        assert_eq!(show(&found), show(&build(&net, &expected)), "case {case}");
        assert_eq!(found.kept(), k as u64);
    }
    assert!(tried > 200, "{tried}");
}

fn build(net: &Network, kept: &[Vec<bool>]) -> Mask {
    let layer = |(layer, kept): (&Layer, &Vec<bool>)| LayerMask {
        name: layer.name.clone(),
        shape: layer.shape.clone(),
        kept: kept.clone(),
    };
    Mask {
        layers: net.layers.iter().zip(kept).map(layer).collect(),
    }
}

#[test]
fn what_is_reserved_and_what_may_be_chosen_can_be_too_much_or_too_little() {
    let lengths = [4, 4, 2];
    let net = network(&lengths);
    let layers: [&[f64]; 3] = [&[4.0, 3.0, 2.0, 1.0], &[8.0, 7.0, 6.0, 5.0], &[0.0, 0.0]];
    let mask = build(&net, &[vec![true; 4], vec![false; 4], vec![true; 2]]);
    let run = |kept: u64, within: Option<&Mask>, first: bool, floor: u64| {
        let options = SelectionOptions {
            budget: PruningBudget::Total {
                kept,
                scope: PruningScope::All,
            },
            within,
            constraints: LayerConstraints {
                keep_first_dense: first,
                keep_classifier_dense: false,
                min_weights: floor,
            },
            granularity: Granularity::Weights,
        };
        select_values(&net, &layers, &options)
            .map(|(mask, _)| show(&mask))
            .map_err(|f| f.to_string())
    };
    assert_eq!(run(4, None, false, 0).unwrap(), "....|xxxx|..");
    assert_eq!(run(4, None, false, 1).unwrap(), "x...|xx..|x.");
    assert_eq!(run(6, None, true, 1).unwrap(), "xxxx|x...|x.");
    assert_eq!(run(4, Some(&mask), false, 0).unwrap(), "xxxx|....|..");
    // All of them: a round may keep everything, a sparsity may not.
    assert_eq!(run(10, None, false, 0).unwrap(), "xxxx|xxxx|xx");
    for (found, says) in [
        (run(4, None, true, 0), "the first layer alone"),
        (
            run(2, None, false, 1),
            "the floor of 1 a layer alone keeps 3",
        ),
        (run(7, Some(&mask), false, 0), "only 6 may be chosen"),
    ] {
        let error = found.unwrap_err();
        assert!(error.contains(says), "{error}");
    }
    let counts = SelectionOptions {
        within: Some(&mask),
        ..PruningBudget::Counts(&[2, 1, 1]).into()
    };
    let error = select_values(&net, &layers, &counts)
        .unwrap_err()
        .to_string();
    assert!(error.contains("the mask so far keeps 0"), "{error}");
    let reserved = SelectionOptions {
        within: None,
        constraints: LayerConstraints {
            keep_first_dense: false,
            keep_classifier_dense: true,
            min_weights: 0,
        },
        ..counts
    };
    let (mask, _) = select_values(&net, &layers, &reserved).unwrap();
    assert_eq!((show(&mask).as_str(), mask.kept()), ("x...|x...|xx", 4));
}
