//! The forward pass of a described network as plain loops in f64, one image at a time.
use crate::support::numbers;
use jackpot_net::{Activation, Network, Op};
use safetensors::SafeTensors;

/// Logits of one image `[channels][height][width]`, with running statistics.
pub fn logits(network: &Network, weights: &[u8], image: &[f64]) -> Vec<f64> {
    let file = SafeTensors::deserialize(weights).unwrap();
    let parameters: Vec<Vec<f64>> = network
        .parameters
        .iter()
        .map(|parameter| numbers(&file, &parameter.name))
        .collect();
    let mut values: Vec<Vec<f64>> = Vec::new();
    for node in &network.nodes {
        let x = node.inputs.first().map(|&from| values[from].as_slice());
        let from = node.inputs.first().map(|&from| network.nodes[from].output);
        let (x, from) = (x.unwrap_or(image), from.unwrap_or(node.output));
        let each = |f: &dyn Fn(f64) -> f64| x.iter().map(|&v| f(v)).collect::<Vec<f64>>();
        values.push(match node.op {
            Op::Input => image.to_vec(),
            Op::Conv { .. } => convolution(&node.op, &parameters, x, from, node.output),
            Op::BatchNorm {
                weight,
                bias,
                mean,
                var,
            } => {
                let area = from[1] * from[2];
                let normal = |(i, &v): (usize, &f64)| {
                    let c = i / area;
                    let [weight, bias, mean, var] =
                        [weight, bias, mean, var].map(|p| parameters[p][c]);
                    (v - mean) / (var + 1e-5).sqrt() * weight + bias
                };
                x.iter().enumerate().map(normal).collect()
            }
            Op::Activation => match network.architecture.activation {
                Activation::Relu => each(&|v| v.max(0.0)),
                Activation::Tanh => each(&f64::tanh),
                Activation::Softplus => each(&|v| v.max(0.0) + (-v.abs()).exp().ln_1p()),
            },
            Op::Relu6 => each(&|v| v.clamp(0.0, 6.0)),
            Op::Add => {
                let other = &values[node.inputs[1]];
                x.iter().zip(other).map(|(a, b)| a + b).collect()
            }
            Op::MaxPool { .. } => max_pool(&node.op, x, from, node.output),
            Op::GlobalAveragePool => {
                let area = from[1] * from[2];
                let mean = |channel: &[f64]| channel.iter().sum::<f64>() / area as f64;
                x.chunks(area).map(mean).collect()
            }
            Op::Linear { weight, bias } => {
                let rows = parameters[weight].chunks(x.len());
                let dot = |row: &[f64]| row.iter().zip(x).map(|(a, b)| a * b).sum::<f64>();
                let biases = &parameters[bias];
                rows.zip(biases).map(|(row, b)| dot(row) + b).collect()
            }
        });
    }
    values.pop().unwrap()
}

/// The places under the window of one output, as (tap, row, column), padding left out.
fn window(
    [kernel, stride, padding]: [usize; 3],
    [y, x]: [usize; 2],
    [height, width]: [usize; 2],
) -> Vec<(usize, usize, usize)> {
    let taps = (0..kernel * kernel).map(|tap| {
        let row = (y * stride + tap / kernel).checked_sub(padding)?;
        let column = (x * stride + tap % kernel).checked_sub(padding)?;
        (row < height && column < width).then_some((tap, row, column))
    });
    taps.flatten().collect()
}

fn convolution(
    op: &Op,
    parameters: &[Vec<f64>],
    x: &[f64],
    [into, height, width]: [usize; 3],
    [out, rows, columns]: [usize; 3],
) -> Vec<f64> {
    let Op::Conv {
        weight,
        bias,
        kernel,
        stride,
        padding,
        groups,
    } = *op
    else {
        unreachable!("only convolutions are asked for");
    };
    let (each_in, each_out) = (into / groups, out / groups);
    let mut y = Vec::with_capacity(out * rows * columns);
    for o in 0..out {
        for at in 0..rows * columns {
            let place = [at / columns, at % columns];
            let mut sum = bias.map_or(0.0, |bias| parameters[bias][o]);
            for (tap, row, column) in window([kernel, stride, padding], place, [height, width]) {
                for i in 0..each_in {
                    let channel = o / each_out * each_in + i;
                    let w = parameters[weight][(o * each_in + i) * kernel * kernel + tap];
                    sum += w * x[(channel * height + row) * width + column];
                }
            }
            y.push(sum);
        }
    }
    y
}

fn max_pool(
    op: &Op,
    x: &[f64],
    [_, height, width]: [usize; 3],
    [channels, rows, columns]: [usize; 3],
) -> Vec<f64> {
    let Op::MaxPool {
        kernel,
        stride,
        padding,
    } = *op
    else {
        unreachable!("only poolings are asked for");
    };
    let largest = |at: usize| {
        let (c, place) = (at / (rows * columns), at % (rows * columns));
        let place = [place / columns, place % columns];
        window([kernel, stride, padding], place, [height, width])
            .into_iter()
            .map(|(_, row, column)| x[(c * height + row) * width + column])
            .fold(f64::NEG_INFINITY, f64::max)
    };
    (0..channels * rows * columns).map(largest).collect()
}
