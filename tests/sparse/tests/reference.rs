//! The reference against finite differences, on smooth networks: it needs nobody's word.
use crate::support::further;
use jackpot_net::{Activation, Architecture, Block, Family, Network, Op, Stem, Training};
use jackpot_test_sparse::{Reference, labels, mask, normal_images, some_parameters};

fn smooth() -> Vec<Network> {
    let of = |family, depth, width, input| Architecture {
        activation: Activation::Tanh,
        ..Architecture::new(family, depth, width, 3, input)
    };
    let bottleneck = Architecture {
        block: Block::Bottleneck,
        activation: Activation::Softplus,
        ..of(Family::Resnet, 8, 2, [2, 7, 5])
    };
    let small = Architecture {
        stem: Stem::Small,
        ..of(Family::ResnetImagenet, 18, 1, [1, 10, 9])
    };
    let all = [
        of(Family::Resnet, 8, 3, [1, 6, 7]),
        bottleneck,
        of(Family::Vgg, 11, 1, [1, 33, 32]),
        of(Family::Wrn, 10, 3, [2, 5, 6]),
        of(Family::ResnetImagenet, 18, 1, [1, 33, 34]),
        small,
        of(Family::Lenet300, 3, 6, [2, 3, 4]),
        of(Family::Lenet5, 4, 2, [1, 17, 18]),
    ];
    all.iter().map(|a| a.build().unwrap()).collect()
}

/// The largest distance of a derivative from (L(w + h) − L(w − h)) / 2h, as a share of the
/// largest term in its tensor; `edit` may spoil the network that is differentiated.
fn apart(network: &Network, edit: impl Fn(&mut Network)) -> f64 {
    let training = Training {
        label_smoothing: 0.1,
        ..Training::su2020()
    };
    let parameters = some_parameters(network, 1);
    let kept = mask(network, 0.7, 1);
    let (images, labels) = (normal_images(network, 3, 1), labels(network, 3, 1));
    let mut spoilt = network.clone();
    edit(&mut spoilt);
    let gradients = Reference::new(&spoilt, &parameters, &kept, &training);
    let gradients = gradients.gradients(&images, &labels);
    let mut moved = Reference::new(network, &parameters, &kept, &training);
    let h = 1e-5;
    let mut worst = 0.0f64;
    for (p, parameter) in parameters.iter().enumerate() {
        let largest = gradients.sizes[p].iter().copied().fold(0.0, f64::max);
        // Some of each tensor: first, last, and between.
        let size = parameter.len();
        for i in [0, size / 3, size / 2, size - 1] {
            let at = moved.parameters[p][i];
            let pruned = gradients.sizes[p][i] == 0.0;
            if pruned {
                continue;
            }
            let mut loss = |w: f64| {
                moved.parameters[p][i] = w;
                moved.loss(&images, &labels)
            };
            let slope = (loss(at + h) - loss(at - h)) / (2.0 * h);
            moved.parameters[p][i] = at;
            worst = further(worst, (slope - gradients.values[p][i]).abs() / largest);
        }
    }
    worst
}

#[test]
fn its_gradients_are_finite_differences() {
    for network in smooth() {
        let title = format!("{:?}", network.architecture);
        let worst = apart(&network, |_| ());
        assert!(worst < 1e-6, "{title}: {worst:e}");
    }
}

#[test]
fn a_gradient_of_another_network_is_none_of_them() {
    let networks = smooth();
    let without_shortcut = |network: &mut Network| {
        let sum = network.nodes.iter_mut().find(|n| matches!(n.op, Op::Add));
        sum.unwrap().inputs.truncate(1);
    };
    let other_activation =
        |network: &mut Network| network.architecture.activation = Activation::Relu;
    let shifted = |network: &mut Network| {
        for node in &mut network.nodes {
            if let Op::Conv { padding, .. } = &mut node.op {
                *padding -= usize::from(*padding > 0);
            }
        }
    };
    for worst in [
        apart(&networks[0], without_shortcut),
        apart(&networks[0], other_activation),
        apart(&networks[0], shifted),
    ] {
        assert!(worst > 1e-3, "{worst:e}");
    }
}
