//! Puts a network together, one published module after the other: each call adds its
//! parameters, its node and, where it can be pruned, its layer.

use crate::network::architecture::{Activation, Architecture};
use crate::network::family::Family;
use crate::network::graph::{Layer, LayerRole, Network, Node, Op, Parameter, ParameterKind};

/// Why a network cannot be built.
#[derive(Debug)]
pub(crate) enum Misfit {
    /// A size that is none of the family's; the message is complete.
    Size(String),
    /// The feature map at a layer is too small for it.
    Map {
        layer: String,
        needs: String,
        map: [usize; 2],
    },
}

/// A convolution of a square kernel.
#[derive(Clone, Copy)]
pub(crate) struct Conv {
    pub out: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    pub groups: usize,
    pub bias: bool,
    pub shortcut: bool,
}

impl Conv {
    /// The usual one: padding keeps the side at stride 1, and a normalisation follows, so
    /// there is no bias.
    pub(crate) fn new(out: usize, kernel: usize, stride: usize) -> Conv {
        Conv {
            out,
            kernel,
            stride,
            padding: kernel / 2,
            groups: 1,
            bias: false,
            shortcut: false,
        }
    }
}

pub(crate) struct Builder {
    network: Network,
    /// Number of the residual block under construction; 0 outside of blocks.
    pub block: u32,
}

impl Builder {
    /// Begins with the image, node 0.
    pub(crate) fn new(architecture: &Architecture) -> Builder {
        let image = Node {
            op: Op::Input,
            inputs: vec![],
            output: architecture.input.map(|side| side as usize),
        };
        let network = Network {
            architecture: architecture.clone(),
            parameters: vec![],
            nodes: vec![image],
            layers: vec![],
        };
        Builder { network, block: 0 }
    }

    pub(crate) fn output(&self, node: usize) -> [usize; 3] {
        self.network.nodes[node].output
    }

    fn node(&mut self, op: Op, inputs: Vec<usize>, output: [usize; 3]) -> usize {
        self.network.nodes.push(Node { op, inputs, output });
        self.network.nodes.len() - 1
    }

    fn parameter(&mut self, name: String, shape: Vec<usize>, kind: ParameterKind) -> usize {
        self.network
            .parameters
            .push(Parameter { name, shape, kind });
        self.network.parameters.len() - 1
    }

    /// `name` is the module's, for example `layer1.0.conv1`.
    pub(crate) fn conv(&mut self, name: &str, from: usize, conv: Conv) -> Result<usize, Misfit> {
        let [channels, height, width] = self.output(from);
        let Conv {
            out,
            kernel,
            stride,
            padding,
            groups,
            ..
        } = conv;
        let sides = (
            convolved(height, kernel, stride, padding),
            convolved(width, kernel, stride, padding),
        );
        let (Some(rows), Some(columns)) = sides else {
            return Err(Misfit::Map {
                layer: format!("{name}.weight"),
                needs: format!(
                    "every weight of a {kernel}×{kernel} kernel of stride {stride} must meet the image, not padding only"
                ),
                map: [height, width],
            });
        };
        let shape = vec![out, channels / groups, kernel, kernel];
        let first = self.network.layers.is_empty();
        self.network.layers.push(Layer {
            name: format!("{name}.weight"),
            role: LayerRole::Conv,
            shape: shape.clone(),
            first,
            classifier: false,
            shortcut: conv.shortcut,
            depthwise: groups > 1 && groups == channels,
            depth: self.network.layers.len() as u32 + 1,
            block: self.block,
            stride: stride as u32,
            groups: groups as u32,
            uses: (rows * columns) as u64,
        });
        let weight = self.parameter(format!("{name}.weight"), shape, ParameterKind::ConvWeight);
        let bias = conv
            .bias
            .then(|| self.parameter(format!("{name}.bias"), vec![out], ParameterKind::ConvBias));
        let op = Op::Conv {
            weight,
            bias,
            kernel,
            stride,
            padding,
            groups,
        };
        Ok(self.node(op, vec![from], [out, rows, columns]))
    }

    pub(crate) fn norm(&mut self, name: &str, from: usize) -> usize {
        let output = self.output(from);
        let mut add = |part: &str, kind| {
            let full = format!("{name}.{part}");
            self.parameter(full, vec![output[0]], kind)
        };
        let op = Op::BatchNorm {
            weight: add("weight", ParameterKind::NormWeight),
            bias: add("bias", ParameterKind::NormBias),
            mean: add("running_mean", ParameterKind::RunningMean),
            var: add("running_var", ParameterKind::RunningVar),
        };
        self.node(op, vec![from], output)
    }

