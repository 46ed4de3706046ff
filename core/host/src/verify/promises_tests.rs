use super::*;
use jackpot_net::LayerRole;
use jackpot_prune::LayerMask;

fn network(lengths: &[usize]) -> Network {
    let layers = lengths.iter().map(|&n| (LayerRole::Conv, vec![n]));
    crate::test_network::network(layers.collect())
}

/// "x.x|.." is two layers.
fn mask(text: &str) -> Mask {
    let layer = |(i, t): (usize, &str)| LayerMask {
        name: format!("l{i}.weight"),
        shape: vec![t.len()],
        kept: t.chars().map(|c| c == 'x').collect(),
    };
    Mask {
        layers: text.split('|').enumerate().map(layer).collect(),
    }
}

fn check(
    promises: u32,
    so_far: &Mask,
    before: &OutputValue,
    after: &OutputValue,
) -> Result<String, String> {
    let lengths: Vec<usize> = so_far.layers.iter().map(|l| l.kept.len()).collect();
    let network = network(&lengths);
    let facts = PromiseContext {
        network: &network,
        kind: Kind::Check,
        promises,
        mask: so_far,
        selected: None,
        keep_count: 0,
    };
    verify(&facts, Some(before), after)
        .map(|c| c.to_string())
        .map_err(|f| f.message)
}

fn masks(promises: u32, before: &str, after: &str) -> Result<String, String> {
    let (b, a) = (mask(before), mask(after));
    check(
        promises,
        &b.clone(),
        &OutputValue::Masks(b),
        &OutputValue::Masks(a),
    )
}

const REARRANGE: u32 =
    abi::JKP_KEEPS_LAYER_COUNTS | abi::JKP_KEEPS_TOTAL_COUNT | abi::JKP_CHANGES_OUTPUT;

#[test]
fn a_rearranged_mask_keeps_its_promises_and_its_broken_twins_do_not() {
    let good = masks(REARRANGE, "xx..|xx", "x.x.|xx").unwrap();
    // The second layer is full: only the first could change.
    assert!(
        good.contains(
            r#""changed":{"changed":2,"changed_tensors":1,"possible":4,"possible_tensors":1}"#
        ),
        "{good}"
    );
    let error = masks(REARRANGE, "xx..|x.", "xxx.|..").unwrap_err();
    assert!(
        error.contains("`keeps-layer-counts`") && error.contains("`l0.weight` kept 2"),
        "{error}"
    );
    let error = masks(abi::JKP_KEEPS_TOTAL_COUNT, "xx..|x.", "xxx.|x.").unwrap_err();
    assert!(
        error.contains("3 weights were to be kept over all layers and 4 are"),
        "{error}"
    );
    let error = masks(REARRANGE, "xx..|x.", "xx..|x.").unwrap_err();
    assert!(error.contains("changed nothing of 6 values"), "{error}");
    // Not promised, still not silent.
    assert!(
        masks(0, "x.", "x.")
            .unwrap_err()
            .contains("changed nothing")
    );
    // One full layer beside one that changes is fine (above); nothing but such layers is not.
    for (before, says) in [
        ("xx|xx", "every layer of the mask is kept whole"),
        ("xx|..", "every layer of the mask is full or empty"),
    ] {
        let error = masks(REARRANGE, before, before).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn the_certificate_counts_the_layers_that_moved() {
    let good = masks(REARRANGE, "x.x.|x.|xx", ".x.x|x.|xx").unwrap();
    assert!(
        good.contains(r#""changed_tensors":1,"possible":6,"possible_tensors":2"#),
        "{good}"
    );
}

#[test]
fn weights_keep_their_values_under_the_mask_or_everywhere() {
    let so_far = mask("xx..");
    let weights = |v: [f32; 4]| OutputValue::Weights(vec![v.to_vec()]);
    let before = weights([1.0, 2.0, 3.0, 4.0]);
    let kept = abi::JKP_KEEPS_KEPT_MULTISET | abi::JKP_CHANGES_OUTPUT;
    assert!(check(kept, &so_far, &before, &weights([2.0, 1.0, 0.0, 0.0])).is_ok());
    let error = check(kept, &so_far, &before, &weights([3.0, 1.0, 2.0, 4.0])).unwrap_err();
    assert!(
        error.contains("kept values of layer `l0.weight`"),
        "{error}"
    );
    // Only a pruned weight differs: under the mask nothing changed.
    let error = check(kept, &so_far, &before, &weights([1.0, 2.0, 9.0, 4.0])).unwrap_err();
    assert!(error.contains("changed nothing of 2"), "{error}");
    let all = abi::JKP_KEEPS_MULTISET;
    assert!(check(all, &so_far, &before, &weights([3.0, 1.0, 2.0, 4.0])).is_ok());
    assert!(check(all, &so_far, &before, &weights([3.0, 1.0, 2.0, -4.0])).is_err());
}

#[test]
fn a_rowwise_shuffle_keeps_the_values_of_every_image() {
    let images = |pixels: &[u8]| OutputValue::Images {
        pixels: pixels.to_vec(),
        shape: [1, 1, 3],
    };
    let promises = abi::JKP_KEEPS_MULTISET | abi::JKP_ROWWISE | abi::JKP_CHANGES_OUTPUT;
    let so_far = mask("x");
    let before = images(&[1, 2, 3, 4, 5, 6, 7, 7, 7]);
    let good = check(
        promises,
        &so_far,
        &before,
        &images(&[3, 1, 2, 4, 6, 5, 7, 7, 7]),
    )
    .unwrap();
    assert!(
        good.contains(r#""changed":5,"changed_tensors":2,"possible":6"#),
        "{good}"
    );
    let error = check(
        promises,
        &so_far,
        &before,
        &images(&[4, 1, 2, 3, 6, 5, 7, 7, 7]),
    )
    .unwrap_err();
    assert!(error.contains("image 0"), "{error}");
    // Values may cross rows where that was not promised.
    let loose = abi::JKP_KEEPS_MULTISET;
    assert!(
        check(
            loose,
            &so_far,
            &before,
            &images(&[4, 1, 2, 3, 6, 5, 7, 7, 7])
        )
        .is_ok()
    );
}

#[test]
fn a_method_meets_its_total_and_stays_nested() {
    let network = network(&[4]);
    let so_far = mask("xx..");
    let facts = |promises| PromiseContext {
        network: &network,
        kind: Kind::Method,
        promises,
        mask: &so_far,
        selected: None,
        keep_count: 2,
    };
    let total = facts(abi::JKP_KEEPS_TOTAL_COUNT);
    assert!(verify(&total, None, &OutputValue::Counts(vec![2])).is_ok());
    assert!(verify(&total, None, &OutputValue::Counts(vec![3])).is_err());
    let nested = facts(abi::JKP_NESTED);
    assert!(verify(&nested, None, &OutputValue::Masks(mask("x..."))).is_ok());
    let error = verify(&nested, None, &OutputValue::Masks(mask("x.x."))).unwrap_err();
    assert!(
        error.message.contains("keeps 1 weights that were pruned"),
        "{error}"
    );
}

#[test]
fn a_promise_is_never_kept_by_comparing_nothing() {
    let so_far = mask("xx..");
    let (before, after) = (
        OutputValue::Labels(vec![0, 1]),
        OutputValue::Subset(vec![true, false]),
    );
    let promises = abi::JKP_KEEPS_MULTISET;
    let error = check(promises, &so_far, &before, &after).unwrap_err();
    assert!(error.contains("of another kind"), "{error}");
    let moved = OutputValue::Labels(vec![1, 0]);
    assert!(check(promises, &so_far, &before, &moved).is_ok());
}
