//! `invert` and `shuffle-scores`.
use crate::bench::Bench;
use crate::layers::{architecture, network, read_scores, scores, sorted, write_scores};
use jackpot_prune::{Mask, PruningScope, Scores, SelectionRule, Sparsity, select_global};

fn bench(layers: &[Vec<f64>]) -> Bench {
    let mut bench = Bench::new("jackpot-check-scores", architecture());
    bench.input = Some(bench.file("scores", &write_scores(layers)));
    bench
}

fn run(layers: &[Vec<f64>], id: &str) -> Vec<Vec<f64>> {
    read_scores(&bench(layers).run(id, &[]).unwrap().bytes())
}

fn half(layers: &[Vec<f64>]) -> Mask {
    let network = network();
    let scores = Scores::from_safetensors(&write_scores(layers), &network).unwrap();
    let sparsity = Sparsity::try_from("0.5".to_owned()).unwrap();
    let (mask, _) = select_global(
        &network,
        &scores,
        &sparsity,
        PruningScope::All,
        SelectionRule::Exact,
    )
    .unwrap();
    mask
}

#[test]
fn inverted_scores_keep_what_was_pruned() {
    // Distinct scores, an even number: the halves are complements.
    let mut count = 0.0;
    let distinct: Vec<Vec<f64>> = scores()
        .iter()
        .map(|layer| {
            let next = |_: &f64| {
                count += 1.0;
                (count * 7919.0_f64) % 100_003.0
            };
            layer.iter().map(next).collect()
        })
        .collect();
    assert_eq!(network().prunable_weights() % 2, 0);
    let inverted = run(&distinct, "invert");
    let (kept, others) = (half(&distinct), half(&inverted));
    for (a, b) in kept.layers.iter().zip(&others.layers) {
        assert!(
            a.kept.iter().zip(&b.kept).all(|(a, b)| a != b),
            "{}",
            a.name
        );
    }
}

#[test]
fn inverting_twice_is_nothing_and_zeros_stay_zeros() {
    let scores = scores();
    let inverted = run(&scores, "invert");
    for (new, old) in inverted.iter().flatten().zip(scores.iter().flatten()) {
        assert_eq!(*new, -*old);
        assert!(*old != 0.0 || new.to_bits() == 0, "0 became −0");
    }
    assert!(scores.iter().flatten().any(|score| *score == 0.0));
    assert!(run(&inverted, "invert") == scores);
}

#[test]
fn shuffled_scores_keep_the_values_of_each_layer_and_the_counts_of_a_global_allocation() {
    let scores = scores();
    let shuffled = run(&scores, "shuffle-scores");
    for (new, old) in shuffled.iter().zip(&scores) {
        assert!(sorted(new, f64::to_bits) == sorted(old, f64::to_bits));
        assert!(new != old);
    }
    let (before, after) = (half(&scores), half(&shuffled));
    assert_eq!(before.counts(), after.counts());
    assert!(before != after);
}
