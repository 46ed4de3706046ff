//! The checks of training data.
use crate::bench::{Bench, network, real, word};
use jackpot_data::Images;
use jackpot_net::Family;
use jackpot_protocol::ConfigValue;
use jackpot_rng::{Key, normal, permutation, uniform};

/// More rows than one block of images holds, so that the host calls several times.
pub const ROWS: usize = 2_500;

pub fn images() -> Images {
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
    run_with(bench, id, &[("share", real(share))])
}

fn run_with(bench: &Bench, id: &str, given: &[(&str, ConfigValue)]) -> Images {
    let ran = bench.run(id, given).unwrap();
    Images::from_safetensors(&ran.bytes()).unwrap()
}

/// How far labels are from uniform over 10 classes: χ² of 9 degrees of freedom.
fn chi_square(labels: &[i64]) -> f64 {
    let expected = labels.len() as f64 / 10.0;
    let count = |class: i64| labels.iter().filter(|label| **label == class).count() as f64;
    (0..10)
        .map(|class| (count(class) - expected).powi(2) / expected)
        .sum()
}

/// 99.99 % of χ² with 9 degrees of freedom.
const UNIFORM: f64 = 33.7;

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
    assert!(chi_square(&found.labels) < UNIFORM);
}

/// No promise tells them from uniform ones, so the test above must: a twin fails it.
#[test]
fn labels_that_are_never_of_the_last_class_are_seen_not_to_be_uniform() {
    let mut twins = Bench::twins(network(Family::Resnet, 8, 4, 10));
    (twins.rows, twins.input) = (ROWS as u64, bench().input);
    let object = images().to_safetensors().unwrap();
    twins.input = Some(twins.file("train", &object));
    let labels = run_with(&twins, "org.test.labels-never-the-last", &[]).labels;
    assert!(chi_square(&labels) > UNIFORM);
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
    for id in [
        "random-labels",
        "random-pixels",
        "random-pixel-rows",
        "gaussian-noise",
    ] {
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

#[test]
fn rows_and_columns_of_pixels_move_whole() {
    let (bench, stored) = (bench(), images());
    let rows = run(&bench, "random-pixel-rows", 1.0);
    let both = run(&bench, "random-pixel-rows-columns", 1.0);
    for row in (0..ROWS).step_by(17) {
        let key = bench.key.fold(row as u64);
        let (ys, xs) = (permutation(key.fold(1), 4), permutation(key.fold(2), 4));
        for place in 0..48 {
            let (channel, y, x) = (place / 16, place / 4 % 4, place % 4);
            let at = |y: usize, x: usize| stored.pixels[row * 48 + channel * 16 + y * 4 + x];
            let (from_y, from_x) = (ys[y] as usize, xs[x] as usize);
            assert_eq!(rows.pixels[row * 48 + place], at(from_y, x));
            assert_eq!(both.pixels[row * 48 + place], at(from_y, from_x));
        }
    }
    assert_ne!(rows.pixels, both.pixels);
}

#[test]
fn noise_is_a_clipped_normal_draw_for_each_pixel() {
    let bench = bench();
    let given = [("mean", real(100.0)), ("sd", real(60.0))];
    let found = run_with(&bench, "gaussian-noise", &given);
    assert_eq!(found.labels, images().labels);
    for row in (0..ROWS).step_by(101) {
        let mut draws = vec![0.0; 48];
        normal(bench.key.fold(row as u64).fold(1), &mut draws);
        for (draw, pixel) in draws.iter().zip(&found.pixels[row * 48..]) {
            let exact = (100.0 + 60.0 * f64::from(*draw)).clamp(0.0, 255.0);
            assert!((exact - f64::from(*pixel)).abs() <= 0.5, "{exact} {pixel}");
        }
    }
    // A normal of mean 100 and deviation 60, clipped at 0 and 255, has mean 101.1.
    let sum: u64 = found.pixels.iter().map(|pixel| u64::from(*pixel)).sum();
    let mean = sum as f64 / found.pixels.len() as f64;
    assert!((mean - 101.1).abs() < 1.0, "{mean}");
    let zeros = found.pixels.iter().filter(|pixel| **pixel == 0).count();
    // Φ(−99.5/60) = 4.9 %.
    assert!((0.04..0.06).contains(&(zeros as f64 / found.pixels.len() as f64)));
}

#[test]
fn a_subset_is_in_stored_order_and_of_the_size_that_was_asked_for() {
    let (bench, stored) = (bench(), images());
    let half = run_with(&bench, "subset", &[]);
    assert_eq!(half.labels, stored.labels[..ROWS / 2]);
    assert_eq!(half.pixels, stored.pixels[..ROWS / 2 * 48]);
    let given = [("share", real(0.1)), ("which", word("random"))];
    let random = run_with(&bench, "subset", &given);
    let mut chosen = permutation(bench.key.fold(0), ROWS)[..250].to_vec();
    chosen.sort_unstable();
    let image = |row: &u64| stored.pixels[*row as usize * 48..][..48].to_vec();
    assert_eq!(
        random.pixels,
        chosen.iter().flat_map(image).collect::<Vec<_>>()
    );
    let balanced = [
        ("share", real(0.1)),
        ("which", word("random")),
        ("balanced", ConfigValue::Bool(true)),
    ];
    let balanced = run_with(&bench, "subset", &balanced).labels;
    for class in 0..10 {
        assert_eq!(balanced.iter().filter(|l| **l == class).count(), 25);
    }
    for (share, says) in [(0.0, "keeps no row"), (1.0, "keeps every row")] {
        let failure = bench.run("subset", &[("share", real(share))]).unwrap_err();
        assert!(failure.message.contains(says), "{failure}");
    }
}

/// Labels and pixels are different things, so their order is free; two permutations of pixels
/// are not. A half that stands first has the labels of the first half of the draws.
#[test]
fn checks_of_data_are_done_in_the_order_that_is_written() {
    let mut bench = bench();
    let mut after = |first: &str, then: &str| {
        let input = bench.input.clone();
        let once = run(&bench, first, 0.5).to_safetensors().unwrap();
        bench.input = Some(bench.file("once", &once));
        let twice = run(&bench, then, 0.5);
        bench.input = input;
        twice
    };
    let mut commute = |a: &str, b: &str| after(a, b) == after(b, a);
    assert!(commute("random-labels", "random-pixels"));
    assert!(commute("random-labels", "subset"));
    assert!(!commute("random-pixel-rows", "random-pixels"));
}
