//! A mean with its standard deviation.

use jackpot_stats::{mean, sample_sd};

/// A mean and, with two values or more, their standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct MeanSd {
    pub mean: f64,
    pub sd: Option<f64>,
}

impl MeanSd {
    pub fn of(values: &[f64]) -> Option<MeanSd> {
        mean(values).map(|mean| MeanSd {
            mean,
            sd: sample_sd(values),
        })
    }
}
