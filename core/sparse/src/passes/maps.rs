//! How a source's rows are made from the maps of a batch.
//!
//! A map is `[batch tile][row][channel][column]` of lines: a row of all channels is in one
//! piece, and column stride, padding and pooling are addresses, never shuffles.
use crate::kernels::{Activate, Added, Ahead, Kernels, Line, Lines, Link, Row, Window};
use crate::layer::Layer;
use crate::planning::arena::{Map, Maps};
use crate::planning::plan::{Group, Plan, Pool, Shortcut, Source};
use jackpot_net::Activation;

/// Rows between activation and pooling.
#[derive(Default)]
pub(crate) struct Scratch {
    pub rows: Vec<Lines>,
    pub sums: Lines,
}

/// One row of a batch tile.
#[derive(Clone, Copy)]
pub(crate) struct At {
    pub tile: usize,
    pub y: usize,
}

/// A row of a map of `[channels, height, width]`.
pub(crate) fn row_of(map: &[Line], [channels, height, width]: [usize; 3], at: At) -> &[Line] {
    let length = channels * width;
    &map[(at.tile * height + at.y) * length..][..length]
}

pub(crate) fn row_of_mut(
    map: &mut [Line],
    [channels, height, width]: [usize; 3],
    at: At,
) -> &mut [Line] {
    let length = channels * width;
    &mut map[(at.tile * height + at.y) * length..][..length]
}

/// Rows of a map, as far as there are.
pub(crate) fn rows_of(
    map: &[Line],
    [channels, height, width]: [usize; 3],
    at: At,
    rows: usize,
) -> &[Line] {
    let length = channels * width;
    let from = (at.tile * height + at.y.min(height)) * length;
    &map[from..from + rows.min(height.saturating_sub(at.y)) * length]
}

/// Whether a map of kept values has room for those of a tile.
fn holds(kept: &[Line], source: &Source, tile: usize) -> bool {
    (tile + 1) * source.lines() <= kept.len()
}

/// Copies a row into one with `pitch` lines per channel.
fn spread(from: &[Line], width: usize, to: &mut [Line], pitch: usize) {
    for (from, to) in from.chunks_exact(width).zip(to.chunks_mut(pitch)) {
        to[..width].copy_from_slice(from);
    }
}

/// Copies a row with `pitch` lines per channel into one without gaps.
fn gather(from: &[Line], pitch: usize, width: usize, to: &mut [Line]) {
    for (to, from) in to.chunks_exact_mut(width).zip(from.chunks(pitch)) {
        to.copy_from_slice(&from[..width]);
    }
}

/// Everything that a source's rows are made from.
pub(crate) struct Maker<'a> {
    pub plan: &'a Plan,
    pub layers: &'a [Layer],
    pub maps: &'a Maps<'a>,
    pub activation: Activation,
    /// The source whose values this pass keeps: they are not there yet.
    pub keeps: Option<usize>,
}

