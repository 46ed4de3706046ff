//! A part of the rows: half the data set in the paper (Su et al. 2020).
//!
//! Only the rows are this check's. Published half data also reads them in stored order and
//! takes half the steps: those are options of the training that sees them.
use jackpot_sdk::{Error, Item, Out, Output, Param, Result, Run, choices, needs, promises};
use std::collections::BTreeMap;

const SHARE: Param = Param::float(
    c"share",
    0.5,
    c"share of the rows that is kept, rounded half to even; above 0 and below 1",
)
.between(0.0, 1.0);

const WHICH: Param = Param::text(
    c"which",
    c"first",
    c"the first rows in stored order (as published), or random ones",
)
.one_of(choices![c"first", c"random"]);

const BALANCED: Param = Param::flag(
    c"balanced",
    false,
    c"keep that share of each class, instead of all rows",
);

pub const SUBSET: Item = Item {
    summary: c"keeps a part of the rows, in stored order",
    needs: needs::RNG,
    promises: promises::CHANGES_OUTPUT,
    params: &[&SHARE, &WHICH, &BALANCED],
    ..Item::check(c"subset", Output::Subset, subset)
};

fn subset(run: &Run, out: &mut Out) -> Result {
    let (rng, share) = (run.rng()?, run.float("share")?);
    let random = run.text("which")? == "random";
    let input = run.input()?.get(0);
    let labels = input.i64()?;
    let kept = out.subset()?;
    kept.fill(0);
    let groups = if run.flag("balanced")? {
        by_class(labels)
    } else {
        vec![(0..labels.len()).collect()]
    };
    for (group, rows) in groups.iter().enumerate() {
        let count = part(rows.len(), share);
        let key = rng.fold(run.key(), group as u64);
        let order = if random {
            rng.permutation(key, rows.len())
        } else {
            (0..rows.len() as u64).collect()
        };
        for &place in &order[..count] {
            kept[rows[place as usize]] = 1;
        }
    }
    let count = kept.iter().filter(|&&bit| bit != 0).count();
    let nothing = match count {
        0 => "no row",
        n if n == labels.len() => "every row, so that it changes nothing",
        _ => return Ok(()),
    };
    Err(Error::invalid(format!(
        "parameter `share`: {share} of {} rows keeps {nothing}: expected a share between 0 and 1 that keeps some",
        labels.len()
    )))
}

/// The rows of each class, in stored order.
fn by_class(labels: &[i64]) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (row, &label) in labels.iter().enumerate() {
        groups.entry(label).or_default().push(row);
    }
    groups.into_values().collect()
}

fn part(rows: usize, share: f64) -> usize {
    ((rows as f64 * share).round_ties_even() as usize).min(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_rows_is_half_of_them() {
        assert_eq!(part(50_000, 0.5), 25_000);
        assert_eq!((part(5, 0.5), part(7, 0.5)), (2, 4));
        assert_eq!(part(50_000, 0.4992), 24_960);
        assert_eq!((part(3, 0.0), part(3, 1.0)), (0, 3));
    }

    #[test]
    fn classes_are_apart_and_in_stored_order() {
        assert_eq!(by_class(&[2, 0, 2, 0]), [[1, 3], [0, 2]]);
    }
}
