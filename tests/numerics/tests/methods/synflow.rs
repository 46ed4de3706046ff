//! SynFlow through the worker: its layers carry the output, in f64, in evaluation mode and
//! over many rounds; the twin that changes one of the three does not.
use crate::methods::real::{Real, mask};
use crate::support::*;
use jackpot_net::{Activation, Family, Loss, Network, Objective, ObjectiveInput};
use jackpot_prune::Collapse;

const SUMMED_OUTPUT: Objective = Objective {
    loss: Loss::SumLogits,
    input: ObjectiveInput::Ones,
    train_mode: false,
    compute_f64: true,
    temperature: 1.0,
    abs_rest: true,
};

fn vgg() -> Network {
    network(Family::Vgg, 11, 8, 10, [3, 32, 32], Activation::Relu)
}

/// One call of `synflow` at the first weights.
fn one_round(network: &Network) -> Real {
    let mut real = Real::new(network, &first_weights(network));
    real.rounds(1, "0.5");
    real
}

fn sums(real: &Real) -> Vec<f64> {
    let scores = real.scores("saliency", "synflow", &[]);
    scores.iter().map(|layer| layer.iter().sum()).collect()
}

/// R at the absolute weights, those of layers in `without` set to 0.
fn output(real: &Real, without: &[usize]) -> f64 {
    let mut at = real.layers();
    at.iter_mut().flatten().for_each(|w| *w = w.abs());
    without.iter().for_each(|&layer| at[layer].fill(0.0));
    let autodiff = autodiff(&real.network, &first_weights(&real.network), None, None);
    autodiff
        .loss(&SUMMED_OUTPUT, 0, Some(&slices(&at)))
        .unwrap()
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * b.abs()
}

#[test]
fn every_layer_of_a_vgg_carries_the_output() {
    let real = one_round(&vgg());
    let r = output(&real, &[]);
    for (layer, sum) in real.network.layers.iter().zip(sums(&real)) {
        assert!(same(sum, r), "{}: {sum:e} of {r:e}", layer.name);
    }
}

/// Inside a residual block the two convolutions carry what the shortcut does not; with a
/// projection, main path and projection together carry all.
#[test]
fn residual_blocks_share_the_output_between_their_paths() {
    let network = network(Family::Resnet, 14, 8, 10, [3, 32, 32], Activation::Relu);
    let real = one_round(&network);
    let (r, sums) = (output(&real, &[]), sums(&real));
    let at = |name: &str| network.layers.iter().position(|layer| layer.name == name);
    let sum = |name: &str| sums[at(name).unwrap()];
    assert!(same(sum("conv1.weight"), r) && same(sum("fc.weight"), r));
    for stage in 1..=3 {
        for block in 0..2 {
            let name = |part: &str| format!("layer{stage}.{block}.{part}.weight");
            let (first, second) = (sum(&name("conv1")), sum(&name("conv2")));
            let carried = output(&real, &[at(&name("conv2")).unwrap()]);
            assert!(same(first, second), "{stage}.{block}");
            assert!(
                same(first + carried, r),
                "{stage}.{block}: {first:e} + {carried:e}"
            );
            assert!(first > 0.0 && carried > 0.0);
            if let Some(projection) = at(&name("downsample.0")) {
                assert!(same(second + sums[projection], r), "{stage}.{block}");
                let share = sums[projection] / r;
                println!(
                    "layer{stage}: main {:.3}, projection {share:.3}",
                    1.0 - share
                );
            }
        }
    }
}

/// With batch statistics the filters before a normalisation carry nothing at all.
#[test]
fn batch_statistics_break_the_conservation() {
    let real = one_round(&vgg());
    let network = &real.network;
    let mut at = real.layers();
    at.iter_mut().flatten().for_each(|w| *w = w.abs());
    let autodiff = autodiff(network, &first_weights(network), None, None);
    let carried = |train_mode: bool| {
        let objective = Objective {
            train_mode,
            ..SUMMED_OUTPUT
        };
        let r = autodiff.loss(&objective, 0, Some(&slices(&at))).unwrap();
        let gradient = into_f64(network, |out| {
            autodiff.grad(&objective, 0, Some(&slices(&at)), out)
        });
        (dot(&at[0], &gradient[0]) / r - 1.0).abs()
    };
    assert!(carried(false) < 1e-12);
    assert!(carried(true) > 0.5, "{}", carried(true));
}

/// The R of the paper's ResNet-32 is about 1e43: beyond f32, whose largest number is 3.4e38.
#[test]
fn the_output_of_a_resnet_32_overflows_in_f32() {
    let network = network(Family::Resnet, 32, 32, 10, [3, 32, 32], Activation::Relu);
    let real = one_round(&network);
    let sums = sums(&real);
    let r = sums[sums.len() - 1];
    assert!(
        same(sums[0], r) && r.log10() > 41.0 && r.log10() < 45.0,
        "{r:e}"
    );
    let mut at = real.layers();
    at.iter_mut().flatten().for_each(|w| *w = w.abs());
    let single = Objective {
        compute_f64: false,
        ..SUMMED_OUTPUT
    };
    let autodiff = autodiff(&network, &first_weights(&network), None, None);
    let r = autodiff.loss(&single, 0, Some(&slices(&at))).unwrap();
    assert!(!r.is_finite(), "{r:e}");
}

/// Down to little more than one weight a layer, 100 rounds leave every layer some and every
/// kept weight on a path; one round empties a layer.
#[test]
fn a_hundred_rounds_empty_no_layer_before_the_last_compression() {
    let network = vgg();
    let mut real = Real::new(&network, &first_weights(&network));
    let sparsity = "0.9999";
    real.rounds(100, sparsity);
    let ran = real.run("saliency", "synflow", &[]);
    let counts = |mask: &jackpot_prune::Mask| -> Vec<usize> {
        let kept = |layer: &jackpot_prune::LayerMask| layer.kept.iter().filter(|k| **k).count();
        mask.layers.iter().map(kept).collect()
    };
    let made = ran.mask.unwrap();
    assert_eq!(made.kept(), 14, "of 9 layers");
    assert!(
        counts(&made).iter().all(|&kept| kept > 0),
        "{:?}",
        counts(&made)
    );
    let flow = jackpot_prune::flow(&network, &made);
    assert!(!matches!(flow.collapse, Collapse::Certain(_)));
    assert_eq!(flow.effective.iter().sum::<u64>(), made.kept());

    let once = mask(
        &network,
        &one_round(&network).scores("saliency", "synflow", &[]),
        sparsity,
    );
    assert!(counts(&once).contains(&0), "{:?}", counts(&once));
}
