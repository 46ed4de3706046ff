//! The published vectors of `vectors.txt`, which NumPy and mpmath drew.

use jackpot_rng::{Key, bits, normal, permutation, uniform};

const VECTORS: &str = include_str!("../vectors.txt");

fn key(text: &str) -> Key {
    Key::from_hex(text).unwrap_or_else(|| panic!("not a key: `{text}`"))
}

fn bits_of(key: Key, n: usize) -> Vec<String> {
    let mut out = vec![0; n];
    bits(key, &mut out);
    out.iter().map(|word| format!("{word:016x}")).collect()
}

fn uniform_of(key: Key, n: usize) -> Vec<String> {
    let mut out = vec![0.0; n];
    uniform(key, &mut out);
    let spell = |value: &f64| format!("{:016x}", value.to_bits());
    out.iter().map(spell).collect()
}

fn normal_of(key: Key, n: usize) -> Vec<String> {
    let mut out = vec![0.0; n];
    normal(key, &mut out);
    let spell = |value: &f32| format!("{:08x}", value.to_bits());
    out.iter().map(spell).collect()
}

fn permutation_of(key: Key, n: usize) -> Vec<String> {
    permutation(key, n).iter().map(u64::to_string).collect()
}

/// What this crate says where the vectors have `expect`.
fn answer(what: &str, given: &str, expect: &[&str]) -> Vec<String> {
    match (what, expect) {
        ("from_seed", _) => vec![Key::from_seed(given.parse().expect("a decimal seed")).to_hex()],
        ("fold", [data, _]) => {
            let folded = key(given).fold(u64::from_str_radix(data, 16).expect("hexadecimal data"));
            vec![data.to_string(), folded.to_hex()]
        }
        ("fold_name", [name, _]) => {
            vec![name.to_string(), key(given).fold_name(name).to_hex()]
        }
        ("bits", _) => bits_of(key(given), expect.len()),
        ("uniform", _) => uniform_of(key(given), expect.len()),
        ("permutation", _) => permutation_of(key(given), expect.len()),
        ("normal", _) => normal_of(key(given), expect.len()),
        _ => panic!("unknown line `{what}`"),
    }
}

#[test]
fn every_vector_agrees() {
    let mut checked = 0;
    for line in VECTORS.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(' ').collect();
        let [what, given, expect @ ..] = fields.as_slice() else {
            panic!("a line of fewer than two fields: `{line}`");
        };
        assert_eq!(answer(what, given, expect), *expect, "{what} {given}");
        checked += 1;
    }
    assert_eq!(checked, 75, "lines of vectors.txt");
}

#[test]
fn a_longer_draw_begins_with_the_shorter() {
    let key = Key::from_seed(3);
    let long = bits_of(key, 13);
    for n in 0..13 {
        assert_eq!(bits_of(key, n), long[..n]);
    }
}

#[test]
fn hex_goes_there_and_back_and_has_one_spelling() {
    let key = Key([0x0123456789abcdef, 0xfedcba9876543210]);
    let text = "0123456789abcdeffedcba9876543210";
    assert_eq!(key.to_hex(), text);
    assert_eq!(Key::from_hex(text), Some(key));
    let refused = [
        "",
        &text[1..],
        &text.to_uppercase(),
        &format!("+{}", &text[1..]),
        &format!("{text}0"),
        &format!("{}é", &text[2..]),
    ];
    for wrong in refused {
        assert_eq!(Key::from_hex(wrong), None, "`{wrong}`");
    }
}

#[test]
fn no_name_is_another_with_zeros_appended() {
    let key = Key::from_seed(0);
    let names = ["", "\0", "a", "a\0", "aaaaaaaa", "aaaaaaaa\0", "aaaaaaaaa"];
    let mut keys: Vec<Key> = names.iter().map(|name| key.fold_name(name)).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), names.len());
}
