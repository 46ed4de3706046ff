//! Random numbers: pure functions of a key, the same bits in every language.
use jackpot_abi::{jkp_key, jkp_rng_1};

/// Names one stream of random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(pub [u64; 2]);

/// The host's generator. Draw each thing from its own key: `rng.fold(run.key(), layer)`.
#[derive(Clone, Copy, Debug)]
pub struct Rng<'a>(&'a jkp_rng_1);

const COMPLETE: &str = "a host of ABI 1.0 fills every entry of jackpot.rng/1";

impl<'a> Rng<'a> {
    pub(crate) fn new(table: &'a jkp_rng_1) -> Rng<'a> {
        Rng(table)
    }

    /// A new key from a key and a number, for example a layer's index.
    pub fn fold(&self, key: Key, data: u64) -> Key {
        let fold = self.0.fold.expect(COMPLETE);
        let mut out = jkp_key { w: [0; 2] };
        // SAFETY: both pointers are valid for the call.
        unsafe { fold(&raw_key(key), data, &mut out) };
        Key(out.w)
    }

    /// Fills `out` with raw words.
    pub fn bits(&self, key: Key, out: &mut [u64]) {
        let bits = self.0.bits.expect(COMPLETE);
        // SAFETY: out.len() writable elements.
        unsafe { bits(&raw_key(key), out.as_mut_ptr(), out.len() as u64) }
    }

    /// Fills `out` with uniforms in [0, 1), 53 bits each.
    pub fn uniform(&self, key: Key, out: &mut [f64]) {
        let uniform = self.0.uniform.expect(COMPLETE);
        // SAFETY: out.len() writable elements.
        unsafe { uniform(&raw_key(key), out.as_mut_ptr(), out.len() as u64) }
    }

    /// A permutation of `0..n`: the descending order of `n` uniforms of this key, ties by
    /// index, so its first k are the positions of the k largest.
    pub fn permutation(&self, key: Key, n: usize) -> Vec<u64> {
        let permutation = self.0.permutation.expect(COMPLETE);
        let mut out = vec![0; n];
        // SAFETY: n writable elements.
        unsafe { permutation(&raw_key(key), out.as_mut_ptr(), n as u64) };
        out
    }

    /// Fills `out` with normals of mean 0 and variance 1.
    pub fn normal(&self, key: Key, out: &mut [f32]) {
        let normal = self.0.normal.expect(COMPLETE);
        // SAFETY: out.len() writable elements.
        unsafe { normal(&raw_key(key), out.as_mut_ptr(), out.len() as u64) }
    }
}

fn raw_key(key: Key) -> jkp_key {
    jkp_key { w: key.0 }
}
