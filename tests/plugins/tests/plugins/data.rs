//! `random-labels` and `random-pixels`.
use crate::bench::{Bench, network, real};
use jackpot_data::Images;
use jackpot_net::Family;
use jackpot_rng::{Key, permutation, uniform};

/// More rows than one block of images holds, so that the host calls several times.
const ROWS: usize = 2_500;

fn images() -> Images {
    let pixel = |i: usize| (i * 37 % 256) as u8;
    Images {
        channels: 3,
        height: 4,
        width: 4,
        pixels: (0..ROWS * 48).map(|i| pixel(i + i / 48 * 5)).collect(),
        labels: (0..ROWS as i64).map(|i| i % 10).collect(),
    }
}

fn bench() -> Bench {
    let mut bench = Bench::new("jackpot-check-data", network(Family::Resnet, 8, 4, 10));
    bench.rows = ROWS as u64;
    let object = images().to_safetensors().unwrap();
    bench.input = Some(bench.file("train", &object));
    bench
}

fn run(bench: &Bench, id: &str, share: f64) -> Images {
    let ran = bench.run(id, &[("share", real(share))]).unwrap();
    Images::from_safetensors(&ran.bytes()).unwrap()
}

#[test]
fn random_labels_are_uniform_draws_of_the_key() {
    let bench = bench();
    let (stored, found) = (images(), run(&bench, "random-labels", 1.0));
    assert_eq!(found.pixels, stored.pixels);
    let mut draws = vec![0.0; ROWS];
    uniform(bench.key.fold(0), &mut draws);
    let expected: Vec<i64> = draws.iter().map(|u| (u * 10.0).floor() as i64).collect();
    assert_eq!(found.labels, expected);
    // One label in ten stays by chance: 250 expected, sd 15.
    let pairs = found.labels.iter().zip(&stored.labels);
    let same = pairs.filter(|(new, old)| new == old).count();
    assert!((175..=325).contains(&same), "{same}");
}

#[test]
fn random_pixels_permute_every_image_by_its_own_row() {
    let bench = bench();
    let found = run(&bench, "random-pixels", 1.0);
    assert_eq!(found.labels, images().labels);
    let stored = images();
    for row in 0..ROWS {
        let old = &stored.pixels[row * 48..(row + 1) * 48];
        let order = permutation(bench.key.fold(row as u64), 48);
        let expected: Vec<u8> = order.iter().map(|&from| old[from as usize]).collect();
        assert_eq!(
            &found.pixels[row * 48..(row + 1) * 48],
            expected,
            "row {row}"
        );
    }
}

#[test]
fn a_share_corrupts_that_share() {
    let bench = bench();
    let stored = images();
    let pixels = run(&bench, "random-pixels", 0.25);
    let changed = |row: &usize| {
        let image = row * 48..(row + 1) * 48;
        pixels.pixels[image.clone()] != stored.pixels[image]
    };
    // 625 expected, sd 22.
    let count = (0..ROWS).filter(changed).count();
    assert!((515..=735).contains(&count), "{count}");
    let labels = run(&bench, "random-labels", 0.25).labels;
    // 9/10 of 625: 562 expected, sd 21.
    let count = labels.iter().zip(&stored.labels).filter(|(a, b)| a != b);
    let count = count.count();
    assert!((458..=668).contains(&count), "{count}");
    for id in ["random-labels", "random-pixels"] {
        let failure = bench.run(id, &[("share", real(0.0))]).unwrap_err();
        assert!(failure.message.contains("corrupts nothing"), "{failure}");
        assert!(bench.run(id, &[("share", real(1.5))]).is_err());
    }
}

#[test]
fn the_same_key_gives_the_same_bytes_and_another_key_others() {
    let mut bench = bench();
    for id in ["random-labels", "random-pixels"] {
        let first = bench.run(id, &[]).unwrap().bytes();
        assert_eq!(bench.run(id, &[]).unwrap().bytes(), first);
        let old = bench.key;
        bench.key = Key::from_seed(2);
        assert_ne!(bench.run(id, &[]).unwrap().bytes(), first);
        bench.key = old;
    }
}
