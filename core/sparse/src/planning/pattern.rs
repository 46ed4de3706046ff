//! Kept weights as lists that the kernels walk: pure, and checked once.
//!
//! A convolution's output row reads `taps` rows of its group's input, which lie in a table of
//! addresses; an [`Entry`] names its row in that table and its place inside the row, so the
//! same kernel serves every kernel side, padding, stride, several rows at once, and a
//! projection beside the main path. The gradient of the input is the same walk over transposed
//! lists, one set for each class of input pixels modulo the stride.
use crate::kernels::{Line, TAPS};
use crate::planning::plan::Convolution;

/// One kept weight as a kernel sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Entry {
    pub weight: f32,
    /// Bytes from the beginning of the row.
    pub offset: u32,
    /// Place of its row in the table of rows.
    pub row: u32,
}

/// Kept weights by channel.
#[derive(Default)]
pub(crate) struct Lists {
    entries: Vec<Entry>,
    /// Where each channel's entries begin, and where the last one's end.
    starts: Vec<u32>,
    /// Lines of a row that the entries reach into.
    pub reach: usize,
    /// Rows of the table that they reach into.
    pub taps: usize,
}

impl Lists {
    /// `place` gives row and line of every entry.
    fn new(channels: impl Iterator<Item = Vec<(usize, usize)>>) -> Lists {
        let mut lists = Lists {
            starts: vec![0],
            ..Lists::default()
        };
        for channel in channels {
            for (row, line) in channel {
                lists.reach = lists.reach.max(line + 1);
                lists.taps = lists.taps.max(row + 1);
                lists.entries.push(Entry {
                    weight: 0.0,
                    offset: u32::try_from(line * size_of::<Line>()).expect("checked by `check`"),
                    row: row as u32,
                });
            }
            let end = u32::try_from(lists.entries.len()).expect("fewer than 2³² weights");
            lists.starts.push(end);
        }
        assert!(lists.taps <= TAPS, "checked by `check`");
        lists
    }

    /// Number of channels.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of kept weights.
    pub fn entries(&self) -> usize {
        self.entries.len()
    }

    #[inline(always)]
    pub fn of(&self, channel: usize) -> &[Entry] {
        &self.entries[self.starts[channel] as usize..self.starts[channel + 1] as usize]
    }

    /// New values, in the order of the entries.
    pub fn set(&mut self, weights: impl Iterator<Item = f32>) {
        for (entry, weight) in self.entries.iter_mut().zip(weights) {
            entry.weight = weight;
        }
    }
}

/// The transposed lists of one class of input pixels, and where each value comes from:
/// convolution of the group, place among its kept weights.
pub(crate) type Transposed = (Lists, Vec<(u8, u32)>);

/// How the rows of a group lie.
pub(crate) struct Geometry {
    pub stride: usize,
    /// Zero columns on the left of an input row, and zero rows above the first.
    pub pad: usize,
    /// Lines of one channel of an input row.
    pub pitch: usize,
    /// Input rows that an output row reads.
    pub taps: usize,
    /// How the rows of each convolution's gradient lie.
    pub halos: Vec<Halo>,
}

/// How the rows of a convolution's gradient lie, and which of them the input's row reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Halo {
    /// Zero columns on the left.
    pub left: usize,
    /// Lines of one channel.
    pub pitch: usize,
    /// First and last output row, relative to the input's row divided by the stride.
    pub low: isize,
    pub high: isize,
    /// Place of `low` in the table of rows.
    pub first: usize,
}

