//! From scores to a mask: the one place where weights are chosen.
//!
//! By value (−0 = 0), ties by the lowest flat index, across layers in forward order.
//! Selection is linear (`select_nth_unstable`), never a sort.
use crate::{Failure, Scores, Sparsity};
use jackpot_net::mask::LayerMask;
use jackpot_net::{Mask, Network};
use serde::{Deserialize, Serialize};

/// Which weights a global selection keeps of `n` at pruned share `p`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Exactly k = round-half-even(n·density), ties by lowest flat index.
    Exact,
    /// SNIP's published rule: everything ≥ the k-th largest, k = int(n·(1−p)) in doubles.
    PublishedSnip,
    /// GraSP's published rule on prune scores (the negated scores): everything ≤ the r-th
    /// largest is kept, r = int(n·(1−(1−p))) in doubles.
    PublishedGrasp,
}

/// Which layers a global selection chooses from; the others are kept whole and the total is matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Every prunable layer.
    #[default]
    All,
    /// Classifier whole, as the published lottery ticket.
    Convolutions,
}

/// How sharp a selection's threshold was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selected {
    /// Pruned scores that equal the lowest kept one: 0 when order alone decided.
    pub ties: u64,
    /// Scores within 1e-6 (relative) of the lowest kept one, itself included.
    pub near: u64,
}

/// Chooses over all layers at once.
pub fn select_global(
    network: &Network,
    scores: &Scores,
    sparsity: &Sparsity,
    scope: Scope,
    rule: Rule,
) -> Result<(Mask, Selected), Failure> {
    check(network, scores)?;
    let total = network.prunable_weights();
    let whole = |i: usize| scope == Scope::Convolutions && network.layers[i].classifier;
    let spared: u64 = (0..network.layers.len())
        .filter(|&i| whole(i))
        .map(|i| network.layers[i].len() as u64)
        .sum();
    let values: Vec<f64> = scores
        .layers
        .iter()
        .enumerate()
        .filter(|(i, _)| !whole(*i))
        .flat_map(|(_, (_, v))| v.iter().copied())
        .collect();
    let (chosen, selected) = choose(&values, total, spared, sparsity, rule)?;
    let mut chosen = chosen.into_iter();
    let mask = build(network, |i, n| {
        if whole(i) {
            vec![true; n]
        } else {
            chosen.by_ref().take(n).collect()
        }
    });
    let kept = mask.kept();
    // A published rule may keep everything through ties: that is the rule, reproduced.
    if kept == 0 || (kept == total && rule == Rule::Exact) {
        return Err(invalid(format!(
            "sparsity {sparsity} of {total} weights keeps {kept}: a mask must keep some and prune some"
        )));
    }
    Ok((mask, selected))
}

/// Applies a rule to the scores of `total` weights, of which `spared` are kept whole.
fn choose(
    values: &[f64],
    total: u64,
    spared: u64,
    sparsity: &Sparsity,
    rule: Rule,
) -> Result<(Vec<bool>, Selected), Failure> {
    match rule {
        Rule::Exact => {
            let k = sparsity.kept(total);
            if k <= spared && spared > 0 {
                return Err(invalid(format!(
                    "sparsity {sparsity} keeps {k} of {total} weights, but the classifier alone, \
                     which this selection keeps whole, has {spared}: lower the sparsity or select \
                     over all layers"
                )));
            }
            Ok(exact(values, (k - spared) as usize))
        }
        Rule::PublishedSnip | Rule::PublishedGrasp if spared > 0 => Err(invalid(
            "a published selection is over all layers: use scope `all`, or selection `exact`"
                .into(),
        )),
        Rule::PublishedSnip => {
            let k = (total as f64 * (1.0 - sparsity.as_f64())) as usize;
            Ok(at_least(values, k))
        }
        Rule::PublishedGrasp => {
            let keep_ratio = 1.0 - sparsity.as_f64();
            let removed = (total as f64 * (1.0 - keep_ratio)) as usize;
            // Prune scores ≤ their r-th largest are scores ≥ their (n−r+1)-th largest.
            Ok(at_least(
                values,
                (values.len() + 1).saturating_sub(removed.max(1)),
            ))
        }
    }
}

