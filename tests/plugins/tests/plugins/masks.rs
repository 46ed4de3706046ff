//! `layerwise-rearrange`, `global-rearrange` and `transport`.
use crate::bench::Bench;
use crate::layers::{architecture, first_mask, random_mask};
use jackpot_prune::Mask;
use jackpot_rng::{Key, permutation};

fn bench(package: &str, mask: &Mask) -> Bench {
    let mut bench = Bench::new(package, architecture());
    bench.change(mask);
    bench
}

/// The overlap of `k` and `l` of `n` at random places: hypergeometric; five standard deviations.
fn at_chance(overlap: u64, k: u64, l: u64, n: u64) {
    let [overlap, k, l, n] = [overlap, k, l, n].map(|x| x as f64);
    let mean = k * l / n;
    let variance = mean * (1.0 - k / n) * (n - l) / (n - 1.0).max(1.0);
    let bound = 5.0 * variance.sqrt() + 1.0;
    assert!(
        (overlap - mean).abs() <= bound,
        "{overlap} of {k} and {l} in {n}: {mean} ± {bound}"
    );
}

#[test]
fn layerwise_rearrange_keeps_counts_and_nothing_else() {
    let before = first_mask();
    let bench = bench("jackpot-check-rearrange", &before);
    let after = bench.changed_mask("layerwise-rearrange");
    assert_eq!(after.counts(), before.counts());
    let overlaps = before.overlap(&after).unwrap();
    for (layer, (overlap, of)) in overlaps.iter().zip(&after.layers).enumerate() {
        let n = of.kept.len();
        at_chance(*overlap, of.count(), of.count(), n as u64);
        // The permutation itself, drawn here: random scores with the counts copied.
        let order = permutation(bench.key.fold(layer as u64), n);
        let mut expected = vec![false; n];
        for place in &order[..of.count() as usize] {
            expected[*place as usize] = true;
        }
        assert_eq!(of.kept, expected, "layer {layer}");
    }
}

#[test]
fn global_rearrange_is_random_scores_with_a_global_allocation() {
    let before = first_mask();
    let bench = bench("jackpot-check-masks", &before);
    let after = bench.changed_mask("global-rearrange");
    assert!(after == random_mask(bench.key, before.kept() as usize));
    assert_ne!(after.counts(), before.counts());
    let total = before.total();
    for (now, of) in after.counts().iter().zip(&after.layers) {
        at_chance(*now, before.kept(), of.kept.len() as u64, total);
    }
    let both = before.overlap(&after).unwrap().iter().sum();
    at_chance(both, before.kept(), after.kept(), total);
}

#[test]
fn transport_gives_the_mask_of_the_donor() {
    let before = first_mask();
    let kept = before.kept() as usize;
    let mut bench = bench("jackpot-check-masks", &before);
    let donor = random_mask(Key::from_seed(2), kept);
    bench.donor = Some(bench.file("donor", &donor.to_bytes()));
    assert!(bench.changed_mask("transport") == donor);
    let more = random_mask(Key::from_seed(2), kept + 3);
    bench.donor = Some(bench.file("donor", &more.to_bytes()));
    let failure = bench.run("transport", &[]).unwrap_err().message;
    let expected = format!("the donor keeps {} weights and this mask {kept}", kept + 3);
    assert!(failure.contains(&expected), "{failure}");
    // Another seed's mask that is this one: a data-free method without a draw.
    bench.donor = Some(bench.file("donor", &before.to_bytes()));
    let failure = bench.run("transport", &[]).unwrap_err().message;
    assert!(failure.contains("changed nothing of"), "{failure}");
}

#[test]
fn rearranging_is_done_in_the_order_that_is_written() {
    let before = first_mask();
    let mut layerwise = bench("jackpot-check-rearrange", &before);
    let mut global = bench("jackpot-check-masks", &before);
    global.key = Key::from_seed(5);
    let moved = global.changed_mask("global-rearrange");
    layerwise.change(&moved);
    let global_first = layerwise.changed_mask("layerwise-rearrange");
    layerwise.change(&before);
    global.change(&layerwise.changed_mask("layerwise-rearrange"));
    let layerwise_first = global.changed_mask("global-rearrange");
    // What is global last forgets everything but the total.
    assert!(layerwise_first == moved);
    assert_eq!(global_first.counts(), moved.counts());
    assert!(global_first != layerwise_first);
}
