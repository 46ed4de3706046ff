//! From scores to a mask: the one place where weights are chosen.
//!
//! By value (−0 = 0), ties by the lowest flat index, across layers in forward order.
//! Selection is linear (`select_nth_unstable`), never a sort.
mod filters;

use crate::{
    Error, Granularity, LayerConstraints, LayerMask, Mask, PruningScope, Scores, Sparsity,
    constrained_counts, constraints::refuse_nothing_and_all, error::invalid,
};
use jackpot_net::Network;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Which weights a global selection keeps of `n` at pruned share `p`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelectionRule {
    /// Exactly k = round-half-even(n·density), ties by lowest flat index.
    Exact,
    /// SNIP's published rule: everything ≥ the k-th largest, k = int(n·(1−p)) in doubles.
    PublishedSnip,
    /// GraSP's published rule on prune scores (the negated scores): everything ≤ the r-th
    /// largest is kept, r = int(n·(1−(1−p))) in doubles.
    PublishedGrasp,
}

/// How sharply the threshold of a selection separates kept from pruned scores. A whole filter has one
/// score.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThresholdSharpness {
    /// Pruned scores that equal the lowest kept one: 0 when order alone decided.
    pub ties: u64,
    /// Scores within 1e-6 (relative) of the lowest kept one, itself included.
    pub near: u64,
}

/// How many weights are kept, and where.
#[derive(Clone, Copy, Debug)]
pub enum PruningBudget<'a> {
    /// Over all layers at once, as many as the sparsity leaves.
    Sparsity {
        /// The pruned share of all prunable weights, also of those that are kept whole.
        sparsity: &'a Sparsity,
        /// The layers that are chosen from.
        scope: PruningScope,
        /// The published rules choose from whole networks only.
        rule: SelectionRule,
    },
    /// Over all layers at once, exactly this many: one round of many, which may keep everything.
    Total {
        /// Weights to keep.
        kept: u64,
        /// The layers that are chosen from.
        scope: PruningScope,
    },
    /// The largest of each layer, with one count for each. Constraints move counts between layers
    /// first (see [`crate::constrained_counts`]).
    Counts(&'a [u64]),
}

/// What a selection is asked for, beside the scores.
#[derive(Clone, Copy, Debug)]
pub struct SelectionOptions<'a> {
    /// How many weights are kept, and of which layers.
    pub budget: PruningBudget<'a>,
    /// Only weights that this mask keeps may be chosen. Without it any weight may.
    pub within: Option<&'a Mask>,
    /// What is kept whatever the scores say.
    pub constraints: LayerConstraints,
    /// What is kept or pruned as one. Whole filters take a count for each layer.
    pub granularity: Granularity,
}

/// Chooses the weights with the largest scores.
///
/// # Errors
/// Scores that do not fit the network or are not finite; a total that is smaller than what
/// is kept whole, or larger than what there is to choose from; a mask that would keep
/// nothing or prune nothing; whole filters without a count for each layer, or without a convolution.
pub fn select(
    network: &Network,
    scores: &Scores,
    options: &SelectionOptions<'_>,
) -> Result<(Mask, ThresholdSharpness), Error> {
    check_names(network, scores)?;
    let values: Vec<&[f64]> = scores.layers.iter().map(|(_, v)| v.as_slice()).collect();
    select_values(network, &values, options)
}

/// [`select`] over all layers.
pub fn select_global(
    network: &Network,
    scores: &Scores,
    sparsity: &Sparsity,
    scope: PruningScope,
    rule: SelectionRule,
) -> Result<(Mask, ThresholdSharpness), Error> {
    let by = PruningBudget::Sparsity {
        sparsity,
        scope,
        rule,
    };
    select(network, scores, &by.into())
}

/// [`select`] with a count for each layer.
pub fn select_counts(
    network: &Network,
    scores: &Scores,
    counts: &[u64],
) -> Result<(Mask, ThresholdSharpness), Error> {
    select(network, scores, &PruningBudget::Counts(counts).into())
}

