//! Philox4x64-10: a bijection of a 256-bit counter under a 128-bit key.
//!
//! Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
//! Multipliers and key increments are those of its reference implementation, Random123.

const MULTIPLIER: [u64; 2] = [0xd2e7_470e_e14c_6c93, 0xca5a_8263_9512_1157];
/// The golden ratio and sqrt(3) - 1, in 64 bits.
const KEY_STEP: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xbb67_ae85_84ca_a73b];
const ROUNDS: usize = 10;

/// High and low word of a 64 x 64 bit product.
fn multiply(a: u64, b: u64) -> (u64, u64) {
    let product = u128::from(a) * u128::from(b);
    ((product >> 64) as u64, product as u64)
}

/// The block of four words that belongs to `counter` under `key`.
pub(crate) fn block(mut key: [u64; 2], counter: [u64; 4]) -> [u64; 4] {
    let mut c = counter;
    for round in 0..ROUNDS {
        if round > 0 {
            key = [
                key[0].wrapping_add(KEY_STEP[0]),
                key[1].wrapping_add(KEY_STEP[1]),
            ];
        }
        let (high0, low0) = multiply(MULTIPLIER[0], c[0]);
        let (high1, low1) = multiply(MULTIPLIER[1], c[2]);
        c = [high1 ^ c[1] ^ key[0], low1, high0 ^ c[3] ^ key[1], low0];
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(counter: [u64; 4], key: [u64; 2], expect: [u64; 4]) {
        assert_eq!(
            block(key, counter),
            expect,
            "counter {counter:x?} key {key:x?}"
        );
    }

    /// The three `philox4x64 10` lines of Random123's `tests/kat_vectors`.
    #[test]
    fn agrees_with_the_known_answers_of_random123() {
        check(
            [0; 4],
            [0; 2],
            [
                0x16554d9eca36314c,
                0xdb20fe9d672d0fdc,
                0xd7e772cee186176b,
                0x7e68b68aec7ba23b,
            ],
        );
        check(
            [u64::MAX; 4],
            [u64::MAX; 2],
            [
                0x87b092c3013fe90b,
                0x438c3c67be8d0224,
                0x9cc7d7c69cd777b6,
                0xa09caebf594f0ba0,
            ],
        );
        check(
            [
                0x243f6a8885a308d3,
                0x13198a2e03707344,
                0xa4093822299f31d0,
                0x082efa98ec4e6c89,
            ],
            [0x452821e638d01377, 0xbe5466cf34e90c6c],
            [
                0xa528f45403e61d95,
                0x38c72dbd566e9788,
                0xa5a1610e72fd18b5,
                0x57bd43b5e52b7fe6,
            ],
        );
    }
}
