//! GraSP through the worker: its sign, and how far published and corrected masks differ.
use crate::methods::real::{Real, batch, mask, overlap, times, word};
use crate::support::*;
use jackpot_net::{Activation, Family, Loss, Network, Objective, ObjectiveInput, ScorePrecision};
use jackpot_nn::BatchSource;
use jackpot_protocol::ConfigValue;

/// The golden batch with its rows in class order, as the released code draws them.
fn sorted(network: &Network, golden: &Golden) -> Vec<u8> {
    let (x, y) = (golden.f32s("x"), golden.labels());
    let size = x.len() / y.len();
    let mut rows: Vec<usize> = (0..y.len()).collect();
    rows.sort_by_key(|&row| y[row]);
    let x: Vec<f32> = rows
        .iter()
        .flat_map(|&row| x[row * size..][..size].to_vec())
        .collect();
    let y: Vec<i64> = rows.iter().map(|&row| y[row]).collect();
    batch(network, &x, &y)
}

/// For a filter before batch normalisation Σ w·Hg, the score that is kept, is −‖g‖²: the
/// largest −w·Hg are pruned. Filters 64 times as long leave next to nothing of ε, and a
/// classifier as long keeps its own gradient from drowning theirs.
#[test]
fn a_filters_scores_add_up_to_minus_the_square_of_its_gradient() {
    let (network, golden) = (golden_network(), Golden::f32());
    let weights = times(&network, &golden.under("w/"), |_| 64.0);
    let real = Real::new(&network, &weights).given(&golden.batch());
    let scores = real.scores("grasp", "grasp", &[]);

    let source = BatchSource::Given(golden.batch());
    let mut autodiff = autodiff(&network, &weights, None, Some(source));
    let spec = jackpot_data::BatchSpec {
        key: jackpot_rng::Key::from_seed(0),
        n_batches: 1,
        batch_size: 0,
        per_class: 4,
        parts: 2,
        augment: false,
        shuffle: false,
    };
    let handle = autodiff.batches(&spec).unwrap();
    let objective = Objective {
        loss: Loss::CrossEntropy,
        input: ObjectiveInput::Data,
        train_mode: true,
        compute_f64: true,
        temperature: 200.0,
        abs_rest: false,
    };
    let gradient = into_f64(&network, |out| autodiff.grad(&objective, handle, None, out));
    for (l, layer) in network
        .layers
        .iter()
        .enumerate()
        .filter(|(_, l)| !l.classifier)
    {
        let filter = layer.len() / layer.shape[0];
        let sum = |scores: &[f64]| -scores.iter().sum::<f64>();
        let found: Vec<f64> = scores[l].chunks(filter).map(sum).collect();
        let expected: Vec<f64> = gradient[l].chunks(filter).map(|g| dot(g, g)).collect();
        assert!(
            found.iter().all(|&sum| sum > 0.0),
            "{}: {found:?}",
            layer.name
        );
        let off = distance(&found, &expected);
        assert!(off < 1e-5, "{}: {off:e}", layer.name);
    }
}

/// As released (halves in class order), with mixed halves, with whole batches: three
/// functions of the same forty images and the same weights.
#[test]
fn published_and_corrected_masks_are_far_apart() {
    let (network, golden) = (golden_network(), Golden::f32());
    let on = |batch: &[u8], profile: &str| {
        let mut real = Real::new(&network, &golden.under("w/")).given(batch);
        real.precision = ScorePrecision::F32;
        let scores = real.scores("grasp", "grasp", &[("profile", word(profile))]);
        mask(&network, &scores, "0.9")
    };
    let in_order = sorted(&network, &golden);
    let published = on(&in_order, "published");
    let mixed = on(&golden.batch(), "published");
    let whole = on(&in_order, "corrected");
    let apart = [
        overlap(&published, &mixed),
        overlap(&published, &whole),
        overlap(&mixed, &whole),
    ];
    println!(
        "GraSP masks at 90 %: published and mixed halves share {:.3}, published and whole \
         batches {:.3}, mixed halves and whole batches {:.3}",
        apart[0], apart[1], apart[2]
    );
    // Layer-wise chance is near 0.1: more than that, and far from the same mask.
    assert!(
        apart.iter().all(|share| (0.15..0.9).contains(share)),
        "{apart:?}"
    );
}

/// The released code scores a re-drawn classifier: another mask, at the same weights.
#[test]
fn a_redrawn_classifier_is_another_mask() {
    let (network, golden) = (golden_network(), Golden::f32());
    let mut real = Real::new(&network, &golden.under("w/")).given(&golden.batch());
    real.precision = ScorePrecision::F32;
    let redraw = |redraw: bool| {
        let given = [("redraw_classifier", ConfigValue::Bool(redraw))];
        mask(&network, &real.scores("grasp", "grasp", &given), "0.9")
    };
    let share = overlap(&redraw(false), &redraw(true));
    println!("GraSP masks at 90 %: with and without a re-drawn classifier share {share:.3}");
    assert!((0.1..0.95).contains(&share), "{share}");
}

/// Two passes with a graph through the gradient need no more than half as much again as one
/// pass, because the halves of the batch are worked through one after the other.
#[test]
fn on_vgg_19_it_needs_no_more_than_half_as_much_memory_again_as_snip() {
    let network = network(Family::Vgg, 19, 64, 10, [3, 32, 32], Activation::Relu);
    let mut real = Real::new(&network, &first_weights(&network));
    real.sampled(&images(&network, 500, 2));
    real.precision = ScorePrecision::F32;
    let peak = |plugin: &str| real.run(plugin, plugin, &[]).peak_memory as f64;
    let (snip, grasp) = (peak("snip"), peak("grasp"));
    // The weights alone are 80 MB, and so are the gradients.
    assert!(snip > 160e6, "{snip}");
    let ratio = grasp / snip;
    assert!(
        (1.0..=1.5).contains(&ratio),
        "{grasp} of {snip}: {ratio:.2}"
    );
}
