//! Random draws from one printed key.
use jackpot_rng::Key;
use std::hash::{BuildHasher, RandomState};

/// A stream of draws. The same key gives the same draws, on every machine.
pub struct Draws {
    key: Key,
    drawn: u64,
}

impl Draws {
    /// From `$JACKPOT_FAULT_KEY`, 32 hexadecimal digits, else from a key of this moment. The
    /// key is printed, so that a failure can be repeated with it.
    pub fn printed(what: &str) -> Draws {
        let key = match std::env::var("JACKPOT_FAULT_KEY") {
            Ok(text) => Key::from_hex(&text).expect("JACKPOT_FAULT_KEY is 32 hexadecimal digits"),
            Err(_) => {
                let random = || RandomState::new().hash_one(what);
                Key([random(), random()])
            }
        };
        crate::say(&format!("{what}: JACKPOT_FAULT_KEY={}", key.to_hex()));
        Draws { key, drawn: 0 }
    }

    /// From a fixed key: the same draws every time.
    pub fn fixed(seed: u64) -> Draws {
        Draws {
            key: Key::from_seed(seed),
            drawn: 0,
        }
    }

    /// An independent stream.
    pub fn fork(&self, number: u64) -> Draws {
        Draws {
            key: self.key.fold(number),
            drawn: 0,
        }
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.drawn += 1;
        let mut out = [0];
        jackpot_rng::bits(self.key.fold(self.drawn), &mut out);
        out[0]
    }

    /// Uniform in `0..n`; 0 for an empty range.
    pub fn below(&mut self, n: usize) -> usize {
        // The bias is below n / 2^64.
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// One of these.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}
