//! Keys and the one counter-based random generator (Philox4x64-10, Salmon et al. 2011).
//!
//! Every draw is a pure function of a [`Key`], so a result never depends on which
//! thread drew first. This crate never keeps a state and never reads a clock.

/// Names one stream of random numbers: the key of Philox4x64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub [u64; 2]);

impl Key {
    /// The key of a study's seed.
    pub fn from_seed(_seed: u64) -> Key { todo!() }
    /// A new key from this one and a number.
    pub fn fold(self, _data: u64) -> Key { todo!() }
    /// A new key from this one and a name, for example `"init"`.
    pub fn fold_name(self, _name: &str) -> Key { todo!() }
    /// 32 hexadecimal digits, word 0 first.
    pub fn to_hex(self) -> String { todo!() }
    /// The reverse of [`Key::to_hex`].
    pub fn from_hex(_text: &str) -> Option<Key> { todo!() }
}
/// Fills `out` with the stream's raw 64-bit words.
pub fn bits(_key: Key, _out: &mut [u64]) { todo!() }
/// Fills `out` with uniforms in [0, 1), 53 bits each.
pub fn uniform(_key: Key, _out: &mut [f64]) { todo!() }
/// The descending order of `n` uniforms, ties by index: the first k are the k largest.
pub fn permutation(_key: Key, _n: usize) -> Vec<u64> { todo!() }
/// Fills `out` with normals of mean 0 and variance 1.
pub fn normal(_key: Key, _out: &mut [f32]) { todo!() }
