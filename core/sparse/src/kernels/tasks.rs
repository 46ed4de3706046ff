//! What the kernels over kept weights are given: where rows lie, and where results go.
use super::memory::Line;
use crate::planning::pattern::Lists;
use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};

/// Most rows that a kernel computes at once.
pub(crate) const ROWS: usize = 8;
/// Most rows of the input that an output row reads.
pub(crate) const TAPS: usize = 16;

/// Where the rows lie that a block of output rows reads: `taps` of them an output row.
pub(crate) struct Rows<'a> {
    rows: [&'a [Line]; ROWS * TAPS],
    /// Lines that each of them has at least.
    pub(super) length: usize,
}

impl<'a> Rows<'a> {
    /// All rows are `zero`, at first.
    pub fn new(zero: &'a [Line]) -> Rows<'a> {
        Rows {
            rows: [zero; ROWS * TAPS],
            length: zero.len(),
        }
    }

    /// Output row `row` finds its input row `tap` here.
    pub fn set(&mut self, row: usize, tap: usize, lines: &'a [Line]) {
        assert!(tap < TAPS, "a tap of the table");
        self.length = self.length.min(lines.len());
        self.rows[row * TAPS + tap] = lines;
    }

    /// The addresses of `taps` input rows of R output rows, moved right by some lines.
    #[inline(always)]
    pub(super) fn moved<const R: usize>(
        &self,
        taps: usize,
        lines: usize,
    ) -> [*const Line; ROWS * TAPS] {
        let mut table = [std::ptr::null(); ROWS * TAPS];
        for row in 0..R {
            for tap in 0..taps {
                let at = row * TAPS + tap;
                table[at] = self.rows[at].as_ptr().wrapping_add(lines);
            }
        }
        table
    }
}

/// Where the output rows begin in a map: the line of channel 0, column 0 of each row, the
/// lines from a channel to the next and from a column to the next.
#[derive(Clone, Copy)]
pub(crate) struct Places {
    pub rows: [usize; ROWS],
    pub pitch: usize,
    pub step: usize,
}

impl Places {
    /// Whether R rows by C columns of these channels lie inside `length` lines.
    pub(super) fn fit<const R: usize, const C: usize>(
        &self,
        channels: usize,
        length: usize,
    ) -> bool {
        let last = channels.saturating_sub(1) * self.pitch + (C - 1) * self.step;
        let rows = &self.rows[..R];
        channels == 0 || rows.iter().all(|row| row + last < length)
    }
}

/// Most maps that one block is made from: a chain of shortcuts, and two gradients with theirs.
const STREAMS: usize = 8;

/// Lines that the next fills will read: fetched into the second-level cache while lists go by.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ahead {
    /// The address of the first line, and how many: a hint, which borrows nothing.
    streams: [(usize, usize); STREAMS],
    count: usize,
}

impl Ahead {
    pub fn add(&mut self, lines: &[Line]) {
        if self.count < self.streams.len() && !lines.is_empty() {
            self.streams[self.count] = (lines.as_ptr().addr(), lines.len());
            self.count += 1;
        }
    }

    /// The part of one call of several.
    pub fn part(&self, call: usize, calls: usize) -> Ahead {
        let mut part = *self;
        for (address, lines) in &mut part.streams[..self.count] {
            let each = lines.div_ceil(calls);
            let from = (call * each).min(*lines);
            *address += from * size_of::<Line>();
            *lines = each.min(*lines - from);
        }
        part
    }

    /// How many lines of each stream a channel fetches.
    #[inline(always)]
    pub(super) fn quotas(&self, channels: usize) -> [u32; STREAMS] {
        let mut quotas = [0; STREAMS];
        for (quota, (_, lines)) in quotas.iter_mut().zip(&self.streams[..self.count]) {
            *quota = (*lines as u32).div_ceil(channels as u32);
        }
        quotas
    }

    /// Fetches the lines of a channel.
    #[inline(always)]
    pub(super) fn fetch(&self, quotas: &[u32; STREAMS], channel: usize) {
        for ((address, _), &quota) in self.streams[..self.count].iter().zip(quotas) {
            let quota = quota as usize;
            let from = std::ptr::without_provenance::<Line>(*address).wrapping_add(channel * quota);
            for line in 0..quota {
                let line = from.wrapping_add(line);
                // SAFETY: a hint, whatever the address.
                unsafe { _mm_prefetch::<_MM_HINT_T1>(line.cast()) }
            }
        }
    }
}

/// Where `start` comes into a channel's sums.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Begin {
    /// They start from it.
    At,
    /// It is added at their end, set so that the mean of this block is 0: statistics are of
    /// shifted numbers.
    Centered,
    /// It is added at their end: the bits of a block that was centered.
    After,
}

/// Raw convolution outputs and the sums for their statistics.
pub(crate) struct Forward<'a> {
    pub lists: &'a Lists,
    pub rows: &'a Rows<'a>,
    /// First input column, in lines of the rows.
    pub column: usize,
    pub out: &'a mut [Line],
    pub places: Places,
    /// What is added to each channel's sums.
    pub start: &'a mut [f32],
    pub begin: Begin,
    /// For each channel the sums of z and of z²; empty where nobody asks for them.
    pub sums: &'a mut [Line],
    /// 1 for each image of the batch, 0 for the rest of the lines; `None` if all lines are images.
    pub images: Option<&'a [f32; 32]>,
    /// Outputs are stored as f32, whatever the storage: a line for every 16 images.
    pub wide: bool,
    pub ahead: Ahead,
}

/// Gradients of the kept weights.
pub(crate) struct Weights<'a> {
    pub lists: &'a Lists,
    pub rows: &'a Rows<'a>,
    pub column: usize,
    /// Gradient of the output, one row per output row, `pitch` lines per channel.
    pub gradient: &'a Rows<'a>,
    pub gradient_column: usize,
    pub gradient_pitch: usize,
    /// One line a kept weight.
    pub sums: &'a mut [Line],
    pub ahead: Ahead,
}

/// What else flows into an input's gradient.
pub(crate) enum Residual<'a> {
    /// Nothing.
    None,
    /// What stands where the gradient goes.
    InPlace,
    /// A map of the same shape.
    Map(&'a [Line]),
}

/// The last step of an input's gradient, when all of it is there: through the activation,
/// and the sums that the normalisation before it needs.
pub(crate) struct Final<'a> {
    /// Rows of the activation (relu) or of its slope, `pitch` lines per channel.
    pub active: &'a Rows<'a>,
    pub active_column: usize,
    pub active_pitch: usize,
    pub relu: bool,
    /// The normalised map, and the projection that was added to it.
    pub z: &'a [Line],
    pub projection: Option<&'a [Line]>,
    /// For each channel the sums of g, g·z and g·projection.
    pub sums: &'a mut [Line],
}

/// Gradient of a group's input.
pub(crate) struct Inputs<'a> {
    pub lists: &'a Lists,
    pub rows: &'a Rows<'a>,
    pub column: usize,
    pub out: &'a mut [Line],
    pub places: Places,
    pub residual: Residual<'a>,
    pub last: Option<Final<'a>>,
    pub ahead: Ahead,
}

/// Whether every list reads inside the rows, from `column` on, C columns of step S.
pub(super) fn reads_inside(
    lists: &Lists,
    rows: &Rows,
    column: usize,
    columns: usize,
    step: usize,
) -> bool {
    lists.taps <= TAPS && column + lists.reach + (columns - 1) * step <= rows.length
}
