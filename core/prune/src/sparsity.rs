//! The pruned share of all prunable weights, as decimal text.
use serde::{Deserialize, Serialize};

/// Most digits after the point: `n · 10^digits` of any 64-bit n then fits 128 bits.
const DIGITS: usize = 18;

/// Decimal text in (0, 1), e.g. "0.98": exact arithmetic, never a double.
///
/// One spelling a value: "0.90" and ".9" become "0.9", so equal sparsities are equal keys
/// and the order of the text is the order of the values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sparsity(String);

impl Sparsity {
    /// The one spelling, e.g. "0.98".
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The kept share: the double nearest to the exact decimal 1 − sparsity.
    pub fn density(&self) -> f64 {
        let (kept, digits) = self.kept_fraction();
        format!("{kept}e-{digits}")
            .parse()
            .expect("digits and an exponent are a number")
    }

    /// The pruned share: the double nearest to the decimal text, as published code reads it.
    pub fn as_f64(&self) -> f64 {
        self.0.parse().expect("decimal text is a number")
    }

    /// round-half-even of n·density, exactly.
    pub fn kept(&self, n: u64) -> u64 {
        let (kept, digits) = self.kept_fraction();
        round_half_even(n, kept, digits)
    }

    /// Density as an integer over a power of ten: (10^d − digits, d).
    pub(crate) fn kept_fraction(&self) -> (u128, u32) {
        let digits = &self.0[2..];
        let pruned: u128 = digits.parse().expect("at most 18 digits");
        let d = digits.len() as u32;
        (10u128.pow(d) - pruned, d)
    }
}

/// n · numerator / 10^digits, halves to the even neighbour; the share is at most 1.
pub(crate) fn round_half_even(n: u64, numerator: u128, digits: u32) -> u64 {
    half_even(u128::from(n) * numerator, 10u128.pow(digits))
}

/// product / unit, halves to the even neighbour.
pub(crate) fn half_even(product: u128, unit: u128) -> u64 {
    let (whole, rest) = (product / unit, product % unit);
    let up = match (2 * rest).cmp(&unit) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Equal => whole % 2,
        std::cmp::Ordering::Greater => 1,
    };
    u64::try_from(whole + up).expect("a share of n is at most n")
}

/// A kept share from decimal text, `0` to `1`, as an integer over a power of ten.
pub(crate) fn density(text: &str) -> Result<(u128, u32), String> {
    let refuse = || format!("expected a decimal from `0` to `1` such as `0.25`, found `{text}`");
    let (whole, digits) = text.split_once('.').unwrap_or((text, ""));
    let point_alone = text.contains('.') && digits.is_empty();
    let digits = digits.trim_end_matches('0');
    let plain = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if point_alone || !plain(digits) || digits.len() > DIGITS {
        return Err(refuse());
    }
    let d = digits.len() as u32;
    match whole {
        "1" if d == 0 => Ok((1, 0)),
        "0" | "" if !text.is_empty() => Ok((digits.parse().unwrap_or(0), d)),
        _ => Err(refuse()),
    }
}

/// round-half-even(n · keep) of a density that came from decimal text: its shortest spelling is
/// that text again (up to 15 digits), so this is exact where the double is not.
pub fn kept_at_density(keep: f64, n: u64) -> Result<u64, String> {
    if !(0.0..=1.0).contains(&keep) {
        return Err(format!(
            "keep: expected a density from 0 to 1, found {keep}"
        ));
    }
    let text = keep.to_string();
    let (whole, digits) = text.split_once('.').unwrap_or((&text, ""));
    // What lies beyond 18 digits is less than one weight of any network.
    let digits = &digits[..digits.len().min(DIGITS)];
    let numerator = format!("{whole}{digits}")
        .parse()
        .map_err(|e| format!("keep: {e}"))?;
    Ok(round_half_even(n, numerator, digits.len() as u32))
}

