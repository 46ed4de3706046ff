//! Liveness: one bit for each channel and position, and how a window of taps moves it.

/// One bit for each channel and position of a node, each channel in whole words.
#[derive(Clone)]
pub(super) struct Bits {
    words: usize,
    rows: Vec<u64>,
}

impl Bits {
    pub(super) fn none([channels, height, width]: [usize; 3]) -> Bits {
        let words = (height * width).div_ceil(64);
        Bits {
            words,
            rows: vec![0; channels * words],
        }
    }

    pub(super) fn all(shape: [usize; 3]) -> Bits {
        let mut bits = Bits::none(shape);
        let positions = shape[1] * shape[2];
        for channel in 0..shape[0] {
            (0..positions).for_each(|at| bits.set(channel, at));
        }
        bits
    }

    pub(super) fn row(&self, channel: usize) -> &[u64] {
        &self.rows[channel * self.words..(channel + 1) * self.words]
    }

    pub(super) fn any(&self, channel: usize) -> bool {
        self.row(channel).iter().any(|&word| word != 0)
    }

    pub(super) fn get(&self, channel: usize, at: usize) -> bool {
        self.rows[channel * self.words + at / 64] >> (at % 64) & 1 == 1
    }

    pub(super) fn set(&mut self, channel: usize, at: usize) {
        self.rows[channel * self.words + at / 64] |= 1 << (at % 64);
    }

    pub(super) fn join(&mut self, channel: usize, other: &[u64]) {
        let row = &mut self.rows[channel * self.words..(channel + 1) * self.words];
        row.iter_mut().zip(other).for_each(|(a, b)| *a |= b);
    }

    pub(super) fn join_all(&mut self, other: &Bits) {
        self.rows
            .iter_mut()
            .zip(&other.rows)
            .for_each(|(a, b)| *a |= b);
    }
}

pub(super) fn meet(a: &[u64], b: &[u64]) -> bool {
    a.iter().zip(b).any(|(a, b)| a & b != 0)
}

/// For each tap of a square window, which output position reads which input position.
pub(super) struct Window {
    pub(super) taps: Vec<Vec<(u32, u32)>>,
}

impl Window {
    pub(super) fn new(
        (kernel, stride, padding): (usize, usize, usize),
        from: [usize; 3],
        to: [usize; 3],
    ) -> Window {
        let side = |out: usize, tap: usize, length: usize| {
            (out * stride + tap)
                .checked_sub(padding)
                .filter(|&at| at < length)
        };
        let pairs = |row: usize, column: usize| {
            let mut pairs = Vec::new();
            for y in 0..to[1] {
                let Some(from_y) = side(y, row, from[1]) else {
                    continue;
                };
                for x in 0..to[2] {
                    if let Some(from_x) = side(x, column, from[2]) {
                        pairs.push(((y * to[2] + x) as u32, (from_y * from[2] + from_x) as u32));
                    }
                }
            }
            pairs
        };
        Window {
            taps: (0..kernel * kernel)
                .map(|tap| pairs(tap / kernel, tap % kernel))
                .collect(),
        }
    }

    /// Row `channel · taps + tap`: the output positions that read a live input position.
    pub(super) fn gathered(&self, live: &Bits, channels: usize, to: [usize; 3]) -> Bits {
        let mut out = Bits::none([channels * self.taps.len(), to[1], to[2]]);
        for channel in (0..channels).filter(|&c| live.any(c)) {
            for (tap, pairs) in self.taps.iter().enumerate() {
                for &(to, _) in pairs.iter().filter(|p| live.get(channel, p.1 as usize)) {
                    out.set(channel * self.taps.len() + tap, to as usize);
                }
            }
        }
        out
    }

    /// Row `channel · taps + tap`: the input positions that a live output position reads.
    pub(super) fn scattered(&self, live: &Bits, channels: usize, from: [usize; 3]) -> Bits {
        let mut out = Bits::none([channels * self.taps.len(), from[1], from[2]]);
        for channel in (0..channels).filter(|&c| live.any(c)) {
            for (tap, pairs) in self.taps.iter().enumerate() {
                for &(_, from) in pairs.iter().filter(|p| live.get(channel, p.0 as usize)) {
                    out.set(channel * self.taps.len() + tap, from as usize);
                }
            }
        }
        out
    }
}

/// A convolution as the walk sees it.
pub(super) struct Conv<'a> {
    pub(super) kept: &'a [bool],
    pub(super) window: Window,
    pub(super) groups: usize,
    pub(super) from: [usize; 3],
    pub(super) to: [usize; 3],
}

impl Conv<'_> {
    /// Calls for each kept weight: output channel, input channel, tap.
    fn each_kept(&self, mut call: impl FnMut(usize, usize, usize)) {
        let taps = self.window.taps.len();
        let inputs = self.from[0] / self.groups;
        let outputs = self.to[0] / self.groups;
        for (out, filter) in self.kept.chunks(inputs * taps).enumerate() {
            let first = out / outputs * inputs;
            for (place, _) in filter.iter().enumerate().filter(|(_, kept)| **kept) {
                call(out, first + place / taps, place % taps);
            }
        }
    }

    pub(super) fn forward(&self, live: &Bits) -> Bits {
        let taps = self.window.taps.len();
        let seen = self.window.gathered(live, self.from[0], self.to);
        let mut out = Bits::none(self.to);
        self.each_kept(|o, i, tap| out.join(o, seen.row(i * taps + tap)));
        out
    }

    /// What the input must give to be used, and how many weights are on a path.
    pub(super) fn backward(&self, live: &Bits, used: &Bits) -> (Bits, u64) {
        let taps = self.window.taps.len();
        let seen = self.window.gathered(live, self.from[0], self.to);
        let read = self.window.scattered(used, self.to[0], self.from);
        let mut into = Bits::none(self.from);
        let mut effective = 0;
        self.each_kept(|o, i, tap| {
            effective += u64::from(meet(seen.row(i * taps + tap), used.row(o)));
            into.join(i, read.row(o * taps + tap));
        });
        (into, effective)
    }
}