/// The k largest of each layer, ties by lowest flat index.
pub fn select_counts(
    network: &Network,
    scores: &Scores,
    counts: &[u64],
) -> Result<(Mask, Selected), Failure> {
    check(network, scores)?;
    if counts.len() != network.layers.len() {
        return Err(invalid(format!(
            "counts: expected one for each of the network's {} layers, found {}",
            network.layers.len(),
            counts.len()
        )));
    }
    let mut selected = Selected { ties: 0, near: 0 };
    let mut layers = Vec::with_capacity(counts.len());
    for ((layer, (_, values)), &count) in network.layers.iter().zip(&scores.layers).zip(counts) {
        if count > values.len() as u64 {
            return Err(invalid(format!(
                "layer `{}`: {count} weights to keep, but it has {}",
                layer.name,
                values.len()
            )));
        }
        let (kept, sharp) = exact(values, count as usize);
        selected.ties += sharp.ties;
        selected.near += sharp.near;
        layers.push(kept);
    }
    let mut layers = layers.into_iter();
    let mask = build(network, |_, _| layers.next().expect("one a layer"));
    match mask.kept() {
        0 => Err(invalid("the counts keep no weight at all".into())),
        kept if kept == mask.total() => Err(invalid(
            "the counts keep every weight: that is the dense network".into(),
        )),
        _ => Ok((mask, selected)),
    }
}

/// The k largest, ties by lowest index.
fn exact(values: &[f64], k: usize) -> (Vec<bool>, Selected) {
    if k == 0 || k > values.len() {
        return (vec![k != 0; values.len()], Selected { ties: 0, near: 0 });
    }
    let threshold = kth_largest(values, k);
    let above = values.iter().filter(|&&v| v > threshold).count();
    let mut at_threshold = k - above;
    let mut ties = 0;
    let kept = values
        .iter()
        .map(|&v| {
            if v != threshold {
                return v > threshold;
            }
            let keep = at_threshold > 0;
            if keep {
                at_threshold -= 1;
            } else {
                ties += 1;
            }
            keep
        })
        .collect();
    (
        kept,
        Selected {
            ties,
            near: near(values, threshold),
        },
    )
}

/// Everything that is at least the k-th largest; k = 0 keeps nothing.
fn at_least(values: &[f64], k: usize) -> (Vec<bool>, Selected) {
    if k == 0 || k > values.len() {
        return (vec![k != 0; values.len()], Selected { ties: 0, near: 0 });
    }
    let threshold = kth_largest(values, k);
    let kept = values.iter().map(|&v| v >= threshold).collect();
    (
        kept,
        Selected {
            ties: 0,
            near: near(values, threshold),
        },
    )
}

/// 1 ≤ k ≤ n, all finite. IEEE comparison has −0 = 0, which `total_cmp` would order.
fn kth_largest(values: &[f64], k: usize) -> f64 {
    let mut copy = values.to_vec();
    let by_value = |a: &f64, b: &f64| b.partial_cmp(a).expect("scores were checked to be finite");
    *copy.select_nth_unstable_by(k - 1, by_value).1
}

fn near(values: &[f64], threshold: f64) -> u64 {
    let width = 1e-6 * threshold.abs();
    values
        .iter()
        .filter(|&&v| (v - threshold).abs() <= width)
        .count() as u64
}

fn build(network: &Network, mut kept: impl FnMut(usize, usize) -> Vec<bool>) -> Mask {
    let layer = |(i, layer): (usize, &jackpot_net::Layer)| LayerMask {
        name: layer.name.clone(),
        shape: layer.shape.clone(),
        kept: kept(i, layer.len()),
    };
    Mask {
        layers: network.layers.iter().enumerate().map(layer).collect(),
    }
}

fn invalid(message: String) -> Failure {
    Failure::new("invalid", message)
}

/// Layers, lengths and finiteness.
fn check(network: &Network, scores: &Scores) -> Result<(), Failure> {
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
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            return Err(Failure::new(
                "numeric",
                format!(
                    "scores of layer `{name}`: entry {at} is {}, expected a finite number",
                    values[at]
                ),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "select_tests.rs"]
mod tests;
