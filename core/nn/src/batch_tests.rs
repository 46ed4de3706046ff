//! Whole batches on tensors against pixels moved one by one.
use super::*;
use crate::Precision;

const ROWS: usize = 12;
const SHAPE: [usize; 3] = [2, 5, 7];

fn images() -> Images {
    let mut words = vec![0; ROWS * SHAPE.iter().product::<usize>()];
    jackpot_rng::bits(Key([1, 1]), &mut words);
    Images {
        channels: 2,
        height: 5,
        width: 7,
        pixels: words.iter().map(|word| (word >> 40) as u8).collect(),
        labels: (0..ROWS as i64).map(|row| row % 3).collect(),
    }
}

fn normalisation() -> Normalisation {
    Normalisation {
        mean: vec![0.25, 0.5],
        std: vec![0.5, 0.125],
    }
}

fn set() -> ImageSet {
    ImageSet::new(
        "images",
        &images(),
        &normalisation(),
        [2, 5, 7],
        3,
        Device::Cpu,
    )
    .unwrap()
}

/// Zero padding, then a window, then its mirror image, then normalisation: pixel by pixel.
fn expected(row: usize, augment: &Augment, key: Key) -> Vec<f64> {
    let [channels, height, width] = SHAPE;
    let images = images();
    let padding = augment.crop_padding as i64;
    let mut words = [0; 3];
    jackpot_rng::bits(key.fold(row as u64), &mut words);
    let uniform = |word: u64| (word as f64 / 2.0_f64.powi(64) * (2 * padding + 1) as f64) as i64;
    let (top, left) = (uniform(words[0]), uniform(words[1]));
    let flip = augment.flip && words[2] >= 1 << 63;
    let mut out = Vec::new();
    for c in 0..channels {
        for i in 0..height as i64 {
            for j in 0..width as i64 {
                let j = if flip { width as i64 - 1 - j } else { j };
                let (y, x) = (i + top - padding, j + left - padding);
                let inside = (0..height as i64).contains(&y) && (0..width as i64).contains(&x);
                let place = ((row * channels + c) as i64 * height as i64 + y) * width as i64 + x;
                let raw = if inside {
                    f64::from(images.pixels[place as usize])
                } else {
                    0.0
                };
                out.push((raw / 255.0 - normalisation().mean[c]) / normalisation().std[c]);
            }
        }
    }
    out
}

fn found(rows: &[u32], augment: &Augment, key: Key) -> Vec<f64> {
    let draws = Draws::new(augment, key, rows, Device::Cpu).unwrap();
    let batch = set().batch(rows, draws.as_ref(), Precision::F64).unwrap();
    assert_eq!(batch.x.size(), [rows.len() as i64, 2, 5, 7]);
    let labels = Vec::<i64>::try_from(&batch.y).unwrap();
    assert_eq!(
        labels,
        rows.iter()
            .map(|&row| i64::from(row) % 3)
            .collect::<Vec<_>>()
    );
    let flat = batch.x.contiguous().view([-1]);
    Vec::<f64>::try_from(&flat).unwrap()
}

#[test]
fn crops_flips_and_normalisation_are_those_of_single_pixels() {
    let rows: Vec<u32> = vec![3, 0, 11, 7, 3, 5, 8];
    let mut seen = std::collections::BTreeSet::new();
    for (crop_padding, flip) in [(0, false), (0, true), (2, false), (2, true), (9, true)] {
        let augment = Augment { crop_padding, flip };
        for key in [Key([5, 6]), Key([7, 8])] {
            let found = found(&rows, &augment, key);
            let expected: Vec<f64> = rows
                .iter()
                .flat_map(|&row| expected(row as usize, &augment, key))
                .collect();
            let far = found
                .iter()
                .zip(&expected)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f64::max);
            assert!(far < 1e-12, "{augment:?}: {far:e}");
            seen.insert(found.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
        }
    }
    // Only without augmentation do the two keys agree.
    assert_eq!(seen.len(), 9);
}

#[test]
fn a_row_is_augmented_alike_wherever_it_stands() {
    let augment = Augment {
        crop_padding: 3,
        flip: true,
    };
    let key = Key([5, 6]);
    let long = found(&[4, 9, 2], &augment, key);
    let short = found(&[9], &augment, key);
    let size = SHAPE.iter().product::<usize>();
    assert_eq!(long[size..2 * size], short);
}

#[test]
fn both_layouts_of_a_batch_are_channels_last() {
    let augment = Augment {
        crop_padding: 1,
        flip: true,
    };
    let draws = Draws::new(&augment, Key([5, 6]), &[1, 2], Device::Cpu).unwrap();
    for draws in [None, draws.as_ref()] {
        let batch = set().batch(&[1, 2], draws, Precision::F32).unwrap();
        assert_eq!(batch.x.stride(), [70, 1, 14, 2]);
    }
}

#[test]
fn images_that_do_not_fit_are_refused_in_words() {
    let refused = |images: &Images, normalisation: &Normalisation, input, classes| {
        let set = ImageSet::new(
            "training images",
            images,
            normalisation,
            input,
            classes,
            Device::Cpu,
        );
        set.err().expect("does not fit").to_string()
    };
    let good = images();
    let wrong = refused(&good, &normalisation(), [1, 5, 7], 3);
    assert!(
        wrong.contains("training images") && wrong.contains("[1, 5, 7]"),
        "{wrong}"
    );
    let wrong = refused(&good, &normalisation(), [2, 5, 7], 2);
    assert!(
        wrong.contains("row 2") && wrong.contains("label 2"),
        "{wrong}"
    );
    let short = Images {
        pixels: good.pixels[1..].to_vec(),
        ..good.clone()
    };
    assert!(refused(&short, &normalisation(), [2, 5, 7], 3).contains("839"));
    let flat = Normalisation {
        mean: vec![0.5; 2],
        std: vec![0.5, 0.0],
    };
    assert!(refused(&good, &flat, [2, 5, 7], 3).contains("normalisation"));
    let empty = Images {
        pixels: Vec::new(),
        labels: Vec::new(),
        ..good
    };
    assert!(refused(&empty, &normalisation(), [2, 5, 7], 3).contains("no images"));
}
