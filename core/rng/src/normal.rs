//! The quantile of the standard normal distribution.
//!
//! Wichura, "Algorithm AS 241: the percentage points of the normal distribution",
//! Applied Statistics 37 (1988), routine PPND16 (relative error about 1e-16).

/// Coefficients from the constant up, numerator then denominator.
struct Rational {
    numerator: [f64; 8],
    denominator: [f64; 8],
}

impl Rational {
    fn at(&self, x: f64) -> f64 {
        let horner = |c: &[f64; 8]| c.iter().rev().fold(0.0, |sum, &a| sum * x + a);
        horner(&self.numerator) / horner(&self.denominator)
    }
}

/// |p - 1/2| <= 0.425.
const CENTRE: Rational = Rational {
    numerator: [
        3.387_132_872_796_366_5,
        1.331_416_678_917_843_8e2,
        1.971_590_950_306_551_3e3,
        1.373_169_376_550_946e4,
        4.592_195_393_154_987e4,
        6.726_577_092_700_87e4,
        3.343_057_558_358_813e4,
        2.509_080_928_730_122_7e3,
    ],
    denominator: [
        1.0,
        4.231_333_070_160_091e1,
        6.871_870_074_920_579e2,
        5.394_196_021_424_751e3,
        2.121_379_430_158_659_7e4,
        3.930_789_580_009_271e4,
        2.872_908_573_572_194_3e4,
        5.226_495_278_852_545e3,
    ],
};

/// sqrt(-ln(tail)) <= 5.
const SHOULDER: Rational = Rational {
    numerator: [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        2.417_807_251_774_506e-1,
        2.272_384_498_926_918_4e-2,
        7.745_450_142_783_414e-4,
    ],
    denominator: [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        6.897_673_349_851e-1,
        1.481_039_764_274_800_8e-1,
        1.519_866_656_361_645_7e-2,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
};

/// sqrt(-ln(tail)) > 5.
const TAIL: Rational = Rational {
    numerator: [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        2.965_605_718_285_048_7e-1,
        2.653_218_952_657_612_4e-2,
        1.242_660_947_388_078_4e-3,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    denominator: [
        1.0,
        5.998_322_065_558_88e-1,
        1.369_298_809_227_358e-1,
        1.487_536_129_085_061_5e-2,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ],
};

/// The normal that belongs to a raw word: the quantile at p = ((word >> 11) + 1/2) / 2^53.
///
/// p itself needs 54 bits and would round up to 1 at the top, so the distance from 1/2
/// and the tail are formed as integers first; both are exact, and the two halves of the
/// distribution are mirror images bit for bit.
pub(crate) fn quantile(word: u64) -> f64 {
    const UNIT: f64 = 1.0 / (1u64 << 54) as f64;
    let twice = 2 * ((word >> 11) as i64 - (1 << 52)) + 1;
    let from_half = twice as f64 * UNIT;
    if from_half.abs() <= 0.425 {
        return from_half * CENTRE.at(0.180625 - from_half * from_half);
    }
    let tail = ((1i64 << 53) - twice.abs()) as f64 * UNIT;
    // libm's logarithm is plain Rust: the same bits on every machine, which the
    // system's library does not promise. A square root is exact by IEEE 754.
    let r = (-libm::log(tail)).sqrt();
    let size = if r <= 5.0 {
        SHOULDER.at(r - 1.6)
    } else {
        TAIL.at(r - 5.0)
    };
    if twice < 0 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values from mpmath with 50 digits: sqrt(2) * erfinv(2p - 1).
    fn check(k: u64, expect: f64) {
        let got = quantile(k << 11);
        assert!(
            ((got - expect) / expect).abs() < 5e-16,
            "k = {k}: expected {expect:e}, got {got:e}"
        );
        let mirror = quantile(((1 << 53) - 1 - k) << 11);
        assert_eq!(got.to_bits(), (-mirror).to_bits(), "k = {k}: not mirrored");
    }

    #[test]
    fn the_centre() {
        check((1 << 52) - 1, -1.3914582123358836e-16);
        check(1 << 52, 1.3914582123358836e-16);
    }

    #[test]
    fn where_the_centre_ends() {
        check(675539944105574, -1.439531470938456);
        check(8331659310635419, 1.4395314709384575);
    }

    #[test]
    fn the_shoulder() {
        check(123456789012345, -2.2055872310293276);
        check(1 << 40, -3.6683292851212066);
        check(1 << 20, -6.337957681066634);
    }

    #[test]
    fn where_the_tail_begins() {
        check(125091, -6.657904617210832);
        check(125019, -6.657989260290013);
    }

    #[test]
    fn the_far_tail_is_finite() {
        check(5, -8.00229182185279);
        check(1, -8.160707840858583);
        check(0, -8.292361075813595);
        check((1 << 53) - 1, 8.292361075813595);
    }

    #[test]
    fn the_eleven_low_bits_do_not_count() {
        assert_eq!(quantile(0x7ff), quantile(0));
        assert_ne!(quantile(0x800), quantile(0));
    }
}
