//! Which kept weights can matter: paths of kept weights from the image to the logits.
//!
//! A kept weight is *effective* if some path of kept weights from the image to a logit uses
//! it (Vysogorets and Kempe 2023), on the real graph and the real shape of the image:
//! normalisations and activations pass everything on, a sum is live where either side is, a
//! pooling where any of its window is. Liveness is one bit for each channel **and position**,
//! forward (reached from the image) and backward (reaches a logit), so it is exact: a tap that
//! sees only padding does not count, and neither does a chain of corner taps that shifts the
//! image out of a 2×2 map, which liveness by channel would call alive.

mod live;

use self::live::{Bits, Conv, Window, meet};
use crate::Mask;
use jackpot_net::{Network, Node, Op};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Below this share of its channels a cut is at risk.
const LEAST_SHARE: f64 = 0.05;

/// What a mask lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Effective kept weights of each layer, in forward order.
    pub effective: Vec<u64>,
    /// Channels that no path from the image reaches, that something reads, and that a bias or
    /// a normalisation's shift makes a constant.
    pub constant: u64,
    /// The cut that comes nearest to collapse, of those that every path crosses.
    pub narrowest: Cut,
    /// Whether a training can learn anything.
    pub collapse: Collapse,
}

/// One place that every path from the image to the logits crosses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The prunable layer that gives it or feeds it.
    pub layer: String,
    /// Channels on a path of kept weights from the image to a logit.
    pub live: usize,
    /// All channels of this place.
    pub channels: usize,
}

/// Whether a mask leaves a network that can be trained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Collapse {
    /// Nothing in the mask speaks against training.
    None,
    /// A cut is narrower than the number of classes (where the dense network's is not) or than
    /// 5 % of its channels; says which.
    AtRisk(String),
    /// No path is left: every logit is a constant; says where it ends.
    Certain(String),
}

impl Flow {
    /// Effective weights of all layers.
    pub fn kept(&self) -> u64 {
        self.effective.iter().sum()
    }
}

/// Follows the paths of kept weights; a function of the network's shape and the mask alone.
///
/// # Panics
/// If the mask is not the network's: [`Mask::check`] says so in words.
pub fn flow(network: &Network, mask: &Mask) -> Flow {
    let paths = Paths::new(network, mask);
    let (forward, deepest) = paths.forward();
    let (backward, effective) = paths.backward(&forward);
    let cuts = paths.cuts(&forward, &backward);
    let narrowest = cuts
        .iter()
        .min_by(|a, b| rank(a).total_cmp(&rank(b)))
        .cloned()
        .expect("the logits are a cut");
    let classes = network.architecture.classes as usize;
    Flow {
        constant: paths.constants(&forward, &backward),
        collapse: verdict(&cuts, &narrowest, classes, &deepest),
        effective,
        narrowest,
    }
}

fn rank(cut: &Cut) -> f64 {
    cut.live as f64 / cut.channels as f64
}

fn verdict(cuts: &[Cut], narrowest: &Cut, classes: usize, deepest: &str) -> Collapse {
    if narrowest.live == 0 {
        return Collapse::Certain(format!(
            "no path of kept weights leads from the image to a logit: none passes `{deepest}`"
        ));
    }
    let few = |c: &&Cut| rank(c) < LEAST_SHARE || (c.live < classes && classes <= c.channels);
    match cuts
        .iter()
        .filter(few)
        .min_by(|a, b| rank(a).total_cmp(&rank(b)))
    {
        None => Collapse::None,
        Some(cut) => Collapse::AtRisk(format!(
            "{} of {} channels after `{}` are on a path from the image to a logit, for {classes} classes",
            cut.live, cut.channels, cut.layer
        )),
    }
}

struct Paths<'a> {
    network: &'a Network,
    mask: &'a Mask,
    layers: BTreeMap<&'a str, usize>,
}

