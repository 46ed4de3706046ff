//! Whole numbers in proportion, with an exact sum.

/// Shares `total` among layers in proportion to their sizes: floors first, then one more
/// for the largest remainders, ties to the lowest layer (Hamilton's method). Exact
/// integers; no share exceeds its size.
pub fn apportion(total: u64, sizes: &[u64]) -> Result<Vec<u64>, String> {
    let all: u64 = sizes.iter().sum();
    if total > all {
        return Err(format!("{total} weights to keep, but there are {all}"));
    }
    let whole = u128::from(all.max(1));
    let products: Vec<u128> = sizes
        .iter()
        .map(|&size| u128::from(size) * u128::from(total))
        .collect();
    let mut shares: Vec<u64> = products.iter().map(|p| (p / whole) as u64).collect();
    let missing = total - shares.iter().sum::<u64>();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&layer| std::cmp::Reverse(products[layer] % whole));
    for &layer in order.iter().take(missing as usize) {
        shares[layer] += 1;
    }
    Ok(shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn remainders_go_to_the_largest_then_to_the_lowest_layer() {
        // 6/16 of 5, 5, 6 = 1.875, 1.875, 2.25
        assert_eq!(apportion(6, &[5, 5, 6]), Ok(vec![2, 2, 2]));
        // 1/3 each: the tie goes to the first
        assert_eq!(apportion(1, &[7, 7, 7]), Ok(vec![1, 0, 0]));
        assert_eq!(apportion(2, &[7, 7, 7]), Ok(vec![1, 1, 0]));
        assert_eq!(apportion(12, &[7, 0, 5]), Ok(vec![7, 0, 5]));
        assert_eq!(apportion(0, &[]), Ok(vec![]));
        assert!(apportion(13, &[7, 0, 5]).is_err());
    }

    proptest! {
        #[test]
        fn shares_are_exact_and_within_one_of_proportion(
            sizes in proptest::collection::vec(0u64..3_000_000_000, 1..60), share in 0u64..=1000
        ) {
            let all: u64 = sizes.iter().sum();
            let total = (u128::from(all) * u128::from(share) / 1000) as u64;
            let shares = apportion(total, &sizes).unwrap();
            prop_assert_eq!(shares.iter().sum::<u64>(), total);
            for (&found, &size) in shares.iter().zip(&sizes) {
                prop_assert!(found <= size);
                let exact = u128::from(size) * u128::from(total) / u128::from(all.max(1));
                prop_assert!(u128::from(found).abs_diff(exact) <= 1);
            }
        }
    }
}
