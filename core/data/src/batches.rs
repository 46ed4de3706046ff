//! Which rows a batch holds, as a function of keys.

use crate::Error;
use jackpot_rng::{Key, permutation};

/// A request for scoring batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchSpec {
    /// Every draw folds from it.
    pub key: Key,
    /// How many batches; each is drawn anew from all rows.
    pub n_batches: u64,
    /// Images a batch, when `per_class` is 0.
    pub batch_size: u64,
    /// >0: that many of every class, in class order.
    pub per_class: u64,
    /// Each batch is cut in as many runs of rows.
    pub parts: u64,
    /// Crop and flip as in training; changes no row.
    pub augment: bool,
    /// Mix the rows of a batch.
    pub shuffle: bool,
}

/// Rows of each batch (`parts` not yet cut), balanced by the labels given.
///
/// Batch b draws from `key.fold(b)`: a batch of classes takes from class c the first
/// `per_class` entries of `permutation(key.fold(b).fold(c))` over that class's rows; a
/// plain batch the first `batch_size` of `permutation(key.fold(b))` over all rows. Rows
/// are never drawn twice within a batch. `shuffle` mixes by `fold_name("shuffle")`.
pub fn scoring_rows(
    spec: &BatchSpec,
    labels: &[i64],
    classes: u32,
) -> Result<Vec<Vec<u32>>, Error> {
    let by_class = rows_by_class(labels, classes)?;
    let sizes: Vec<u64> = by_class.iter().map(|rows| rows.len() as u64).collect();
    let size = scoring_batch(spec, labels.len() as u64, classes, Some(&sizes))? as usize;
    let batch = |index: u64| -> Vec<u32> {
        let key = spec.key.fold(index);
        let mut rows: Vec<u32> = Vec::with_capacity(size);
        if spec.per_class > 0 {
            for (class, members) in by_class.iter().enumerate() {
                let order = permutation(key.fold(class as u64), members.len());
                let drawn = order.iter().take(spec.per_class as usize);
                rows.extend(drawn.map(|&i| members[i as usize]));
            }
        } else {
            let order = permutation(key, labels.len());
            rows.extend(order.iter().take(size).map(|&row| row as u32));
        }
        if spec.shuffle {
            let order = permutation(key.fold_name("shuffle"), rows.len());
            rows = order.iter().map(|&i| rows[i as usize]).collect();
        }
        rows
    };
    Ok((0..spec.n_batches).map(batch).collect())
}

/// The order of the training rows in one epoch: `permutation(order_key.fold(epoch))`.
pub fn epoch_order(order_key: Key, epoch: u32, rows: usize) -> Vec<u32> {
    permutation(order_key.fold(u64::from(epoch)), rows)
        .into_iter()
        .map(|row| row as u32)
        .collect()
}

/// The rows of every class in stored order.
fn rows_by_class(labels: &[i64], classes: u32) -> Result<Vec<Vec<u32>>, Error> {
    let mut by_class = vec![Vec::new(); classes as usize];
    for (row, &label) in labels.iter().enumerate() {
        let class = usize::try_from(label).ok().filter(|&c| c < by_class.len());
        let Some(class) = class else {
            return Err(Error::Invalid(format!(
                "label {label} of row {row} is not within 0 to {}",
                i64::from(classes) - 1
            )));
        };
        by_class[class].push(row as u32);
    }
    Ok(by_class)
}

/// How many images each batch of a request has, or why it cannot be met. `by_class` is `None`
/// while the rows' labels are not known; then only what no labels could help is refused.
///
/// # Errors
/// A request that the rows cannot meet.
pub fn scoring_batch(
    spec: &BatchSpec,
    rows: u64,
    classes: u32,
    by_class: Option<&[u64]>,
) -> Result<u64, Error> {
    let invalid = |message: String| Err(Error::Invalid(message));
    if spec.n_batches == 0 {
        return invalid("scoring batches: 0 batches asked, expected at least 1".to_owned());
    }
    let size = if spec.per_class > 0 {
        let sizes = by_class.unwrap_or_default().iter().enumerate();
        for (class, &members) in sizes {
            if members < spec.per_class {
                return invalid(format!(
                    "scoring batches: {} images of every class asked, but class {class} has {members}: ask for fewer a class",
                    spec.per_class
                ));
            }
        }
        spec.per_class.saturating_mul(u64::from(classes))
    } else {
        if spec.batch_size == 0 {
            return invalid(
                "scoring batches: ask for images of every class or for a batch size, both are 0"
                    .to_owned(),
            );
        }
        spec.batch_size
    };
    if size > rows {
        return invalid(format!(
            "scoring batches: {size} images a batch asked, but the data set has {rows}"
        ));
    }
    if spec.parts == 0 || spec.parts > size {
        return invalid(format!(
            "scoring batches: a batch of {size} images cannot be cut in {} parts",
            spec.parts
        ));
    }
    // Each batch draws an order of all rows: refuse a count that only a typing error explains.
    if spec.n_batches.saturating_mul(rows) > MAX_DRAWS {
        return invalid(format!(
            "scoring batches: {} batches, expected at most {} from {rows} images",
            spec.n_batches,
            MAX_DRAWS / rows
        ));
    }
    Ok(size)
}

