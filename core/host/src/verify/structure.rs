//! What a weaker change of the same output leaves as it is, and whether this one changed it.
//!
//! A permutation of whole pixel rows keeps every promise of a permutation of pixels, and a
//! rearrangement within layers every promise of one over all of them. What tells the two
//! apart is what the weaker one cannot do: `JKP_CHANGES_STRUCTURE` is held to that.
use crate::verify::outputs::OutputValue;
use jackpot_prune::Mask;
use serde_json::json;
use std::collections::BTreeMap;

/// Places whose structure could change, and those where it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Structure {
    pub(crate) possible: u64,
    pub(crate) changed: u64,
}

impl Structure {
    pub(crate) fn to_json(self) -> serde_json::Value {
        json!({ "possible": self.possible, "changed": self.changed })
    }

    /// Counts places, each given as whether it could change and whether it did.
    fn of(places: impl Iterator<Item = (bool, bool)>) -> Structure {
        let (mut possible, mut changed) = (0, 0);
        for (could, did) in places {
            possible += u64::from(could);
            changed += u64::from(could && did);
        }
        Structure { possible, changed }
    }
}

/// Refuses an output in which it could have changed somewhere and changed nowhere.
pub(crate) fn verify(mask: &Mask, before: &OutputValue, after: &OutputValue) -> Result<(), String> {
    let Structure { possible, changed } = count(mask, before, after);
    if possible == 0 || changed > 0 {
        return Ok(());
    }
    Err(match before {
        OutputValue::Images { .. } => format!(
            "none of {possible} images holds other values in its rows and in its columns than before, as after a permutation of whole rows or columns"
        ),
        OutputValue::Labels(_) => format!(
            "the rows of each of {possible} classes still share one label, as after renaming the classes"
        ),
        OutputValue::Masks(_) => {
            format!("each of {possible} layers keeps as many weights as before")
        }
        OutputValue::Weights(_) => {
            format!("in each of {possible} layers the kept weights are the same values as before")
        }
        _ => format!("in each of {possible} layers the scores stand in the same order as before"),
    })
}

/// Counts images, classes or layers.
pub(crate) fn count(mask: &Mask, before: &OutputValue, after: &OutputValue) -> Structure {
    match (before, after) {
        (OutputValue::Images { pixels: b, shape }, OutputValue::Images { pixels: a, .. }) => {
            images(b, a, *shape)
        }
        (OutputValue::Labels(b), OutputValue::Labels(a)) => labels(b, a),
        (OutputValue::Masks(b), OutputValue::Masks(a)) => masks(b, a),
        (OutputValue::Weights(b), OutputValue::Weights(a)) => weights(mask, b, a),
        (OutputValue::Scores(b), OutputValue::Scores(a)) => {
            Structure::of(b.iter().zip(a).map(|(b, a)| {
                let constant = b.windows(2).all(|pair| pair[0] == pair[1]);
                (!constant, order(b) != order(a))
            }))
        }
        _ => Structure::of(std::iter::empty()),
    }
}

fn images(before: &[u8], after: &[u8], [channels, height, width]: [usize; 3]) -> Structure {
    let size = (channels * height * width).max(1);
    let pairs = before.chunks(size).zip(after.chunks(size));
    Structure::of(pairs.map(|(b, a)| {
        // Of a single row or column the values cannot leave it.
        let could = height > 1 && width > 1 && b.iter().any(|pixel| *pixel != b[0]);
        let did = could
            && b != a
            && rows(b, width) != rows(a, width)
            && columns(b, height, width) != columns(a, height, width);
        (could, did)
    }))
}

/// The values of each row of each channel, without their order, and without the rows' order.
fn rows(image: &[u8], width: usize) -> Vec<Vec<u8>> {
    unordered(image.chunks(width).map(<[u8]>::to_vec))
}

fn columns(image: &[u8], height: usize, width: usize) -> Vec<Vec<u8>> {
    let channels = image.chunks(height * width);
    unordered(channels.flat_map(|channel| {
        (0..width).map(|x| channel.iter().skip(x).step_by(width).copied().collect())
    }))
}

fn unordered(lines: impl Iterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = lines.collect();
    lines.iter_mut().for_each(|line| line.sort_unstable());
    lines.sort_unstable();
    lines
}

/// A class of several rows is parted if they no longer share one label.
fn labels(before: &[i64], after: &[i64]) -> Structure {
    let mut classes: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (old, new) in before.iter().zip(after) {
        classes.entry(*old).or_default().push(*new);
    }
    let parted = |rows: &Vec<i64>| (rows.len() > 1, rows.iter().any(|new| *new != rows[0]));
    Structure::of(classes.values().map(parted))
}

fn masks(before: &Mask, after: &Mask) -> Structure {
    let layers = before.layers.len();
    let kept = before.kept();
    // Full or empty masks, and those of one layer, have one way to share their weights out.
    let could = layers > 1 && kept > 0 && kept < before.total();
    let counts = before.counts().into_iter().zip(after.counts());
    Structure::of(counts.map(|(b, a)| (could, b != a)))
}

