//! The forward pass: one value a node, `[n][channels][height][width]`.

use jackpot_net::{Activation, Network, Node, Op};
use jackpot_rng::{Key, uniform};

/// PyTorch's default of a batch normalisation.
const EPSILON: f64 = 1e-5;

/// Whose mean and variance a batch normalisation takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Statistics {
    /// The batch's own.
    Batch,
    /// The running ones.
    Running,
}

/// Mean and variance of each channel, as a normalisation used them.
pub(crate) struct Moments {
    pub mean: Vec<f64>,
    /// Over n, not n − 1.
    pub var: Vec<f64>,
    /// 1 / √(var + ε).
    pub inverse: Vec<f64>,
    /// Values a channel.
    pub count: usize,
}

/// Everything that the forward pass leaves for the backward one, node by node.
pub(crate) struct Pass {
    pub values: Vec<Vec<f64>>,
    /// Of batch normalisations.
    pub moments: Vec<Option<Moments>>,
    /// Of max-poolings: where each output came from.
    pub winners: Vec<Vec<usize>>,
    /// How near any decision was to the other one: the smallest distance from 0 of what goes
    /// into a ReLU, and between the two largest values of a pooling window or of the logits.
    /// What is exactly 0, or exactly equal, does not count.
    pub margin: f64,
}

/// The geometry of a convolution.
#[derive(Clone, Copy)]
pub(crate) struct Geometry {
    pub images: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    pub groups: usize,
    pub from: [usize; 3],
    pub to: [usize; 3],
}

impl Geometry {
    /// Calls `each` with the indices of output, input and weight of every product of the
    /// convolution.
    pub fn products(&self, mut each: impl FnMut(usize, usize, usize)) {
        let ([into, height, width], [out, rows, columns]) = (self.from, self.to);
        let (each_in, each_out) = (into / self.groups, out / self.groups);
        let inside = |at: usize, tap: usize, side: usize| {
            let place = (at * self.stride + tap).checked_sub(self.padding)?;
            (place < side).then_some(place)
        };
        for image in 0..self.images {
            for o in 0..out {
                for i in 0..each_in {
                    let channel = o / each_out * each_in + i;
                    for (ky, kx) in square(self.kernel) {
                        let weight = ((o * each_in + i) * self.kernel + ky) * self.kernel + kx;
                        for y in 0..rows {
                            let Some(row) = inside(y, ky, height) else {
                                continue;
                            };
                            for x in 0..columns {
                                let Some(column) = inside(x, kx, width) else {
                                    continue;
                                };
                                let to = ((image * out + o) * rows + y) * columns + x;
                                let from =
                                    ((image * into + channel) * height + row) * width + column;
                                each(to, from, weight);
                            }
                        }
                    }
                }
            }
        }
    }
}

fn square(side: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..side).flat_map(move |y| (0..side).map(move |x| (y, x)))
}

/// The geometry of a convolution node on a batch of `images`.
pub(crate) fn geometry(network: &Network, node: &Node, images: usize) -> Geometry {
    let Op::Conv {
        kernel,
        stride,
        padding,
        groups,
        ..
    } = node.op
    else {
        unreachable!("only convolutions are asked for");
    };
    Geometry {
        images,
        kernel,
        stride,
        padding,
        groups,
        from: network.nodes[node.inputs[0]].output,
        to: node.output,
    }
}

/// Values of every node for images `[n][channels][height][width]`; with `rounding`, each is
/// moved by up to half a unit of f32's last place, drawn from it (Monte Carlo arithmetic,
/// Parker 1997).
pub(crate) fn forward(
    network: &Network,
    parameters: &[Vec<f64>],
    images: Vec<f64>,
    statistics: Statistics,
    rounding: Option<Key>,
) -> Pass {
    let count = network.nodes.len();
    let mut pass = Pass {
        values: Vec::with_capacity(count),
        moments: (0..count).map(|_| None).collect(),
        winners: vec![Vec::new(); count],
        margin: f64::INFINITY,
    };
    let size: usize = network.nodes[0].output.iter().product();
    let n = images.len() / size;
    for (at, node) in network.nodes.iter().enumerate() {
        let x: &[f64] = node.inputs.first().map_or(&images, |&i| &pass.values[i]);
        let value = match node.op {
            Op::Input => images.clone(),
            Op::Conv { weight, bias, .. } => {
                let geometry = geometry(network, node, n);
                let bias = bias.map(|bias| &parameters[bias][..]);
                convolution(&geometry, &parameters[weight], bias, x)
            }
            Op::BatchNorm {
                weight,
                bias,
                mean,
                var,
            } => {
                let moments = match statistics {
                    Statistics::Batch => Moments::of_batch(x, node.output),
                    Statistics::Running => Moments::new(
                        parameters[mean].clone(),
                        parameters[var].clone(),
                        x.len() / node.output[0],
                    ),
                };
                let (scale, shift) = (&parameters[weight], &parameters[bias]);
                let normal = |(i, &x): (usize, &f64)| {
                    let c = channel(i, node.output);
                    (x - moments.mean[c]) * moments.inverse[c] * scale[c] + shift[c]
                };
                let y = x.iter().enumerate().map(normal).collect();
                pass.moments[at] = Some(moments);
                y
            }
            Op::Activation => {
                let activation = network.architecture.activation;
                if activation == Activation::Relu {
                    pass.margin = x.iter().copied().fold(pass.margin, nearer);
                }
                x.iter().map(|&x| activated(activation, x)).collect()
            }
            Op::Relu6 => {
                let both = |margin, &x: &f64| nearer(nearer(margin, x), x - 6.0);
                pass.margin = x.iter().fold(pass.margin, both);
                x.iter().map(|x| x.clamp(0.0, 6.0)).collect()
            }
            // A node with one input adds nothing: a network can be told so.
            Op::Add => {
                let others = node.inputs[1..].iter().map(|&i| &pass.values[i]);
                others.fold(x.to_vec(), |sum, other| {
                    sum.iter().zip(other).map(|(a, b)| a + b).collect()
                })
            }
            Op::MaxPool { .. } => {
                let from = network.nodes[node.inputs[0]].output;
                let (winners, margin) = pooled(node, from, n, x);
                let y = winners.iter().map(|&i| x[i]).collect();
                pass.margin = pass.margin.min(margin);
                pass.winners[at] = winners;
                y
            }
            Op::GlobalAveragePool => {
                let from = network.nodes[node.inputs[0]].output;
                let area = from[1] * from[2];
                let mean = |map: &[f64]| map.iter().sum::<f64>() / area as f64;
                x.chunks(area).map(mean).collect()
            }
            Op::Linear { weight, bias } => linear(&parameters[weight], &parameters[bias], x, n),
        };
        pass.values.push(match rounding {
            Some(key) => rounded(value, key.fold(at as u64)),
            None => value,
        });
    }
    let logits = pass.values.last().expect("a network has nodes");
    for row in logits.chunks(logits.len() / n) {
        pass.margin = pass.margin.min(gap(row.iter().copied()));
    }
    pass
}

