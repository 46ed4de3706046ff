//! From the nodes of a network to fused groups.
//!
//! A **source** is what convolutions read: the image, or the activation of one normalised
//! convolution, perhaps with a shortcut added, perhaps pooled. It is made row by row while its
//! readers run, and again for every later shortcut; where that would read too many maps it is
//! kept in memory, as far as there is some. A **group** is the convolutions that read one
//! source with one stride. A linear layer is a 1×1 convolution of a 1×1 map whose channels are
//! the flattened input.
use crate::Error;
use crate::kernels::TAPS;
use crate::planning::plan::{Convolution, Group, Norm, Plan, Pool, Shortcut, Source};
use jackpot_net::{Network, Op};
use std::cmp::Reverse;

/// What a node of the network is to the engine.
#[derive(Clone, Copy)]
enum Value {
    Raw(usize),
    Normed(usize),
    Sum(usize, Shortcut),
    Source(usize),
}

/// Most maps that the row of a shortcut is made from before its source is kept: reading them
/// takes as long as a step can spare.
const MAPS: usize = 3;
/// And before as much of it is kept as there is memory for: one part in so many of all
/// convolution outputs.
const MAPS_WITH_MEMORY: usize = 2;
const SPARE: usize = 24;
/// Outputs are made again until they are one part in so many of all: with that, a step takes
/// at most a third of the memory that libtorch takes, and up to an eighth longer.
const AGAIN: usize = 4;

/// What stands in the way of a network.
fn refuse<T>(what: impl Into<String>) -> Result<T, String> {
    Err(what.into())
}

impl Plan {
    /// Recognises the whole network, or names the first node that it cannot run.
    pub fn new(network: &Network) -> Result<Plan, Error> {
        Plan::lower(network).map_err(|what| {
            Error::Unsupported(format!(
                "the sparse engine cannot train a `{}`: {what}; use `engine = \"libtorch\"`",
                network.architecture.family.name()
            ))
        })
    }

    fn lower(network: &Network) -> Result<Plan, String> {
        let mut lowering = Lowering {
            network,
            plan: Plan {
                convolutions: Vec::new(),
                sources: Vec::new(),
                groups: Vec::new(),
            },
            values: Vec::new(),
            uses: vec![0; network.nodes.len()],
        };
        for &input in network.nodes.iter().flat_map(|node| &node.inputs) {
            lowering.uses[input] += 1;
        }
        for node in 0..network.nodes.len() {
            let value = lowering.lower(node)?;
            lowering.values.push(value);
        }
        lowering.finish()
    }

    /// Keeps what is needed again and dear to make: the end of a chain of shortcuts that reads
    /// too many maps, and what is pooled, whose windows overlap.
    fn keep(&mut self) {
        let mut spare = self.outputs() / SPARE;
        let mut maps: Vec<usize> = Vec::new();
        for source in 0..self.sources.len() {
            let added = match self.sources[source].shortcut {
                None => 0,
                Some(Shortcut::Projection(_)) => 1,
                Some(Shortcut::Source(from)) => {
                    let added = &mut self.sources[from];
                    if maps[from] > MAPS || added.pool != Pool::None {
                        added.kept = added.lines();
                    } else if maps[from] > MAPS_WITH_MEMORY {
                        added.kept = added.lines().min(spare);
                        spare -= added.kept;
                    }
                    if added.kept == added.lines() {
                        1
                    } else {
                        maps[from]
                    }
                }
            };
            maps.push(1 + added);
        }
        for group in self.groups.iter().filter(|group| !group.first) {
            let source = &mut self.sources[group.source];
            if source.pool != Pool::None {
                source.kept = source.lines();
            }
        }
    }

    /// Chooses outputs to be made again, the largest first, and of those of a size the ones of
    /// the least weights.
    fn make_again(&mut self) {
        let mut order: Vec<usize> = (0..self.groups.len()).collect();
        order.sort_by_key(|&g| (Reverse(self.output(g).lines()), self.output(g).weights()));
        let mut left = self.outputs() / AGAIN;
        for group in order {
            if left > 0 && self.can_be_made_again(group) {
                self.groups[group].again = true;
                left = left.saturating_sub(self.output(group).lines());
            }
        }
    }