/// A selection of single weights, without constraints.
impl<'a> From<PruningBudget<'a>> for SelectionOptions<'a> {
    fn from(by: PruningBudget<'a>) -> SelectionOptions<'a> {
        SelectionOptions {
            budget: by,
            within: None,
            constraints: LayerConstraints::default(),
            granularity: Granularity::Weights,
        }
    }
}

/// [`select`] on views of scores, one for each layer in forward order, which are not copied.
pub fn select_values(
    network: &Network,
    values: &[&[f64]],
    options: &SelectionOptions<'_>,
) -> Result<(Mask, ThresholdSharpness), Error> {
    check_values(network, values)?;
    if let Some(mask) = options.within {
        mask.check(network).map_err(|e| invalid(e.to_string()))?;
    }
    check_unit(network, options)?;
    let within = options
        .within
        .map(|m| m.layers.iter().map(|l| l.kept.as_slice()).collect());
    let mut state = SelectionState::new(values, within);
    let selected = match options.budget {
        PruningBudget::Counts(counts) => {
            let counts = constrained_counts(network, counts, &options.constraints)?;
            by_counts(network, &mut state, options, &counts)?
        }
        PruningBudget::Total { kept, scope } => {
            let asked = format!("this round keeps {kept}");
            by_total(network, &mut state, options, scope, kept, &asked)?
        }
        PruningBudget::Sparsity {
            sparsity,
            scope,
            rule: SelectionRule::Exact,
        } => {
            let kept = sparsity.kept(network.prunable_weights());
            let asked = format!("sparsity {sparsity} keeps {kept}");
            by_total(network, &mut state, options, scope, kept, &asked)?
        }
        PruningBudget::Sparsity {
            sparsity,
            scope,
            rule,
        } => published(network, &mut state, options, scope, sparsity, rule)?,
    };
    let mask = state.into_mask(network);
    refuse_empty_and_full(&mask, options)?;
    Ok((mask, selected))
}

/// Whole filters are compared within a layer alone: sums over filters of several sizes are
/// not of one scale, and no total could be met.
fn check_unit(network: &Network, options: &SelectionOptions<'_>) -> Result<(), Error> {
    match (options.granularity, options.budget) {
        (Granularity::Filters, PruningBudget::Sparsity { .. } | PruningBudget::Total { .. }) => {
            Err(invalid(
                "unit `filters` takes counts per layer, found a selection over all layers: give an \
             allocation such as `uniform`, densities, or the counts of another mask"
                    .into(),
            ))
        }
        _ => options.granularity.fits(network),
    }
}

/// A mask must keep some and prune some.
fn refuse_empty_and_full(mask: &Mask, options: &SelectionOptions<'_>) -> Result<(), Error> {
    let (kept, total) = (mask.kept(), mask.total());
    let refused = match options.budget {
        PruningBudget::Counts(_) => {
            return refuse_nothing_and_all(kept, total, options.granularity);
        }
        // A published rule may keep everything through ties: that is the rule, reproduced.
        PruningBudget::Sparsity { sparsity, rule, .. }
            if kept == 0 || (kept == total && rule == SelectionRule::Exact) =>
        {
            format!(
                "sparsity {sparsity} of {total} weights keeps {kept}: a mask must keep some and prune some"
            )
        }
        PruningBudget::Total { .. } if kept == 0 => "a round keeps no weight at all".to_string(),
        _ => return Ok(()),
    };
    Err(invalid(refused))
}

