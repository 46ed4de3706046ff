use crate::{
    Error, Granularity, LayerConstraints, LayerMask, Mask, PruningBudget, PruningScope, Scores,
    SelectionOptions, SelectionRule, Sparsity, select,
};
use jackpot_net::{Layer, LayerRole, Network};
use proptest::prelude::*;

/// Convolutions of these shapes, then linear layers.
fn network(convolutions: &[[usize; 4]], linear: &[[usize; 2]]) -> Network {
    let convolutions = convolutions.iter().map(|s| (LayerRole::Conv, s.to_vec()));
    let linear = linear.iter().map(|s| (LayerRole::Linear, s.to_vec()));
    crate::test_network::network(convolutions.chain(linear).collect())
}

fn scores(network: &Network, values: &[Vec<f64>]) -> Scores {
    let named = network.layers.iter().map(|l| l.name.clone());
    Scores {
        layers: named.zip(values.iter().cloned()).collect(),
    }
}

fn mask(network: &Network, kept: &[Vec<bool>]) -> Mask {
    let layer = |(layer, kept): (&Layer, &Vec<bool>)| LayerMask {
        name: layer.name.clone(),
        shape: layer.shape.clone(),
        kept: kept.clone(),
    };
    Mask {
        layers: network.layers.iter().zip(kept).map(layer).collect(),
    }
}

fn by_counts<'a>(counts: &'a [u64], unit: Granularity) -> SelectionOptions<'a> {
    SelectionOptions {
        granularity: unit,
        ..PruningBudget::Counts(counts).into()
    }
}

/// "x." a weight, a space between filters, "|" between layers.
fn show(mask: &Mask) -> String {
    let layer = |l: &LayerMask| {
        let size = match l.shape.len() {
            4 => l.kept.len() / l.shape[0],
            _ => l.kept.len(),
        };
        let filter = |f: &[bool]| f.iter().map(|&k| if k { 'x' } else { '.' }).collect();
        let filters: Vec<String> = l.kept.chunks(size).map(filter).collect();
        filters.join(" ")
    };
    mask.layers.iter().map(layer).collect::<Vec<_>>().join("|")
}

/// Three filters of two weights, the last of which ties with the first, and a linear layer.
fn small() -> (Network, Scores) {
    let network = network(&[[3, 1, 1, 2]], &[[2, 2]]);
    let scores = scores(
        &network,
        // The largest weight is in the filter whose sum is the least.
        &[
            vec![3.0, 3.0, 9.0, -6.0, 2.0, 4.0],
            vec![1.0, 4.0, 3.0, 2.0],
        ],
    );
    (network, scores)
}

#[test]
fn filters_go_by_the_sum_of_their_scores_and_linear_layers_by_weight() {
    let (network, scores) = small();
    let kept = |counts: &[u64], unit| {
        let (mask, selected) = select(&network, &scores, &by_counts(counts, unit)).unwrap();
        (show(&mask), selected.ties)
    };
    let filters = |counts: &[u64]| kept(counts, Granularity::Filters);
    // Of equal sums the lowest index stays.
    assert_eq!(filters(&[2, 2]), ("xx .. ..|.xx.".into(), 1));
    assert_eq!(filters(&[4, 2]), ("xx .. xx|.xx.".into(), 0));
    // The nearest number of filters, halves to the even one, and never none.
    assert_eq!(filters(&[3, 2]), ("xx .. xx|.xx.".into(), 0));
    assert_eq!(filters(&[1, 2]), ("xx .. ..|.xx.".into(), 1));
    assert_eq!(filters(&[5, 2]), ("xx .. xx|.xx.".into(), 0));
    assert_eq!(filters(&[0, 1]), ("xx .. ..|.x..".into(), 1));
    // The same counts weight by weight.
    assert_eq!(kept(&[2, 2], Granularity::Weights).0, ".. x. .x|.xx.");
}

#[test]
fn counts_become_whole_filters_that_hold_the_floor() {
    let network = network(&[[4, 2, 3, 3], [6, 4, 1, 1]], &[[2, 6]]);
    let whole = |counts: &[u64], floor| Granularity::Filters.counts(&network, counts, floor);
    assert_eq!(whole(&[27, 9, 5], 0), [36, 8, 5]);
    assert_eq!(whole(&[45, 11, 5], 0), [36, 12, 5]);
    assert_eq!(whole(&[0, 1, 0], 0), [18, 4, 0]);
    // A floor of 19 weights is two filters of 18, and five of 4; a layer has no more than all.
    assert_eq!(whole(&[19, 19, 12], 19), [36, 20, 12]);
    assert_eq!(whole(&[19, 19, 12], 1000), [72, 24, 12]);
    assert_eq!(
        Granularity::Weights.counts(&network, &[27, 9, 5], 19),
        [27, 9, 5]
    );
    // Counts of a selection of filters are met exactly by the next one.
    assert_eq!(whole(&[36, 8, 5], 0), [36, 8, 5]);
}

