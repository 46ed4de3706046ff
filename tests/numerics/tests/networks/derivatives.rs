//! Derivatives against finite differences on a smooth network, and against identities
//! that hold whatever computed them.
use crate::support::*;
use jackpot_data::{BatchSpec, Images, Normalisation, scoring_rows};
use jackpot_net::{Activation, Augment, Family, Loss, Network, Objective, ObjectiveInput};
use jackpot_nn::{Autodiff, BatchSource, Slice};
use jackpot_prune::Mask;
use jackpot_rng::Key;
use safetensors::{Dtype, tensor::TensorView};

const CROSS_ENTROPY: Objective = Objective {
    loss: Loss::CrossEntropy,
    input: ObjectiveInput::Data,
    train_mode: true,
    compute_f64: true,
    temperature: 1.0,
    abs_rest: false,
};

fn sampled(network: &Network) -> BatchSource {
    BatchSource::Sampled {
        images: images(network, 60, 1).into(),
        normalisation: normalisation(network),
        augment: Augment {
            crop_padding: 2,
            flip: true,
            crop: None,
            resized_crop: None,
        },
    }
}

fn spec(n_batches: u64, per_class: u64, parts: u64) -> BatchSpec {
    let key = Key::from_seed(5);
    BatchSpec {
        key,
        n_batches,
        batch_size: 0,
        per_class,
        parts,
        augment: false,
        shuffle: true,
    }
}

fn direction(network: &Network, seed: u64) -> Vec<Vec<f64>> {
    let mut key = Key::from_seed(seed);
    let layer = |layer: &jackpot_net::Layer| {
        key = key.fold(1);
        let mut values = vec![0.0; layer.len()];
        jackpot_rng::uniform(key, &mut values);
        values.iter().map(|x| x - 0.5).collect()
    };
    network.layers.iter().map(layer).collect()
}

fn moved(at: &[Vec<f64>], along: &[Vec<f64>], by: f64) -> Vec<Vec<f64>> {
    let layer = |(w, v): (&Vec<f64>, &Vec<f64>)| w.iter().zip(v).map(|(w, v)| w + by * v).collect();
    at.iter().zip(along).map(layer).collect()
}

fn total(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    a.iter().zip(b).map(|(a, b)| dot(a, b)).sum()
}

fn grad(
    autodiff: &Autodiff,
    network: &Network,
    objective: &Objective,
    handle: u64,
    point: Option<&[Slice]>,
) -> Vec<Vec<f64>> {
    into_f64(network, |out| autodiff.grad(objective, handle, point, out))
}

#[test]
fn gradients_and_hessian_products_are_what_finite_differences_say() {
    for activation in [Activation::Tanh, Activation::Softplus] {
        let network = small(activation);
        let weights = first_weights(&network);
        let mut autodiff = autodiff(&network, &weights, None, Some(sampled(&network)));
        let handle = autodiff.batches(&spec(2, 4, 2)).unwrap();
        let at = layers(&network, &weights);
        let v = direction(&network, 11);
        let h = 1e-5;
        for objective in [
            CROSS_ENTROPY,
            Objective {
                train_mode: false,
                ..CROSS_ENTROPY
            },
            Objective {
                temperature: 3.0,
                ..CROSS_ENTROPY
            },
            Objective {
                loss: Loss::SumLogits,
                ..CROSS_ENTROPY
            },
        ] {
            let (up, down) = (moved(&at, &v, h), moved(&at, &v, -h));
            let loss = |point: &[Vec<f64>]| {
                autodiff
                    .loss(&objective, handle, Some(&slices(point)))
                    .unwrap()
            };
            let gradient = grad(&autodiff, &network, &objective, handle, Some(&slices(&at)));
            let (found, expected) = (total(&gradient, &v), (loss(&up) - loss(&down)) / (2.0 * h));
            assert!(
                (found - expected).abs() < 1e-6 * expected.abs().max(1e-3),
                "{objective:?}: {found} against {expected}"
            );

            let product = into_f64(&network, |out| {
                autodiff.hvp(&objective, handle, None, &slices(&v), out)
            });
            let at_up = grad(&autodiff, &network, &objective, handle, Some(&slices(&up)));
            let at_down = grad(
                &autodiff,
                &network,
                &objective,
                handle,
                Some(&slices(&down)),
            );
            let expected = moved(&moved(&at_up, &at_down, -1.0), &at, 0.0);
            let expected: Vec<f64> = expected.concat().iter().map(|x| x / (2.0 * h)).collect();
            let close = distance(&product.concat(), &expected);
            assert!(close < 1e-6, "{objective:?}: {close:e}");
            let far = distance(&gradient.concat(), &expected);
            assert!(far > 0.1, "the gradient is no Hessian product: {far:e}");
        }
    }
}