/// Exactly `total` over all layers: what is reserved first, then the largest of the rest.
fn by_total(
    network: &Network,
    state: &mut SelectionState<'_>,
    options: &SelectionOptions<'_>,
    scope: PruningScope,
    total: u64,
    asked: &str,
) -> Result<ThresholdSharpness, Error> {
    let constraints = options.constraints.with(scope);
    let all = network.prunable_weights();
    let kept = constraints.required_weights(network, &|i| state.candidates(i), total, asked)?;
    for (i, layer) in network.layers.iter().enumerate() {
        if constraints.keeps_dense(layer) {
            state.keep_whole(i);
        } else if constraints.min_weights > 0 {
            let least = constraints.min_weights.min(state.candidates(i));
            state.keep_largest(i..i + 1, least, Ties::ByIndex);
        }
    }
    let rest = total - kept;
    let left: u64 = (0..network.layers.len()).map(|i| state.candidates(i)).sum();
    if rest > left {
        return Err(invalid(format!(
            "{asked} of {all} weights, but only {} may be chosen: the mask so far keeps no more",
            kept + left
        )));
    }
    Ok(state.keep_largest(0..network.layers.len(), rest, Ties::ByIndex))
}

fn by_counts(
    network: &Network,
    state: &mut SelectionState<'_>,
    options: &SelectionOptions<'_>,
    counts: &[u64],
) -> Result<ThresholdSharpness, Error> {
    let mut selected = ThresholdSharpness::default();
    for (i, (layer, &count)) in network.layers.iter().zip(counts).enumerate() {
        let there = state.candidates(i);
        if count > there {
            return Err(invalid(format!(
                "layer `{}`: {count} weights to keep, but the mask so far keeps {there}",
                layer.name
            )));
        }
        let sharp = match options
            .granularity
            .filters(layer, count, options.constraints.min_weights)
        {
            None => state.keep_largest(i..i + 1, count, Ties::ByIndex),
            Some(filters) => state.keep_filters(i, layer, &filters)?,
        };
        selected.ties += sharp.ties;
        selected.near += sharp.near;
    }
    Ok(selected)
}

fn published(
    network: &Network,
    state: &mut SelectionState<'_>,
    options: &SelectionOptions<'_>,
    scope: PruningScope,
    sparsity: &Sparsity,
    rule: SelectionRule,
) -> Result<ThresholdSharpness, Error> {
    if options.constraints.with(scope) != LayerConstraints::default() || options.within.is_some() {
        return Err(invalid(
            "a published selection is over all layers, with nothing reserved: use scope `all`, \
             or selection `exact`"
                .into(),
        ));
    }
    let total = network.prunable_weights();
    let k = match rule {
        SelectionRule::PublishedGrasp => {
            let keep_ratio = 1.0 - sparsity.as_f64();
            let removed = (total as f64 * (1.0 - keep_ratio)) as u64;
            // Prune scores ≤ their r-th largest are scores ≥ their (n−r+1)-th largest.
            (total + 1).saturating_sub(removed.max(1))
        }
        _ => (total as f64 * (1.0 - sparsity.as_f64())) as u64,
    };
    Ok(state.keep_largest(0..network.layers.len(), k, Ties::All))
}

/// What happens to scores that equal the threshold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ties {
    /// As many as are needed, the lowest flat index first.
    ByIndex,
    /// All are kept.
    All,
}

/// A selection in progress: which weights may be chosen, and which have been.
struct SelectionState<'a> {
    values: &'a [&'a [f64]],
    /// Of each layer, which weights may be chosen. Without it any may.
    within: Option<Vec<&'a [bool]>>,
    kept: Vec<Vec<bool>>,
}

impl<'a> SelectionState<'a> {
    fn new(values: &'a [&'a [f64]], within: Option<Vec<&'a [bool]>>) -> SelectionState<'a> {
        SelectionState {
            values,
            within,
            kept: values.iter().map(|v| vec![false; v.len()]).collect(),
        }
    }

