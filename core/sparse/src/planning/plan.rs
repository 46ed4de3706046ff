//! A network as the engine runs it: convolutions, sources and groups (`lower` makes it).

/// A convolution or linear layer with the bias and normalisation that follow it.
#[derive(Clone, Debug)]
pub(crate) struct Convolution {
    /// Parameter index.
    pub weight: usize,
    pub bias: Option<usize>,
    pub norm: Option<Norm>,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    /// Channels, height, width.
    pub input: [usize; 3],
    pub output: [usize; 3],
    /// For a linear layer, the shape whose values are its input's channels: they lie row by row,
    /// each channel by channel, where PyTorch flattens channel by channel.
    pub flattened: Option<[usize; 3]>,
}

/// Parameter indices of a batch normalisation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Norm {
    pub weight: usize,
    pub bias: usize,
    pub mean: usize,
    pub var: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shortcut {
    /// A source, as it is.
    Source(usize),
    /// A convolution, normalised.
    Projection(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pool {
    None,
    Max {
        kernel: usize,
        stride: usize,
        padding: usize,
    },
    /// Over the whole map.
    Average,
}

#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The convolution under the activation; `None` for the image.
    pub main: Option<usize>,
    pub shortcut: Option<Shortcut>,
    pub pool: Pool,
    /// Channels, height, width before pooling.
    pub map: [usize; 3],
    /// Channels, height, width after pooling.
    pub shape: [usize; 3],
    /// Lines a batch tile of the memory in which its values are kept until the backward pass:
    /// those of as many tiles as fit. The others are made again.
    pub kept: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub source: usize,
    pub convolutions: Vec<usize>,
    /// It is the first to read its source: it makes it, and finishes its gradient.
    pub first: bool,
    /// Channels, height, width as its convolutions see the source.
    pub input: [usize; 3],
    /// Its output is not held until the backward pass, but made again there.
    pub again: bool,
}

/// A network as the engine runs it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub convolutions: Vec<Convolution>,
    /// The first is the image.
    pub sources: Vec<Source>,
    /// The groups in forward order.
    pub groups: Vec<Group>,
}

impl Convolution {
    /// Number of weights, kept and pruned.
    pub fn weights(&self) -> usize {
        self.output[0] * self.input[0] * self.kernel * self.kernel
    }

    /// Output channel, input channel, row and column of a flat index.
    pub fn place(&self, index: usize) -> (usize, usize, usize, usize) {
        let area = self.kernel * self.kernel;
        let (filter, tap) = (index / area, index % area);
        let (out, channel) = (filter / self.input[0], filter % self.input[0]);
        let channel = match self.flattened {
            None => channel,
            Some([channels, height, width]) => {
                let (of, pixel) = (channel / (height * width), channel % (height * width));
                (pixel / width * channels + of) * width + pixel % width
            }
        };
        (out, channel, tap / self.kernel, tap % self.kernel)
    }

    /// Lines of its output, a batch tile.
    pub fn lines(&self) -> usize {
        self.output.iter().product()
    }
}

impl Source {
    /// Lines of its values, a batch tile.
    pub fn lines(&self) -> usize {
        self.shape.iter().product()
    }
}

impl Plan {
    /// The last group that reads what is made of the output of a group, if that is made again.
    pub fn last_reader(&self, group: usize) -> Option<usize> {
        let Group {
            again,
            convolutions,
            ..
        } = &self.groups[group];
        let over = |group: &Group| self.sources[group.source].main == Some(convolutions[0]);
        self.groups.iter().rposition(over).filter(|_| *again)
    }

    /// The convolution that gives the logits.
    pub fn classifier(&self) -> usize {
        self.convolutions.len() - 1
    }
}
