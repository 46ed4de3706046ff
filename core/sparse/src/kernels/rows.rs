//! Kernels over rows of a map: what makes a group's input, what makes a convolution's
//! gradient, and what goes back through a pooling. A row is all channels of one image row,
//! channel by channel.
use super::memory::Line;
use super::pixel::Pixel;
use super::vector::Vector;
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

/// Rows of channels in a larger row: the lines from one channel to the next, columns used.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub channels: usize,
    pub width: usize,
}

impl Row {
    fn fits(&self, pitch: usize, length: usize) -> bool {
        self.channels == 0 || (self.channels - 1) * pitch + self.width <= length
    }
    fn lines(&self) -> usize {
        self.channels * self.width
    }
}

/// What is added to a normalised map before the activation.
pub(crate) enum Added<'a> {
    None,
    /// What the link before made.
    Before,
    /// A row as it is.
    Row(&'a [Line]),
    /// scale·row + shift.
    Scaled(&'a [Line], &'a [f32], &'a [f32]),
}

/// activation(scale·z + shift + added), for each channel its own scale and shift.
pub(crate) struct Link<'a> {
    pub z: &'a [Line],
    pub scale: &'a [f32],
    pub shift: &'a [f32],
    pub added: Added<'a>,
}

impl Link<'_> {
    fn holds(&self, channels: usize, lines: usize) -> bool {
        let of = |z: &[Line], scale: &[f32], shift: &[f32]| {
            z.len() >= lines && scale.len() >= channels && shift.len() >= channels
        };
        of(self.z, self.scale, self.shift)
            && match self.added {
                Added::None | Added::Before => true,
                Added::Row(row) => row.len() >= lines,
                Added::Scaled(row, scale, shift) => of(row, scale, shift),
            }
    }
}

/// `out` = the last of a chain of activations.
pub(crate) struct Activate<'a> {
    pub row: Row,
    pub chain: &'a [Link<'a>],
    pub relu: bool,
    pub out: &'a mut [Line],
    pub pitch: usize,
}

/// Lines of a page of 4 KiB, where the CPU's own prefetching of a map that goes by ends.
const PAGE: usize = 64;

/// Loads a line of a map that goes by, and asks for the one that is a page further.
#[inline(always)]
unsafe fn stream<P: Pixel>(line: *const Line) -> P::Value {
    // SAFETY: the caller vouches for the line; the other is a hint, whatever the address.
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(line.wrapping_add(PAGE).cast());
        P::load(line)
    }
}

#[inline(always)]
pub(super) unsafe fn activate<P: Pixel>(task: Activate) {
    let Row { channels, width } = task.row;
    let lines = task.row.lines();
    assert!(
        task.chain.iter().all(|link| link.holds(channels, lines))
            && task.row.fits(task.pitch, task.out.len()),
        "rows of one shape"
    );
    // SAFETY: all rows hold all channels (asserted); the CPU has the instructions.
    unsafe {
        let floor = P::Value::splat(if task.relu { 0.0 } else { f32::NEG_INFINITY });
        for channel in 0..channels {
            let out = task.out.as_mut_ptr().add(channel * task.pitch);
            // The whole chain, while the channel is in the first-level cache.
            for link in task.chain {
                let scale = P::Value::splat(link.scale[channel]);
                let shift = P::Value::splat(link.shift[channel]);
                let z = link.z.as_ptr().add(channel * width);
                let row = match link.added {
                    Added::None | Added::Before => out.cast_const(),
                    Added::Row(row) | Added::Scaled(row, ..) => row.as_ptr().add(channel * width),
                };
                match link.added {
                    Added::None => {
                        for j in 0..width {
                            let x = shift.fma(scale, stream::<P>(z.add(j)));
                            P::store(x.max(floor), out.add(j));
                        }
                    }
                    Added::Before | Added::Row(_) => {
                        for j in 0..width {
                            let x = shift.fma(scale, stream::<P>(z.add(j)));
                            let x = x.add(stream::<P>(row.add(j)));
                            P::store(x.max(floor), out.add(j));
                        }
                    }
                    Added::Scaled(_, scales, shifts) => {
                        let other = P::Value::splat(scales[channel]);
                        let shift = P::Value::splat(link.shift[channel] + shifts[channel]);
                        for j in 0..width {
                            let x = shift.fma(scale, stream::<P>(z.add(j)));
                            let x = x.fma(other, stream::<P>(row.add(j)));
                            P::store(x.max(floor), out.add(j));
                        }
                    }
                }
            }
        }
    }
}