/// Rows put in order over all batches of one request.
const MAX_DRAWS: u64 = 1 << 28;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn spec(per_class: u64, batch_size: u64, n_batches: u64) -> BatchSpec {
        BatchSpec {
            key: Key::from_seed(3),
            n_batches,
            batch_size,
            per_class,
            parts: 1,
            augment: false,
            shuffle: false,
        }
    }

    fn labels(rows: usize, classes: i64) -> Vec<i64> {
        (0..rows as i64)
            .map(|i| (i * 7 + i / 5) % classes)
            .collect()
    }

    proptest! {
        #[test]
        fn balanced_batches_are_in_class_order_without_repeats(
            seed in any::<u64>(), classes in 1u32..8, per_class in 1u64..6, extra in 0usize..40
        ) {
            let mut labels: Vec<i64> =
                (0..classes as usize * 6).map(|i| (i % classes as usize) as i64).collect();
            labels.extend((0..extra).map(|i| (i * i % classes as usize) as i64));
            let spec = BatchSpec { key: Key::from_seed(seed), ..spec(per_class, 0, 3) };
            for batch in scoring_rows(&spec, &labels, classes).unwrap() {
                let of: Vec<i64> = batch.iter().map(|&r| labels[r as usize]).collect();
                let expected: Vec<i64> = (0..i64::from(classes))
                    .flat_map(|c| std::iter::repeat_n(c, per_class as usize))
                    .collect();
                prop_assert_eq!(of, expected);
                let distinct: BTreeSet<_> = batch.iter().collect();
                prop_assert_eq!(distinct.len(), batch.len());
            }
        }
    }

    #[test]
    fn batches_are_independent_and_a_prefix_of_more() {
        let labels = labels(200, 10);
        let three = scoring_rows(&spec(5, 0, 3), &labels, 10).unwrap();
        let one = scoring_rows(&spec(5, 0, 1), &labels, 10).unwrap();
        assert_eq!(one[0], three[0]);
        assert_ne!(three[0], three[1]);
        assert_ne!(three[1], three[2]);
        let other = BatchSpec {
            key: Key::from_seed(4),
            ..spec(5, 0, 1)
        };
        assert_ne!(scoring_rows(&other, &labels, 10).unwrap(), one);
    }

    #[test]
    fn shuffle_mixes_the_same_rows() {
        let labels = labels(200, 10);
        let sorted = scoring_rows(&spec(5, 0, 1), &labels, 10).unwrap().remove(0);
        let shuffled = BatchSpec {
            shuffle: true,
            ..spec(5, 0, 1)
        };
        let mixed = scoring_rows(&shuffled, &labels, 10).unwrap().remove(0);
        assert_ne!(mixed, sorted);
        let set = |rows: &[u32]| rows.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(set(&mixed), set(&sorted));
        let halves = |rows: &[u32]| rows[..25].iter().all(|&r| labels[r as usize] < 5);
        assert!(halves(&sorted) && !halves(&mixed));
    }

    #[test]
    fn plain_batches_draw_without_replacement() {
        let labels = labels(50, 10);
        let batches = scoring_rows(&spec(0, 50, 2), &labels, 10).unwrap();
        for batch in &batches {
            let set: BTreeSet<u32> = batch.iter().copied().collect();
            assert_eq!(set, (0..50).collect());
        }
        assert_ne!(batches[0], batches[1]);
        let short = scoring_rows(&spec(0, 20, 1), &labels, 10).unwrap();
        assert_eq!(short[0], batches[0][..20]);
    }

    #[test]
    fn draws_are_uniform_over_the_rows_of_a_class() {
        // 2,000 batches of 1 per class from 10 rows per class: 200 expected, sd 13.4.
        let labels: Vec<i64> = (0..20).map(|i| i % 2).collect();
        let mut seen = [0; 20];
        for batch in scoring_rows(&spec(1, 0, 2_000), &labels, 2).unwrap() {
            batch.iter().for_each(|&row| seen[row as usize] += 1);
        }
        assert!(seen.iter().all(|n| (140..=260).contains(n)), "{seen:?}");
    }

    #[test]
    fn requests_that_cannot_be_met_say_why() {
        let labels: Vec<i64> = (0..100).map(|i| i % 10).collect();
        let check = |spec: BatchSpec, expected: &str| {
            let error = scoring_rows(&spec, &labels, 10).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(
            spec(11, 0, 1),
            "11 images of every class asked, but class 0 has 10",
        );
        check(spec(u64::MAX, 0, 1), "asked, but class 0");
        check(
            spec(0, 101, 1),
            "101 images a batch asked, but the data set has 100",
        );
        check(spec(0, 0, 1), "both are 0");
        check(spec(1, 0, 0), "0 batches asked");
        check(spec(1, 0, u64::MAX), "at most");
        check(
            BatchSpec {
                parts: 0,
                ..spec(1, 0, 1)
            },
            "in 0 parts",
        );
        check(
            BatchSpec {
                parts: 11,
                ..spec(1, 0, 1)
            },
            "10 images cannot be cut in 11",
        );
        let error = scoring_rows(&spec(1, 0, 1), &[0, 10], 10)
            .unwrap_err()
            .to_string();
        assert!(error.contains("label 10 of row 1"), "{error}");
        assert!(scoring_rows(&spec(1, 0, 1), &[0, -1], 2).is_err());
        assert!(scoring_rows(&spec(1, 0, 1), &[], 10).is_err());
    }

    #[test]
    fn every_epoch_sees_every_row_in_its_own_order() {
        let key = Key::from_seed(1);
        let first = epoch_order(key, 0, 1_000);
        let mut sorted = first.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1_000).collect::<Vec<_>>());
        assert_eq!(first, epoch_order(key, 0, 1_000));
        assert_ne!(first, epoch_order(key, 1, 1_000));
        assert_ne!(first, epoch_order(Key::from_seed(2), 0, 1_000));
    }
}
