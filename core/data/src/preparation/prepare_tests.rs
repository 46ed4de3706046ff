//! What is refused before a pixel is read, and which rows a subset takes.
use super::*;
use crate::info;

#[test]
fn what_cannot_be_prepared_names_its_field() {
    let info = info("fashion-mnist-10k").unwrap();
    let check = |resize, pad_to, train_subset, expected: &str| {
        let preparation = Preparation {
            resize,
            pad_to,
            train_subset,
            ..Preparation::default()
        };
        let error = prepared_shape(info, &preparation).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(
        Some(13),
        None,
        None,
        "`resize`: 13 does not divide the side 28",
    );
    check(Some(0), None, None, "one of 1, 2, 4, 7, 14, 28");
    check(Some(56), None, None, "`resize`: 56");
    check(None, Some(27), None, "`pad_to`: 27 is not within 28");
    check(Some(14), Some(13), None, "`pad_to`: 13 is not within 14");
    check(None, Some(4_000_000_000), None, "to 512");
    check(None, None, Some(0), "`train_subset`: 0");
    check(None, None, Some(6_010), "1 to the 6000 training rows");
    check(None, None, Some(55), "cannot be balanced over 10 classes");
    let good = Preparation {
        resize: Some(14),
        pad_to: Some(32),
        train_subset: Some(100),
        ..Preparation::default()
    };
    assert_eq!(
        prepared_shape(info, &good).unwrap(),
        ([1, 32, 32], 100, 4_000)
    );
}

#[test]
fn a_subset_larger_than_a_class_names_the_class() {
    let info = info("mnist").unwrap();
    let labels: Vec<i64> = (0..30).map(|i| if i < 21 { i % 10 } else { 0 }).collect();
    assert_eq!(
        balanced_rows(&labels, 20, info).unwrap(),
        (0..20).collect::<Vec<_>>()
    );
    let error = balanced_rows(&labels, 30, info).unwrap_err().to_string();
    assert!(error.contains("class 1 of `mnist` has 2 rows"), "{error}");
}
