//! The corners: layers that are empty or whole, filters without a weight or with one, a mean
//! far from 0, batches of every size.
use crate::support::*;
use jackpot_net::{Architecture, Family, Precision};

const TOLERANCE: f64 = 3e-5;
const MARGIN: f64 = 1e-5;

fn of(family: Family, depth: u32, width: u32, input: [u32; 3]) -> Architecture {
    Architecture::new(family, depth, width, 4, input)
}

fn check(case: Case, what: &str) {
    let case = case.decided(MARGIN, TOLERANCE / 3.0);
    let case = case.unwrap_or_else(|| panic!("{what}: no images without a near decision"));
    for isa in levels() {
        let (apart, name) = case.apart(Precision::F32, isa);
        assert!(apart < TOLERANCE, "{what}, {isa:?} `{name}`: {apart:e}");
        let mut engine = case.engine(Precision::F32, isa);
        let step = engine.step(&case.images, &case.labels, 0.1).unwrap();
        assert!(step.loss.is_finite(), "{what}, {isa:?}");
        let numbers = engine.parameters();
        assert!(
            numbers.iter().flatten().all(|x| x.is_finite()),
            "{what}, {isa:?}"
        );
    }
}

#[test]
fn a_layer_may_be_empty_or_whole() {
    for architecture in [
        of(Family::Resnet, 8, 4, [1, 6, 7]),
        of(Family::Vgg, 11, 1, [1, 32, 32]),
        of(Family::Lenet5, 4, 2, [1, 16, 16]),
        of(Family::Lenet300, 3, 7, [1, 3, 5]),
    ] {
        let layers = architecture.build().unwrap().layers.len();
        for layer in 0..layers {
            let mut case = Case::new(&architecture, 0.3, 9, 1);
            case.mask.layers[layer].kept.fill(false);
            check(
                case.clone(),
                &format!("{architecture:?}, layer {layer} empty"),
            );
            case.mask.layers[layer].kept.fill(true);
            check(case, &format!("{architecture:?}, layer {layer} whole"));
        }
    }
}

/// Its gradient before a normalisation is 0 by itself: the scale does not matter.
#[test]
fn a_filter_may_have_one_weight_or_none() {
    for architecture in [
        of(Family::Resnet, 8, 8, [3, 7, 6]),
        of(Family::Vgg, 11, 2, [1, 32, 33]),
        of(Family::Lenet5, 4, 4, [1, 16, 16]),
    ] {
        let mut case = Case::new(&architecture, 1.0, 9, 1);
        for layer in &mut case.mask.layers {
            let filters = layer.shape[0];
            let size = layer.kept.len() / filters;
            for (filter, kept) in layer.kept.chunks_mut(size).enumerate() {
                // None, the first, the last, one between, all.
                let place = [None, Some(0), Some(size - 1), Some(size / 2)];
                match place.get(filter % 5) {
                    Some(&one) => {
                        kept.fill(false);
                        one.into_iter().for_each(|i| kept[i] = true);
                    }
                    None => kept.fill(true),
                }
            }
        }
        check(case, &format!("{architecture:?}"));
    }
}

#[test]
fn a_batch_may_have_any_size() {
    let architecture = of(Family::Resnet, 8, 3, [1, 5, 7]);
    for n in 1..=40 {
        check(Case::new(&architecture, 0.3, n, 1), &format!("{n} images"));
    }
}

/// Images of one value plus a little: after the first convolution every channel's mean is a
/// thousand times its deviation. Sums of squares in f32 would leave a tenth of the variance.
#[test]
fn a_mean_far_from_zero_loses_nothing() {
    let architecture = of(Family::Resnet, 8, 4, [1, 8, 8]);
    let far = |mean: f32| {
        let mut case = Case::new(&architecture, 0.5, 9, 1)
            .decided(MARGIN, TOLERANCE / 3.0)
            .unwrap();
        case.images.iter_mut().for_each(|x| *x += mean);
        case
    };
    for isa in levels() {
        for mean in [0.0, 30.0, 1000.0] {
            let case = far(mean);
            let mut engine = case.engine(Precision::F32, isa);
            engine.step(&case.images, &case.labels, 0.1).unwrap();
            let mut reference = case.reference();
            reference.step(&case.images, &case.labels, 0.1);
            for (p, parameter) in case.network.parameters.iter().enumerate() {
                if parameter.name == "bn1.running_var" {
                    let ours = engine.parameters()[p].clone();
                    let ours = ours.into_iter().map(f64::from);
                    let apart = distance(ours, reference.parameters[p].iter().copied());
                    // The pixels themselves are rounded to 6e-8 of the mean.
                    let tolerance = 1e-6 + 1e-6 * f64::from(mean);
                    assert!(apart < tolerance, "{isa:?}, mean {mean}: {apart:e}");
                }
            }
        }
    }
}