#[test]
fn of_a_filter_only_what_the_mask_so_far_keeps_is_kept_and_counted() {
    let (network, scores) = small();
    let so_far = mask(
        &network,
        &[
            vec![true, false, true, false, false, false],
            vec![true, true, false, true],
        ],
    );
    let kept = |counts: &[u64]| {
        let options = SelectionOptions {
            within: Some(&so_far),
            ..by_counts(counts, Granularity::Filters)
        };
        select(&network, &scores, &options).map(|(mask, _)| show(&mask))
    };
    // Without its −6 the second filter comes first; the third has nothing left.
    assert_eq!(kept(&[1, 2]).unwrap(), ".. x. ..|.x.x");
    assert_eq!(kept(&[2, 2]).unwrap(), ".. x. ..|.x.x");
    let error = kept(&[3, 2]).unwrap_err().to_string();
    assert!(error.contains("the mask so far keeps 2"), "{error}");
    let empty = mask(&network, &[vec![false; 6], vec![true; 4]]);
    let options = SelectionOptions {
        within: Some(&empty),
        ..by_counts(&[0, 2], Granularity::Filters)
    };
    let (found, _) = select(&network, &scores, &options).unwrap();
    assert_eq!(show(&found), ".. .. ..|.xx.");
}

#[test]
fn layers_kept_whole_keep_all_filters_and_the_others_give() {
    let network = network(&[[2, 1, 1, 2], [4, 2, 1, 1]], &[[2, 4]]);
    let values: Vec<Vec<f64>> = (network.layers.iter())
        .map(|l| (0..l.len()).map(|i| i as f64).collect())
        .collect();
    let options = SelectionOptions {
        constraints: LayerConstraints {
            keep_first_dense: true,
            ..LayerConstraints::default()
        },
        ..by_counts(&[2, 4, 4], Granularity::Filters)
    };
    let (found, _) = select(&network, &scores(&network, &values), &options).unwrap();
    assert_eq!(show(&found), "xx xx|.. .. xx xx|.....xxx");
}

#[test]
fn what_has_no_meaning_by_filters_is_refused() {
    let (network, scores) = small();
    let sparsity = Sparsity::try_from("0.5".to_owned()).unwrap();
    let over_all = |rule| PruningBudget::Sparsity {
        sparsity: &sparsity,
        scope: PruningScope::All,
        rule,
    };
    let refused = |network: &Network, scores: &Scores, by: PruningBudget<'_>| {
        let options = SelectionOptions {
            budget: by,
            ..by_counts(&[], Granularity::Filters)
        };
        select(network, scores, &options).unwrap_err()
    };
    let total = PruningBudget::Total {
        kept: 4,
        scope: PruningScope::All,
    };
    for by in [
        over_all(SelectionRule::Exact),
        over_all(SelectionRule::PublishedSnip),
        total,
    ] {
        let error = refused(&network, &scores, by).to_string();
        assert!(error.contains("takes counts per layer"), "{error}");
    }
    let error = refused(&network, &scores, PruningBudget::Counts(&[6, 4])).to_string();
    assert!(
        error.contains("rounded to whole filters, keep every weight"),
        "{error}"
    );
    let linear = self::network(&[], &[[2, 2]]);
    let flat = self::scores(&linear, &[vec![1.0; 4]]);
    let error = refused(&linear, &flat, PruningBudget::Counts(&[2])).to_string();
    assert!(error.contains("no convolution"), "{error}");
    // Finite scores, and a sum that is not.
    let huge = self::scores(&network, &[vec![f64::MAX; 6], vec![0.0; 4]]);
    let error = refused(&network, &huge, PruningBudget::Counts(&[2, 2]));
    assert!(
        matches!(error, Error::NotFinite(_)) && error.to_string().contains("filter 0"),
        "{error}"
    );
}

/// The rule again, slowly: the best filter of those left, one after the other.
fn naive(
    network: &Network,
    values: &[Vec<f64>],
    within: &[Vec<bool>],
    counts: &[u64],
) -> Vec<Vec<bool>> {
    let mut kept: Vec<Vec<bool>> = within.iter().map(|w| vec![false; w.len()]).collect();
    for (i, layer) in network.layers.iter().enumerate() {
        let size = match layer.role {
            LayerRole::Conv => layer.shape[1] * layer.shape[2] * layer.shape[3],
            LayerRole::Linear => 1,
        };
        let exact = counts[i] as f64 / size as f64;
        let many = match layer.role {
            LayerRole::Conv => exact.round_ties_even().max(1.0) as usize,
            LayerRole::Linear => exact as usize,
        };
        let of = |f: usize| (f * size..(f + 1) * size).filter(|&j| within[i][j]);
        let sum = |f: usize| of(f).map(|j| values[i][j]).sum::<f64>();
        let mut left: Vec<usize> = (0..layer.len() / size)
            .filter(|&f| of(f).count() > 0)
            .collect();
        for _ in 0..many.min(left.len()) {
            let mut best = 0;
            for at in 1..left.len() {
                if sum(left[at]) > sum(left[best]) {
                    best = at;
                }
            }
            of(left.remove(best)).for_each(|j| kept[i][j] = true);
        }
    }
    kept
}

