//! Whole batches on tensors against pixels moved one by one.
use super::*;
use crate::FloatPrecision;

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
    let set = set();
    let draws = set.draws(augment, key, rows).unwrap();
    let batch = set
        .batch(rows, draws.as_ref(), FloatPrecision::F64)
        .unwrap();
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
        let augment = Augment {
            crop_padding,
            flip,
            crop: None,
            resized_crop: None,
        };
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
        crop: None,
        resized_crop: None,
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
        crop: None,
        resized_crop: None,
    };
    let draws = set().draws(&augment, Key([5, 6]), &[1, 2]).unwrap();
    for draws in [None, draws.as_ref()] {
        let batch = set().batch(&[1, 2], draws, FloatPrecision::F32).unwrap();
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
    // Larger than the images: no window shows that.
    assert!(refused(&good, &normalisation(), [2, 6, 7], 3).contains("[2, 6, 7]"));
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

/// The same images in a file, of which a batch reads its rows.
fn stored(input: [u32; 3]) -> (tempfile::TempDir, ImageSet) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("object");
    std::fs::write(&path, images().to_safetensors().unwrap()).unwrap();
    let rows = Rows::open(&path, 0).unwrap();
    assert!(matches!(rows, Rows::Stored(_)));
    let set = ImageSet::of_rows("images", &rows, &normalisation(), input, 3, Device::Cpu);
    (folder, set.unwrap())
}

fn held(input: [u32; 3]) -> ImageSet {
    ImageSet::new("images", &images(), &normalisation(), input, 3, Device::Cpu).unwrap()
}

fn bits(set: &ImageSet, rows: &[u32], augment: &Augment, key: Key) -> Vec<u32> {
    let draws = set.draws(augment, key, rows).unwrap();
    let batch = set
        .batch(rows, draws.as_ref(), FloatPrecision::F32)
        .unwrap();
    let flat = batch.x.contiguous().view([-1]);
    let values = Vec::<f32>::try_from(&flat).unwrap();
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn rows_of_a_file_give_the_bytes_of_rows_in_memory() {
    let mut seen = std::collections::BTreeSet::new();
    for (input, crop) in [([2, 5, 7], None), ([2, 4, 4], Some(4))] {
        let ((_folder, stored), held) = (stored(input), held(input));
        for (crop_padding, flip, resized_crop) in [
            (0, false, None),
            (0, true, None),
            (2, true, None),
            (0, true, Some(0.2)),
        ] {
            let augment = Augment {
                crop_padding,
                flip,
                crop,
                resized_crop,
            };
            for rows in [&[3, 0, 11, 7, 3][..], &[4, 5, 6], &[11]] {
                let found = bits(&stored, rows, &augment, Key([5, 6]));
                assert_eq!(found, bits(&held, rows, &augment, Key([5, 6])));
                seen.insert(found);
            }
        }
    }
    // A single row may by chance not be flipped.
    assert!(seen.len() > 20);
}

#[test]
fn a_window_lies_in_the_middle_or_where_it_is_drawn() {
    let set = held([2, 4, 4]);
    let shown = |draws: Option<&Draws>| {
        let batch = set.batch(&[3], draws, FloatPrecision::F64).unwrap();
        let [mean, std] = [&set.mean, &set.std].map(|t| t.view([2, 1, 1]));
        let raw = (batch.x.squeeze_dim(0) * std + mean) * 255.0;
        Vec::<f64>::try_from(&raw.round().contiguous().view([-1])).unwrap()
    };
    let window = |top: usize, left: usize| {
        let images = images();
        let mut out = Vec::new();
        for c in 0..2 {
            for y in top..top + 4 {
                for x in left..left + 4 {
                    out.push(f64::from(images.pixels[((3 * 2 + c) * 5 + y) * 7 + x]));
                }
            }
        }
        out
    };
    // Rows 0 or 1 are left over above or below, 1.5 columns rounded to the even 2.
    assert_eq!(shown(None), window(0, 2));
    let augment = Augment {
        crop_padding: 0,
        flip: false,
        crop: Some(4),
        resized_crop: None,
    };
    let mut places = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let draws = set.draws(&augment, Key::from_seed(seed), &[3]).unwrap();
        let found = shown(draws.as_ref());
        let place = (0..8).find(|&p| found == window(p / 4, p % 4));
        places.insert(place.expect("a window of the image"));
    }
    assert_eq!(places.len(), 8);
    // Without a window the images are larger than what the network takes.
    let whole = Augment {
        crop: None,
        ..augment
    };
    let refused = set.draws(&whole, Key([0, 1]), &[3]).err().unwrap();
    assert!(refused.to_string().contains("`augment.crop`"), "{refused}");
}
