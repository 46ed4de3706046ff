use super::*;
use jackpot_net::{Architecture, Layer, Role};

/// Layers of given lengths; nothing else of the network matters to selection.
fn network(lengths: &[usize]) -> Network {
    let last = lengths.len() - 1;
    let layer = |(i, &n): (usize, &usize)| Layer {
        name: format!("l{i}.weight"),
        role: if i == last { Role::Linear } else { Role::Conv },
        shape: vec![n, 1],
        first: i == 0,
        classifier: i == last && i > 0,
        shortcut: false,
        depthwise: false,
        depth: i as u32,
        block: 0,
        stride: 1,
        groups: 1,
        uses: 1,
    };
    Network {
        architecture: Architecture::resnet(8, 1, 2, [1, 8, 8]),
        parameters: vec![],
        nodes: vec![],
        layers: lengths.iter().enumerate().map(layer).collect(),
    }
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
    scope: Scope,
    rule: Rule,
) -> Result<(String, Selected), Failure> {
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
        Scope::All,
        Rule::Exact,
    )
    .unwrap();
    assert_eq!(mask, ".x.|x.");
    assert_eq!(selected, Selected { ties: 0, near: 1 });
}

#[test]
fn ties_go_to_the_lowest_flat_index_in_forward_order() {
    let (mask, selected) =
        global(&[&[1.0, 2.0], &[2.0, 2.0]], "0.5", Scope::All, Rule::Exact).unwrap();
    assert_eq!(
        (mask.as_str(), selected),
        (".x|x.", Selected { ties: 1, near: 3 })
    );
    // −0 and 0 are one value: the first index wins whatever its sign.
    let (mask, _) = global(
        &[&[-0.0, 0.0], &[0.0, -1.0]],
        "0.5",
        Scope::All,
        Rule::Exact,
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
        let (mask, _) = global(&[&a, &b], text, Scope::All, Rule::Exact).unwrap();
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
        let (mask, _) = global(&[v], "0.9", Scope::All, rule).unwrap();
        mask.matches('x').count()
    };
    assert_eq!(
        (
            kept(&distinct, Rule::PublishedSnip),
            kept(&zeros, Rule::PublishedSnip)
        ),
        (99, 1000)
    );
    // GraSP's table is on prune scores, which are our scores negated.
    let (d, z) = (negated(&distinct), negated(&zeros));
    assert_eq!(
        (
            kept(&d, Rule::PublishedGrasp),
            kept(&z, Rule::PublishedGrasp)
        ),
        (101, 948)
    );
    assert_eq!(
        (kept(&distinct, Rule::Exact), kept(&zeros, Rule::Exact)),
        (100, 100)
    );
}

#[test]
fn convolutions_keep_the_classifier_whole_and_match_the_total() {
    let layers: [&[f64]; 2] = [&[1.0, 5.0, 3.0, 4.0, 0.0, 2.0], &[-9.0, -9.0]];
    let (mask, _) = global(&layers, "0.5", Scope::Convolutions, Rule::Exact).unwrap();
    assert_eq!(mask, ".x.x..|xx");
    let error = global(&layers, "0.9", Scope::Convolutions, Rule::Exact).unwrap_err();
    assert!(error.message.contains("classifier alone"), "{error}");
    let error = global(&layers, "0.5", Scope::Convolutions, Rule::PublishedSnip).unwrap_err();
    assert!(error.message.contains("over all layers"), "{error}");
}

#[test]
fn counts_choose_within_each_layer() {
    let net = network(&[3, 2]);
    let s = scores(&[&[1.0, 1.0, 1.0], &[2.0, 3.0]]);
    let (mask, selected) = select_counts(&net, &s, &[2, 1]).unwrap();
    assert_eq!(
        (show(&mask).as_str(), selected),
        ("xx.|.x", Selected { ties: 1, near: 4 })
    );
    assert_eq!(show(&select_counts(&net, &s, &[0, 2]).unwrap().0), "...|xx");
    for (bad, word) in [
        (vec![4, 0], "`l0.weight`"),
        (vec![1], "one for each"),
        (vec![0, 0], "no weight"),
        (vec![3, 2], "every weight"),
    ] {
        let error = select_counts(&net, &s, &bad).unwrap_err();
        assert!(error.message.contains(word), "{error}");
    }
}

#[test]
fn refuses_what_is_not_a_number_and_what_does_not_fit() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = global(&[&[1.0, bad], &[0.0]], "0.5", Scope::All, Rule::Exact).unwrap_err();
        assert!(
            error.kind == "numeric" && error.message.contains("`l0.weight`: entry 1"),
            "{error}"
        );
    }
    let net = network(&[2, 2]);
    let error = select_global(
        &net,
        &scores(&[&[1.0, 2.0]]),
        &sparsity("0.5"),
        Scope::All,
        Rule::Exact,
    );
    assert!(error.unwrap_err().message.contains("expected 2 layers"));
    let error = global(&[&[1.0, 2.0], &[3.0]], "0.999", Scope::All, Rule::Exact).unwrap_err();
    assert!(error.message.contains("keeps 0"), "{error}");
    let error = global(&[&[1.0, 2.0], &[3.0]], "0.001", Scope::All, Rule::Exact).unwrap_err();
    assert!(error.message.contains("keeps 3"), "{error}");
}

#[test]
fn one_shot_masks_are_nested_over_sparsity() {
    let values: Vec<f64> = (0..500).map(|i| f64::from((i * 7) % 50)).collect();
    let kept = |t: &str| {
        global(&[&values, &values], t, Scope::All, Rule::Exact)
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
