//! A group's lists and tiles, and the rings that all groups use in turn: everything that a
//! pass needs beside the maps.
use crate::kernels::{Line, Lines, Pixel, ROWS, Rows};
use crate::planning::pattern::{Geometry, Lists, Transposed};
use crate::planning::plan::{Group, Plan, Pool};

/// How a ring's rows lie: `pitch` lines per channel, `width` of them used from `left` on, the
/// others zero.
#[derive(Clone, Copy, Default, PartialEq)]
struct Band {
    rows: usize,
    channels: usize,
    left: usize,
    width: usize,
    pitch: usize,
}

impl Band {
    fn row(&self) -> usize {
        self.channels * self.pitch
    }
}

/// The newest rows of a map, with zero columns on its sides, small enough for the cache.
#[derive(Default)]
pub(crate) struct Ring {
    lines: Lines,
    band: Band,
    /// The next row to be made.
    pub next: usize,
}

impl Ring {
    /// Lays it out anew, in the memory that it has if there is enough.
    fn fit(&mut self, band: Band, exact: bool) {
        let count = band.rows * band.row();
        if self.lines.len() < count || exact {
            self.lines = Lines::default();
            self.lines = Lines::new(count);
        }
        for columns in self.lines[..count].chunks_exact_mut(band.pitch) {
            columns[..band.left].fill(Line::ZERO);
            columns[band.left + band.width..].fill(Line::ZERO);
        }
        self.band = band;
    }

    pub fn row(&self, y: usize) -> &[Line] {
        debug_assert!(y < self.next && y + self.band.rows >= self.next);
        let row = self.band.row();
        &self.lines[y % self.band.rows * row..][..row]
    }

    /// The place of the next row.
    pub fn make(&mut self) -> &mut [Line] {
        let (y, row) = (self.next, self.band.row());
        self.next += 1;
        &mut self.lines[y % self.band.rows * row..][..row]
    }
}

/// What the rings of a group are like.
#[derive(Clone, Default, PartialEq)]
struct Layout {
    tiles: usize,
    /// The activation is smooth: its slopes have rings, too.
    slopes: bool,
    input: Band,
    /// The lists of each convolution.
    gradients: Vec<Band>,
}

/// The rings of a pass, for each batch tile of a block: the input's rows, their slopes if the
/// activation is smooth, and the rows of each convolution's gradient.
#[derive(Default)]
pub(crate) struct Rings {
    layout: Layout,
    /// No ring has more memory than it needs.
    pub exact: bool,
    pub input: Vec<Ring>,
    pub slopes: Vec<Ring>,
    pub gradients: Vec<Vec<Ring>>,
}

impl Rings {
    /// Those of a group. What the last group used serves the next of the same layout: its
    /// memory is in the cache, and its zero columns are zero.
    pub fn fit(&mut self, work: &Work) {
        if self.layout == work.layout {
            return;
        }
        let Layout {
            tiles,
            slopes,
            input,
            ref gradients,
        } = work.layout;
        let slopes = if slopes { tiles } else { 0 };
        self.slopes.resize_with(slopes, Ring::default);
        let most = self.input.len().max(tiles);
        self.input.resize_with(most, Ring::default);
        self.gradients.resize_with(most, Vec::new);
        let inputs = self.input.iter_mut().take(tiles);
        for ring in inputs.chain(&mut self.slopes) {
            ring.fit(input, self.exact);
        }
        for rings in self.gradients.iter_mut().take(tiles) {
            let most = rings.len().max(gradients.len());
            rings.resize_with(most, Ring::default);
            for (ring, &band) in rings.iter_mut().zip(gradients) {
                ring.fit(band, self.exact);
            }
        }
        self.layout = work.layout.clone();
    }

    pub fn restart(&mut self) {
        let gradients = self.gradients.iter_mut().flatten();
        let rings = self.input.iter_mut().chain(&mut self.slopes);
        rings.chain(gradients).for_each(|ring| ring.next = 0);
    }
}

pub(crate) struct Work {
    pub geometry: Geometry,
    /// Height of the input.
    height: usize,
    /// The lists of each convolution.
    pub lists: Vec<Lists>,
    /// The lists of each class of input pixels; empty for the image.
    pub transposed: Vec<Transposed>,
    /// Rows at a time, of so many batch tiles at a time.
    pub rows: usize,
    pub tiles: usize,
    /// Columns at a time: first, how many.
    pub columns: Vec<(usize, usize)>,
    /// The same over the input's columns, for each column modulo the stride.
    pub input_columns: Vec<Vec<(usize, usize)>>,
    layout: Layout,
}

/// Lines that all input rings of a group may take: half of the second-level cache.
const CACHED: usize = (1 << 19) / size_of::<Line>();

