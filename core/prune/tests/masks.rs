//! The stored mask: there and back, byte by byte, and everything that is refused.

use jackpot_net::{Architecture, Network};
use jackpot_prune::{LayerMask, Mask};
use proptest::prelude::*;

fn small() -> Network {
    let architecture = Architecture::resnet(8, 2, 3, [1, 8, 8]);
    architecture.build().expect("a network")
}

fn layer(name: &str, shape: &[usize], kept: &[u8]) -> LayerMask {
    LayerMask {
        name: name.to_owned(),
        shape: shape.to_vec(),
        kept: kept.iter().map(|&bit| bit == 1).collect(),
    }
}

/// Two layers, of 10 and 3 weights.
fn example() -> Mask {
    Mask {
        layers: vec![
            layer("a", &[2, 5], &[1, 0, 1, 1, 0, 0, 0, 0, 0, 1]),
            layer("bc", &[3], &[0, 1, 1]),
        ],
    }
}

#[rustfmt::skip]
const EXAMPLE: &[u8] = &[
    b'J', b'K', b'P', b'M', b'A', b'S', b'K', b'1',
    2, 0, 0, 0,
    1, 0, b'a', 2, 2, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0,
    2, 0, b'b', b'c', 1, 3, 0, 0, 0, 0, 0, 0, 0,
    0b0000_1101, 0b0000_0010,
    0b0000_0110,
];

#[test]
fn the_format_is_as_written_down() {
    assert_eq!(example().to_bytes(), EXAMPLE);
    assert_eq!(Mask::from_bytes(EXAMPLE).unwrap(), example());
}

#[test]
fn counts_and_overlaps() {
    let mask = example();
    assert_eq!(mask.counts(), [4, 2]);
    assert_eq!((mask.kept(), mask.total()), (6, 13));
    let mut other = example();
    other.layers[0].kept = vec![true; 10];
    other.layers[1].kept = vec![true, false, true];
    assert_eq!(mask.overlap(&other).unwrap(), [4, 1]);
    assert_eq!(other.overlap(&mask).unwrap(), [4, 1]);
    other.layers[1].name = "other".to_owned();
    assert!(mask.overlap(&other).is_err());
    other.layers.pop();
    assert!(mask.overlap(&other).is_err());
}

#[test]
fn a_dense_mask_is_the_networks() {
    let network = small();
    let dense = Mask::dense(&network);
    dense.check(&network).unwrap();
    assert_eq!(dense.kept(), network.prunable_weights());
    assert_eq!(dense.total(), network.prunable_weights());
    assert_eq!(Mask::from_bytes(&dense.to_bytes()).unwrap(), dense);
}

#[test]
fn a_mask_of_another_network_is_refused() {
    let network = small();
    let refused = |change: &dyn Fn(&mut Mask), expect: &str| {
        let mut mask = Mask::dense(&network);
        change(&mut mask);
        let error = mask.check(&network).expect_err(expect).to_string();
        assert!(error.contains(expect), "{error}");
    };
    refused(
        &|mask| drop(mask.layers.pop()),
        "expected the network's 10 layers, found 9",
    );
    refused(
        &|mask| mask.layers.swap(1, 2),
        "expected layer `layer1.0.conv1.weight`",
    );
    refused(
        &|mask| mask.layers[0].shape.reverse(),
        "found `conv1.weight` of shape [3, 3, 1, 2]",
    );
    refused(
        &|mask| mask.layers[0].kept.truncate(17),
        "expected 18 entries, found 17",
    );
}

fn check_refused(bytes: &[u8], expect: &str) {
    let error = Mask::from_bytes(bytes).expect_err(expect).to_string();
    assert_eq!(error, expect);
}

fn changed(place: usize, byte: u8) -> Vec<u8> {
    let mut bytes = EXAMPLE.to_vec();
    bytes[place] = byte;
    bytes
}

#[test]
fn what_is_wrong_names_the_byte() {
    check_refused(
        b"PK",
        "mask: byte 0: expected 8 bytes of the magic `JKPMASK1`, found 2: the file is truncated",
    );
    check_refused(
        &changed(7, b'2'),
        "mask: byte 0: expected the magic `JKPMASK1`: this file is not a mask",
    );
    check_refused(
        &changed(8, 0),
        "mask: byte 8: expected at least one layer, found none",
    );
    check_refused(
        &changed(14, 0xff),
        "mask: byte 14: a layer's name is not UTF-8",
    );
    check_refused(
        &changed(15, 9),
        "mask: byte 15: layer `a`: expected 1 to 8 dimensions, found 9",
    );
    check_refused(
        &changed(16, 0),
        "mask: byte 16: layer `a`: a dimension of 0 is not possible",
    );
    check_refused(
        &changed(46, 0b0000_0110),
        "mask: byte 46: layer `a`: a spare bit after the last weight is set",
    );
    check_refused(
        &changed(47, 0b1000_0110),
        "mask: byte 47: layer `bc`: a spare bit after the last weight is set",
    );
    check_refused(
        &EXAMPLE[..47],
        "mask: byte 47: expected 1 bytes of `bc`'s bits, found 0: the file is truncated",
    );
    let mut longer = EXAMPLE.to_vec();
    longer.extend([0, 0]);
    check_refused(
        &longer,
        "mask: byte 48: expected the end, found 2 bytes more",
    );
    let mut twice = example();
    twice.layers[1].name = "a".to_owned();
    check_refused(&twice.to_bytes(), "mask: byte 32: layer `a` comes twice");
    let mut nameless = example();
    nameless.layers[0].name.clear();
    check_refused(
        &nameless.to_bytes(),
        "mask: byte 14: a layer's name is empty",
    );
}

