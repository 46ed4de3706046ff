//! `grasp`, on the toy's L(w) = Σ ½ a w²: g = a w, H g = a² w, so the score is (a w)².
use crate::bench::{Bench, network, real};
use jackpot_host::{ConfigValue, Scores};
use jackpot_net::{Family, init::initial_weights};
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
        ("mixed", ConfigValue::Bool(true)),
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
    assert!(
        bench
            .run("grasp", &[("batch_size", ConfigValue::Int(1))])
            .is_err()
    );
}
