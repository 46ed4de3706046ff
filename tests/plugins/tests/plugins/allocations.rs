//! `uniform` and `smart-ratio`.
use crate::bench::{Bench, network, real, word};
use jackpot_net::Family;
use jackpot_protocol::ConfigValue;

const RELEASED: &str =
    include_str!("../../../../plugins/methods/allocations/tests/smart_ratio_counts.json");

fn bench(family: Family, depth: u32) -> Bench {
    let width = if family == Family::Vgg { 64 } else { 32 };
    Bench::new("jackpot-allocations", network(family, depth, width, 10))
}

fn counts(bench: &Bench, id: &str, given: &[(&str, ConfigValue)]) -> Vec<u64> {
    let bytes = bench.run(id, given).unwrap().bytes();
    let counts: Vec<(String, u64)> = serde_json::from_slice(&bytes).unwrap();
    let network = bench.architecture.build().unwrap();
    for ((name, count), layer) in counts.iter().zip(&network.layers) {
        assert_eq!(name, &layer.name);
        assert!(*count <= layer.len() as u64);
    }
    assert_eq!(counts.len(), network.layers.len());
    counts.into_iter().map(|(_, count)| count).collect()
}

/// On the networks as `jackpot-net` builds them: the order of the layers is part of it.
#[test]
fn smart_ratio_keeps_what_the_released_code_keeps() {
    let released: serde_json::Value = serde_json::from_str(RELEASED).unwrap();
    for (family, network) in [(Family::Resnet, "resnet32"), (Family::Vgg, "vgg19")] {
        let depth = network.trim_start_matches(char::is_alphabetic);
        let mut bench = bench(family, depth.parse().unwrap());
        for (sparsity, keep) in [("0.9", 0.1), ("0.95", 0.05), ("0.98", 0.02)] {
            bench.keep = keep;
            let case = format!("{network}/classes=10/sparsity={sparsity}/quadratic");
            let expected: Vec<u64> =
                serde_json::from_value(released[&case]["keep"].clone()).unwrap();
            assert_eq!(counts(&bench, "smart-ratio", &[]), expected, "{case}");
        }
    }
}

#[test]
fn shapes_are_parameters() {
    let released: serde_json::Value = serde_json::from_str(RELEASED).unwrap();
    let mut bench = bench(Family::Resnet, 32);
    bench.keep = 0.02;
    for (shape, flag) in [
        ("linear", "linear_decay"),
        ("ascending", "ascend"),
        ("cubic", "cubic"),
        ("uniform", "uniform"),
    ] {
        let case = format!("resnet32/classes=10/sparsity=0.98/{flag}");
        let expected: Vec<u64> = serde_json::from_value(released[&case]["keep"].clone()).unwrap();
        let found = counts(&bench, "smart-ratio", &[("shape", word(shape))]);
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn form_and_l_and_linear_keep_ratio_are_parameters() {
    let bench = bench(Family::Resnet, 8);
    let with = |given: &[(&str, ConfigValue)]| counts(&bench, "smart-ratio", given);
    let default = with(&[]);
    assert_eq!(with(&[("form", word("resnet"))]), default);
    assert_ne!(with(&[("form", word("vgg"))]), default);
    assert_eq!(with(&[("L", ConfigValue::Int(10))]), default);
    assert_ne!(with(&[("L", ConfigValue::Int(12))]), default);
    let half = with(&[("linear_keep_ratio", real(0.5))]);
    assert_eq!(*half.last().unwrap(), 640);
    let failure = bench.run("smart-ratio", &[("L", ConfigValue::Int(3))]);
    let failure = failure.unwrap_err();
    assert!(failure.message.contains("`L` is 3"), "{failure}");
    assert!(
        bench
            .run("smart-ratio", &[("shape", word("cubist"))])
            .is_err()
    );
}

#[test]
fn corrected_and_uniform_meet_the_budget() {
    for (family, depth) in [(Family::Resnet, 8), (Family::Vgg, 11)] {
        let mut bench = bench(family, depth);
        let network = bench.architecture.build().unwrap();
        for keep in [0.5, 0.1, 0.05, 0.02] {
            bench.keep = keep;
            let budget = (network.prunable_weights() as f64 * keep).round_ties_even() as u64;
            let uniform = counts(&bench, "uniform", &[]);
            assert_eq!(uniform.iter().sum::<u64>(), budget);
            for (&count, layer) in uniform.iter().zip(&network.layers) {
                assert!((count as f64 - layer.len() as f64 * keep).abs() <= 1.0);
            }
            for shape in ["quadratic", "linear", "cubic", "ascending", "uniform"] {
                let given = [("profile", word("corrected")), ("shape", word(shape))];
                let found = counts(&bench, "smart-ratio", &given);
                assert_eq!(found.iter().sum::<u64>(), budget, "{shape} at {keep}");
            }
        }
    }
}

#[test]
fn a_budget_below_the_linear_layers_is_refused() {
    let mut bench = Bench::new("jackpot-allocations", network(Family::Resnet, 8, 4, 1_000));
    bench.keep = 0.02;
    for profile in ["published", "corrected"] {
        let failure = bench.run("smart-ratio", &[("profile", word(profile))]);
        let message = failure.unwrap_err().message;
        assert!(
            message.contains("linear layers alone keep 4800"),
            "{message}"
        );
    }
}

#[test]
fn a_cut_network_is_said_to_be_cut() {
    let mut bench = bench(Family::Resnet, 32);
    bench.keep = 0.02;
    let ran = bench.run("smart-ratio", &[("shape", word("ascending"))]);
    let log = ran.unwrap().output.log;
    assert!(log.contains("cut: `conv1.weight` keeps no weight"), "{log}");
    assert!(log.contains("form resnet, L = 34"), "{log}");
    let log = bench.run("smart-ratio", &[]).unwrap().output.log;
    assert!(!log.contains("cut:"), "{log}");
}
