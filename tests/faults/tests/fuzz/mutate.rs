//! Damage to good bytes: the kinds that readers of counts, offsets and text fall for.
use jackpot_test_faults::Draws;

pub struct Mutator {
    draws: Draws,
    seeds: Vec<Vec<u8>>,
}

/// Numbers at which widths end.
const EDGES: [u64; 12] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0xffff_ffff_ffff_ffff,
    1 << 40,
];

/// Words that text readers fall for.
const WORDS: [&str; 24] = [
    "0",
    "-1",
    "1e308",
    "1e-400",
    "nan",
    "inf",
    "18446744073709551615",
    "9223372036854775808",
    "4294967296",
    "0.9999999999999999999",
    "\"\"",
    "\"/\"",
    "\"../../etc\"",
    "[]",
    "{}",
    "null",
    "true",
    "\n",
    "[[",
    "\u{0}",
    "\u{fffd}",
    "é",
    "\"initial\"",
    "\\ud800",
];

impl Mutator {
    pub fn new(draws: Draws, seeds: Vec<Vec<u8>>) -> Mutator {
        Mutator { draws, seeds }
    }

    /// A seed with one to four damages.
    pub fn next(&mut self) -> Vec<u8> {
        let seed = self.draws.below(self.seeds.len());
        let mut bytes = self.seeds[seed].clone();
        for _ in 0..=self.draws.below(4) {
            self.damage(&mut bytes);
        }
        bytes
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        let draws = &mut self.draws;
        let at = draws.below(bytes.len().max(1)).min(bytes.len());
        // Headers are where the counts are: half of the damage goes there.
        let at = if draws.below(2) == 0 {
            at.min(at % 64)
        } else {
            at
        };
        // Mostly short, now and then long.
        let width = draws.below(10);
        let length = (1 + draws.below(1 << width)).min(bytes.len() - at);
        match draws.below(11) {
            0 if at < bytes.len() => bytes[at] ^= 1 << draws.below(8),
            1 if at < bytes.len() => bytes[at] = draws.bits() as u8,
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..at + length)),
            4 => {
                let piece = bytes[at..at + length].to_vec();
                bytes.splice(at..at, piece);
            }
            5 => {
                let edge = *draws.one(&EDGES);
                let width = *draws.one(&[1usize, 2, 4, 8]);
                let edge = match draws.below(2) {
                    0 => edge.to_le_bytes()[..width].to_vec(),
                    _ => edge.to_be_bytes()[8 - width..].to_vec(),
                };
                overwrite(bytes, at, &edge);
            }
            6 => {
                let word = draws.one(&WORDS).as_bytes().to_vec();
                bytes.splice(at..at, word);
            }
            7 => self.replace_number(bytes, at),
            8 => self.swap_lines(bytes),
            9 => {
                let other = draws.below(self.seeds.len());
                let other = &self.seeds[other];
                let from = draws.below(other.len().max(1)).min(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => {
                let nested = 1 + draws.below(400);
                let opening = *draws.one(&[b'[', b'{', b'"', 0xff]);
                bytes.splice(at..at, std::iter::repeat_n(opening, nested));
            }
        }
    }

    /// The next number in the text becomes another.
    fn replace_number(&mut self, bytes: &mut Vec<u8>, at: usize) {
        let digit = |b: &u8| b.is_ascii_digit();
        let Some(start) = bytes[at..].iter().position(digit).map(|n| at + n) else {
            return;
        };
        let end = bytes[start..]
            .iter()
            .position(|b| !digit(b))
            .map_or(bytes.len(), |n| start + n);
        let word = self.draws.one(&WORDS[..11]).as_bytes().to_vec();
        bytes.splice(start..end, word);
    }

    /// A line goes elsewhere, twice or not at all.
    fn swap_lines(&mut self, bytes: &mut Vec<u8>) {
        let mut lines: Vec<Vec<u8>> = bytes.split(|&b| b == b'\n').map(<[u8]>::to_vec).collect();
        let (from, to) = (self.draws.below(lines.len()), self.draws.below(lines.len()));
        match self.draws.below(3) {
            0 => lines.swap(from, to),
            1 => lines.insert(to, lines[from].clone()),
            _ => drop(lines.remove(from)),
        }
        *bytes = lines.join(&b'\n');
    }
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    for (to, from) in bytes[at..].iter_mut().zip(with) {
        *to = *from;
    }
}