fn rounded(mut values: Vec<f64>, key: Key) -> Vec<f64> {
    let mut drawn = vec![0.0; values.len()];
    uniform(key, &mut drawn);
    for (value, drawn) in values.iter_mut().zip(drawn) {
        *value *= 1.0 + f64::from(f32::EPSILON) * (drawn - 0.5);
    }
    values
}

/// The smaller of the two sizes; 0 is none.
fn nearer(margin: f64, x: f64) -> f64 {
    if x == 0.0 {
        margin
    } else {
        margin.min(x.abs())
    }
}

/// Between the largest value and the largest that is smaller.
fn gap(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let first = values.clone().fold(f64::NEG_INFINITY, f64::max);
    let smaller = values.filter(|&x| x < first);
    first - smaller.fold(f64::NEG_INFINITY, f64::max)
}

/// The channel of a value's index.
pub(crate) fn channel(i: usize, [channels, height, width]: [usize; 3]) -> usize {
    i / (height * width) % channels
}

impl Moments {
    fn new(mean: Vec<f64>, var: Vec<f64>, count: usize) -> Moments {
        let inverse = var.iter().map(|var| 1.0 / (var + EPSILON).sqrt()).collect();
        Moments {
            mean,
            var,
            inverse,
            count,
        }
    }

    fn of_batch(x: &[f64], shape: [usize; 3]) -> Moments {
        let count = x.len() / shape[0];
        let mean_of = |of: &dyn Fn(usize, f64) -> f64| {
            let mut sums = vec![0.0; shape[0]];
            for (i, &x) in x.iter().enumerate() {
                let c = channel(i, shape);
                sums[c] += of(c, x);
            }
            sums.iter().map(|s| s / count as f64).collect::<Vec<f64>>()
        };
        let mean = mean_of(&|_, x| x);
        let var = mean_of(&|c, x| (x - mean[c]) * (x - mean[c]));
        Moments::new(mean, var, count)
    }
}

fn activated(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Relu => x.max(0.0),
        Activation::Tanh => x.tanh(),
        Activation::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
    }
}

fn convolution(geometry: &Geometry, weight: &[f64], bias: Option<&[f64]>, x: &[f64]) -> Vec<f64> {
    let size: usize = geometry.to.iter().product();
    let start = |i| bias.map_or(0.0, |bias| bias[channel(i, geometry.to)]);
    let mut y: Vec<f64> = (0..geometry.images * size).map(start).collect();
    geometry.products(|to, from, k| y[to] += weight[k] * x[from]);
    y
}

fn linear(weight: &[f64], bias: &[f64], x: &[f64], n: usize) -> Vec<f64> {
    let inputs = x.len() / n;
    let dot = |row: &[f64], image: &[f64]| row.iter().zip(image).map(|(w, x)| w * x).sum::<f64>();
    let logits = |image| {
        let rows = weight.chunks(inputs).zip(bias);
        rows.map(move |(row, b)| dot(row, image) + b)
    };
    x.chunks(inputs).flat_map(logits).collect()
}

/// Where the largest value of each window stands, the first of equal ones, and the smallest
/// gap to a smaller one.
fn pooled(node: &Node, from: [usize; 3], n: usize, x: &[f64]) -> (Vec<usize>, f64) {
    let Op::MaxPool {
        kernel,
        stride,
        padding,
    } = node.op
    else {
        unreachable!("only poolings are asked for");
    };
    let ([channels, rows, columns], [_, height, width]) = (node.output, from);
    let (mut winners, mut margin) = (Vec::new(), f64::INFINITY);
    for map in 0..n * channels {
        for (y, across) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
            let window = square(kernel).filter_map(|(ky, kx)| {
                let row = (y * stride + ky).checked_sub(padding)?;
                let column = (across * stride + kx).checked_sub(padding)?;
                let inside = row < height && column < width;
                inside.then_some((map * height + row) * width + column)
            });
            let window: Vec<usize> = window.collect();
            let best = |best: usize, i: usize| if x[i] > x[best] { i } else { best };
            winners.push(
                window
                    .iter()
                    .copied()
                    .reduce(best)
                    .expect("no empty window"),
            );
            margin = margin.min(gap(window.iter().map(|&i| x[i])));
        }
    }
    (winners, margin)
}
