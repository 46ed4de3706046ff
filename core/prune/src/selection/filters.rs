//! Whole filters: an output channel of a convolution is kept or pruned as one, as structured
//! pruning does it. Linear layers stay with single weights: a row of the classifier is a class.
use super::{SelectionState, ThresholdSharpness, Ties};
use crate::{Error, constraints::Filters};
use jackpot_net::Layer;

impl SelectionState<'_> {
    /// Keeps so many filters of layer `i`, those whose scores add up to most, of each all that may
    /// be chosen; ties go to the lowest index. A layer of which nothing is left keeps nothing.
    pub(super) fn keep_filters(
        &mut self,
        i: usize,
        layer: &Layer,
        filters: &Filters,
    ) -> Result<ThresholdSharpness, Error> {
        let of = |weight: usize| weight / filters.size as usize;
        let (mut sums, mut left) = (vec![0.0; layer.shape[0]], vec![false; layer.shape[0]]);
        for (j, score) in self.of(i) {
            sums[of(j)] += score;
            left[of(j)] = true;
        }
        if let Some(at) = sums.iter().position(|sum: &f64| !sum.is_finite()) {
            return Err(Error::NotFinite(format!(
                "scores of layer `{}`: those of filter {at} add up to {}, expected a finite number",
                layer.name, sums[at]
            )));
        }
        // One layer, whose weights are the filters.
        let values = [sums.as_slice()];
        let mut chosen = SelectionState::new(&values, Some(vec![left.as_slice()]));
        let selected = chosen.keep_largest(0..1, filters.kept, Ties::ByIndex);
        let within = self.within(i);
        for (j, kept) in self.kept[i].iter_mut().enumerate() {
            *kept |= chosen.kept[0][of(j)] && within.is_none_or(|w| w[j]);
        }
        Ok(selected)
    }
}

#[cfg(test)]
#[path = "filters_tests.rs"]
mod tests;