/// For a filter followed by batch normalisation in train mode the loss does not depend on
/// the filter's length: Σ w·g = 0, and differentiating that once more along v, Σ −w·Hv = Σ g·v
/// over the filter. With v = g (left out for the classifier, which is before no
/// normalisation and would only add rounding) that is GraSP's score: ‖g‖² > 0. Both are
/// off by a multiple of ε/variance: filters 64 times as long leave next to nothing.
#[test]
fn filters_before_normalisation_are_free_of_scale() {
    let network = golden_network();
    let golden = Golden::f32();
    let weights = golden.under("w/");
    let mut autodiff = autodiff(
        &network,
        &weights,
        None,
        Some(BatchSource::Given(golden.batch())),
    );
    let handle = autodiff.batches(&spec(1, 4, 2)).unwrap();
    let mut w = layers(&network, &weights);
    let classifier = w.len() - 1;
    w[..classifier]
        .iter_mut()
        .flatten()
        .for_each(|w| *w *= 64.0);
    let worst = |train_mode: bool| {
        let objective = Objective {
            train_mode,
            ..CROSS_ENTROPY
        };
        let at = slices(&w);
        let g = grad(&autodiff, &network, &objective, handle, Some(&at));
        let mut v = g.clone();
        v[classifier].fill(0.0);
        let hg = into_f64(&network, |out| {
            autodiff.hvp(&objective, handle, Some(&at), &slices(&v), out)
        });
        let (mut euler, mut norm) = (0.0_f64, 0.0_f64);
        for (i, layer) in network
            .layers
            .iter()
            .enumerate()
            .filter(|(_, layer)| !layer.classifier)
        {
            let filter = layer.len() / layer.shape[0];
            let (mut grasp, mut squares) = (Vec::new(), Vec::new());
            for start in (0..layer.len()).step_by(filter) {
                let of = |values: &[Vec<f64>]| values[i][start..start + filter].to_vec();
                let (w, g, hg) = (of(&w), of(&g), of(&hg));
                let size: f64 = w.iter().zip(&g).map(|(w, g)| (w * g).abs()).sum();
                euler = euler.max(dot(&w, &g).abs() / size);
                grasp.push(-dot(&w, &hg));
                squares.push(dot(&g, &g));
            }
            assert!(
                !train_mode || grasp.iter().all(|&sum| sum > 0.0),
                "{}: {grasp:?}",
                layer.name
            );
            norm = norm.max(distance(&grasp, &squares));
        }
        (euler, norm)
    };
    let (euler, norm) = worst(true);
    assert!(euler < 1e-6, "Σ w·g: {euler:e}");
    assert!(norm < 1e-5, "Σ −w·Hg against ‖g‖²: {norm:e}");
    // With running statistics nothing of this holds.
    let (euler, norm) = worst(false);
    assert!(
        euler > 0.1 && norm > 0.1,
        "running statistics: {euler:e} {norm:e}"
    );
}

/// SynFlow's conservation: with non-negative weights, no biases and an all-ones input the
/// network is a product of its layers, so Σ w·g of each layer that every path crosses is
/// the output.
#[test]
fn every_layer_of_a_chain_carries_the_whole_output() {
    let network = network(Family::Vgg, 11, 4, 10, [3, 32, 32], Activation::Relu);
    let weights = first_weights(&network);
    let autodiff = autodiff(&network, &weights, None, None);
    let objective = Objective {
        loss: Loss::SumLogits,
        input: ObjectiveInput::Ones,
        train_mode: false,
        abs_rest: true,
        ..CROSS_ENTROPY
    };
    let flow = |point: &[Vec<f64>]| {
        let output = autodiff.loss(&objective, 0, Some(&slices(point))).unwrap();
        let g = grad(&autodiff, &network, &objective, 0, Some(&slices(point)));
        let worst = point
            .iter()
            .zip(&g)
            .map(|(w, g)| (dot(w, g) / output - 1.0).abs());
        worst.fold(0.0, f64::max)
    };
    let signed = layers(&network, &weights);
    let positive: Vec<Vec<f64>> = signed
        .iter()
        .map(|l| l.iter().map(|w| w.abs()).collect())
        .collect();
    let off = flow(&positive);
    assert!(off < 1e-12, "{off:e}");
    // Moved biases break the product: the absolute values of the rest are really taken
    // from the state_dict.
    let shifted = with(&weights, "features.1.bias", -0.5);
    let other = Autodiff::new(&network, &shifted, None, None, jackpot_nn::Device::Cpu).unwrap();
    let at = slices(&positive);
    let plain = Objective {
        abs_rest: false,
        ..objective
    };
    let up = other.loss(&objective, 0, Some(&at)).unwrap();
    let down = other.loss(&plain, 0, Some(&at)).unwrap();
    let unmoved = autodiff.loss(&objective, 0, Some(&at)).unwrap();
    assert!(up > unmoved && unmoved > down, "{down} {unmoved} {up}");
}