impl Maker<'_> {
    /// The values of a source, if those of the tile are there.
    pub fn kept(&self, source: usize, tile: usize) -> Option<&[Line]> {
        let this = &self.plan.sources[source];
        let there = this.kept > 0 && self.keeps != Some(source);
        let kept = there.then(|| self.maps.of(Map::Kept(source)));
        kept.filter(|kept| holds(kept, this, tile))
    }

    /// A row of a ring: the source as the group's convolutions see it, from column `pad` on.
    #[expect(
        clippy::too_many_arguments,
        reason = "a row, its layout and its memory"
    )]
    pub fn fill<P: Kernels>(
        &self,
        group: &Group,
        at: At,
        out: &mut [Line],
        pad: usize,
        pitch: usize,
        mut kept: Option<&mut [Line]>,
        scratch: &mut Scratch,
    ) {
        let [channels, height, width] = self.plan.sources[group.source].shape;
        if group.input == [channels, height, width] {
            return self.row::<P>(group.source, at, &mut out[pad..], pitch, kept, scratch);
        }
        // Flattened: all rows behind each other.
        for (y, row) in out.chunks_exact_mut(channels * width).enumerate() {
            let at = At { y, ..at };
            self.row::<P>(group.source, at, row, width, kept.as_deref_mut(), scratch);
        }
    }

    /// A row of the source's values, `pitch` lines per channel; `kept` takes them too.
    pub fn row<P: Kernels>(
        &self,
        source: usize,
        at: At,
        out: &mut [Line],
        pitch: usize,
        kept: Option<&mut [Line]>,
        scratch: &mut Scratch,
    ) {
        let this = &self.plan.sources[source];
        let width = this.shape[2];
        if this.main.is_none() {
            let image = self.maps.of(Map::Image);
            return spread(row_of(image, this.shape, at), width, out, pitch);
        }
        if let Some(kept) = self.kept(source, at.tile) {
            return spread(row_of(kept, this.shape, at), width, out, pitch);
        }
        match this.pool {
            Pool::None => self.activation::<P>(this, at, out, pitch),
            Pool::Max {
                kernel,
                stride,
                padding,
            } => {
                let rows = window_rows(this, at.y, kernel, stride, padding);
                scratch.reserve(this, kernel);
                for y in rows.clone() {
                    let row = &mut scratch.rows[y % kernel];
                    self.activation::<P>(this, At { y, ..at }, row, this.map[2]);
                }
                let rows: Vec<&[Line]> = rows.map(|y| &scratch.rows[y % kernel][..]).collect();
                P::pool(window(this, &rows), out, pitch);
            }
            Pool::Average => {
                let [channels, height, width] = this.map;
                scratch.reserve(this, 1);
                scratch.sums.fill(Line::ZERO);
                for y in 0..height {
                    let row = &mut scratch.rows[0];
                    self.activation::<P>(this, At { y, ..at }, row, width);
                    P::average(Row { channels, width }, row, &mut scratch.sums);
                }
                let factor = 1.0 / (height * width) as f32;
                P::scale(&scratch.sums, factor, &mut out[..channels]);
            }
        }
        if let Some(kept) = kept.filter(|kept| holds(kept, this, at.tile)) {
            gather(out, pitch, width, row_of_mut(kept, this.shape, at));
        }
    }

    /// What the source's next rows will be made from.
    pub fn ahead(&self, source: usize, at: At, rows: usize, ahead: &mut Ahead) {
        let this = &self.plan.sources[source];
        let Some(main) = this.main else { return };
        if let Some(kept) = self.kept(source, at.tile) {
            return ahead.add(rows_of(kept, this.shape, at, rows));
        }
        let (at, rows) = match this.pool {
            Pool::None => (at, rows),
            Pool::Max { stride, .. } => (
                At {
                    y: at.y * stride,
                    ..at
                },
                rows * stride,
            ),
            Pool::Average => return,
        };
        ahead.add(rows_of(self.maps.of(Map::Z(main)), this.map, at, rows));
        match this.shortcut {
            None => {}
            Some(Shortcut::Source(from)) => self.ahead(from, at, rows, ahead),
            Some(Shortcut::Projection(c)) => {
                ahead.add(rows_of(self.maps.of(Map::Z(c)), this.map, at, rows));
            }
        }
    }

    /// A row under the pooling: the activation of what is normalised and added.
    pub fn activation<P: Kernels>(&self, this: &Source, at: At, out: &mut [Line], pitch: usize) {
        let [channels, _, width] = this.map;
        let mut chain = Vec::new();
        self.chain(this, at, &mut chain);
        let smooth: Option<fn(f32) -> f32> = match self.activation {
            Activation::Relu => None,
            Activation::Tanh => Some(libm::tanhf),
            Activation::Softplus => Some(|x| x.max(0.0) + libm::log1pf(libm::expf(-x.abs()))),
        };
        let links = if smooth.is_some() { 1 } else { chain.len() };
        for chain in chain.chunks(links) {
            P::activate(Activate {
                row: Row { channels, width },
                chain,
                relu: smooth.is_none(),
                out,
                pitch,
            });
            if let Some(smooth) = smooth {
                each::<P>(out, pitch, width, smooth);
            }
        }
    }

    /// What a row is made from: first what its shortcut is made from, if that is not kept.
    fn chain<'b>(&'b self, this: &Source, at: At, chain: &mut Vec<Link<'b>>) {
        let Some(main) = this.main else { return };
        let added = match this.shortcut {
            None => Added::None,
            Some(Shortcut::Source(from)) => match self.kept(from, at.tile) {
                Some(kept) => Added::Row(row_of(kept, this.map, at)),
                None => {
                    self.chain(&self.plan.sources[from], at, chain);
                    Added::Before
                }
            },
            Some(Shortcut::Projection(c)) => {
                let Layer { scale, shift, .. } = &self.layers[c];
                Added::Scaled(row_of(self.maps.of(Map::Z(c)), this.map, at), scale, shift)
            }
        };
        let Layer { scale, shift, .. } = &self.layers[main];
        let z = row_of(self.maps.of(Map::Z(main)), this.map, at);
        chain.push(Link {
            z,
            scale,
            shift,
            added,
        });
    }

    /// The slope of a smooth activation where its values are given, in place.
    pub fn slopes<P: Kernels>(&self, values: &mut [Line], pitch: usize, width: usize) {
        let slope: fn(f32) -> f32 = match self.activation {
            Activation::Relu => return,
            Activation::Tanh => |a| 1.0 - a * a,
            // softplus' = 1 / (1 + e⁻ˣ) = 1 − e^(−softplus).
            Activation::Softplus => |a| -libm::expm1f(-a),
        };
        each::<P>(values, pitch, width, slope);
    }
}

/// Applies a function to every number of a row.
fn each<P: Kernels>(row: &mut [Line], pitch: usize, width: usize, function: fn(f32) -> f32) {
    for channel in row.chunks_mut(pitch) {
        for line in channel.iter_mut().take(width) {
            let mut numbers = [0.0; 32];
            let numbers = &mut numbers[..P::IMAGES];
            P::read(line, numbers);
            numbers.iter_mut().for_each(|x| *x = function(*x));
            *line = P::write(numbers);
        }
    }
}

impl Scratch {
    /// Room for `rows` rows of the source's map and its sums.
    pub fn reserve(&mut self, source: &Source, rows: usize) {
        let [channels, _, width] = source.map;
        while self.rows.len() < rows {
            self.rows.push(Lines::default());
        }
        for row in &mut self.rows {
            if row.len() < channels * width {
                *row = Lines::new(channels * width);
            }
        }
        if self.sums.len() != 2 * channels {
            self.sums = Lines::new(2 * channels);
        }
    }
}

/// Rows of the map under a row of the pooled one.
pub(crate) fn window_rows(
    source: &Source,
    y: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
) -> std::ops::Range<usize> {
    let from = y * stride;
    let to = (from + kernel).saturating_sub(padding);
    from.saturating_sub(padding)..to.min(source.map[1])
}

/// The windows of a row of the pooled map over the rows that they see.
pub(crate) fn window<'a>(source: &Source, rows: &'a [&'a [Line]]) -> Window<'a> {
    let Pool::Max {
        kernel,
        stride,
        padding,
    } = source.pool
    else {
        unreachable!("only a max-pooling has windows")
    };
    Window {
        rows,
        channels: source.map[0],
        width: source.map[2],
        pooled: source.shape[2],
        kernel,
        stride,
        padding,
    }
}
