//! Whole numbers in proportion to wishes, within bounds, with an exact sum.

/// One layer's wish (positive, in any unit) and bounds, in weights.
pub struct Bounds {
    pub wish: f64,
    pub least: u64,
    pub most: u64,
}

impl Bounds {
    fn at(&self, scale: f64) -> f64 {
        (scale * self.wish).clamp(self.least as f64, self.most as f64)
    }
}

/// Counts that add up to `budget`: each layer's wish times one scale, kept within its
/// bounds, so that what a full layer cannot take goes to all others in proportion.
///
/// The bounds must hold the budget between them.
pub fn share(bounds: &[Bounds], budget: u64) -> Vec<u64> {
    round(bounds, scale(bounds, budget), budget)
}

/// The scale at which the clipped wishes add up to `budget`. Their sum grows with the
/// scale, so halving an interval finds it to the last bit, the same one everywhere.
fn scale(bounds: &[Bounds], budget: u64) -> f64 {
    let sum = |scale: f64| bounds.iter().map(|b| b.at(scale)).sum::<f64>();
    let mut high = 1.0f64;
    // Wishes are positive, so some scale makes every layer whole.
    while sum(high) < budget as f64 && high < 1e300 {
        high *= 2.0;
    }
    let mut low = 0.0;
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return high;
        }
        if sum(middle) < budget as f64 {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// Whole numbers within the bounds that add up to `budget`: floors, then one more for the
/// largest remainders, ties to the lowest layer; should the floors be over by rounding,
/// one less for the smallest remainders.
fn round(bounds: &[Bounds], scale: f64, budget: u64) -> Vec<u64> {
    let exact: Vec<f64> = bounds.iter().map(|b| b.at(scale)).collect();
    let mut counts: Vec<u64> = exact.iter().map(|share| share.floor() as u64).collect();
    let mut order: Vec<usize> = (0..bounds.len()).collect();
    order.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()));
    let mut kept: u64 = counts.iter().sum();
    while kept != budget {
        let before = kept;
        for &layer in &order {
            if kept < budget && counts[layer] < bounds[layer].most {
                counts[layer] += 1;
                kept += 1;
            }
        }
        for &layer in order.iter().rev() {
            if kept > budget && counts[layer] > bounds[layer].least {
                counts[layer] -= 1;
                kept -= 1;
            }
        }
        assert!(before != kept, "the bounds hold the budget between them");
    }
    counts
}