/// The state_dict with every value of one f32 tensor replaced.
fn with(weights: &[u8], name: &str, value: f32) -> Vec<u8> {
    let file = safetensors::SafeTensors::deserialize(weights).unwrap();
    let bytes: Vec<u8> = file
        .tensor(name)
        .unwrap()
        .data()
        .chunks(4)
        .flat_map(|_| value.to_le_bytes())
        .collect();
    let views = file.tensors().into_iter().map(|(n, view)| {
        let data = if n == name { &bytes } else { view.data() };
        let view = TensorView::new(view.dtype(), view.shape().to_vec(), data).unwrap();
        (n, view)
    });
    safetensors::serialize(views, None).unwrap()
}

#[test]
fn parts_and_batches_add_up_and_running_statistics_stay() {
    let network = small(Activation::Relu);
    let weights = first_weights(&network);
    let mut autodiff = autodiff(&network, &weights, None, Some(sampled(&network)));
    let running = Objective {
        train_mode: false,
        ..CROSS_ENTROPY
    };
    let whole = autodiff.batches(&spec(3, 4, 1)).unwrap();
    let cut = autodiff.batches(&spec(3, 4, 2)).unwrap();
    // Without batch statistics the mean of a batch is the mean of its halves' means.
    let (a, b) = (
        autodiff.loss(&running, whole, None).unwrap(),
        autodiff.loss(&running, cut, None).unwrap(),
    );
    assert!((2.0 * a - b).abs() < 1e-12 * b, "{a} {b}");
    // With them it is not.
    let trained = (
        autodiff.loss(&CROSS_ENTROPY, whole, None).unwrap(),
        autodiff.loss(&CROSS_ENTROPY, cut, None).unwrap(),
    );
    assert!((2.0 * trained.0 - trained.1).abs() > 1e-6, "{trained:?}");
    let _ = grad(&autodiff, &network, &CROSS_ENTROPY, cut, None);
    assert_eq!(
        a.to_bits(),
        autodiff.loss(&running, whole, None).unwrap().to_bits()
    );
    // Augmented batches are others, and the same each time.
    let augmented = autodiff
        .batches(&BatchSpec {
            augment: true,
            ..spec(3, 4, 1)
        })
        .unwrap();
    let first = autodiff.loss(&running, augmented, None).unwrap();
    assert_ne!(first, a);
    assert_eq!(
        first.to_bits(),
        autodiff.loss(&running, augmented, None).unwrap().to_bits()
    );
}

/// The loss of one batch given by hand: `images` normalised here, labelled `y`.
fn loss_by_hand(network: &Network, weights: &[u8], images: &Images, y: &[i64]) -> f64 {
    let Normalisation { mean, std } = normalisation(network);
    let value = |&pixel: &u8| ((f64::from(pixel) / 255.0 - mean[0]) / std[0]) as f32;
    let x: Vec<u8> = images
        .pixels
        .iter()
        .flat_map(|pixel| value(pixel).to_le_bytes())
        .collect();
    let labels: Vec<u8> = y.iter().flat_map(|label| label.to_le_bytes()).collect();
    let [c, h, w] = network.architecture.input.map(|n| n as usize);
    let views = [
        ("x", Dtype::F32, vec![y.len(), c, h, w], &x),
        ("y", Dtype::I64, vec![y.len()], &labels),
    ];
    let views =
        views.map(|(name, kind, shape, data)| (name, TensorView::new(kind, shape, data).unwrap()));
    let batch = safetensors::serialize(views, None).unwrap();
    let mut autodiff = autodiff(network, weights, None, Some(BatchSource::Given(batch)));
    let handle = autodiff.batches(&spec(1, 1, 1)).unwrap();
    autodiff.loss(&CROSS_ENTROPY, handle, None).unwrap()
}

/// The images and labels of these rows, in this order.
fn rows_of(images: &Images, rows: &[u32]) -> Images {
    let size = images.pixels.len() / images.labels.len();
    let at = |&row: &u32| row as usize;
    Images {
        pixels: rows
            .iter()
            .flat_map(|row| images.pixels[at(row) * size..][..size].to_vec())
            .collect(),
        labels: rows.iter().map(|row| images.labels[at(row)]).collect(),
        ..*images
    }
}

