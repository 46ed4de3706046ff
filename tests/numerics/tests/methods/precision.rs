//! What scores are computed in: the masks of f64 are those of PyTorch in f64, and those of f32
//! are not.
use crate::methods::real::{Real, mask, overlap};
use crate::support::*;
use jackpot_net::{Network, ScorePrecision};
use jackpot_prune::{Mask, Scores};

/// Kept weights that a mask must share with the one of PyTorch in f64.
const ENOUGH: f64 = 0.999;
const SPARSITIES: [&str; 3] = ["0.9", "0.95", "0.98"];

fn run(golden: &Golden, method: &str, precision: ScorePrecision) -> Vec<u8> {
    let network = golden_network();
    let mut real = Real::new(&network, &golden.under("w/")).given(&golden.batch());
    real.precision = precision;
    real.run(method, method, &[]).bytes
}

/// Layer by layer, the larger is kept.
fn scores(golden: &Golden, method: &str, precision: ScorePrecision) -> Vec<Vec<f64>> {
    let bytes = run(golden, method, precision);
    let scores = Scores::from_safetensors(&bytes, &golden_network()).unwrap();
    scores.layers.into_iter().map(|(_, s)| s).collect()
}

/// PyTorch's in f64, the larger is kept.
fn truth(network: &Network, method: &str) -> Vec<Vec<f64>> {
    // GraSP's paper prunes the largest.
    let sign = if method == "grasp" { -1.0 } else { 1.0 };
    let golden = Golden::f64();
    let layer = |layer: &jackpot_net::Layer| {
        let name = layer.name.strip_suffix(".weight").unwrap();
        let scores = golden.numbers(&format!("{method}64/{name}"));
        scores.into_iter().map(|s| sign * s).collect()
    };
    network.layers.iter().map(layer).collect()
}

/// The smallest share of PyTorch's kept weights that a precision keeps too.
fn least(golden: &Golden, method: &str, precision: ScorePrecision) -> f64 {
    let network = golden_network();
    let (found, truth) = (scores(golden, method, precision), truth(&network, method));
    let shares = SPARSITIES.map(|sparsity| {
        let of = |scores| -> Mask { mask(&network, scores, sparsity) };
        overlap(&of(&truth), &of(&found))
    });
    shares.into_iter().fold(1.0, f64::min)
}

#[test]
fn masks_in_f64_are_those_of_pytorch_in_f64() {
    let golden = Golden::f32();
    for method in ["snip", "grasp"] {
        let shares = ScorePrecision::ALL.map(|p| (p, least(&golden, method, p)));
        println!("{method}: least share of kept weights with PyTorch in f64: {shares:?}");
        for (precision, share) in shares {
            if precision == ScorePrecision::F64 {
                assert!(share >= ENOUGH, "{method}: {share}");
            }
            // What an old study means by its silence does not hold the bound: it tells the two
            // apart.
            if precision == ScorePrecision::F32 && method == "snip" {
                assert!(share < ENOUGH, "{method}: {share}");
            }
        }
    }
}

/// Each precision is a computation of its own, and the same bytes every time.
#[test]
fn every_precision_has_its_bytes_and_keeps_them() {
    let golden = Golden::f32();
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for precision in ScorePrecision::ALL {
        let bytes = run(&golden, "grasp", precision);
        assert_eq!(bytes, run(&golden, "grasp", precision), "{precision:?}");
        assert!(
            !seen.contains(&bytes),
            "{precision:?} is no other computation"
        );
        seen.push(bytes);
    }
}

/// SynFlow asks for f64, so its scores are in f64 whatever the rest is computed in.
#[test]
fn a_method_that_asks_for_f64_has_it_in_every_precision() {
    let (network, golden) = (golden_network(), Golden::f32());
    let mut real = Real::new(&network, &golden.under("w/"));
    real.rounds(1, "0.9");
    let mut found = ScorePrecision::ALL.map(|precision| {
        real.precision = precision;
        real.scores("saliency", "synflow", &[]).concat()
    });
    let truth = found[0].clone();
    for scores in &found[1..] {
        let off = distance(scores, &truth);
        assert!(off < 1e-12, "{off:e}");
    }
    // In f32 it would be further off than that.
    found[1].iter_mut().for_each(|x| *x = f64::from(*x as f32));
    assert!(distance(&found[1], &truth) > 1e-9);
}
