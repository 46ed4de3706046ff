//! `grasp`, on the toy's L(w) = Σ ½ a w²: g = a w, H g = a² w, so the score is (a w)².
use crate::bench::{Bench, network, real, word};
use jackpot_net::{Family, init::initial_weights};
use jackpot_protocol::ConfigValue;
use jackpot_prune::Scores;
use jackpot_rng::Key;

fn bench() -> Bench {
    let mut bench = Bench::new("jackpot-grasp", network(Family::Resnet, 8, 4, 10));
    let network = bench.architecture.build().unwrap();
    let weights = initial_weights(&network, Key::from_seed(5)).unwrap();
    bench.weights = Some(bench.file("weights", &weights));
    bench
}

#[test]
fn scores_are_the_weight_times_the_hessian_times_the_gradient() {
    let bench = bench();
    let network = bench.architecture.build().unwrap();
    let ran = bench.run("grasp", &[]).unwrap();
    let scores = Scores::from_safetensors(&ran.bytes(), &network).unwrap();
    let bytes = std::fs::read(bench.weights.as_ref().unwrap()).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    for (layer, (name, found)) in scores.layers.iter().enumerate() {
        let tensor = file.tensor(name).unwrap();
        let weights = tensor.data().chunks_exact(4);
        let weights = weights.map(|b| f32::from_le_bytes(b.try_into().unwrap()));
        for (i, (w, &found)) in weights.zip(found).enumerate() {
            let a = (1 + layer + i % 5) as f64;
            let expected = (a * f64::from(w)).powi(2);
            assert!((found - expected).abs() <= 1e-14 * expected, "{name}[{i}]");
        }
    }
}

#[test]
fn batches_are_asked_for_as_published_and_as_set() {
    let bench = bench();
    let ran = bench.run("grasp", &[]).unwrap();
    let asked = std::fs::read_to_string(ran.folder.path().join("asked")).unwrap();
    let lines: Vec<&str> = asked.lines().collect();
    assert_eq!(lines.len(), 3, "{asked}");
    let published =
        "n_batches: 1, batch_size: 128, per_class: 10, parts: 2, augment: true, shuffle: false";
    assert!(lines[0].contains(published), "{asked}");
    for (line, call) in lines[1..].iter().zip(["grad", "hvp"]) {
        assert!(
            line.starts_with(&format!("{call} 7 at weights: ")),
            "{asked}"
        );
        let objective = "loss: CrossEntropy, input: Data, train_mode: true";
        assert!(
            line.contains(objective) && line.contains("temperature: 200.0"),
            "{asked}"
        );
    }
    let given = [
        ("samples_per_class", ConfigValue::Int(1)),
        ("batches", ConfigValue::Int(10)),
        ("temperature", real(1.0)),
        ("shuffle", ConfigValue::Bool(true)),
        ("augment", ConfigValue::Bool(false)),
    ];
    let ran = bench.run("grasp", &given).unwrap();
    let asked = std::fs::read_to_string(ran.folder.path().join("asked")).unwrap();
    let set =
        "n_batches: 10, batch_size: 128, per_class: 1, parts: 2, augment: false, shuffle: true";
    assert!(
        asked.contains(set) && asked.contains("temperature: 1.0"),
        "{asked}"
    );
    let parts = |given: &[(&str, ConfigValue)]| {
        let ran = bench.run("grasp", given).unwrap();
        let asked = std::fs::read_to_string(ran.folder.path().join("asked")).unwrap();
        let (_, rest) = asked.split_once("parts: ").unwrap();
        rest.split_once(',').unwrap().0.to_owned()
    };
    assert_eq!(parts(&[("profile", word("corrected"))]), "1");
    let four = ("parts", ConfigValue::Int(4));
    assert_eq!(parts(&[("profile", word("corrected")), four.clone()]), "4");
    assert_eq!(parts(&[four]), "4");
}

/// The released code scores linear layers at a Xavier draw: other scores there, the same
/// elsewhere on a loss without curvature between layers, and the log says it.
#[test]
fn a_redrawn_classifier_is_scored_at_other_weights_and_said() {
    let bench = bench();
    let network = bench.architecture.build().unwrap();
    let scores = |given: &[(&str, ConfigValue)]| {
        let ran = bench.run("grasp", given).unwrap();
        let scores = Scores::from_safetensors(&ran.bytes(), &network).unwrap();
        (scores.layers, ran.output.log)
    };
    let (kept, log) = scores(&[]);
    assert!(log.contains("scored at its own weights"), "{log}");
    assert!(log.contains("rows in class order"), "{log}");
    let (redrawn, log) = scores(&[("redraw_classifier", ConfigValue::Bool(true))]);
    assert!(
        log.contains("warning: grasp: the classifier is drawn anew"),
        "{log}"
    );
    let last = kept.len() - 1;
    for (layer, (a, b)) in kept.iter().zip(&redrawn).enumerate() {
        assert_eq!(a.1 == b.1, layer < last, "{}", a.0);
    }
    // The toy's score is (a w)² at w: invert it for the variance of the drawn weights,
    // 2 / (16 + 10). 160 draws: the relative sd of a variance is 11 %.
    let squares = redrawn[last].1.iter().enumerate();
    let squares = squares.map(|(i, score)| score / ((1 + last + i % 5) as f64).powi(2));
    let variance = squares.sum::<f64>() / 160.0;
    assert!((variance * 13.0 - 1.0).abs() < 0.45, "{variance}");
}