/// A layer's size, its scores, which of them may be chosen, and how many are to be kept.
type Drawn = (Vec<usize>, Vec<f64>, Vec<bool>, u64);

fn layer(dimensions: usize) -> impl Strategy<Value = Drawn> {
    prop::collection::vec(1usize..5, dimensions).prop_flat_map(|shape| {
        let n: usize = shape.iter().product();
        // Few values, sums of which are exact: ties are common.
        let values = prop::collection::vec((-3i32..4).prop_map(f64::from), n);
        let within = prop_oneof![
            Just(vec![true; n]).boxed(),
            prop::collection::vec(any::<bool>(), n).boxed()
        ];
        (Just(shape), values, within, 0..=n as u64)
    })
}

fn layers() -> impl Strategy<Value = (Vec<Drawn>, Vec<Drawn>)> {
    let convolutions = prop::collection::vec(layer(4), 1..4);
    (convolutions, prop::collection::vec(layer(2), 0..3))
}

/// Network, scores, mask so far, counts that it can give.
type Case = (Network, Vec<Vec<f64>>, Vec<Vec<bool>>, Vec<u64>);

fn case(drawn: &(Vec<Drawn>, Vec<Drawn>)) -> Case {
    let shape = |d: &Drawn| d.0.clone();
    let convolutions: Vec<[usize; 4]> = (drawn.0.iter().map(shape))
        .map(|s| s.try_into().unwrap())
        .collect();
    let linear: Vec<[usize; 2]> = (drawn.1.iter().map(shape))
        .map(|s| s.try_into().unwrap())
        .collect();
    let all = || drawn.0.iter().chain(&drawn.1);
    let left = |within: &[bool]| within.iter().filter(|w| **w).count() as u64;
    (
        network(&convolutions, &linear),
        all().map(|d| d.1.clone()).collect(),
        all().map(|d| d.2.clone()).collect(),
        all().map(|d| d.3.min(left(&d.2))).collect(),
    )
}

/// Selects by a unit, and says what the slow rule does not.
fn differs(drawn: &(Vec<Drawn>, Vec<Drawn>), unit: Granularity) -> Option<String> {
    let (network, values, within, counts) = case(drawn);
    let so_far = mask(&network, &within);
    let options = SelectionOptions {
        within: Some(&so_far),
        ..by_counts(&counts, unit)
    };
    let found = select(&network, &scores(&network, &values), &options);
    let expected = mask(&network, &naive(&network, &values, &within, &counts));
    match found {
        Ok((found, _)) => {
            (found != expected).then(|| format!("{}\n{}", show(&found), show(&expected)))
        }
        // All or nothing is no mask.
        Err(failure) => {
            let known = expected.kept() == 0 || expected.kept() == expected.total();
            (!known).then_some(failure.to_string())
        }
    }
}

proptest! {
    #[test]
    fn filters_agree_with_a_slow_rule(drawn in layers()) {
        if let Some(difference) = differs(&drawn, Granularity::Filters) {
            return Err(TestCaseError::fail(difference));
        }
    }

    #[test]
    fn whole_filters_and_as_many_as_the_counts_say(drawn in layers()) {
        let (network, values, _, counts) = case(&drawn);
        let options = by_counts(&counts, Granularity::Filters);
        let Ok((found, _)) = select(&network, &scores(&network, &values), &options) else {
            return Ok(());
        };
        prop_assert_eq!(found.counts(), Granularity::Filters.counts(&network, &counts, 0));
        for (layer, mask) in network.layers.iter().zip(&found.layers) {
            if layer.role == LayerRole::Conv {
                let size = layer.len() / layer.shape[0];
                let whole = |f: &[bool]| f.iter().all(|k| *k == f[0]);
                prop_assert!(mask.count() > 0 && mask.kept.chunks(size).all(whole));
            }
        }
    }
}

/// The same question to a selection of single weights: the slow rule tells the two apart.
#[test]
fn single_weights_in_place_of_filters_are_seen() {
    let drawn = (
        vec![(
            vec![3, 1, 1, 2],
            vec![3.0, 3.0, 9.0, -6.0, 2.0, 4.0],
            vec![true; 6],
            2,
        )],
        vec![(vec![2, 2], vec![1.0, 4.0, 3.0, 2.0], vec![true; 4], 2)],
    );
    assert_eq!(differs(&drawn, Granularity::Filters), None);
    assert!(differs(&drawn, Granularity::Weights).is_some());
}
