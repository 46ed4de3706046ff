//! Effective weights and collapse against a count of paths in floating point, loops all written
//! out, and against networks small enough to follow by eye.

use jackpot_net::{Architecture, Layer, LayerRole, Network, Node, Op, Parameter, ParameterKind};
use jackpot_prune::{Collapse, LayerMask, Mask, flow};
use jackpot_rng::{Key, uniform};

/// Values of a node, `[channel][row][column]` flattened.
type Values = Vec<f64>;

/// Walks over every triple of output value, input value and weight that a node joins.
fn each_product(network: &Network, node: &Node, mut call: impl FnMut(usize, usize, usize)) {
    let [_, rows, columns] = node.output;
    let [channels, height, width] = network.nodes[node.inputs[0]].output;
    match node.op {
        Op::Conv {
            kernel,
            stride,
            padding,
            groups,
            ..
        } => {
            let (into, out) = (channels / groups, node.output[0] / groups);
            for o in 0..node.output[0] {
                for i in 0..into {
                    for ky in 0..kernel {
                        for kx in 0..kernel {
                            for y in 0..rows {
                                for x in 0..columns {
                                    let iy = (y * stride + ky) as i64 - padding as i64;
                                    let ix = (x * stride + kx) as i64 - padding as i64;
                                    let inside = (0..height as i64).contains(&iy)
                                        && (0..width as i64).contains(&ix);
                                    if inside {
                                        let c = (o / out) * into + i;
                                        call(
                                            (o * rows + y) * columns + x,
                                            (c * height + iy as usize) * width + ix as usize,
                                            ((o * into + i) * kernel + ky) * kernel + kx,
                                        );
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        Op::Linear { .. } => {
            let inputs = channels * height * width;
            for o in 0..node.output[0] {
                for i in 0..inputs {
                    call(o, i, o * inputs + i);
                }
            }
        }
        _ => unreachable!("only layers multiply"),
    }
}

/// The pairs (output value, input value) of a pooling or a node that passes its input on.
fn each_pair(network: &Network, node: &Node, mut call: impl FnMut(usize, usize)) {
    let [channels, rows, columns] = node.output;
    let [_, height, width] = network.nodes[node.inputs[0]].output;
    match node.op {
        Op::MaxPool {
            kernel,
            stride,
            padding,
        } => {
            let outputs = (0..channels * rows * columns).map(|at| {
                let (y, x) = (at / columns % rows, at % columns);
                (at, at / columns / rows, y * stride, x * stride)
            });
            for (at, c, y, x) in outputs {
                let taps = (0..kernel * kernel).map(|tap| (y + tap / kernel, x + tap % kernel));
                for (y, x) in taps.filter(|&(y, x)| y >= padding && x >= padding) {
                    let (y, x) = (y - padding, x - padding);
                    if y < height && x < width {
                        call(at, (c * height + y) * width + x);
                    }
                }
            }
        }
        Op::GlobalAveragePool => {
            for c in 0..channels {
                for at in 0..height * width {
                    call(c, c * height * width + at);
                }
            }
        }
        _ => (0..channels * rows * columns).for_each(|at| call(at, at)),
    }
}

fn place(network: &Network, weight: usize) -> usize {
    let name = &network.parameters[weight].name;
    let at = network.layers.iter().position(|l| l.name == *name);
    at.expect("a weight is a layer")
}

/// Effective weights by counting: all-ones forward pass, ones as gradients of the logits, a
/// weight counts where input value times gradient is not zero somewhere.
fn counted(network: &Network, mask: &Mask) -> Vec<u64> {
    let nodes = &network.nodes;
    let size = |n: &Node| n.output.iter().product::<usize>();
    let mut values: Vec<Values> = nodes.iter().map(|n| vec![0.0; size(n)]).collect();
    values[0].fill(1.0);
    for (at, node) in nodes.iter().enumerate().skip(1) {
        let mut out = vec![0.0; size(node)];
        match node.op {
            Op::Conv { weight, .. } | Op::Linear { weight, .. } => {
                let kept = &mask.layers[place(network, weight)].kept;
                each_product(network, node, |o, i, w| {
                    out[o] += f64::from(u8::from(kept[w])) * values[node.inputs[0]][i];
                });
            }
            Op::Add => {
                let [a, b] = [&values[node.inputs[0]], &values[node.inputs[1]]];
                out = a.iter().zip(b).map(|(a, b)| a + b).collect();
            }
            _ => each_pair(network, node, |o, i| out[o] += values[node.inputs[0]][i]),
        }
        values[at] = out;
    }
    let mut slopes: Vec<Values> = nodes.iter().map(|n| vec![0.0; size(n)]).collect();
    slopes.last_mut().expect("there are nodes").fill(1.0);
    let mut used = mask
        .layers
        .iter()
        .map(|l| vec![false; l.kept.len()])
        .collect::<Vec<_>>();
    for at in (1..nodes.len()).rev() {
        let node = &nodes[at];
        let from = node.inputs[0];
        let own = slopes[at].clone();
        match node.op {
            Op::Conv { weight, .. } | Op::Linear { weight, .. } => {
                let layer = place(network, weight);
                let kept = &mask.layers[layer].kept;
                each_product(network, node, |o, i, w| {
                    if kept[w] {
                        used[layer][w] |= own[o] * values[from][i] != 0.0;
                        slopes[from][i] += own[o];
                    }
                });
            }
            Op::Add => {
                for &input in &node.inputs {
                    slopes[input]
                        .iter_mut()
                        .zip(&own)
                        .for_each(|(a, b)| *a += b);
                }
            }
            _ => each_pair(network, node, |o, i| slopes[from][i] += own[o]),
        }
        assert!(own.iter().all(|x| x.is_finite()), "the count overflowed");
    }
    let count = |l: &Vec<bool>| l.iter().map(|&u| u64::from(u)).sum();
    used.iter().map(count).collect()
}

/// Keeps each weight with the layer's own probability.
fn random(network: &Network, key: Key, density: impl Fn(usize) -> f64) -> Mask {
    let mut mask = Mask::dense(network);
    for (at, layer) in mask.layers.iter_mut().enumerate() {
        let mut draws = vec![0.0f64; layer.kept.len()];
        uniform(key.fold(at as u64), &mut draws);
        layer.kept = draws.iter().map(|&u| u < density(at)).collect();
    }
    mask
}

#[test]
fn effective_weights_are_those_that_a_count_of_paths_uses() {
    let nets = [
        Architecture::resnet(8, 2, 3, [1, 8, 8]),
        Architecture::resnet(14, 3, 4, [2, 9, 7]),
        Architecture::vgg(11, 2, 3, [1, 32, 32]),
    ];
    let mut partly = 0;
    for (n, architecture) in nets.iter().enumerate() {
        let network = architecture.build().unwrap();
        for draw in 0..12 {
            let key = Key::from_seed(n as u64).fold(draw);
            let most = [0.05, 0.15, 0.3, 0.6][draw as usize % 4];
            let spread = |at: usize| most * (1 + (at * 7 + draw as usize) % 3) as f64 / 2.0;
            let mask = random(&network, key, spread);
            let found = flow(&network, &mask);
            let expected = counted(&network, &mask);
            assert_eq!(found.effective, expected, "net {n}, draw {draw}");
            let certain = matches!(found.collapse, Collapse::Certain(_));
            assert_eq!(certain, expected.iter().sum::<u64>() == 0);
            partly += usize::from(0 < found.kept() && found.kept() < mask.kept());
        }
    }
    assert!(
        partly > 12,
        "the masks must be in between to prove anything: {partly}"
    );
}

#[test]
fn of_a_dense_network_every_weight_counts_and_nothing_is_at_risk() {
    for architecture in [
        Architecture::resnet(20, 8, 100, [3, 32, 32]),
        Architecture::resnet(56, 4, 10, [3, 32, 32]),
        Architecture::vgg(19, 8, 10, [3, 32, 32]),
    ] {
        let network = architecture.build().unwrap();
        let found = flow(&network, &Mask::dense(&network));
        assert_eq!(found.kept(), network.prunable_weights());
        assert_eq!((found.constant, found.collapse), (0, Collapse::None));
        assert_eq!(found.narrowest.live, found.narrowest.channels);
    }
}

fn cut(network: &Network, layer: &str) -> Mask {
    let mut mask = Mask::dense(network);
    let at = mask.layers.iter().position(|l| l.name == layer);
    mask.layers[at.expect("a layer of the network")]
        .kept
        .fill(false);
    mask
}

#[test]
fn an_empty_layer_is_collapse_only_where_every_path_crosses_it() {
    let network = Architecture::resnet(14, 4, 4, [3, 16, 16]).build().unwrap();
    for name in ["conv1.weight", "fc.weight"] {
        let found = flow(&network, &cut(&network, name));
        let Collapse::Certain(why) = found.collapse else {
            panic!("`{name}` empty: {:?}", found.collapse);
        };
        assert!(why.contains(name), "{why}");
        assert_eq!(found.effective, vec![0; network.layers.len()]);
    }
    let found = flow(&network, &cut(&network, "layer1.1.conv2.weight"));
    assert_eq!(found.collapse, Collapse::None);
    let of = |name: &str| {
        let at = network.layers.iter().position(|l| l.name == name).unwrap();
        (found.effective[at], network.layers[at].len() as u64)
    };
    // The layer before it leads nowhere now; all others are as they were.
    assert_eq!(of("layer1.1.conv1.weight").0, 0);
    assert_eq!(of("layer1.1.conv2.weight").0, 0);
    let (kept, all) = of("layer2.0.conv1.weight");
    assert_eq!(kept, all);
    // Its four normalised channels are constants now.
    assert_eq!(found.constant, 4);
}

#[test]
fn both_sides_of_a_projected_block_must_be_cut() {
    let network = Architecture::resnet(8, 4, 4, [3, 16, 16]).build().unwrap();
    let mut mask = cut(&network, "layer2.0.conv1.weight");
    assert_eq!(flow(&network, &mask).collapse, Collapse::None);
    let projection = mask
        .layers
        .iter_mut()
        .find(|l| l.name == "layer2.0.downsample.0.weight");
    projection.unwrap().kept.fill(false);
    assert!(matches!(
        flow(&network, &mask).collapse,
        Collapse::Certain(_)
    ));
}

#[test]
fn kept_weights_between_channels_that_do_not_meet_are_certain_collapse() {
    let network = Architecture::vgg(11, 4, 3, [3, 32, 32]).build().unwrap();
    let mut mask = Mask::dense(&network);
    // The first convolution gives channel 0 only, the second reads channel 1 only.
    for (at, kept) in mask.layers[0].kept.iter_mut().enumerate() {
        *kept = at / 27 == 0;
    }
    for (at, kept) in mask.layers[1].kept.iter_mut().enumerate() {
        *kept = at / 9 % 4 == 1;
    }
    assert!(mask.counts().iter().all(|&kept| kept > 0));
    let found = flow(&network, &mask);
    let Collapse::Certain(why) = &found.collapse else {
        panic!("{:?}", found.collapse);
    };
    assert!(why.contains("features.4.weight"), "{why}");
    // And joined again by one weight it is merely narrow: one channel, where four classes need four.
    mask.layers[1].kept[0] = true;
    let network = Architecture::vgg(11, 4, 4, [3, 32, 32]).build().unwrap();
    let mut wide = Mask::dense(&network);
    wide.layers[..2].clone_from_slice(&mask.layers[..2]);
    let found = flow(&network, &wide);
    assert_eq!((found.narrowest.live, found.narrowest.channels), (1, 8));
    let Collapse::AtRisk(why) = found.collapse else {
        panic!("{:?}", found.collapse);
    };
    assert!(
        why.contains("1 of 8 channels after `features.4.weight`"),
        "{why}"
    );
}

#[test]
fn a_logit_without_a_path_is_a_risk_and_five_per_cent_is_the_line() {
    let network = Architecture::vgg(11, 40, 10, [3, 32, 32]).build().unwrap();
    let keep = |filters: usize| {
        let mut mask = Mask::dense(&network);
        for (at, kept) in mask.layers[3].kept.iter_mut().enumerate() {
            *kept = at / (160 * 9) < filters;
        }
        flow(&network, &mask)
    };
    let (wide, narrow) = (keep(10), keep(9));
    assert_eq!(wide.collapse, Collapse::None);
    assert!(matches!(narrow.collapse, Collapse::AtRisk(_)));
    let mut mask = Mask::dense(&network);
    let classifier = mask.layers.last_mut().unwrap();
    let columns = classifier.shape[1];
    classifier.kept[..columns].fill(false);
    let Collapse::AtRisk(why) = flow(&network, &mask).collapse else {
        panic!("a class without a path is a risk");
    };
    assert!(
        why.contains("9 of 10 channels after `classifier.weight`"),
        "{why}"
    );
}

/// A chain of layers on a small image, each with its kept weights: `Conv` shapes have four
/// sides (padding keeps the size), `Linear` two.
fn chain(input: [usize; 3], layers: &[(&[usize], usize)]) -> Network {
    let classes = layers.last().expect("there are layers").0[0] as u32;
    let architecture = Architecture::vgg(11, 1, classes, input.map(|side| side as u32));
    let mut network = architecture_only(architecture, input);
    let mut shape = input;
    for (at, (sides, groups)) in layers.iter().enumerate() {
        let conv = sides.len() == 4;
        network.parameters.push(Parameter {
            name: format!("{at}.weight"),
            shape: sides.to_vec(),
            kind: if conv {
                ParameterKind::ConvWeight
            } else {
                ParameterKind::LinearWeight
            },
        });
        network.layers.push(layer(at, sides, *groups));
        let op = if conv {
            Op::Conv {
                weight: at,
                bias: None,
                kernel: sides[2],
                stride: 1,
                padding: sides[2] / 2,
                groups: *groups,
            }
        } else {
            Op::Linear {
                weight: at,
                bias: at,
            }
        };
        shape = if conv {
            [sides[0], shape[1], shape[2]]
        } else {
            [sides[0], 1, 1]
        };
        network.nodes.push(Node {
            op,
            inputs: vec![at],
            output: shape,
        });
    }
    network
}

fn architecture_only(architecture: Architecture, input: [usize; 3]) -> Network {
    Network {
        architecture,
        parameters: vec![],
        nodes: vec![Node {
            op: Op::Input,
            inputs: vec![],
            output: input,
        }],
        layers: vec![],
    }
}

fn layer(at: usize, sides: &[usize], groups: usize) -> Layer {
    Layer {
        name: format!("{at}.weight"),
        role: if sides.len() == 4 {
            LayerRole::Conv
        } else {
            LayerRole::Linear
        },
        shape: sides.to_vec(),
        first: at == 0,
        classifier: false,
        shortcut: false,
        depthwise: false,
        depth: at as u32 + 1,
        block: 0,
        stride: 1,
        groups: groups as u32,
        uses: 1,
    }
}

fn of(network: &Network, kept: &[&[usize]]) -> Mask {
    let pairs = network.layers.iter().zip(kept);
    let layers = pairs.map(|(l, places)| {
        let mut kept = vec![false; l.len()];
        places.iter().for_each(|&at| kept[at] = true);
        LayerMask {
            name: l.name.clone(),
            shape: l.shape.clone(),
            kept,
        }
    });
    Mask {
        layers: layers.collect(),
    }
}

#[test]
fn on_a_map_of_one_position_only_the_centre_tap_counts() {
    let network = chain([1, 1, 1], &[(&[1, 1, 3, 3], 1), (&[2, 1], 1)]);
    let all: Vec<usize> = (0..9).collect();
    let found = flow(&network, &of(&network, &[&all, &[0, 1]]));
    assert_eq!(found.effective, [1, 2]);
    let corners = flow(&network, &of(&network, &[&[0, 2, 6, 8], &[0, 1]]));
    assert!(matches!(corners.collapse, Collapse::Certain(_)));
}

#[test]
fn a_chain_of_corner_taps_shifts_the_image_out() {
    // 2×2 maps: each corner tap moves the image by one; after two nothing is left, though
    // every channel of every layer keeps a tap that sees some of its input map.
    let shape: &[usize] = &[1, 1, 3, 3];
    let network = chain([1, 2, 2], &[(shape, 1), (shape, 1), (&[2, 4], 1)]);
    let whole: &[usize] = &[0, 1, 2, 3, 4, 5, 6, 7];
    let twice = of(&network, &[&[0], &[0], whole]);
    assert!(matches!(
        flow(&network, &twice).collapse,
        Collapse::Certain(_)
    ));
    assert_eq!(counted(&network, &twice), [0, 0, 0]);
    let there_and_back = of(&network, &[&[0], &[8], whole]);
    let found = flow(&network, &there_and_back);
    // Of the flattened map one place is left, which each of the two logits reads.
    assert_eq!(found.effective, [1, 1, 2]);
    assert_eq!(counted(&network, &there_and_back), found.effective);
}

#[test]
fn groups_do_not_see_each_other() {
    // Depthwise, then 1×1 that reads channel 2 only.
    let network = chain(
        [4, 3, 3],
        &[(&[4, 1, 3, 3], 4), (&[2, 4, 1, 1], 1), (&[2, 18], 1)],
    );
    let all: Vec<usize> = (0..36).collect();
    let mask = of(&network, &[&all, &[2, 6], &all]);
    let found = flow(&network, &mask);
    assert_eq!(found.effective, [9, 2, 36]);
    assert_eq!(counted(&network, &mask), found.effective);
    let two = chain(
        [4, 2, 2],
        &[(&[4, 2, 3, 3], 2), (&[2, 4, 1, 1], 1), (&[2, 8], 1)],
    );
    for draw in 0..8 {
        let mask = random(&two, Key::from_seed(40).fold(draw), |_| 0.2);
        assert_eq!(
            flow(&two, &mask).effective,
            counted(&two, &mask),
            "draw {draw}"
        );
    }
}

#[test]
#[should_panic(expected = "mask")]
fn a_mask_of_another_network_is_no_flow() {
    let network = Architecture::resnet(8, 2, 3, [1, 8, 8]).build().unwrap();
    let other = Architecture::resnet(8, 4, 3, [1, 8, 8]).build().unwrap();
    flow(&network, &Mask::dense(&other));
}
