//! The backward pass: the gradient of every parameter.

use crate::forward::{Pass, channel, geometry};
use jackpot_net::{Activation, Network, Op};

/// The derivatives of a scalar by every parameter, in the network's order, `[…]` as its shape;
/// 0 for running statistics.
pub struct Gradients {
    /// The derivatives.
    pub values: Vec<Vec<f64>>,
    /// The sum of the absolute values of the terms that each derivative is a sum of. A
    /// derivative that is 0 because its terms cancel (a filter of one weight before a batch
    /// normalisation) is only as exact as those.
    pub sizes: Vec<Vec<f64>>,
}

/// Two numbers a value of a node: its gradient, and the size of the terms of that gradient
/// (itself, but before a batch normalisation, whose three terms cancel).
struct Flow {
    gradients: Vec<Vec<f64>>,
    sizes: Vec<Vec<f64>>,
}

impl Flow {
    fn add(&mut self, node: usize, i: usize, gradient: f64, size: f64) {
        self.gradients[node][i] += gradient;
        self.sizes[node][i] += size;
    }

    /// As [`Flow::add`] where the gradient is one term.
    fn pass(&mut self, node: usize, i: usize, gradient: f64) {
        self.add(node, i, gradient, gradient.abs());
    }
}

/// From the derivatives by the logits `[n][classes]` back to the parameters.
pub(crate) fn backward(
    network: &Network,
    parameters: &[Vec<f64>],
    pass: &Pass,
    logits: &[f64],
) -> Gradients {
    let zeros = |like: &[Vec<f64>]| like.iter().map(|v| vec![0.0; v.len()]).collect::<Vec<_>>();
    let mut flow = Flow {
        gradients: zeros(&pass.values),
        sizes: zeros(&pass.values),
    };
    let mut out = Gradients {
        values: zeros(parameters),
        sizes: zeros(parameters),
    };
    let last = network.nodes.len() - 1;
    for (i, &gradient) in logits.iter().enumerate() {
        flow.pass(last, i, gradient);
    }
    for at in (1..=last).rev() {
        let y = std::mem::take(&mut flow.gradients[at]);
        let sizes = std::mem::take(&mut flow.sizes[at]);
        node(
            network,
            parameters,
            pass,
            at,
            (&y, &sizes),
            &mut flow,
            &mut out,
        );
    }
    out
}

/// One node: `y` are gradients and sizes of its output.
fn node(
    network: &Network,
    parameters: &[Vec<f64>],
    pass: &Pass,
    at: usize,
    (y, sizes): (&[f64], &[f64]),
    flow: &mut Flow,
    out: &mut Gradients,
) {
    let node = &network.nodes[at];
    let from = node.inputs[0];
    let x = &pass.values[from];
    let images = x.len() / network.nodes[from].output.iter().product::<usize>();
    let mut parameter = |p: usize, i: usize, gradient: f64, size: f64| {
        out.values[p][i] += gradient;
        out.sizes[p][i] += size;
    };
    match node.op {
        Op::Input => unreachable!("an image has no parameters before it"),
        Op::Conv { weight, bias, .. } => {
            let w = &parameters[weight];
            geometry(network, node, images).products(|to, i, k| {
                parameter(weight, k, y[to] * x[i], sizes[to] * x[i].abs());
                flow.pass(from, i, y[to] * w[k]);
            });
            if let Some(bias) = bias {
                for (i, (y, size)) in y.iter().zip(sizes).enumerate() {
                    parameter(bias, channel(i, node.output), *y, *size);
                }
            }
        }
        Op::BatchNorm { weight, bias, .. } => {
            normalisation(
                parameters,
                pass,
                at,
                (from, node.output),
                [weight, bias],
                y,
                flow,
                out,
            );
        }
        Op::Activation => {
            let slope = slope(network.architecture.activation);
            for (i, y) in y.iter().enumerate() {
                flow.pass(from, i, y * slope(x[i]));
            }
        }
        Op::Relu6 => {
            for (i, y) in y.iter().enumerate() {
                let passes = x[i] > 0.0 && x[i] < 6.0;
                flow.pass(from, i, if passes { *y } else { 0.0 });
            }
        }
        Op::Add => {
            for &from in &node.inputs {
                for (i, y) in y.iter().enumerate() {
                    flow.pass(from, i, *y);
                }
            }
        }
        Op::MaxPool { .. } => {
            for (y, &winner) in y.iter().zip(&pass.winners[at]) {
                flow.pass(from, winner, *y);
            }
        }
        Op::GlobalAveragePool => {
            let area = x.len() / y.len();
            for i in 0..x.len() {
                flow.pass(from, i, y[i / area] / area as f64);
            }
        }
        Op::Linear { weight, bias } => {
            let (outputs, inputs) = (parameters[bias].len(), x.len() / images);
            for (i, y) in y.iter().enumerate() {
                let (image, o) = (i / outputs, i % outputs);
                parameter(bias, o, *y, y.abs());
                for j in 0..inputs {
                    let (k, i) = (o * inputs + j, image * inputs + j);
                    parameter(weight, k, y * x[i], (y * x[i]).abs());
                    flow.pass(from, i, y * parameters[weight][k]);
                }
            }
        }
    }
}

fn slope(activation: Activation) -> fn(f64) -> f64 {
    match activation {
        Activation::Relu => |x| f64::from(x > 0.0),
        Activation::Tanh => |x| 1.0 - x.tanh() * x.tanh(),
        Activation::Softplus => |x| 1.0 / (1.0 + (-x).exp()),
    }
}

/// dz = γ/σ · (dy − mean(dy) − x̂ · mean(dy · x̂)) (Ioffe and Szegedy 2015).
#[allow(clippy::too_many_arguments)] // all of them are what the formula is made of
fn normalisation(
    parameters: &[Vec<f64>],
    pass: &Pass,
    at: usize,
    (from, shape): (usize, [usize; 3]),
    [weight, bias]: [usize; 2],
    y: &[f64],
    flow: &mut Flow,
    out: &mut Gradients,
) {
    let x = &pass.values[from];
    let moments = pass.moments[at]
        .as_ref()
        .expect("the forward pass left them");
    let [channels, ..] = shape;
    let (mut sums, mut products) = (vec![0.0; channels], vec![0.0; channels]);
    let normal = |c: usize, i: usize| (x[i] - moments.mean[c]) * moments.inverse[c];
    // x̂ is a difference: it is as exact as x and the mean are.
    let size = |c: usize, i: usize| normal(c, i).abs() + x[i].abs() * moments.inverse[c];
    for (i, y) in y.iter().enumerate() {
        let c = channel(i, shape);
        sums[c] += y;
        products[c] += y * normal(c, i);
        out.values[bias][c] += y;
        out.sizes[bias][c] += y.abs();
        out.values[weight][c] += y * normal(c, i);
        out.sizes[weight][c] += y.abs() * size(c, i);
    }
    let count = moments.count as f64;
    for (i, y) in y.iter().enumerate() {
        let c = channel(i, shape);
        let scale = parameters[weight][c] * moments.inverse[c];
        let (mean, product) = (sums[c] / count, products[c] / count);
        let gradient = scale * (y - mean - normal(c, i) * product);
        let terms = y.abs() + mean.abs() + size(c, i) * product.abs();
        flow.add(from, i, gradient, scale.abs() * terms);
    }
}
