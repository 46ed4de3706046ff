//! SNIP, FORCE, iterative SNIP and Taylor through the worker.
use crate::methods::real::{Real, batch, mask, noise, times, word};
use crate::support::*;
use jackpot_net::{Activation, Loss, Network, Objective, ObjectiveInput};
use jackpot_nn::BatchSource;
use jackpot_protocol::ConfigValue;
use jackpot_prune::Mask;

const TRAINING_LOSS: Objective = Objective {
    loss: Loss::CrossEntropy,
    input: ObjectiveInput::Data,
    train_mode: true,
    compute_f64: true,
    temperature: 1.0,
    abs_rest: false,
};

/// A network at its first weights with a batch of its own.
fn real(network: &Network) -> Real {
    let (x, y) = noise(network, 8, 1);
    Real::new(network, &first_weights(network)).given(&batch(network, &x, &y))
}

/// For a mask c that multiplies the weights, the score of a weight is |∂L/∂c| at c = 1.
#[test]
fn snip_is_the_derivative_of_the_loss_in_the_mask() {
    let network = small(Activation::Tanh);
    let real = real(&network);
    let scores = real.scores("snip", "snip", &[]);
    let (x, y) = noise(&network, 8, 1);
    let source = BatchSource::Given(batch(&network, &x, &y));
    let mut autodiff = autodiff(&network, &first_weights(&network), None, Some(source));
    let spec = jackpot_data::BatchSpec {
        key: jackpot_rng::Key::from_seed(0),
        n_batches: 1,
        batch_size: 0,
        per_class: 8,
        parts: 1,
        augment: false,
        shuffle: false,
    };
    let handle = autodiff.batches(&spec).unwrap();
    let h = 1e-4;
    for (l, layer) in network.layers.iter().enumerate() {
        for i in [0, layer.len() / 2] {
            let loss = |c: f64| {
                let mut at = real.layers();
                at[l][i] *= c;
                autodiff
                    .loss(&TRAINING_LOSS, handle, Some(&slices(&at)))
                    .unwrap()
            };
            let expected = ((loss(1.0 + h) - loss(1.0 - h)) / (2.0 * h)).abs();
            let found = scores[l][i];
            let near = (found - expected).abs() < 1e-6 * expected + 1e-10;
            assert!(near, "{}[{i}]: {found:e}, {expected:e}", layer.name);
        }
    }
}

/// Weights so long that the ε of the normalisation is less than the rounding of a variance,
/// which is ε = 0: then a power of two, and only that, leaves every bit as it was.
#[test]
fn a_power_of_two_on_a_normalised_layer_leaves_the_mask() {
    let network = small(Activation::Relu);
    let (x, y) = noise(&network, 8, 1);
    let scaled = |factor: f32| {
        let weights = times(&network, &first_weights(&network), |layer| {
            let long = (2f32).powi(24);
            let (normalised, chosen) = (!layer.classifier, layer.name == "layer2.0.conv1.weight");
            (if normalised { long } else { 1.0 }) * (if chosen { factor } else { 1.0 })
        });
        let real = Real::new(&network, &weights).given(&batch(&network, &x, &y));
        let snip = real.scores("snip", "snip", &[]);
        let grasp = real.scores("grasp", "grasp", &[]);
        [snip, grasp]
    };
    let plain = scaled(1.0);
    let of = |scores: &[Vec<f64>]| mask(&network, scores, "0.9");
    for (factor, same) in [(8.0, true), (3.0, false)] {
        let [snip, grasp] = scaled(factor);
        assert_eq!(snip == plain[0], same, "snip, times {factor}");
        assert!(!same || of(&snip) == of(&plain[0]));
        // GraSP's second derivatives take powers that libtorch rounds; three times an f32 is.
        let off = distance(&grasp.concat(), &plain[1].concat());
        assert!(
            off < if same { 1e-9 } else { 1e-6 },
            "grasp, times {factor}: {off:e}"
        );
        assert!(!same || of(&grasp) == of(&plain[1]));
    }
}

/// Every image twice, cut in two: twice the loss of the whole batch. GraSP's scores, which
/// are of second order, are four times as large to the bit, and its mask is the same.
#[test]
fn twice_the_loss_leaves_the_mask() {
    let network = small(Activation::Relu);
    let (x, y) = noise(&network, 8, 1);
    let whole = real(&network).scores("grasp", "grasp", &[("profile", word("corrected"))]);
    let twice = batch(&network, &[&x[..], &x].concat(), &[&y[..], &y].concat());
    let twice = Real::new(&network, &first_weights(&network)).given(&twice);
    let twice = twice.scores("grasp", "grasp", &[]);
    for ((layer, whole), twice) in network.layers.iter().zip(&whole).zip(&twice) {
        let fourfold: Vec<f64> = whole.iter().map(|score| 4.0 * score).collect();
        assert_eq!(*twice, fourfold, "{}", layer.name);
    }
}

/// Two rounds to 1 %: the first keeps 10 %, as one round to 10 % does.
#[test]
fn force_revives_weights_and_iterative_snip_does_not() {
    let network = small(Activation::Relu);
    let made = |id: &str, count: u32, sparsity: &str| -> Mask {
        let mut real = real(&network);
        real.rounds(count, sparsity);
        real.run("saliency", id, &[]).mask.unwrap()
    };
    let revived = |before: &Mask, after: &Mask| {
        let layers = before.layers.iter().zip(&after.layers);
        let weights = layers.flat_map(|(b, a)| b.kept.iter().zip(&a.kept));
        weights
            .filter(|(before, after)| !**before && **after)
            .count()
    };
    let first = made("force", 1, "0.9");
    assert_eq!(
        first,
        made("iterative-snip", 1, "0.9"),
        "the dense network's SNIP"
    );
    let one_shot = mask(&network, &real(&network).scores("snip", "snip", &[]), "0.9");
    assert_eq!(first, one_shot);
    let (force, nested) = (made("force", 2, "0.99"), made("iterative-snip", 2, "0.99"));
    assert_eq!(force.kept(), nested.kept());
    assert!(revived(&first, &force) > 0);
    assert_eq!(revived(&first, &nested), 0);
}

/// On one batch Taylor is SNIP squared; on several it is not the square of their sum.
#[test]
fn taylor_squares_before_it_adds_up() {
    let network = small(Activation::Relu);
    let mut real = real(&network);
    let squares = |scores: Vec<Vec<f64>>| -> Vec<f64> {
        scores.concat().iter().map(|score| score * score).collect()
    };
    let taylor = real.scores("saliency", "taylor", &[]).concat();
    let snip = squares(real.scores("snip", "snip", &[]));
    assert!(distance(&taylor, &snip) < 1e-14);

    real.sampled(&images(&network, 90, 2));
    let several = [
        ("batches", ConfigValue::Int(4)),
        ("samples_per_class", ConfigValue::Int(2)),
    ];
    let taylor = real.scores("saliency", "taylor", &several).concat();
    let snip = squares(real.scores("snip", "snip", &several));
    let scaled: Vec<f64> = snip.iter().map(|score| score / 16.0).collect();
    assert!(distance(&taylor, &scaled) > 0.1);
}