    /// Whether a group has one output, of which nothing but one activation is made, and that
    /// itself is made from what is held.
    fn can_be_made_again(&self, group: usize) -> bool {
        let (this, c) = (&self.groups[group], self.groups[group].convolutions[0]);
        let over = self.sources.iter().position(|s| s.main == Some(c));
        let Some(over) = over.filter(|&over| self.sources[over].shortcut.is_none()) else {
            return false;
        };
        let shortcut = |s: &Source| s.shortcut == Some(Shortcut::Source(over));
        let from = self.sources[this.source].main;
        let mut again = self.groups.iter().filter(|group| group.again);
        this.convolutions.len() == 1
            && !self.sources.iter().any(shortcut)
            && again.all(|g| g.source != over && Some(g.convolutions[0]) != from)
    }

    /// Lines of all convolution outputs.
    fn outputs(&self) -> usize {
        self.convolutions.iter().map(Convolution::lines).sum()
    }

    /// The first convolution of a group.
    fn output(&self, group: usize) -> &Convolution {
        &self.convolutions[self.groups[group].convolutions[0]]
    }
}

struct Lowering<'a> {
    network: &'a Network,
    plan: Plan,
    values: Vec<Value>,
    uses: Vec<usize>,
}

impl Lowering<'_> {
    /// What a message calls a node: the layer before it is what a user can find.
    fn name(&self, node: usize) -> String {
        let parameter = |index: usize| self.network.parameters[index].name.clone();
        match self.network.nodes[node].op {
            Op::Conv { weight, .. } | Op::Linear { weight, .. } => {
                format!("`{}`", parameter(weight))
            }
            Op::BatchNorm { weight, .. } => format!("`{}`", parameter(weight)),
            Op::Input => "the image".to_owned(),
            ref op => {
                let word = match op {
                    Op::Add => "the addition",
                    Op::Activation | Op::Relu6 => "the activation",
                    _ => "the pooling",
                };
                let inputs = &self.network.nodes[node].inputs;
                let before = inputs.first().map_or(String::new(), |&i| self.name(i));
                format!("{word} after {before}")
            }
        }
    }

    fn lower(&mut self, node: usize) -> Result<Value, String> {
        let this = &self.network.nodes[node];
        let input = this.inputs.first().map(|&i| self.values[i]);
        let once = this.inputs.iter().all(|&i| self.uses[i] == 1);
        let output = this.output;
        match (&this.op, input) {
            (Op::Input, None) => Ok(self.source(None, None, output)),
            (&Op::Conv { groups, .. }, _) if groups != 1 => refuse(format!(
                "{} is a convolution of {groups} groups",
                self.name(node)
            )),
            (
                &Op::Conv {
                    weight,
                    bias,
                    kernel,
                    stride,
                    padding,
                    ..
                },
                Some(Value::Source(from)),
            ) => {
                if kernel > 11 || stride > 2 || padding >= kernel {
                    return refuse(format!(
                        "{} has a kernel of side {kernel}, stride {stride}, padding {padding} (sides up to 11, strides 1 and 2)",
                        self.name(node)
                    ));
                }
                let input = self.plan.sources[from].shape;
                let convolution = Convolution {
                    weight,
                    bias,
                    norm: None,
                    kernel,
                    stride,
                    padding,
                    input,
                    output,
                    flattened: None,
                };
                self.convolve(node, from, convolution)
            }
            (&Op::Linear { weight, bias }, Some(Value::Source(from))) => {
                let source = &self.plan.sources[from];
                let shape = source.shape;
                let plain = source.main.is_none() || source.pool != Pool::None;
                if !plain && shape[1] * shape[2] > 1 {
                    return refuse(format!(
                        "{} is a linear layer on a map that is not pooled",
                        self.name(node)
                    ));
                }
                let input = [shape.iter().product(), 1, 1];
                let convolution = Convolution {
                    weight,
                    bias: Some(bias),
                    norm: None,
                    kernel: 1,
                    stride: 1,
                    padding: 0,
                    input,
                    output,
                    flattened: Some(shape),
                };
                self.convolve(node, from, convolution)
            }
            (
                &Op::BatchNorm {
                    weight,
                    bias,
                    mean,
                    var,
                },
                Some(Value::Raw(c)),
            ) if once => {
                self.plan.convolutions[c].norm = Some(Norm {
                    weight,
                    bias,
                    mean,
                    var,
                });
                Ok(Value::Normed(c))
            }
            (Op::BatchNorm { .. }, Some(Value::Sum(..) | Value::Source(_))) => refuse(format!(
                "{} is a normalisation that comes before its convolution",
                self.name(node)
            )),
            (Op::Activation, Some(Value::Raw(c) | Value::Normed(c))) if once => {
                Ok(self.source(Some(c), None, output))
            }
            (Op::Activation, Some(Value::Sum(c, shortcut))) if once => {
                Ok(self.source(Some(c), Some(shortcut), output))
            }
            (Op::Add, Some(Value::Normed(main))) => match self.values[this.inputs[1]] {
                Value::Normed(c) if once => Ok(Value::Sum(main, Shortcut::Projection(c))),
                Value::Source(from) if self.may_be_added(from) => {
                    Ok(Value::Sum(main, Shortcut::Source(from)))
                }
                _ => refuse(format!("it has no form of {}", self.name(node))),
            },
            (
                &Op::MaxPool {
                    kernel,
                    stride,
                    padding,
                },
                Some(Value::Source(from)),
            ) if once && from > 0 && stride <= kernel && padding < kernel => self.pool(
                from,
                Pool::Max {
                    kernel,
                    stride,
                    padding,
                },
                output,
            ),
            (Op::GlobalAveragePool, Some(Value::Source(from))) if once && from > 0 => {
                self.pool(from, Pool::Average, output)
            }
            _ => refuse(format!("it has no form of {}", self.name(node))),
        }
    }

    fn source(
        &mut self,
        main: Option<usize>,
        shortcut: Option<Shortcut>,
        shape: [usize; 3],
    ) -> Value {
        self.plan.sources.push(Source {
            main,
            shortcut,
            pool: Pool::None,
            map: shape,
            shape,
            kept: 0,
        });
        Value::Source(self.plan.sources.len() - 1)
    }

    /// A source is a shortcut at most once, and never the image.
    fn may_be_added(&self, from: usize) -> bool {
        let taken = |s: &Source| s.shortcut == Some(Shortcut::Source(from));
        from > 0
            && !self.plan.sources.iter().any(taken)
            && self.plan.sources[from].pool != Pool::Average
    }

    fn pool(&mut self, from: usize, pool: Pool, shape: [usize; 3]) -> Result<Value, String> {
        let source = &mut self.plan.sources[from];
        if source.pool != Pool::None {
            return refuse("a pooled map is pooled again");
        }
        source.pool = pool;
        source.shape = shape;
        Ok(Value::Source(from))
    }

    /// Joins the group that reads the same source with the same stride, or begins one.
    fn convolve(&mut self, node: usize, from: usize, c: Convolution) -> Result<Value, String> {
        // Offsets inside a row are 32 bits wide.
        let widest = c.input[0].max(c.output[0]) * (c.input[2] + 2 * c.kernel);
        if widest >= 1 << 25 {
            return refuse(format!(
                "{}: its rows of {widest} values are too long",
                self.name(node)
            ));
        }
        let index = self.plan.convolutions.len();
        let Convolution {
            kernel,
            stride,
            padding,
            input,
            output,
            ..
        } = c;
        self.plan.convolutions.push(c);
        let plan = &mut self.plan;
        let convolutions = &plan.convolutions;
        let same = |group: &&mut Group| {
            let other = &convolutions[group.convolutions[0]];
            group.source == from
                && other.stride == stride
                && other.output[1..] == output[1..]
                && other.input == input
                && group.convolutions.len() < 2
                && other.kernel + other.padding + kernel + padding <= TAPS
        };
        if let Some(group) = plan.groups.iter_mut().find(same) {
            group.convolutions.push(index);
            return Ok(Value::Raw(index));
        }
        let first = plan.groups.iter().all(|group| group.source != from);
        plan.groups.push(Group {
            source: from,
            convolutions: vec![index],
            first,
            input,
            again: false,
        });
        Ok(Value::Raw(index))
    }

    fn finish(mut self) -> Result<Plan, String> {
        let last = self.values.last();
        let logits = matches!(last, Some(Value::Raw(c)) if *c == self.plan.classifier());
        if !logits {
            return refuse("it does not end with a linear layer");
        }
        let read = |source: usize| self.plan.groups.iter().any(|g| g.source == source);
        if let Some(unread) = (0..self.plan.sources.len()).find(|&s| !read(s)) {
            return refuse(format!("no layer reads activation {unread}"));
        }
        self.plan.keep();
        self.plan.make_again();
        Ok(self.plan)
    }
}