fn weights(mask: &Mask, before: &[Vec<f32>], after: &[Vec<f32>]) -> Structure {
    let layers = mask.layers.iter().zip(before).zip(after);
    Structure::of(layers.map(|((mask, b), a)| {
        let values = |all: &[f32]| {
            let kept = all.iter().zip(&mask.kept).filter(|(_, kept)| **kept);
            let mut kept: Vec<u32> = kept.map(|(value, _)| value.to_bits()).collect();
            kept.sort_unstable();
            kept
        };
        let partly = mask.count() > 0 && (mask.count() as usize) < mask.kept.len();
        let constant = b.iter().all(|value| value.to_bits() == b[0].to_bits());
        (partly && !constant, values(b) != values(a))
    }))
}

/// Positions by falling score, ties by index.
fn order(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    // −0 equals 0, as in selection.
    order.sort_by(|a, b| (scores[*b] + 0.0).total_cmp(&(scores[*a] + 0.0)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use jackpot_prune::LayerMask;

    /// "x.x|.." is two layers.
    fn mask(text: &str) -> Mask {
        let layer = |text: &str| LayerMask {
            name: "layer".into(),
            shape: vec![text.len()],
            kept: text.chars().map(|c| c == 'x').collect(),
        };
        Mask {
            layers: text.split('|').map(layer).collect(),
        }
    }

    /// (possible, changed), and whether it may pass.
    fn check(mask: &Mask, before: OutputValue, after: OutputValue, expected: (u64, u64)) {
        let found = count(mask, &before, &after);
        assert_eq!((found.possible, found.changed), expected);
        let refused = expected.0 > 0 && expected.1 == 0;
        assert_eq!(verify(mask, &before, &after).is_err(), refused);
    }

    #[test]
    fn pixels_that_leave_their_rows_and_columns_are_no_row_permutation() {
        let image = |pixels: &[u8]| OutputValue::Images {
            pixels: pixels.to_vec(),
            shape: [2, 2, 2],
        };
        let before = [1, 2, 3, 4, 5, 6, 7, 8];
        for (after, changed) in [
            ([1, 2, 3, 4, 5, 6, 7, 8], 0),
            ([3, 4, 1, 2, 7, 8, 5, 6], 0), // rows, the same in both channels
            ([5, 6, 1, 2, 3, 4, 7, 8], 0), // rows, across the channels
            ([2, 1, 4, 3, 6, 5, 8, 7], 0), // columns
            ([4, 3, 2, 1, 8, 7, 6, 5], 0), // rows and columns
            ([2, 1, 3, 4, 5, 6, 7, 8], 0), // within a row
            ([4, 2, 3, 1, 5, 6, 7, 8], 1), // across both
            ([8, 3, 1, 6, 5, 2, 7, 4], 1),
        ] {
            check(&mask("x"), image(&before), image(&after), (1, changed));
        }
        let flat = |pixels: &[u8]| OutputValue::Images {
            pixels: pixels.to_vec(),
            shape: [1, 1, 4],
        };
        check(&mask("x"), flat(&[1, 2, 3, 4]), flat(&[4, 3, 2, 1]), (0, 0));
        check(&mask("x"), image(&[7; 8]), image(&[7; 8]), (0, 0));
    }

    #[test]
    fn labels_that_are_only_renamed_part_no_class() {
        let check = |after: &[i64], expected| {
            let labels = |labels: &[i64]| OutputValue::Labels(labels.to_vec());
            check(
                &mask("x"),
                labels(&[0, 0, 1, 1, 2]),
                labels(after),
                expected,
            );
        };
        check(&[1, 1, 2, 2, 0], (2, 0));
        check(&[0; 5], (2, 0));
        check(&[0, 1, 1, 1, 2], (2, 1));
        check(&[2, 0, 1, 0, 1], (2, 2));
    }

    #[test]
    fn layer_counts_change_over_all_layers_and_not_within_them() {
        let check = |before: &str, after: &str, expected| {
            let (b, a) = (
                OutputValue::Masks(mask(before)),
                OutputValue::Masks(mask(after)),
            );
            check(&mask(before), b, a, expected);
        };
        check("xx..|x...|..", ".x.x|...x|..", (3, 0));
        check("xx..|x...|..", ".x..|x..x|..", (3, 2));
        check("xx..", "..xx", (0, 0));
        check("xx|xx", "xx|xx", (0, 0));
    }

    #[test]
    fn kept_values_change_if_pruned_ones_come_among_them() {
        let check = |after: [f32; 4], expected| {
            let weights = |v: [f32; 4]| OutputValue::Weights(vec![v.to_vec(), vec![1.0, 2.0]]);
            let mask = mask("xx..|xx");
            check(
                &mask,
                weights([1.0, 2.0, 3.0, 4.0]),
                weights(after),
                expected,
            );
        };
        check([2.0, 1.0, 3.0, 4.0], (1, 0));
        check([2.0, 1.0, 4.0, 3.0], (1, 0));
        check([3.0, 1.0, 2.0, 4.0], (1, 1));
    }

    #[test]
    fn scaled_scores_stand_in_the_same_order() {
        let check = |after: [f64; 3], expected| {
            let scores = |v: [f64; 3]| OutputValue::Scores(vec![v.to_vec(), vec![5.0, 5.0]]);
            check(
                &mask("x"),
                scores([3.0, -0.0, 2.0]),
                scores(after),
                expected,
            );
        };
        check([6.0, 0.0, 4.0], (1, 0));
        check([-3.0, 0.0, -2.0], (1, 1));
    }
}