impl<'a> Paths<'a> {
    fn new(network: &'a Network, mask: &'a Mask) -> Paths<'a> {
        if let Err(error) = mask.check(network) {
            panic!("{error}");
        }
        let names = network.layers.iter().enumerate();
        Paths {
            network,
            mask,
            layers: names.map(|(at, l)| (l.name.as_str(), at)).collect(),
        }
    }

    /// The prunable layer of a node's parameter.
    fn layer(&self, weight: usize) -> usize {
        self.layers[self.network.parameters[weight].name.as_str()]
    }

    fn kept(&self, weight: usize) -> &'a [bool] {
        &self.mask.layers[self.layer(weight)].kept
    }

    fn shape(&self, node: usize) -> [usize; 3] {
        self.network.nodes[node].output
    }

    fn conv(&self, node: &Node) -> Option<(Conv<'a>, usize)> {
        let Op::Conv {
            weight,
            kernel,
            stride,
            padding,
            groups,
            ..
        } = node.op
        else {
            return None;
        };
        let (from, to) = (self.shape(node.inputs[0]), node.output);
        let conv = Conv {
            kept: self.kept(weight),
            window: Window::new((kernel, stride, padding), from, to),
            groups,
            from,
            to,
        };
        Some((conv, weight))
    }

    /// What the image reaches, of every node; and the first layer that nothing passes.
    fn forward(&self) -> (Vec<Bits>, String) {
        let mut live: Vec<Bits> = Vec::with_capacity(self.network.nodes.len());
        for node in &self.network.nodes {
            let bits = match node.op {
                Op::Input => Bits::all(node.output),
                Op::Conv { .. } => {
                    let (conv, _) = self.conv(node).expect("the node is a convolution");
                    conv.forward(&live[node.inputs[0]])
                }
                Op::BatchNorm { .. } | Op::Activation | Op::Relu6 => live[node.inputs[0]].clone(),
                Op::Add => {
                    let mut sum = live[node.inputs[0]].clone();
                    sum.join_all(&live[node.inputs[1]]);
                    sum
                }
                Op::MaxPool { .. } => self.pooled(node, &live[node.inputs[0]]),
                Op::GlobalAveragePool => {
                    let from = &live[node.inputs[0]];
                    let mut bits = Bits::none(node.output);
                    let channels = (0..node.output[0]).filter(|&c| from.any(c));
                    channels.for_each(|c| bits.set(c, 0));
                    bits
                }
                Op::Linear { weight, .. } => self.linear(node, weight, &live[node.inputs[0]]),
            };
            live.push(bits);
        }
        let dead = |at: &usize| (0..self.shape(*at)[0]).all(|c| !live[*at].any(c));
        let last = self.network.nodes.len() - 1;
        let mut end = last;
        // Back along dead nodes to the first one.
        while let Some(&from) = self.network.nodes[end].inputs.iter().find(|at| dead(at)) {
            end = from;
        }
        let deepest = self.name_at(end);
        (live, deepest)
    }

    fn pool_window(&self, node: &Node) -> Window {
        let Op::MaxPool {
            kernel,
            stride,
            padding,
        } = node.op
        else {
            unreachable!("the node is a max-pooling");
        };
        let shape = (kernel, stride, padding);
        Window::new(shape, self.shape(node.inputs[0]), node.output)
    }

    fn pooled(&self, node: &Node, live: &Bits) -> Bits {
        let window = self.pool_window(node);
        let taps = window.taps.len();
        let seen = window.gathered(live, node.output[0], node.output);
        let mut bits = Bits::none(node.output);
        for channel in 0..node.output[0] {
            (0..taps).for_each(|tap| bits.join(channel, seen.row(channel * taps + tap)));
        }
        bits
    }

    fn linear(&self, node: &Node, weight: usize, live: &Bits) -> Bits {
        let [channels, height, width] = self.shape(node.inputs[0]);
        let positions = height * width;
        let columns = channels * positions;
        let mut bits = Bits::none(node.output);
        for (out, row) in self.kept(weight).chunks(columns).enumerate() {
            let alive = |j: usize| live.get(j / positions, j % positions);
            if (0..columns).any(|j| row[j] && alive(j)) {
                bits.set(out, 0);
            }
        }
        bits
    }

    /// What reaches a logit, of every node; and the effective weights of every layer.
    fn backward(&self, live: &[Bits]) -> (Vec<Bits>, Vec<u64>) {
        let nodes = &self.network.nodes;
        let mut used: Vec<Bits> = nodes.iter().map(|n| Bits::none(n.output)).collect();
        let mut effective = vec![0; self.network.layers.len()];
        let last = nodes.len() - 1;
        used[last] = Bits::all(nodes[last].output);
        for at in (1..nodes.len()).rev() {
            let node = &nodes[at];
            let from = node.inputs[0];
            let into = match node.op {
                Op::Input => continue,
                Op::Conv { .. } => {
                    let (conv, weight) = self.conv(node).expect("the node is a convolution");
                    let (into, count) = conv.backward(&live[from], &used[at]);
                    effective[self.layer(weight)] = count;
                    into
                }
                Op::BatchNorm { .. } | Op::Activation | Op::Relu6 => used[at].clone(),
                Op::Add => {
                    let sum = used[at].clone();
                    used[node.inputs[1]].join_all(&sum);
                    sum
                }
                Op::MaxPool { .. } => self.read_by_pool(node, &used[at]),
                Op::GlobalAveragePool => {
                    let mut bits = Bits::none(self.shape(from));
                    let whole = Bits::all([1, self.shape(from)[1], self.shape(from)[2]]);
                    let channels = (0..node.output[0]).filter(|&c| used[at].any(c));
                    channels.for_each(|c| bits.join(c, whole.row(0)));
                    bits
                }
                Op::Linear { weight, .. } => {
                    let (into, count) = self.read_by_linear(node, weight, &live[from], &used[at]);
                    effective[self.layer(weight)] = count;
                    into
                }
            };
            used[from].join_all(&into);
        }
        (used, effective)
    }

    fn read_by_pool(&self, node: &Node, used: &Bits) -> Bits {
        let from = self.shape(node.inputs[0]);
        let window = self.pool_window(node);
        let taps = window.taps.len();
        let read = window.scattered(used, node.output[0], from);
        let mut bits = Bits::none(from);
        for channel in 0..node.output[0] {
            (0..taps).for_each(|tap| bits.join(channel, read.row(channel * taps + tap)));
        }
        bits
    }

    fn read_by_linear(&self, node: &Node, weight: usize, live: &Bits, used: &Bits) -> (Bits, u64) {
        let from = self.shape(node.inputs[0]);
        let positions = from[1] * from[2];
        let mut into = Bits::none(from);
        let mut effective = 0;
        let rows = self.kept(weight).chunks(from[0] * positions).enumerate();
        for (_, row) in rows.filter(|(out, _)| used.any(*out)) {
            for (j, _) in row.iter().enumerate().filter(|(_, kept)| **kept) {
                effective += u64::from(live.get(j / positions, j % positions));
                into.set(j / positions, j % positions);
            }
        }
        (into, effective)
    }

    /// Nodes that every path crosses, the image aside: in forward order, no edge passes them by.
    fn cuts(&self, live: &[Bits], used: &[Bits]) -> Vec<Cut> {
        let nodes = &self.network.nodes;
        let mut furthest = vec![0; nodes.len()];
        for (at, node) in nodes.iter().enumerate() {
            for &from in &node.inputs {
                furthest[from] = furthest[from].max(at);
            }
        }
        let mut reach = 0;
        let mut cuts = Vec::new();
        for at in 0..nodes.len() {
            if at > 0 && reach <= at {
                let channels = nodes[at].output[0];
                let on_path = |c: &usize| meet(live[at].row(*c), used[at].row(*c));
                cuts.push(Cut {
                    layer: self.name_at(at),
                    live: (0..channels).filter(on_path).count(),
                    channels,
                });
            }
            reach = reach.max(furthest[at]);
        }
        cuts
    }

    /// The prunable layer that gives a node, along the main path.
    fn name_at(&self, mut at: usize) -> String {
        loop {
            match self.network.nodes[at].op {
                Op::Input => return "the image".to_owned(),
                Op::Conv { weight, .. } | Op::Linear { weight, .. } => {
                    return self.network.parameters[weight].name.clone();
                }
                _ => at = self.network.nodes[at].inputs[0],
            }
        }
    }

    fn constants(&self, live: &[Bits], used: &[Bits]) -> u64 {
        let nodes = &self.network.nodes;
        let mut count = 0;
        for at in 0..nodes.len() - 1 {
            let normalised = nodes
                .iter()
                .any(|next| next.inputs.contains(&at) && matches!(next.op, Op::BatchNorm { .. }));
            // A bias before a normalisation is taken out again: the normalisation's is counted.
            let shifted = match nodes[at].op {
                Op::BatchNorm { .. } => true,
                Op::Conv { bias, .. } => bias.is_some() && !normalised,
                Op::Linear { .. } => !normalised,
                _ => false,
            };
            if shifted {
                let constant = |c: &usize| !live[at].any(*c) && used[at].any(*c);
                count += (0..nodes[at].output[0]).filter(constant).count() as u64;
            }
        }
        count
    }
}
