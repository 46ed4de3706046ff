//! `synflow`, `force`, `iterative-snip` and `taylor`, on the toy's L(w) = Σ ½ a w², whose
//! gradient at a point p is a p.
use crate::bench::{Bench, Ran, network};
use jackpot_net::{Family, init::initial_weights};
use jackpot_protocol::ConfigValue;
use jackpot_prune::{
    LayerConstraints, Mask, PruningRounds, PruningScope, RoundSchedule, Scores, Sparsity,
};
use jackpot_rng::Key;
use safetensors::SafeTensors;

fn bench() -> Bench {
    let mut bench = Bench::new("jackpot-saliency", network(Family::Resnet, 8, 4, 10));
    let network = bench.architecture.build().unwrap();
    let weights = initial_weights(&network, Key::from_seed(5)).unwrap();
    bench.weights = Some(bench.file("weights", &weights));
    bench
}

/// One round, of an item that works in rounds.
fn once(bench: &mut Bench) {
    bench.rounds = Some(PruningRounds {
        count: 1,
        schedule: RoundSchedule::Exponential,
        sparsity: Sparsity::try_from("0.9".to_owned()).unwrap(),
        scope: PruningScope::All,
        constraints: LayerConstraints::default(),
    });
}

/// Prunes every third weight.
fn prune(bench: &mut Bench) -> Mask {
    let mut mask = Mask::dense(&bench.architecture.build().unwrap());
    for layer in &mut mask.layers {
        layer
            .kept
            .iter_mut()
            .step_by(3)
            .for_each(|kept| *kept = false);
    }
    bench.mask = Some(bench.file("mask", &mask.to_bytes()));
    mask
}

/// Every score is `expected(a, weight, kept)`.
fn check(bench: &Bench, ran: &Ran, mask: &Mask, expected: impl Fn(f64, f64, f64) -> f64) {
    let network = bench.architecture.build().unwrap();
    let scores = Scores::from_safetensors(&ran.bytes(), &network).unwrap();
    let bytes = std::fs::read(bench.weights.as_ref().unwrap()).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    for (l, (name, found)) in scores.layers.iter().enumerate() {
        let tensor = file.tensor(name).unwrap();
        let weights = tensor.data().chunks_exact(4);
        let weights = weights.map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())));
        assert_eq!(weights.len(), found.len());
        for (i, (w, &found)) in weights.zip(found).enumerate() {
            let kept = f64::from(u8::from(mask.layers[l].kept[i]));
            let expected = expected((1 + l + i % 5) as f64, w, kept);
            assert!((found - expected).abs() <= 1e-14 * expected, "{name}[{i}]");
        }
    }
}

fn asked(ran: &Ran) -> Vec<String> {
    let asked = std::fs::read_to_string(ran.folder.path().join("asked")).unwrap();
    let asked = asked.lines().filter(|line| !line.starts_with("mask of"));
    asked.map(str::to_owned).collect()
}

#[test]
fn synflow_differentiates_the_summed_output_at_the_absolute_weights_under_the_mask() {
    let mut bench = bench();
    once(&mut bench);
    let mask = prune(&mut bench);
    let item = bench.item("synflow");
    assert!(!item.needs_data() && !item.needs_rng());
    assert_eq!(item.rounds_hint, 100);
    let ran = bench.run("synflow", &[]).unwrap();
    check(&bench, &ran, &mask, |a, w, kept| a * w * w * kept);
    let asked = asked(&ran);
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].starts_with("grad 0 at point: "), "{asked:?}");
    assert!(
        asked[0].contains(
            "loss: SumLogits, input: Ones, train_mode: false, compute_f64: true, \
             temperature: 1.0, abs_rest: true"
        ),
        "{asked:?}"
    );
    assert!(!ran.output.log.contains("warning"), "{}", ran.output.log);
}

#[test]
fn a_network_without_a_path_is_said_to_have_none() {
    let mut bench = bench();
    once(&mut bench);
    let mut weights = std::fs::read(bench.weights.as_ref().unwrap()).unwrap();
    // All weights 0: every score is.
    let data = 8 + u64::from_le_bytes(weights[..8].try_into().unwrap()) as usize;
    weights[data..].fill(0);
    bench.weights = Some(bench.file("zero", &weights));
    let log = bench.run("synflow", &[]).unwrap().output.log;
    assert!(log.contains("warning: synflow: every score is 0"), "{log}");
}

/// The gradient is taken at the masked weights, the factor is the weight itself.
#[test]
fn force_and_iterative_snip_score_at_the_mask_so_far() {
    let mut bench = bench();
    once(&mut bench);
    let mask = prune(&mut bench);
    for id in ["force", "iterative-snip"] {
        assert_eq!(bench.item(id).rounds_hint, 60, "{id}");
        let ran = bench.run(id, &[]).unwrap();
        check(&bench, &ran, &mask, |a, w, kept| (w * (a * w * kept)).abs());
        let asked = asked(&ran);
        assert_eq!(asked.len(), 2, "{asked:?}");
        let plain = "n_batches: 1, batch_size: 128, per_class: 0, parts: 1, augment: true";
        assert!(asked[0].contains(plain), "{asked:?}");
        assert!(asked[1].starts_with("grad 7 at weights: "), "{asked:?}");
        assert!(asked[1].contains("train_mode: true"), "{asked:?}");
    }
}

#[test]
fn taylor_is_the_mean_over_batches_of_the_squared_product() {
    let bench = bench();
    let dense = Mask::dense(&bench.architecture.build().unwrap());
    for batches in [1, 4] {
        let ran = bench
            .run("taylor", &[("batches", ConfigValue::Int(batches))])
            .unwrap();
        check(&bench, &ran, &dense, |a, w, _| (w * a * w).powi(2));
        let asked = asked(&ran);
        assert_eq!(asked.len(), 2 * batches as usize, "{asked:?}");
        let drawn = asked.iter().step_by(2);
        let keys: std::collections::BTreeSet<_> =
            drawn.map(|line| line.split(", ").next().unwrap()).collect();
        assert_eq!(keys.len(), batches as usize, "each batch from its own key");
        assert!(
            asked[0].contains("n_batches: 1, batch_size: 128, per_class: 10"),
            "{asked:?}"
        );
    }
}