    /// Which weights of a layer may be chosen, if not all of them.
    fn within(&self, i: usize) -> Option<&'a [bool]> {
        self.within.as_ref().map(|layers| layers[i])
    }

    /// The scores of a layer that may still be chosen.
    fn of(&self, i: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let within = self.within(i);
        let kept = &self.kept[i];
        let scores = self.values[i].iter().copied().enumerate();
        scores.filter(move |(j, _)| !kept[*j] && within.is_none_or(|w| w[*j]))
    }

    fn candidates(&self, i: usize) -> u64 {
        self.of(i).count() as u64
    }

    /// Keeps all that may be chosen of a layer.
    fn keep_whole(&mut self, i: usize) {
        let mask = self.within(i).map(<[bool]>::to_vec);
        self.kept[i] = mask.unwrap_or_else(|| vec![true; self.values[i].len()]);
    }

    /// Keeps the `k` largest of what may be chosen in `layers`; all if there are no more.
    fn keep_largest(&mut self, layers: Range<usize>, k: u64, ties: Ties) -> ThresholdSharpness {
        if k == 0 {
            return ThresholdSharpness::default();
        }
        let mut scores: Vec<f64> = Vec::with_capacity(match &layers {
            l if l.len() == 1 => self.values[l.start].len(),
            l => self.values[l.clone()].iter().map(|v| v.len()).sum(),
        });
        for i in layers.clone() {
            scores.extend(self.of(i).map(|(_, v)| v));
        }
        let Some(k) = usize::try_from(k).ok().filter(|&k| k <= scores.len()) else {
            layers.for_each(|i| {
                self.keep_whole(i);
            });
            return ThresholdSharpness::default();
        };
        let (threshold, above) = kth_largest(&mut scores, k);
        let near = near(&scores, threshold);
        drop(scores);
        let mut room = match ties {
            Ties::ByIndex => k - above,
            Ties::All => usize::MAX,
        };
        let mut pruned = 0;
        for i in layers {
            let within = self.within(i);
            for (j, kept) in self.kept[i].iter_mut().enumerate() {
                if *kept || within.is_some_and(|w| !w[j]) {
                    continue;
                }
                let value = self.values[i][j];
                if value > threshold {
                    *kept = true;
                } else if value == threshold {
                    *kept = room > 0;
                    pruned += u64::from(room == 0);
                    room = room.saturating_sub(1);
                }
            }
        }
        ThresholdSharpness { ties: pruned, near }
    }

    fn into_mask(self, network: &Network) -> Mask {
        let layer = |(layer, kept): (&jackpot_net::Layer, Vec<bool>)| LayerMask {
            name: layer.name.clone(),
            shape: layer.shape.clone(),
            kept,
        };
        Mask {
            layers: network.layers.iter().zip(self.kept).map(layer).collect(),
        }
    }
}

/// The k-th largest and how many are larger; 1 ≤ k ≤ n, all finite. IEEE comparison has
/// −0 = 0, which `total_cmp` would order.
fn kth_largest(scores: &mut [f64], k: usize) -> (f64, usize) {
    let by_value = |a: &f64, b: &f64| b.partial_cmp(a).expect("scores were checked to be finite");
    let (larger, threshold, _) = scores.select_nth_unstable_by(k - 1, by_value);
    let above = larger.iter().filter(|&&v| v > *threshold).count();
    (*threshold, above)
}

fn near(values: &[f64], threshold: f64) -> u64 {
    let width = 1e-6 * threshold.abs();
    values
        .iter()
        .filter(|&&v| (v - threshold).abs() <= width)
        .count() as u64
}

/// Refuses scores of other layers than the network's, or of other lengths.
fn check_names(network: &Network, scores: &Scores) -> Result<(), Error> {
    if scores.layers.len() != network.layers.len() {
        return Err(invalid(format!(
            "scores: expected {} layers as the network has, found {}",
            network.layers.len(),
            scores.layers.len()
        )));
    }
    for (layer, (name, values)) in network.layers.iter().zip(&scores.layers) {
        if *name != layer.name || values.len() != layer.len() {
            return Err(invalid(format!(
                "scores: expected `{}` with {} values, found `{name}` with {}",
                layer.name,
                layer.len(),
                values.len()
            )));
        }
    }
    Ok(())
}

/// Refuses scores that are not finite numbers.
fn check_values(network: &Network, values: &[&[f64]]) -> Result<(), Error> {
    for (layer, values) in network.layers.iter().zip(values) {
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            return Err(Error::NotFinite(format!(
                "scores of layer `{}`: entry {at} is {}, expected a finite number",
                layer.name, values[at]
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