/// Gradient of a raw convolution output: `out` = g·by_gradient + z·by_z + constant.
pub(crate) struct Normalize<'a> {
    pub row: Row,
    pub gradient: &'a [Line],
    pub z: &'a [Line],
    pub by_gradient: &'a [f32],
    pub by_z: &'a [f32],
    pub constant: &'a [f32],
    /// 1 for each image of the batch, 0 for the rest of the lines; `None` if all lines are images.
    pub images: Option<&'a [f32; 32]>,
    pub out: &'a mut [Line],
    pub pitch: usize,
}

#[inline(always)]
pub(super) unsafe fn normalize<P: Pixel>(task: Normalize) {
    let Row { channels, width } = task.row;
    let lines = task.row.lines();
    let coefficients = [task.by_gradient, task.by_z, task.constant];
    assert!(
        task.gradient.len() >= lines
            && task.z.len() >= lines
            && coefficients.iter().all(|c| c.len() >= channels)
            && task.row.fits(task.pitch, task.out.len()),
        "rows of one shape"
    );
    #[repr(align(64))]
    struct Numbers([f32; 32]);
    let images = Numbers(*task.images.unwrap_or(&[1.0; 32]));
    // SAFETY: all rows hold all channels (asserted); the CPU has the instructions.
    unsafe {
        let images = task.images.map(|_| P::Value::load(images.0.as_ptr()));
        for channel in 0..channels {
            let by_gradient = P::Value::splat(task.by_gradient[channel]);
            let by_z = P::Value::splat(task.by_z[channel]);
            let constant = P::Value::splat(task.constant[channel]);
            let g = task.gradient.as_ptr().add(channel * width);
            let z = task.z.as_ptr().add(channel * width);
            let out = task.out.as_mut_ptr().add(channel * task.pitch);
            for j in 0..width {
                let x = constant.fma(by_z, stream::<P>(z.add(j)));
                let mut x = x.fma(by_gradient, stream::<P>(g.add(j)));
                if let Some(images) = images {
                    x = x.mul(images);
                }
                P::store(x, out.add(j));
            }
        }
    }
}

/// A window of a max-pooling over rows that are there: `rows` are the input rows of one output
/// row, `width` columns a channel.
pub(crate) struct Window<'a> {
    pub rows: &'a [&'a [Line]],
    pub channels: usize,
    /// Columns of the input and of the output.
    pub width: usize,
    pub pooled: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
}

impl Window<'_> {
    fn check(&self) {
        let input = self.channels * self.width;
        let last = (self.pooled - 1) * self.stride;
        assert!(
            !self.rows.is_empty()
                && self.rows.iter().all(|row| row.len() >= input)
                && last < self.width + self.padding,
            "windows that see the map"
        );
    }

    /// The columns of the input that a window sees.
    #[inline(always)]
    fn columns(&self, window: usize) -> std::ops::Range<usize> {
        let from = window * self.stride;
        let to = from + self.kernel - self.padding.min(from + self.kernel);
        from.saturating_sub(self.padding)..to.min(self.width)
    }

    /// The largest value of a window, from `-∞`.
    #[inline(always)]
    unsafe fn largest<P: Pixel>(&self, channel: usize, window: usize) -> P::Value {
        // SAFETY: the caller checked the rows; columns are below `width`.
        unsafe {
            let mut largest = P::Value::splat(f32::NEG_INFINITY);
            for row in self.rows {
                let row = row.as_ptr().add(channel * self.width);
                for x in self.columns(window) {
                    largest = largest.max(P::load(row.add(x)));
                }
            }
            largest
        }
    }
}

/// `out`: the largest value of every window.
#[inline(always)]
pub(super) unsafe fn pool<P: Pixel>(window: Window, out: &mut [Line], pitch: usize) {
    window.check();
    let row = Row {
        channels: window.channels,
        width: window.pooled,
    };
    assert!(row.fits(pitch, out.len()), "a row of the pooled map");
    // SAFETY: the rows hold all channels and `out` all windows (asserted).
    unsafe {
        for channel in 0..window.channels {
            for i in 0..window.pooled {
                let largest = window.largest::<P>(channel, i);
                P::store(largest, out.as_mut_ptr().add(channel * pitch + i));
            }
        }
    }
}

