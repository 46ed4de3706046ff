//! A table in each of its formats.

pub(crate) mod frame;
pub(crate) mod latex;
pub(crate) mod markdown;

/// Six decimals, with no negative zero: what files for programs hold, so that a last bit that
/// differs between two mathematics libraries does not reach one.
pub(crate) fn settle(x: f64) -> f64 {
    (x * 1e6).round() / 1e6 + 0.0
}
