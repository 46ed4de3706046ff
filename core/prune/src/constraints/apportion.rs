//! A total in whole numbers, shared in proportion.

/// Cuts `total` in shares proportional to `weights`, each within its bounds, exactly: the
/// proportion is one number λ, a share is λ·weight moved into its bounds, and the remainders of
/// the shares strictly within are settled by largest remainder, ties to the lowest index.
/// None if no λ gives the total.
pub(crate) fn apportion(total: u64, weights: &[u64], bounds: &[(u64, u64)]) -> Option<Vec<u64>> {
    // Which bound a share lies on: None strictly within.
    let mut fixed: Vec<Option<u64>> = vec![None; weights.len()];
    loop {
        let taken: u64 = fixed.iter().flatten().sum();
        let rest = total.checked_sub(taken)?;
        let free = |i: &usize| fixed[*i].is_none();
        let open: Vec<usize> = (0..weights.len()).filter(free).collect();
        let sum: u128 = open.iter().map(|&i| u128::from(weights[i])).sum();
        if open.is_empty() || sum == 0 {
            // Nothing moves any more: shares without weight take their least.
            let least: u64 = open.iter().map(|&i| bounds[i].0).sum();
            let share = |i: usize| fixed[i].unwrap_or(bounds[i].0);
            return (least == rest).then(|| (0..weights.len()).map(share).collect());
        }
        let product = |i: usize| u128::from(weights[i]) * u128::from(rest);
        // How far the shares lie under and over their bounds: λ rises or falls accordingly, so
        // only the bounds on the heavier side are sure to stay.
        let under = |i: &usize| u128::from(bounds[*i].0) * sum > product(*i);
        let over = |i: &usize| u128::from(bounds[*i].1) * sum < product(*i);
        let lack: u128 = (open.iter().filter(|i| under(i)))
            .map(|&i| u128::from(bounds[i].0) * sum - product(i))
            .sum();
        let excess: u128 = (open.iter().filter(|i| over(i)))
            .map(|&i| product(i) - u128::from(bounds[i].1) * sum)
            .sum();
        if lack == 0 && excess == 0 {
            return Some(largest_remainders(rest, &open, &fixed, product, sum));
        }
        for &i in &open {
            if lack >= excess && under(&i) {
                fixed[i] = Some(bounds[i].0);
            } else if excess >= lack && over(&i) {
                fixed[i] = Some(bounds[i].1);
            }
        }
    }
}

fn largest_remainders(
    rest: u64,
    open: &[usize],
    fixed: &[Option<u64>],
    product: impl Fn(usize) -> u128,
    sum: u128,
) -> Vec<u64> {
    // A share is at most `rest`, so it fits.
    let mut shares: Vec<u64> = (0..fixed.len())
        .map(|i| fixed[i].unwrap_or_else(|| (product(i) / sum) as u64))
        .collect();
    let given: u64 = open.iter().map(|&i| shares[i]).sum();
    let mut by_remainder = open.to_vec();
    by_remainder.sort_by_key(|&i| (std::cmp::Reverse(product(i) % sum), i));
    for &i in by_remainder.iter().take((rest - given) as usize) {
        shares[i] += 1;
    }
    shares
}
