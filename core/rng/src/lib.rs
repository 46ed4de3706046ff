//! Keys and the one counter-based random generator (Philox4x64-10, Salmon et al. 2011).
//!
//! Every draw is a pure function of a [`Key`], so a result never depends on which
//! thread drew first, how many draws came before, or in what order.
//!
//! ```
//! use jackpot_rng::{Key, permutation, uniform};
//! let key = Key::from_seed(1).fold_name("selection").fold(3);
//! let mut scores = [0.0; 5];
//! uniform(key, &mut scores);
//! let order = permutation(key, 5);
//! assert!(scores[order[0] as usize] >= scores[order[1] as usize]);
//! ```
//!
//! # The streams
//!
//! `B(key, counter)` is one Philox4x64-10 block of four words. Then
//! - [`bits`]: word `i` is word `i mod 4` of `B(key, [i div 4, 0, 0, 0])`;
//! - [`Key::fold`]: the first two words of `B(key, [data, 0, 0, 1])`: the last counter
//!   word keeps new keys apart from drawn words;
//! - [`uniform`]: `(word >> 11) / 2^53`;
//! - [`normal`]: the normal quantile of `((word >> 11) + 1/2) / 2^53`, rounded to f32;
//! - [`permutation`]: indices by descending uniform, ties by index.
//!
//! A longer draw begins with the shorter one. `vectors.txt` in this crate's folder holds
//! values to check another implementation against; they never change.
//!
//! **Invariant:** this crate keeps no state, reads no clock and no entropy, starts no
//! thread, and depends on nothing but a logarithm.

mod normal;
mod philox;

use std::cmp::Reverse;

/// The last counter word: what a block is drawn for.
const DRAW: u64 = 0;
const FOLD: u64 = 1;

/// Names one stream of random numbers: the key of Philox4x64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub [u64; 2]);

impl Key {
    /// The key of a study's seed: `Key([seed, 0])` folded with the text `jackpot` as a number.
    pub fn from_seed(seed: u64) -> Key {
        Key([seed, 0]).fold(0x6a_61_63_6b_70_6f_74)
    }

    /// A new key from this one and a number.
    pub fn fold(self, data: u64) -> Key {
        let [first, second, _, _] = philox::block(self.0, [data, 0, 0, FOLD]);
        Key([first, second])
    }

    /// A new key from this one and a name, for example `"init"`.
    ///
    /// Folds the length in bytes, then each 8 bytes as a little-endian number, the last
    /// filled up with zeros. The length first, so that no name is another's beginning.
    pub fn fold_name(self, name: &str) -> Key {
        let start = self.fold(name.len() as u64);
        name.as_bytes().chunks(8).fold(start, |key, chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            key.fold(u64::from_le_bytes(word))
        })
    }

    /// 32 hexadecimal digits in lower case, word 0 first.
    pub fn to_hex(self) -> String {
        format!("{:016x}{:016x}", self.0[0], self.0[1])
    }

    /// The reverse of [`Key::to_hex`]; `None` for any other spelling.
    pub fn from_hex(text: &str) -> Option<Key> {
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 32 || !text.as_bytes().iter().all(is_digit) {
            return None;
        }
        let word = |half: &str| u64::from_str_radix(half, 16).ok();
        Some(Key([word(&text[..16])?, word(&text[16..])?]))
    }
}

/// Calls `each` with the raw words of the stream, one per element of `out`.
fn draw<T>(key: Key, out: &mut [T], each: impl Fn(u64) -> T) {
    for (block, chunk) in out.chunks_mut(4).enumerate() {
        let words = philox::block(key.0, [block as u64, 0, 0, DRAW]);
        for (slot, word) in chunk.iter_mut().zip(words) {
            *slot = each(word);
        }
    }
}

/// Fills `out` with the stream's raw 64-bit words.
pub fn bits(key: Key, out: &mut [u64]) {
    draw(key, out, |word| word);
}

/// Fills `out` with uniforms in [0, 1), 53 bits each.
pub fn uniform(key: Key, out: &mut [f64]) {
    const UNIT: f64 = 1.0 / (1u64 << 53) as f64;
    draw(key, out, |word| (word >> 11) as f64 * UNIT);
}

/// The descending order of `n` uniforms of this key, ties by index: its first k entries
/// are the places of the k largest.
pub fn permutation(key: Key, n: usize) -> Vec<u64> {
    let mut drawn = vec![(Reverse(0), 0); n];
    draw(key, &mut drawn, |word| (Reverse(word >> 11), 0));
    for (index, (_, place)) in drawn.iter_mut().enumerate() {
        *place = index as u64;
    }
    drawn.sort_unstable();
    drawn.into_iter().map(|(_, place)| place).collect()
}

/// Fills `out` with normals of mean 0 and variance 1.
///
/// The quantile is computed in f64 (relative error about 1e-16) and rounded once.
pub fn normal(key: Key, out: &mut [f32]) {
    draw(key, out, |word| normal::quantile(word) as f32);
}