    pub(crate) fn activation(&mut self, from: usize) -> usize {
        let architecture = &self.network.architecture;
        let bounded = architecture.family == Family::MobilenetV2;
        let op = match architecture.activation {
            Activation::Relu if bounded => Op::Relu6,
            _ => Op::Activation,
        };
        self.node(op, vec![from], self.output(from))
    }

    pub(crate) fn add(&mut self, main: usize, shortcut: usize) -> usize {
        self.node(Op::Add, vec![main, shortcut], self.output(main))
    }

    /// `name` is said when the map is too small.
    pub(crate) fn max_pool(
        &mut self,
        name: &str,
        from: usize,
        [kernel, stride, padding]: [usize; 3],
    ) -> Result<usize, Misfit> {
        let [channels, height, width] = self.output(from);
        let pooled = |side: usize| Some((side + 2 * padding).checked_sub(kernel)? / stride + 1);
        let (Some(rows), Some(columns)) = (pooled(height), pooled(width)) else {
            let sides = match kernel {
                2 => "two rows and two columns".to_owned(),
                _ => format!("{0} rows and {0} columns", kernel - 2 * padding),
            };
            return Err(Misfit::Map {
                layer: name.to_owned(),
                needs: format!("{kernel}×{kernel} pooling needs {sides}"),
                map: [height, width],
            });
        };
        let op = Op::MaxPool {
            kernel,
            stride,
            padding,
        };
        Ok(self.node(op, vec![from], [channels, rows, columns]))
    }

    /// A linear layer on the flattened map, with a bias.
    pub(crate) fn linear(&mut self, name: &str, from: usize, out: usize) -> usize {
        let into = self.output(from).iter().product();
        let shape = vec![out, into];
        self.network.layers.push(Layer {
            name: format!("{name}.weight"),
            role: LayerRole::Linear,
            shape: shape.clone(),
            first: self.network.layers.is_empty(),
            classifier: false,
            shortcut: false,
            depthwise: false,
            depth: self.network.layers.len() as u32 + 1,
            block: 0,
            stride: 1,
            groups: 1,
            uses: 1,
        });
        let weight = self.parameter(format!("{name}.weight"), shape, ParameterKind::LinearWeight);
        let bias = self.parameter(format!("{name}.bias"), vec![out], ParameterKind::LinearBias);
        self.node(Op::Linear { weight, bias }, vec![from], [out, 1, 1])
    }

    /// Global average pooling and the classifier, which ends the network.
    pub(crate) fn pool_and_classify(mut self, name: &str, from: usize) -> Network {
        let channels = self.output(from)[0];
        let pooled = self.node(Op::GlobalAveragePool, vec![from], [channels, 1, 1]);
        self.classify(name, pooled)
    }

    /// The classifier, which ends the network.
    pub(crate) fn classify(mut self, name: &str, from: usize) -> Network {
        let classes = self.network.architecture.classes as usize;
        self.linear(name, from, classes);
        if let Some(last) = self.network.layers.last_mut() {
            last.classifier = true;
        }
        self.network
    }
}

/// The side after a convolution, or `None` when some tap of the kernel would only ever
/// multiply padding: its weights would be prunable, counted, and without any effect.
fn convolved(side: usize, kernel: usize, stride: usize, padding: usize) -> Option<usize> {
    let out = (side + 2 * padding).checked_sub(kernel)? / stride + 1;
    let meets_image = |tap: usize| {
        // The first output whose tap is not in the leading padding.
        let output = padding.saturating_sub(tap).div_ceil(stride);
        output < out && output * stride + tap < side + padding
    };
    (0..kernel).all(meets_image).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the definition, by walking over every output.
    #[test]
    fn a_tap_that_sees_padding_only_is_found() {
        let slow = |side: usize, kernel: usize, stride: usize| -> Option<usize> {
            let padding = (kernel / 2) as i64;
            let starts = (-padding..=side as i64 + padding - kernel as i64).step_by(stride);
            let seen = |tap: i64| {
                let mut places = starts.clone().map(|start| start + tap);
                places.any(|place| (0..side as i64).contains(&place))
            };
            (0..kernel as i64).all(seen).then_some(starts.count())
        };
        for side in 1..20 {
            for (kernel, stride) in [(1, 1), (1, 2), (3, 1), (3, 2), (5, 1), (5, 3), (7, 2)] {
                let got = convolved(side, kernel, stride, kernel / 2);
                assert_eq!(got, slow(side, kernel, stride), "{side} {kernel} {stride}");
            }
        }
        assert_eq!(convolved(1, 3, 1, 1), None);
        assert_eq!(convolved(2, 3, 1, 1), Some(2));
        assert_eq!(convolved(2, 3, 2, 1), None);
        assert_eq!(convolved(4, 3, 2, 1), Some(2));
    }
}