/// As published: under random labels a batch holds as many images of every *random* class,
/// in the order of the random classes, and the loss is that of the random labels.
#[test]
fn corrupted_labels_are_what_a_batch_is_balanced_by_and_scored_on() {
    let network = small(Activation::Relu);
    let weights = first_weights(&network);
    let clean = images(&network, 60, 1);
    let mut corrupted = clean.clone();
    for (row, label) in corrupted.labels.iter_mut().enumerate() {
        *label = (*label + row as i64) % 3;
    }
    let spec = BatchSpec {
        shuffle: false,
        ..spec(1, 5, 1)
    };
    let found = |images: &Images| {
        let source = BatchSource::Sampled {
            images: images.clone().into(),
            normalisation: normalisation(&network),
            augment: Augment::default(),
        };
        let mut autodiff = autodiff(&network, &weights, None, Some(source));
        let handle = autodiff.batches(&spec).unwrap();
        autodiff.loss(&CROSS_ENTROPY, handle, None).unwrap()
    };
    let by_hand = |drawn_by: &Images, labelled_by: &Images| {
        let rows = scoring_rows(&spec, &drawn_by.labels, 3).unwrap().remove(0);
        let batch = rows_of(labelled_by, &rows);
        (
            loss_by_hand(&network, &weights, &batch, &batch.labels),
            batch.labels,
        )
    };
    let near = |a: f64, b: f64| (a - b).abs() < 1e-6 * b;
    let (expected, labels) = by_hand(&corrupted, &corrupted);
    assert_eq!(labels, [[0; 5], [1; 5], [2; 5]].concat());
    assert!(near(found(&corrupted), expected));
    assert!(near(found(&clean), by_hand(&clean, &clean).0));
    // Neither the true labels of those rows nor rows balanced by true labels give it.
    for (drawn_by, labelled_by) in [(&corrupted, &clean), (&clean, &corrupted), (&clean, &clean)] {
        assert!(!near(expected, by_hand(drawn_by, labelled_by).0));
    }
}

#[test]
fn without_a_point_the_mask_is_on_and_pruned_entries_have_gradients() {
    let network = small(Activation::Relu);
    let weights = first_weights(&network);
    let mut mask = Mask::dense(&network);
    mask.layers
        .iter_mut()
        .for_each(|l| l.kept.iter_mut().step_by(2).for_each(|k| *k = false));
    let mut masked = autodiff(&network, &weights, Some(&mask), Some(sampled(&network)));
    let handle = masked.batches(&spec(1, 4, 1)).unwrap();
    let effective: Vec<Vec<f64>> = layers(&network, &weights)
        .iter()
        .zip(&mask.layers)
        .map(|(w, m)| {
            w.iter()
                .zip(&m.kept)
                .map(|(&w, &k)| if k { w } else { 0.0 })
                .collect()
        })
        .collect();
    let a = grad(&masked, &network, &CROSS_ENTROPY, handle, None);
    let b = grad(
        &masked,
        &network,
        &CROSS_ENTROPY,
        handle,
        Some(&slices(&effective)),
    );
    assert_eq!(a, b);
    let dense = grad(
        &masked,
        &network,
        &CROSS_ENTROPY,
        handle,
        Some(&slices(&layers(&network, &weights))),
    );
    assert_ne!(a, dense);
    assert!(a[1].iter().step_by(2).any(|&g| g != 0.0));
}

#[test]
fn requests_that_do_not_fit_are_refused_in_words() {
    let network = small(Activation::Relu);
    let weights = first_weights(&network);
    let mut autodiff = autodiff(&network, &weights, None, Some(sampled(&network)));
    let handle = autodiff.batches(&spec(1, 4, 1)).unwrap();
    let told = |result: Result<f64, jackpot_nn::Error>| result.unwrap_err().to_string();
    assert!(told(autodiff.loss(&CROSS_ENTROPY, 9, None)).contains("handle 9"));
    assert!(told(autodiff.loss(&CROSS_ENTROPY, 0, None)).contains("handle 0"));
    let cold = Objective {
        temperature: 0.0,
        ..CROSS_ENTROPY
    };
    assert!(told(autodiff.loss(&cold, handle, None)).contains("temperature"));
    let ones = Objective {
        input: ObjectiveInput::Ones,
        ..CROSS_ENTROPY
    };
    assert!(told(autodiff.loss(&ones, 0, None)).contains("no labels"));
    let mut short = layers(&network, &weights);
    short[2].pop();
    assert!(
        told(autodiff.loss(&CROSS_ENTROPY, handle, Some(&slices(&short))))
            .contains(&network.layers[2].name)
    );
    short.pop();
    assert!(
        told(autodiff.loss(&CROSS_ENTROPY, handle, Some(&slices(&short)))).contains("10 layers")
    );
    assert!(autodiff.batches(&spec(1, 400, 1)).is_err());
}