impl Work {
    /// `kept` are the kept weights of every convolution of the plan.
    pub fn new<P: Pixel>(plan: &Plan, group: &Group, kept: &[Vec<u32>], smooth: bool) -> Work {
        let numbers = &group.convolutions;
        let convolutions: Vec<_> = numbers.iter().map(|&c| &plan.convolutions[c]).collect();
        let kept: Vec<&[u32]> = numbers.iter().map(|&c| &kept[c][..]).collect();
        let geometry = Geometry::new(&convolutions);
        let source = &plan.sources[group.source];
        let [channels, height, width] = group.input;
        let [_, out_height, out_width] = convolutions[0].output;
        let stride = geometry.stride;

        let widest = split(out_width, P::COLUMNS)[0].1;
        let most = power_of_two((P::PIXELS / widest).min(ROWS));
        let rows = power_of_two(most.min(out_height));
        let deepest = (stride * rows + geometry.pad).max((rows - 1) * stride + geometry.taps);
        let input = Band {
            rows: deepest.min(height),
            channels,
            left: geometry.pad,
            width,
            pitch: geometry.pitch,
        };
        let whole = rows == out_height && height.div_ceil(stride) == out_height;
        let cached = power_of_two((CACHED / (input.rows * input.row())).max(1));
        let tiles = if whole { (most / rows).min(cached) } else { 1 };

        let limit = P::COLUMNS.min(P::PIXELS / (rows * tiles));
        let class = |class: usize| split((width - class.min(width)).div_ceil(stride), limit);
        let most_channels = convolutions.iter().map(|c| c.output[0]).max().unwrap_or(0);
        let gradients = geometry.halos.iter().map(|halo| {
            let deep = rows as isize + halo.high.max(0) - halo.low.min(0);
            Band {
                rows: (deep as usize).min(out_height),
                channels: most_channels,
                left: halo.left,
                width: out_width,
                pitch: halo.pitch,
            }
        });
        let layout = Layout {
            tiles,
            slopes: smooth && source.pool == Pool::None,
            input,
            gradients: gradients.collect(),
        };
        let transposed = match source.main {
            None => Vec::new(),
            Some(_) => geometry.transposed(&convolutions, &kept),
        };
        let lists = convolutions.iter().zip(&kept);
        Work {
            height,
            lists: lists.map(|(c, kept)| geometry.forward(c, kept)).collect(),
            transposed,
            rows,
            tiles,
            columns: split(out_width, P::COLUMNS),
            input_columns: (0..stride).map(class).collect(),
            layout,
            geometry,
        }
    }

    /// Kept weights of all its convolutions.
    pub fn entries(&self) -> usize {
        self.lists.iter().map(Lists::entries).sum()
    }

    /// Lines of the longest row that a kernel may be pointed at.
    pub fn longest_row(&self) -> usize {
        let gradients = self.layout.gradients.iter().map(Band::row).max();
        self.layout.input.row().max(gradients.unwrap_or(0))
    }

    /// New values for the kept weights of every convolution of the group.
    pub fn set(&mut self, weights: &[&[f32]]) {
        for (lists, weights) in self.lists.iter_mut().zip(weights) {
            lists.set(weights.iter().copied());
        }
        for (lists, from) in &mut self.transposed {
            lists.set(
                from.iter()
                    .map(|&(c, at)| weights[usize::from(c)][at as usize]),
            );
        }
    }

    /// The batch tiles in blocks: first, how many. The last tile is alone if it is ragged.
    pub fn blocks(&self, tiles: usize, ragged: bool, backwards: bool) -> Vec<(usize, usize)> {
        let whole = tiles - usize::from(ragged);
        let mut blocks = Vec::new();
        let mut at = 0;
        while at < tiles {
            let count = if at + self.tiles <= whole {
                self.tiles
            } else {
                1
            };
            blocks.push((at, count));
            at += count;
        }
        if backwards {
            blocks.reverse();
        }
        blocks
    }

    /// The input rows that `rows` output rows of `count` tiles read, from row `done` on.
    pub fn table<'a>(
        &self,
        rings: &'a Rings,
        zero: &'a [Line],
        count: usize,
        rows: usize,
        done: usize,
    ) -> Rows<'a> {
        let Geometry {
            stride, pad, taps, ..
        } = self.geometry;
        let mut table = Rows::new(zero);
        for t in 0..count {
            for i in 0..rows {
                for tap in 0..taps {
                    let y = ((done + i) * stride + tap).wrapping_sub(pad);
                    if y < self.height {
                        table.set(t * rows + i, tap, rings.input[t].row(y));
                    }
                }
            }
        }
        table
    }
}

/// The largest power of two up to `n`.
fn power_of_two(n: usize) -> usize {
    1 << n.max(1).ilog2()
}

/// `n` columns in as few parts of at most `limit` as there can be, the larger ones first.
fn split(n: usize, limit: usize) -> Vec<(usize, usize)> {
    let parts = n.div_ceil(limit);
    let mut at = 0;
    let part = |part: usize| {
        let count = n / parts + usize::from(part < n % parts);
        at += count;
        (at - count, count)
    };
    (0..parts).map(part).collect()
}