/// Adds the gradient of every window (`gradient`, a row of the pooled map) to the pixel that
/// won it, the first of equals as in PyTorch; `to` are the gradient rows under the window.
#[inline(always)]
pub(super) unsafe fn unpool<P: Pixel>(window: Window, gradient: &[Line], to: &mut [&mut [Line]]) {
    window.check();
    let input = window.channels * window.width;
    assert!(
        to.len() == window.rows.len()
            && to.iter().all(|row| row.len() >= input)
            && gradient.len() >= window.channels * window.pooled,
        "rows of one shape"
    );
    // SAFETY: the rows hold all channels (asserted).
    unsafe {
        for channel in 0..window.channels {
            for i in 0..window.pooled {
                let largest = window.largest::<P>(channel, i);
                let mut left = P::load(gradient.as_ptr().add(channel * window.pooled + i));
                let minus = P::Value::splat(-1.0);
                for (row, to) in window.rows.iter().zip(to.iter_mut()) {
                    for x in window.columns(i) {
                        let at = channel * window.width + x;
                        let won = P::load(row.as_ptr().add(at)).at_least(largest);
                        let share = left.mul(won);
                        left = left.fma(share, minus);
                        let to = to.as_mut_ptr().add(at);
                        P::store(P::load(to).add(share), to);
                    }
                }
            }
        }
    }
}

/// Sums of a row, channel by channel, as f32 of every image.
#[inline(always)]
pub(super) unsafe fn average<P: Pixel>(row: Row, from: &[Line], sums: &mut [Line]) {
    let lines = P::IMAGES / 16;
    assert!(
        from.len() >= row.lines() && sums.len() >= lines * row.channels,
        "a row and its sums"
    );
    // SAFETY: all channels are inside (asserted).
    unsafe {
        for channel in 0..row.channels {
            let to = sums.as_mut_ptr().add(channel * lines).cast::<f32>();
            let mut sum = P::Value::load(to);
            for j in 0..row.width {
                sum = sum.add(P::load(from.as_ptr().add(channel * row.width + j)));
            }
            sum.store(to);
        }
    }
}

/// `out` = sums · factor, one line per channel.
#[inline(always)]
pub(super) unsafe fn scale<P: Pixel>(sums: &[Line], factor: f32, out: &mut [Line]) {
    let lines = P::IMAGES / 16;
    assert!(sums.len() >= lines * out.len(), "a sum for every channel");
    // SAFETY: all channels are inside (asserted).
    unsafe {
        for channel in 0..out.len() {
            let sum = P::Value::load(sums.as_ptr().add(channel * lines).cast());
            P::store(
                sum.mul(P::Value::splat(factor)),
                out.as_mut_ptr().add(channel),
            );
        }
    }
}

/// The gradient of a pooled map's row, through the activation, with the sums that the
/// normalisation before it needs.
pub(crate) struct Finish<'a> {
    pub row: Row,
    /// Gradient of the activation: one line per channel (`broadcast`), or all of them.
    pub gradient: &'a [Line],
    pub broadcast: bool,
    pub factor: f32,
    /// The activation (relu) or its slope.
    pub active: &'a [Line],
    pub relu: bool,
    pub z: &'a [Line],
    pub projection: Option<&'a [Line]>,
    pub out: &'a mut [Line],
    /// For each channel the sums of g, g·z and g·projection.
    pub sums: &'a mut [Line],
}

#[inline(always)]
pub(super) unsafe fn finish<P: Pixel>(task: Finish) {
    let Row { channels, width } = task.row;
    let lines = task.row.lines();
    let gradients = if task.broadcast { channels } else { lines };
    assert!(
        task.gradient.len() >= gradients
            && task.active.len() >= lines
            && task.z.len() >= lines
            && task.projection.is_none_or(|z| z.len() >= lines)
            && task.out.len() >= lines
            && task.sums.len() >= 3 * channels,
        "rows of one shape"
    );
    // SAFETY: all rows hold all channels (asserted); the CPU has the instructions.
    unsafe {
        let factor = P::Value::splat(task.factor);
        for channel in 0..channels {
            let mut sums = [P::Value::splat(0.0); 3];
            for j in 0..width {
                let at = channel * width + j;
                let from = if task.broadcast { channel } else { at };
                let g = P::load(task.gradient.as_ptr().add(from)).mul(factor);
                let a = P::load(task.active.as_ptr().add(at));
                let g = if task.relu {
                    g.where_positive(a)
                } else {
                    g.mul(a)
                };
                sums[0] = sums[0].add(g);
                sums[1] = sums[1].fma(g, P::load(task.z.as_ptr().add(at)));
                if let Some(z) = task.projection {
                    sums[2] = sums[2].fma(g, P::load(z.as_ptr().add(at)));
                }
                P::store(g, task.out.as_mut_ptr().add(at));
            }
            for (k, sums) in sums.into_iter().enumerate() {
                let to = task.sums.as_mut_ptr().add(3 * channel + k).cast::<f32>();
                P::Sums::load(to).add(P::fold(sums)).store(to);
            }
        }
    }
}
