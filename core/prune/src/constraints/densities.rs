//! Counts of a user's own table of densities.
use super::apportion::apportion;
use crate::{Error, Sparsity, error::invalid};
use jackpot_net::{Layer, Network};
use std::collections::BTreeMap;

/// Counts of a user's own table: layer name to density, as decimal text from `0` to `1`.
///
/// A named layer keeps round-half-even(weights · density), exactly. The layers left out share
/// what the sparsity leaves at one density. If none is left out, the densities must add up to
/// the sparsity within rounding, which is settled over the largest remainders.
///
/// # Errors
/// A name that is no layer (the nearest is suggested), a density that is none, a budget that
/// cannot be met (by how much).
pub fn counts_of_densities(
    network: &Network,
    densities: &BTreeMap<String, String>,
    sparsity: &Sparsity,
) -> Result<Vec<u64>, Error> {
    let mut fractions = vec![None; network.layers.len()];
    for (name, text) in densities {
        let Some(i) = network.layers.iter().position(|l| l.name == *name) else {
            return Err(invalid(unknown_layer(network, name)));
        };
        let fraction = crate::sparsity::density(text)
            .map_err(|why| invalid(format!("density of layer `{name}`: {why}")))?;
        fractions[i] = Some(fraction);
    }
    let sizes: Vec<u64> = network.layers.iter().map(|l| l.len() as u64).collect();
    let asked = sparsity.kept(network.prunable_weights());
    let kept: Vec<Option<u64>> = (sizes.iter().zip(&fractions))
        .map(|(&n, f)| f.map(|(share, digits)| crate::sparsity::round_half_even(n, share, digits)))
        .collect();
    let named: u64 = kept.iter().flatten().sum();
    let left: u64 = (sizes.iter().zip(&kept))
        .filter(|(_, kept)| kept.is_none())
        .map(|(n, _)| n)
        .sum();
    let miss = |by: u64, more: &str| {
        invalid(format!(
            "the table of densities keeps {named} weights, {by} {more} sparsity {sparsity} allows \
             ({asked}): change a density or the sparsity"
        ))
    };
    if left == 0 {
        let slack = sizes.len() as u64;
        return match named.abs_diff(asked) {
            by if by > slack && named > asked => Err(miss(by, "more than")),
            by if by > slack => Err(miss(by, "fewer than")),
            _ => settle(asked, &sizes, &fractions),
        };
    }
    let Some(rest) = asked.checked_sub(named) else {
        return Err(miss(named - asked, "more than"));
    };
    if rest > left {
        return Err(invalid(format!(
            "the table of densities keeps {named} weights and leaves layers of {left}, together \
             {} fewer than sparsity {sparsity} asks for ({asked}): raise a density or the sparsity",
            rest - left
        )));
    }
    let bounds: Vec<(u64, u64)> = (sizes.iter().zip(&kept))
        .map(|(&n, kept)| kept.map_or((0, n), |k| (k, k)))
        .collect();
    let weights: Vec<u64> = (sizes.iter().zip(&kept))
        .map(|(&n, kept)| if kept.is_none() { n } else { 0 })
        .collect();
    apportion(asked, &weights, &bounds)
        .ok_or_else(|| invalid("the table of densities meets no total".into()))
}

/// A whole table that misses the total by less than a weight a layer: ones are added where the
/// remainder is largest, or taken where it is smallest.
fn settle(asked: u64, sizes: &[u64], fractions: &[Option<(u128, u32)>]) -> Result<Vec<u64>, Error> {
    let exact: Vec<(u64, u128)> = (sizes.iter().zip(fractions))
        .map(|(&n, fraction)| {
            let (share, digits) = fraction.unwrap_or((0, 0));
            let unit = 10u128.pow(digits);
            let product = u128::from(n) * share;
            // Remainders over one unit, so that layers of other spellings compare.
            let remainder = (product % unit) * 10u128.pow(18 - digits);
            ((product / unit) as u64, remainder)
        })
        .collect();
    let mut counts: Vec<u64> = exact.iter().map(|e| e.0).collect();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(exact[i].1), i));
    let given: u64 = counts.iter().sum();
    let (mut missing, down) = (asked.abs_diff(given), given > asked);
    if down {
        order.reverse();
    }
    while missing > 0 {
        let before = missing;
        for &i in &order {
            if missing > 0 && !down && counts[i] < sizes[i] {
                counts[i] += 1;
                missing -= 1;
            } else if missing > 0 && down && counts[i] > 0 {
                counts[i] -= 1;
                missing -= 1;
            }
        }
        if missing == before {
            return Err(invalid("the table of densities meets no total".into()));
        }
    }
    Ok(counts)
}

fn unknown_layer(network: &Network, name: &str) -> String {
    let distance = |l: &Layer| (strsim::damerau_levenshtein(name, &l.name), l.name.clone());
    let hint = match network.layers.iter().map(distance).min() {
        Some((distance, near)) if distance <= 8 => format!("did you mean `{near}`?"),
        _ => "`jackpot describe` lists the layers".into(),
    };
    format!("the table of densities names `{name}`, which is no prunable layer: {hint}")
}