/// Headers that claim sizes which would not fit into memory end at once, in an error.
#[test]
fn a_hostile_header_allocates_nothing() {
    let mut huge = EXAMPLE.to_vec();
    huge[16..24].copy_from_slice(&(1u64 << 40).to_le_bytes());
    check_refused(
        &huge,
        "mask: byte 45: expected 687194767360 bytes of `a`'s bits, found 3: the file is truncated",
    );
    huge[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
    check_refused(
        &huge,
        "mask: byte 24: layer `a`: a dimension of 5 is not possible",
    );
    let mut many = EXAMPLE.to_vec();
    many[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(Mask::from_bytes(&many).is_err());
}

#[test]
fn safetensors_there_and_back() {
    let network = small();
    let mut mask = Mask::dense(&network);
    mask.layers[3].kept[5] = false;
    let bytes = mask.to_safetensors().unwrap();
    assert_eq!(Mask::from_safetensors(&bytes, &network).unwrap(), mask);
    assert_eq!(mask.to_safetensors().unwrap(), bytes);

    let refused = |change: &dyn Fn(&mut Mask), expect: &str| {
        let mut mask = Mask::dense(&network);
        change(&mut mask);
        let bytes = mask.to_safetensors().unwrap();
        let error = Mask::from_safetensors(&bytes, &network).expect_err(expect);
        assert_eq!(error.to_string(), expect);
    };
    refused(
        &|mask| drop(mask.layers.pop()),
        "mask: layer `fc.weight` is missing",
    );
    refused(
        &|mask| mask.layers[0].name = "conv9.weight".to_owned(),
        "mask: the network has no layer `conv9.weight`",
    );
    refused(
        &|mask| mask.layers[0].shape = vec![18],
        "mask: layer `conv1.weight`: expected U8 of shape [2, 1, 3, 3], found U8 of shape [18]",
    );
    let mut two = bytes.clone();
    *two.last_mut().unwrap() = 2;
    let error = Mask::from_safetensors(&two, &network)
        .expect_err("a 2")
        .to_string();
    assert!(
        error.contains("expected 0 or 1, found 2 at weight"),
        "{error}"
    );
    assert!(Mask::from_safetensors(&bytes[..50], &network).is_err());
}

fn masks() -> impl Strategy<Value = Mask> {
    let shape = prop::collection::vec(1usize..6, 1..4);
    let one = shape.prop_flat_map(|shape| {
        let weights = shape.iter().product::<usize>();
        (Just(shape), prop::collection::vec(any::<bool>(), weights))
    });
    prop::collection::vec(one, 1..5).prop_map(|layers| {
        let named = layers
            .into_iter()
            .enumerate()
            .map(|(place, (shape, kept))| {
                let name = format!("layer{place}.weight");
                LayerMask { name, shape, kept }
            });
        Mask {
            layers: named.collect(),
        }
    })
}

proptest! {
    #[test]
    fn any_mask_comes_back(mask in masks()) {
        prop_assert_eq!(Mask::from_bytes(&mask.to_bytes()).unwrap(), mask);
    }

    #[test]
    fn every_truncation_is_refused(mask in masks(), cut in any::<prop::sample::Index>()) {
        let bytes = mask.to_bytes();
        prop_assert!(Mask::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
    }

    /// A flipped bit is refused or is another mask, and whatever is read has one spelling.
    #[test]
    fn a_flipped_bit_never_goes_unseen(
        mask in masks(), place in any::<prop::sample::Index>(), bit in 0..8
    ) {
        let mut bytes = mask.to_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= 1u8 << bit;
        if let Ok(read) = Mask::from_bytes(&bytes) {
            prop_assert_ne!(&read, &mask);
            prop_assert_eq!(read.to_bytes(), bytes);
        }
    }

    #[test]
    fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = b"JKPMASK1".to_vec();
        bytes.extend(noise);
        if let Ok(read) = Mask::from_bytes(&bytes) {
            prop_assert_eq!(read.to_bytes(), bytes);
        }
    }
}