impl TryFrom<String> for Sparsity {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let refuse = |why: &str| Err(format!("sparsity `{text}`: {why}"));
        let Some((whole, digits)) = text.split_once('.') else {
            return match text.as_str() {
                "0" => refuse("0 prunes nothing: that is the dense network, not a sparsity"),
                "1" => refuse("1 prunes everything"),
                _ => refuse("expected a decimal between 0 and 1 such as `0.98`"),
            };
        };
        if !digits.bytes().all(|b| b.is_ascii_digit()) || digits.is_empty() {
            return refuse("expected a decimal between 0 and 1 such as `0.98`");
        }
        let digits = digits.trim_end_matches('0');
        match whole {
            "" | "0" if digits.is_empty() => {
                refuse("0 prunes nothing: that is the dense network, not a sparsity")
            }
            "1" if digits.is_empty() => refuse("1 prunes everything"),
            "" | "0" if digits.len() <= DIGITS => Ok(Sparsity(format!("0.{digits}"))),
            "" | "0" => refuse("more than 18 digits after the point"),
            _ => refuse("expected a decimal between 0 and 1 such as `0.98`"),
        }
    }
}

impl From<Sparsity> for String {
    fn from(s: Sparsity) -> String {
        s.0
    }
}

impl std::fmt::Display for Sparsity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sparsity(text: &str) -> Sparsity {
        Sparsity::try_from(text.to_string()).unwrap()
    }

    #[test]
    fn rounds_half_to_even_from_the_text() {
        // n, sparsity, kept: by hand.
        for (n, text, kept) in [
            (1000, "0.9", 100),
            (5, "0.5", 2),  // 2.5 → 2
            (7, "0.5", 4),  // 3.5 → 4
            (15, "0.9", 2), // 1.5 → 2
            (25, "0.9", 2), // 2.5 → 2
            (35, "0.9", 4), // 3.5 → 4
            (3, "0.9", 0),  // 0.3
            (1_867_104, "0.98", 37_342),
            (u64::MAX, "0.5", 9_223_372_036_854_775_808), // …807.5 → even
            (10, "0.850000000000000001", 1),              // just under 1.5; a double says 1.5 → 2
            (10, "0.849999999999999999", 2),
        ] {
            assert_eq!(sparsity(text).kept(n), kept, "{n} at {text}");
        }
    }

    #[test]
    fn a_density_means_the_decimal_it_was_written_as() {
        for (text, n) in [
            ("0.9", 25),
            ("0.9", 35),
            ("0.98", 1_867_104),
            ("0.995", 300),
            ("0.7", 15),
        ] {
            let sparsity = sparsity(text);
            assert_eq!(
                kept_at_density(sparsity.density(), n),
                Ok(sparsity.kept(n)),
                "{n} at {text}"
            );
        }
        assert_eq!(
            (kept_at_density(1.0, 7), kept_at_density(0.0, 7)),
            (Ok(7), Ok(0))
        );
        assert!(kept_at_density(1.1, 7).is_err() && kept_at_density(f64::NAN, 7).is_err());
    }

    #[test]
    fn density_is_the_nearest_double_to_the_decimal() {
        assert_eq!(sparsity("0.9").density(), 0.1);
        assert_ne!(1.0 - 0.9, 0.1, "which subtraction in doubles is not");
        assert_eq!(sparsity("0.98").density(), 0.02);
    }

    #[test]
    fn one_spelling_and_clear_refusals() {
        assert_eq!(sparsity("0.90"), sparsity(".9"));
        assert!(sparsity("0.95") < sparsity("0.98") && sparsity("0.9") < sparsity("0.95"));
        for bad in [
            "0",
            "1",
            "0.0",
            "1.0",
            "1.5",
            "-0.5",
            "0.9e0",
            "nan",
            "",
            "0,9",
            "0.",
            "00.9",
            "0.1234567890123456789",
            " 0.9",
        ] {
            let error = Sparsity::try_from(bad.to_string()).unwrap_err();
            assert!(error.contains(&format!("`{bad}`")), "{error}");
        }
        let parsed: Sparsity = serde_json::from_str("\"0.980\"").unwrap();
        assert_eq!(serde_json::to_string(&parsed).unwrap(), "\"0.98\"");
        assert!(serde_json::from_str::<Sparsity>("\"1\"").is_err());
    }
}
