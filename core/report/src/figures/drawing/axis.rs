//! Scales and ticks.

/// A linear map from values to canvas units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub low: f64,
    pub high: f64,
    /// The positions of `low` and `high` on the canvas.
    pub from: i32,
    pub to: i32,
}

impl Scale {
    pub fn at(&self, value: f64) -> i32 {
        let share = (value - self.low) / (self.high - self.low);
        self.from + (share * f64::from(self.to - self.from)).round() as i32
    }

    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// The value, or the nearer end of the scale.
    pub fn clip(&self, value: f64) -> f64 {
        value.clamp(self.low, self.high)
    }
}

/// The range of some values with a margin: for one value an interval around it, for none 0 to 100.
pub(crate) fn range(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values {
        low = low.min(value);
        high = high.max(value);
    }
    if low > high {
        return (0.0, 100.0);
    }
    let margin = (0.05 * (high - low)).max(0.25);
    (low - margin, high + margin)
}

/// At most `most` round values within a range (1, 2 or 5 times a power of ten apart), and the
/// number of decimals that they need.
pub(crate) fn ticks(low: f64, high: f64, most: usize) -> (Vec<f64>, usize) {
    let rough = (high - low) / most as f64;
    let decade = 10f64.powi(rough.log10().floor() as i32);
    for factor in [1.0, 2.0, 5.0, 10.0, 20.0] {
        let step = decade * factor;
        let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
        let count = (last - first + 1).max(0) as usize;
        if count <= most {
            let decimals = (-step.log10().floor()).max(0.0) as usize;
            return ((first..=last).map(|i| i as f64 * step).collect(), decimals);
        }
    }
    (Vec::new(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(low: f64, high: f64, most: usize, expected: &[f64], decimals: usize) {
        let (found, digits) = ticks(low, high, most);
        let same = found.len() == expected.len()
            && found
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(
            same && digits == decimals,
            "{low} to {high}: {found:?}, {digits}"
        );
    }

    #[test]
    fn ticks_are_round_and_few() {
        check(0.0, 100.0, 5, &[0.0, 50.0, 100.0], 0);
        check(71.3, 87.9, 5, &[75.0, 80.0, 85.0], 0);
        check(86.1, 87.2, 5, &[86.5, 87.0], 1);
    }

    #[test]
    fn a_scale_maps_its_ends() {
        let scale = Scale {
            low: 10.0,
            high: 20.0,
            from: 100,
            to: 300,
        };
        assert_eq!(
            (scale.at(10.0), scale.at(15.0), scale.at(20.0)),
            (100, 200, 300)
        );
        assert!(scale.holds(10.0) && !scale.holds(9.9));
        assert_eq!(scale.at(scale.clip(-5.0)), 100);
    }

    #[test]
    fn a_range_has_room_round_its_values() {
        let (low, high) = range([50.0, 60.0]);
        assert!(low < 50.0 && high > 60.0);
        let (low, high) = range([87.0]);
        assert!(low < 87.0 && high > 87.0);
        assert_eq!(range([]), (0.0, 100.0));
    }
}
