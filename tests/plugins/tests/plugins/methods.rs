//! `magnitude` and `random`, and what holds of the global masks of any scores.
use crate::bench::{Bench, network};
use jackpot_net::{Family, init::initial_weights};
use jackpot_prune::{Mask, PruningScope, Scores, SelectionRule, Sparsity, select_global};
use jackpot_rng::{Key, uniform};
use safetensors::SafeTensors;

fn bench(package: &str) -> Bench {
    let mut bench = Bench::new(package, network(Family::Resnet, 8, 4, 10));
    let network = bench.architecture.build().unwrap();
    let weights = initial_weights(&network, Key::from_seed(5)).unwrap();
    bench.weights = Some(bench.file("weights", &weights));
    bench
}

fn scores(bench: &Bench, id: &str) -> Scores {
    let network = bench.architecture.build().unwrap();
    Scores::from_safetensors(&bench.run(id, &[]).unwrap().bytes(), &network).unwrap()
}

#[test]
fn magnitude_is_the_absolute_weight() {
    let bench = bench("jackpot-magnitude");
    let bytes = std::fs::read(bench.weights.as_ref().unwrap()).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    for (name, found) in scores(&bench, "magnitude").layers {
        let tensor = file.tensor(&name).unwrap();
        let weights = tensor.data().chunks_exact(4);
        let weights = weights.map(|b| f32::from_le_bytes(b.try_into().unwrap()));
        let expected: Vec<f64> = weights.map(|w| f64::from(w).abs()).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn random_is_a_uniform_draw_of_each_layers_own_key() {
    let mut bench = bench("jackpot-random");
    let drawn = scores(&bench, "random").layers;
    for (l, (name, found)) in drawn.iter().enumerate() {
        let mut expected = vec![0.0; found.len()];
        uniform(bench.key.fold(l as u64), &mut expected);
        assert_eq!(*found, expected, "{name}");
    }
    bench.key = Key::from_seed(2);
    assert_ne!(scores(&bench, "random").layers, drawn);
}

/// What is pruned at one sparsity is pruned at every higher one, if the scores are the same.
#[test]
fn one_shot_global_masks_are_nested_over_sparsity() {
    let masks = |scores: &[&Scores], bench: &Bench| -> Vec<Mask> {
        let network = bench.architecture.build().unwrap();
        let made = |(text, scores): (&str, &&Scores)| {
            let sparsity = Sparsity::try_from(text.to_owned()).unwrap();
            let made = select_global(
                &network,
                scores,
                &sparsity,
                PruningScope::All,
                SelectionRule::Exact,
            );
            made.unwrap().0
        };
        ["0.5", "0.9", "0.98"]
            .into_iter()
            .zip(scores)
            .map(made)
            .collect()
    };
    let nested = |masks: &[Mask]| {
        masks.windows(2).all(|pair| {
            let layers = pair[0].layers.iter().zip(&pair[1].layers);
            let mut weights = layers.flat_map(|(a, b)| a.kept.iter().zip(&b.kept));
            weights.all(|(before, after)| *before || !*after)
        })
    };
    for (package, id) in [
        ("jackpot-magnitude", "magnitude"),
        ("jackpot-random", "random"),
    ] {
        let mut bench = bench(package);
        let one = scores(&bench, id);
        assert!(nested(&masks(&[&one, &one, &one], &bench)), "{id}");
        // Twin: scores drawn anew for each sparsity.
        bench.key = Key::from_seed(2);
        let other = scores(&bench, id);
        let redrawn = masks(&[&one, &other, &one], &bench);
        assert_eq!(nested(&redrawn), id == "magnitude", "{id}");
    }
}