impl Geometry {
    /// The geometry of convolutions that share an input and a stride.
    pub fn new(convolutions: &[&Convolution]) -> Geometry {
        let [_, _, width] = convolutions[0].input;
        let stride = convolutions[0].stride;
        let paddings = convolutions.iter().map(|c| c.padding);
        let pad = paddings.max().unwrap_or(0);
        let reach = |c: &&Convolution| (c.output[2] - 1) * stride + c.kernel + pad - c.padding;
        let widest = convolutions.iter().map(reach).max().unwrap_or(0);
        let taps = convolutions.iter().map(|c| c.kernel + pad - c.padding);
        let mut halos: Vec<Halo> = Vec::new();
        for c in convolutions {
            let shifts = || (0..c.kernel).map(|tap| shift(c, tap).1);
            let low = shifts().min().unwrap_or(0);
            let high = shifts().max().unwrap_or(0);
            let left = low.min(0).unsigned_abs();
            let right = (width.div_ceil(stride) as isize + high).max(c.output[2] as isize);
            let first = halos
                .last()
                .map_or(0, |last: &Halo| last.first + last.rows());
            halos.push(Halo {
                left,
                pitch: left + right as usize,
                low,
                high,
                first,
            });
        }
        // One list reads the rows of all of them.
        let pitch = halos.iter().map(|halo| halo.pitch).max().unwrap_or(0);
        halos.iter_mut().for_each(|halo| halo.pitch = pitch);
        Geometry {
            stride,
            pad,
            pitch: widest.max(pad + width),
            taps: taps.max().unwrap_or(0),
            halos,
        }
    }

    /// The lists of one convolution's outputs; `kept` are the flat indices of its kept weights,
    /// increasing.
    pub fn forward(&self, c: &Convolution, kept: &[u32]) -> Lists {
        let place = |index: usize| {
            let (_, channel, row, column) = c.place(index);
            let moved = self.pad - c.padding;
            (row + moved, channel * self.pitch + column + moved)
        };
        Lists::new(by_output(c, kept).map(|kept| kept.into_iter().map(place).collect()))
    }

    /// The transposed lists of all the group's convolutions: one `Lists` by input channel for
    /// each class of input pixels (row modulo stride, then column modulo stride), and for each
    /// entry the convolution and the position among its kept weights that its value comes from.
    pub fn transposed(&self, convolutions: &[&Convolution], kept: &[&[u32]]) -> Vec<Transposed> {
        let stride = self.stride;
        let channels = convolutions[0].input[0];
        let mut places = vec![vec![Vec::new(); channels]; stride * stride];
        for (which, (c, kept)) in convolutions.iter().zip(kept).enumerate() {
            let halo = self.halos[which];
            for (position, &index) in kept.iter().enumerate() {
                let (out, channel, row, column) = c.place(index as usize);
                let (row_class, rows) = shift(c, row);
                let (column_class, columns) = shift(c, column);
                let tap = halo.first + (rows - halo.low) as usize;
                let line = out * halo.pitch + (halo.left as isize + columns) as usize;
                let class: &mut Vec<_> = &mut places[row_class * stride + column_class][channel];
                class.push(((tap, line), (which as u8, position as u32)));
            }
        }
        let class = |class: Vec<Vec<(_, _)>>| {
            let from = class.iter().flatten().map(|&(_, from)| from).collect();
            let places = class
                .into_iter()
                .map(|list| list.into_iter().map(|(place, _)| place).collect());
            (Lists::new(places), from)
        };
        places.into_iter().map(class).collect()
    }
}

impl Halo {
    pub fn rows(&self) -> usize {
        (self.high - self.low + 1) as usize
    }
}

/// Input row s·u + class meets the tap in output row u + shift: the class and the shift.
fn shift(c: &Convolution, tap: usize) -> (usize, isize) {
    let stride = c.stride as isize;
    let away = c.padding as isize - tap as isize;
    // class + away is a multiple of the stride.
    let class = (-away).rem_euclid(stride);
    (class as usize, (class + away) / stride)
}

/// Indices of kept weights, output channel by output channel.
fn by_output(c: &Convolution, kept: &[u32]) -> impl Iterator<Item = Vec<usize>> {
    let each = c.weights() / c.output[0];
    (0..c.output[0]).map(move |out| {
        let from = kept.partition_point(|&index| (index as usize) < out * each);
        let to = kept.partition_point(|&index| (index as usize) < (out + 1) * each);
        kept[from..to].iter().map(|&index| index as usize).collect()
    })
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
