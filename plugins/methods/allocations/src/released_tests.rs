//! The released script once more, line by line on its own, on every network that the paper
//! and its code can build: what [`published::counts`] must keep.
use crate::layer::{Form, Layer, Rule, Shape};
use crate::published;
use jackpot_net::{Architecture, Family, LayerRole, Network};

/// What the script's flags and two file-level numbers are.
struct Flags {
    linear_decay: bool,
    ascend: bool,
    cubic: bool,
    uniform: bool,
    resnet: bool,
    init_prune_ratio: f64,
    linear_keep_ratio: f64,
}

/// Counts as the script arrives at them: tensors are f32, Python's numbers i64 and f64,
/// `int()` truncates, a number over a tensor is the tensor's reciprocal times it. None
/// where it would crash.
fn script(num: &[f32], linear: &[bool], flags: &Flags) -> Option<Vec<u64>> {
    let n = num.len();
    let mut ratio = vec![0f32; n];
    for k in 1..=n {
        let from_the_front = n - k + 1;
        ratio[n - k] = (k * k + k) as f32;
        if flags.linear_decay {
            ratio[n - k] = k as f32;
        }
        if flags.ascend {
            ratio[n - k] = (from_the_front * from_the_front + from_the_front) as f32;
        }
        if flags.cubic {
            ratio[n - k] = (k * k * k) as f32;
        }
    }
    let (mut total, mut in_linear, mut test) = (0f32, 0f32, 0i64);
    for i in 0..n {
        if linear[i] {
            in_linear += num[i];
        } else if flags.resnet {
            test += (num[i] * ratio[i]) as i64;
        } else {
            test += (num[i] * ratio[i] / ((i + 1) * (i + 1)) as f32) as i64;
        }
        total += num[i];
    }
    let goal = (total * (1.0 - flags.init_prune_ratio) as f32) as i64
        - (in_linear * flags.linear_keep_ratio as f32) as i64;
    let balance = (total - in_linear).recip() * goal as f32;
    let scale = (goal as f64 / test as f64) as f32;
    for i in (0..n).filter(|&i| !linear[i]) {
        ratio[i] *= scale;
        if !flags.resnet {
            ratio[i] /= ((i + 1) * (i + 1)) as f32;
        }
    }
    let mut extra = 0i64;
    for i in 0..n {
        if !linear[i] {
            let room = ((1.0 - ratio[i]) * num[i]) as i64;
            if ratio[i] >= 1.0 {
                extra += ((ratio[i] - 1.0) * num[i]) as i64;
                ratio[i] = 1.0;
            } else if room >= extra {
                ratio[i] += num[i].recip() * extra as f32;
                extra = 0;
            } else {
                extra -= room;
                ratio[i] = 1.0;
            }
        }
        if extra == 0 {
            break;
        }
    }
    let mut kept = Vec::new();
    for i in 0..n {
        let mut count = (ratio[i] * num[i]) as i64;
        if ratio[i] >= 1.0 {
            count = num[i] as i64;
        }
        if flags.uniform {
            count = (balance * num[i]) as i64;
        }
        if linear[i] {
            count = (flags.linear_keep_ratio as f32 * num[i]) as i64;
        }
        // `torch.ones(1, count)` and `torch.zeros(1, size - count)`.
        if count < 0 || count > num[i] as i64 {
            return None;
        }
        kept.push(count as u64);
    }
    Some(kept)
}

fn network(family: Family, depth: u32, classes: u32) -> Network {
    let published = match family {
        Family::Vgg => 64,
        _ => 32,
    };
    let architecture = Architecture::new(family, depth, published, classes, [3, 32, 32]);
    architecture.build().unwrap()
}

fn layers(network: &Network) -> Vec<Layer> {
    let layer = |layer: &jackpot_net::Layer| Layer {
        name: layer.name.clone(),
        weights: layer.len() as u64,
        filters: layer.shape[0] as u64,
        linear: layer.role == LayerRole::Linear,
    };
    network.layers.iter().map(layer).collect()
}

const SHAPES: [Shape; 5] = [
    Shape::Quadratic,
    Shape::Linear,
    Shape::Cubic,
    Shape::Ascending,
    Shape::Uniform,
];

#[test]
fn every_published_network_keeps_what_the_script_keeps() {
    let resnets = [20, 32, 44, 56, 110].map(|depth| (Family::Resnet, depth));
    let vggs = [11, 13, 16, 19].map(|depth| (Family::Vgg, depth));
    let (mut compared, mut crashed) = (0, 0);
    for (family, depth) in resnets.into_iter().chain(vggs) {
        for classes in [10, 100, 200] {
            let layers = layers(&network(family, depth, classes));
            let num: Vec<f32> = layers.iter().map(|layer| layer.weights as f32).collect();
            let linear: Vec<bool> = layers.iter().map(|layer| layer.linear).collect();
            for shape in SHAPES {
                for (sparsity, density) in [
                    (0.5, 0.5),
                    (0.8, 0.2),
                    (0.9, 0.1),
                    (0.95, 0.05),
                    (0.98, 0.02),
                    (0.99, 0.01),
                ] {
                    let flags = Flags {
                        linear_decay: shape == Shape::Linear,
                        ascend: shape == Shape::Ascending,
                        cubic: shape == Shape::Cubic,
                        uniform: shape == Shape::Uniform,
                        resnet: family == Family::Resnet,
                        init_prune_ratio: sparsity,
                        linear_keep_ratio: 0.3,
                    };
                    let rule = Rule {
                        shape,
                        form: if flags.resnet {
                            Form::Resnet
                        } else {
                            Form::Vgg
                        },
                        linear_keep_ratio: 0.3,
                        depth: layers.len() as u64,
                    };
                    let expected = script(&num, &linear, &flags);
                    let found = published::counts(&layers, &rule, density);
                    let case =
                        format!("{family:?}-{depth}, {classes} classes, {shape:?}, {sparsity}");
                    match (found, expected) {
                        (Ok(found), Some(expected)) => assert_eq!(found.counts, expected, "{case}"),
                        (Err(_), None) => crashed += 1,
                        (found, expected) => panic!("{case}: {found:?} against {expected:?}"),
                    }
                    compared += 1;
                }
            }
        }
    }
    assert_eq!((compared, crashed), (9 * 3 * 5 * 6, 0));
}
