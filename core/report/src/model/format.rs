//! Numbers and names as tables and figures write them, before the escapes of any file format.

use crate::model::mean_sd::MeanSd;

/// The sparsity of a dense network.
pub(crate) const DENSE: &str = "0";
/// The most characters of a reason that a table quotes. `runs.csv` has all of it.
const LONGEST: usize = 120;

/// `98 %` for `0.98`, or the text itself if it is not a number.
pub(crate) fn percent(sparsity: &str) -> String {
    match sparsity.parse::<f64>() {
        Ok(x) => format!("{} %", (x * 1e8).round() / 1e6),
        Err(_) => sparsity.into(),
    }
}

/// The heading of a section at one sparsity.
pub(crate) fn sparsity(text: &str) -> String {
    match text {
        DENSE => "Dense".into(),
        _ => format!("Sparsity {}", percent(text)),
    }
}

/// A number with `digits` decimals. A negative number has a true minus sign; `−0.00` is never
/// written.
pub(crate) fn number(x: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", x.abs());
    let zero = text.chars().all(|c| matches!(c, '0' | '.'));
    if x < 0.0 && !zero {
        format!("−{text}")
    } else {
        text
    }
}

/// As [`number`], with a plus sign if it is positive.
pub(crate) fn signed(x: f64, digits: usize) -> String {
    let text = number(x, digits);
    let positive = text.chars().any(|c| matches!(c, '1'..='9')) && x > 0.0;
    if positive { format!("+{text}") } else { text }
}

/// `87.12 ± 0.31`, or the mean alone if there is no standard deviation.
pub(crate) fn mean_sd(value: Option<MeanSd>, digits: usize) -> String {
    match value {
        None => "–".into(),
        Some(MeanSd { mean, sd: None }) => number(mean, digits),
        Some(MeanSd { mean, sd: Some(sd) }) => {
            format!("{} ± {}", number(mean, digits), number(sd, digits))
        }
    }
}

/// A kept share in percent. Shares run over decades, so it has three significant digits.
pub(crate) fn share(percent: f64) -> String {
    if percent == 0.0 {
        return "0".into();
    }
    // Rounded first, so that 9.999 gets the digits of 10.0.
    let rounded: f64 = format!("{percent:.2e}").parse().unwrap_or(percent);
    let digits = (2.0 - rounded.log10().floor()).max(0.0) as usize;
    number(rounded, digits)
}

/// `+0.12 [−0.40, +0.64]`, or the mean alone if there is no interval.
pub(crate) fn interval(mean: f64, bounds: Option<(f64, f64)>, digits: usize) -> String {
    let mean = signed(mean, digits);
    match bounds {
        None => mean,
        Some((low, high)) => {
            format!("{mean} [{}, {}]", signed(low, digits), signed(high, digits))
        }
    }
}

/// `3`, or `2 of 3` if a requested seed is missing.
pub(crate) fn count_of(n: usize, asked: usize) -> String {
    if n == asked {
        n.to_string()
    } else {
        format!("{n} of {asked}")
    }
}

/// Text on one line.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The start of a long reason, on one line.
pub(crate) fn shortened(text: &str) -> String {
    let line = one_line(text);
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST).chain(['…']).collect()
}

/// The number rounded to six decimals, without negative zero. Files for programs hold rounded
/// numbers, so that a difference in the last bit between two mathematics libraries does not change
/// them.
pub(crate) fn six_decimals(x: f64) -> f64 {
    (x * 1e6).round() / 1e6 + 0.0
}
