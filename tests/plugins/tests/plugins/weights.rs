//! `shuffle-kept`, `shuffle-all` and `sign-only`.
use crate::bench::Bench;
use crate::layers::{
    architecture, first_mask, initial_weights, network, random_mask, read_weights, sorted,
};
use jackpot_prune::Mask;
use jackpot_rng::Key;
use safetensors::SafeTensors;

fn bench() -> Bench {
    let mut bench = Bench::new("jackpot-check-weights", architecture());
    bench.input = Some(bench.file("weights", &initial_weights(1)));
    bench.reference = Some(bench.file("initial", &initial_weights(1)));
    bench.under(&mask());
    bench
}

fn mask() -> Mask {
    random_mask(Key::from_seed(3), first_mask().kept() as usize)
}

fn run(bench: &Bench, id: &str) -> Vec<Vec<f32>> {
    read_weights(&bench.run(id, &[]).unwrap().bytes())
}

/// Values under the mask, or those that are pruned.
fn under(mask: &Mask, weights: &[Vec<f32>], kept: bool) -> Vec<Vec<f32>> {
    let layers = mask.layers.iter().zip(weights);
    let layer = |(mask, weights): (&jackpot_prune::LayerMask, &Vec<f32>)| {
        let places = mask.kept.iter().zip(weights);
        let chosen = places.filter(|(bit, _)| **bit == kept);
        chosen.map(|(_, weight)| *weight).collect()
    };
    layers.map(layer).collect()
}

fn bits(layers: &[Vec<f32>]) -> Vec<Vec<u64>> {
    let layer = |values: &Vec<f32>| sorted(values, |w: f32| u64::from(w.to_bits()));
    layers.iter().map(layer).collect()
}

#[test]
fn shuffling_kept_weights_keeps_the_mask_and_the_kept_values() {
    let (before, after) = (
        read_weights(&initial_weights(1)),
        run(&bench(), "shuffle-kept"),
    );
    let kept = |weights: &[Vec<f32>]| under(&mask(), weights, true);
    let pruned = |weights: &[Vec<f32>]| under(&mask(), weights, false);
    assert!(pruned(&after) == pruned(&before));
    assert!(bits(&kept(&after)) == bits(&kept(&before)));
    for (layer, (new, old)) in kept(&after).iter().zip(kept(&before)).enumerate() {
        assert!(old.len() < 2 || *new != old, "layer {layer}");
    }
}

#[test]
fn shuffling_all_weights_keeps_the_layer_and_changes_what_the_mask_keeps() {
    let bench = bench();
    let (before, after) = (
        read_weights(&initial_weights(1)),
        run(&bench, "shuffle-all"),
    );
    assert!(bits(&after) == bits(&before));
    let kept = |weights: &[Vec<f32>]| bits(&under(&mask(), weights, true));
    assert!(kept(&after) != kept(&before));
    let certificate = bench.run("shuffle-all", &[]).unwrap().output.certificate;
    let layers = network().layers.len();
    assert_eq!(certificate["promises"]["structure"]["possible"], layers);
}

#[test]
fn what_is_no_prunable_weight_stays() {
    let ran = bench().run("shuffle-all", &[]).unwrap().bytes();
    let (before, after) = (initial_weights(1), ran);
    let (before, after) = (
        SafeTensors::deserialize(&before).unwrap(),
        SafeTensors::deserialize(&after).unwrap(),
    );
    assert_eq!(before.len(), after.len());
    let prunable = |name: &str| network().layers.iter().any(|l| l.name == name);
    for (name, tensor) in before.iter().filter(|(name, _)| !prunable(name)) {
        assert_eq!(after.tensor(name).unwrap().data(), tensor.data(), "{name}");
    }
}

#[test]
fn signs_are_those_of_the_initial_weights_and_sizes_their_deviation() {
    let mut bench = bench();
    // Trained weights, as far as this check is concerned: other values and signs.
    bench.input = Some(bench.file("trained", &initial_weights(9)));
    let (initial, trained) = (initial_weights(1), initial_weights(9));
    let (initial, trained) = (read_weights(&initial), read_weights(&trained));
    let after = run(&bench, "sign-only");
    assert!(under(&mask(), &after, false) == under(&mask(), &trained, false));
    let kept = under(&mask(), &initial, true);
    for ((new, old), layer) in under(&mask(), &after, true).iter().zip(&kept).zip(&initial) {
        let n = layer.len() as f64;
        let sum = |power: i32| layer.iter().map(|w| f64::from(*w).powi(power)).sum::<f64>();
        let deviation = (sum(2) / n - (sum(1) / n).powi(2)).sqrt();
        for (new, old) in new.iter().zip(old) {
            assert_eq!(new.is_sign_negative(), old.is_sign_negative());
            let error = (f64::from(new.abs()) / deviation - 1.0).abs();
            assert!(error < 1e-6, "{new} is not {deviation}");
        }
    }
}

#[test]
fn checks_are_done_in_the_order_that_is_written() {
    let (mut shuffled_first, mut signs_first) = (bench(), bench());
    let shuffled = bench().run("shuffle-kept", &[]).unwrap().bytes();
    shuffled_first.input = Some(shuffled_first.file("shuffled", &shuffled));
    // Signs are the initial weights', so what was shuffled before them is forgotten.
    assert!(run(&shuffled_first, "sign-only") == run(&bench(), "sign-only"));
    let signs = bench().run("sign-only", &[]).unwrap().bytes();
    signs_first.input = Some(signs_first.file("signs", &signs));
    let shuffled_signs = run(&signs_first, "shuffle-kept");
    assert!(shuffled_signs != read_weights(&signs));
    assert!(bits(&shuffled_signs) == bits(&read_weights(&signs)));
}

#[test]
fn without_the_initial_weights_there_are_no_signs() {
    let mut bench = bench();
    bench.reference = None;
    let failure = bench.run("sign-only", &[]).unwrap_err().message;
    assert!(failure.contains("reference weights"), "{failure}");
}
