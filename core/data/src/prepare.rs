//! From stored files to the study's images: split, resize, pad, subset, normalisation.

use crate::{Error, Images, Info, Source, catalogue, info};

/// How stored images become the study's images, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preparation {
    /// Side after average pooling; must divide the stored side. Means are rounded to
    /// the nearest u8, halves up.
    pub resize: Option<u32>,
    /// Side after zero padding on all sides; an odd remainder goes below and right.
    pub pad_to: Option<u32>,
    /// The first n training rows, balanced over the classes.
    pub train_subset: Option<u32>,
}

/// A data set as a study uses it.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Training images, in stored order.
    pub train: Images,
    /// Test images, in stored order.
    pub test: Images,
    /// Number of classes.
    pub classes: u32,
    /// Per channel, of pixels scaled to 0..1.
    pub normalisation: Normalisation,
}

/// Per channel, of the training pixels / 255: `(pixel / 255 − mean) / std`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Normalisation {
    /// Arithmetic mean.
    pub mean: Vec<f64>,
    /// Population standard deviation.
    pub std: Vec<f64>,
}

/// Decodes and prepares a data set. Mean and standard deviation are those of the prepared
/// training images, padding included.
pub fn prepare(source: &Source, preparation: &Preparation) -> Result<Prepared, Error> {
    let info = info(&source.set)?;
    let (_, train_rows, _) = prepared_shape(info, preparation)?;
    let (train, test) = stored(source, info)?;
    let mut train = resize_and_pad(train, preparation);
    let test = resize_and_pad(test, preparation);
    if preparation.train_subset.is_some() {
        train = train.take(&balanced_rows(&train.labels, train_rows, info)?);
    }
    let normalisation = normalisation(&train)?;
    Ok(Prepared {
        train,
        test,
        classes: info.classes,
        normalisation,
    })
}

/// Image shape (channels, height, width) and the numbers of training and test rows after
/// preparation, without reading pixels (for plans). Refuses what cannot be done.
pub fn prepared_shape(
    info: &Info,
    preparation: &Preparation,
) -> Result<([u32; 3], u32, u32), Error> {
    let invalid = |message: String| Err(Error::Invalid(message));
    let [channels, stored, _] = info.image;
    let mut side = stored;
    if let Some(resize) = preparation.resize {
        if resize == 0 || !side.is_multiple_of(resize) {
            let divisors: Vec<String> = (1..=side)
                .filter(|d| side.is_multiple_of(*d))
                .map(|d| d.to_string())
                .collect();
            return invalid(format!(
                "`resize`: {resize} does not divide the side {side} of `{}`: one of {}",
                info.name,
                divisors.join(", ")
            ));
        }
        side = resize;
    }
    if let Some(pad_to) = preparation.pad_to {
        if !(side..=MAX_SIDE).contains(&pad_to) {
            return invalid(format!(
                "`pad_to`: {pad_to} is not within {side} (the side of the images) to {MAX_SIDE}"
            ));
        }
        side = pad_to;
    }
    let mut rows = info.train_rows;
    if let Some(subset) = preparation.train_subset {
        if subset == 0 || subset > rows {
            return invalid(format!(
                "`train_subset`: {subset} is not within 1 to the {rows} training rows of `{}`",
                info.name
            ));
        }
        if !subset.is_multiple_of(info.classes) {
            return invalid(format!(
                "`train_subset`: {subset} rows cannot be balanced over {} classes: take a multiple of {}",
                info.classes, info.classes
            ));
        }
        rows = subset;
    }
    Ok(([channels, side, side], rows, info.test_rows))
}

/// Largest side after padding: beyond it a typing error would fill the memory.
const MAX_SIDE: u32 = 512;

/// Training and test images as stored, after the embedded set's split.
fn stored(source: &Source, info: &Info) -> Result<(Images, Images), Error> {
    let images = |pixels: usize, labels: usize| -> Result<Images, Error> {
        let [channels, height, width] = info.image;
        Ok(Images {
            channels,
            height,
            width,
            pixels: catalogue::read(source, pixels)?,
            labels: catalogue::read(source, labels)?
                .into_iter()
                .map(i64::from)
                .collect(),
        })
    };
    if !info.embedded {
        return Ok((images(0, 1)?, images(2, 3)?));
    }
    let all = images(0, 1)?;
    let train = balanced_rows(&all.labels, info.train_rows, info)?;
    let mut test: Vec<u32> = (0..all.rows() as u32).collect();
    test.retain(|row| train.binary_search(row).is_err());
    Ok((all.take(&train), all.take(&test)))
}

/// The first `rows / classes` rows of every class, in stored order.
fn balanced_rows(labels: &[i64], rows: u32, info: &Info) -> Result<Vec<u32>, Error> {
    let wanted = rows / info.classes;
    let mut taken = vec![0u32; info.classes as usize];
    let mut chosen = Vec::with_capacity(rows as usize);
    for (row, &label) in labels.iter().enumerate() {
        let count = &mut taken[label as usize];
        if *count < wanted {
            *count += 1;
            chosen.push(row as u32);
        }
    }
    match taken.iter().position(|&count| count < wanted) {
        None => Ok(chosen),
        Some(class) => Err(Error::Invalid(format!(
            "`train_subset`: class {class} of `{}` has {} rows, a balanced subset of {rows} needs {wanted}",
            info.name, taken[class]
        ))),
    }
}

fn resize_and_pad(images: Images, preparation: &Preparation) -> Images {
    let mut images = images;
    if let Some(side) = preparation.resize {
        images = average_pool(&images, side);
    }
    if let Some(side) = preparation.pad_to {
        images = pad(&images, side);
    }
    images
}

/// Each pixel is the mean of a square block, in integers: floor(sum / n + 1/2).
fn average_pool(images: &Images, side: u32) -> Images {
    let (stored, side) = (images.width as usize, side as usize);
    let block = stored / side;
    let area = (block * block) as u32;
    let mut pixels = Vec::with_capacity(images.pixels.len() / (block * block));
    for plane in images.pixels.chunks_exact(stored * stored) {
        for y in 0..side {
            for x in 0..side {
                let rows = plane.chunks_exact(stored).skip(y * block).take(block);
                let sum: u32 = rows
                    .flat_map(|row| &row[x * block..(x + 1) * block])
                    .map(|&pixel| u32::from(pixel))
                    .sum();
                pixels.push(((2 * sum + area) / (2 * area)) as u8);
            }
        }
    }
    Images {
        channels: images.channels,
        height: side as u32,
        width: side as u32,
        pixels,
        labels: images.labels.clone(),
    }
}

fn pad(images: &Images, side: u32) -> Images {
    let (stored, side) = (images.width as usize, side as usize);
    let before = (side - stored) / 2;
    let planes = images.pixels.chunks_exact(stored * stored);
    let mut pixels = vec![0; planes.len() * side * side];
    for (plane, padded) in planes.zip(pixels.chunks_exact_mut(side * side)) {
        let rows = padded.chunks_exact_mut(side).skip(before);
        for (row, padded) in plane.chunks_exact(stored).zip(rows) {
            padded[before..before + stored].copy_from_slice(row);
        }
    }
    Images {
        channels: images.channels,
        height: side as u32,
        width: side as u32,
        pixels,
        labels: images.labels.clone(),
    }
}

/// Sums are exact integers; only the last division and the square root round.
fn normalisation(images: &Images) -> Result<Normalisation, Error> {
    let channels = images.channels as usize;
    let plane = images.height as usize * images.width as usize;
    let mut sums = vec![(0u64, 0u64); channels];
    for (i, pixels) in images.pixels.chunks_exact(plane).enumerate() {
        let (sum, squares) = &mut sums[i % channels];
        for &pixel in pixels {
            *sum += u64::from(pixel);
            *squares += u64::from(pixel).pow(2);
        }
    }
    let n = (images.rows() * plane) as u128;
    let mut normalisation = Normalisation {
        mean: Vec::new(),
        std: Vec::new(),
    };
    for (channel, &(sum, squares)) in sums.iter().enumerate() {
        let (sum, squares) = (u128::from(sum), u128::from(squares));
        let variance = n * squares - sum * sum;
        if variance == 0 {
            return Err(Error::Invalid(format!(
                "every training pixel of channel {channel} has the same value: images cannot be normalised"
            )));
        }
        let scale = n as f64 * 255.0;
        normalisation.mean.push(sum as f64 / scale);
        normalisation.std.push((variance as f64).sqrt() / scale);
    }
    Ok(normalisation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn images(side: u32, pixels: Vec<u8>) -> Images {
        let rows = pixels.len() / (side * side) as usize;
        Images {
            channels: 1,
            height: side,
            width: side,
            labels: (0..rows as i64).collect(),
            pixels,
        }
    }

    #[test]
    fn pooling_rounds_halves_up() {
        let stored = images(
            4,
            vec![0, 1, 255, 255, 0, 1, 255, 255, 0, 0, 1, 0, 0, 1, 1, 1],
        );
        // means 0.5, 255, 0.25, 0.75
        assert_eq!(average_pool(&stored, 2).pixels, [1, 255, 0, 1]);
        assert_eq!(average_pool(&stored, 4), stored);
        assert_eq!(average_pool(&images(4, vec![5; 16]), 1).pixels, [5]);
        let eighths = |ones: usize| images(4, (0..16).map(|i| u8::from(i < ones)).collect());
        assert_eq!(average_pool(&eighths(7), 1).pixels, [0]);
        assert_eq!(average_pool(&eighths(8), 1).pixels, [1]);
    }

    #[test]
    fn padding_is_centred_and_zero() {
        let stored = images(2, vec![1, 2, 3, 4]);
        #[rustfmt::skip]
        let even = [0, 0, 0, 0,  0, 1, 2, 0,  0, 3, 4, 0,  0, 0, 0, 0];
        assert_eq!(pad(&stored, 4).pixels, even);
        assert_eq!(pad(&stored, 3).pixels, [1, 2, 0, 3, 4, 0, 0, 0, 0]);
        assert_eq!(pad(&stored, 2), stored);
    }

    #[test]
    fn normalisation_is_the_population_moment_of_each_channel() {
        let two_channels = Images {
            channels: 2,
            height: 1,
            width: 2,
            pixels: vec![0, 255, 10, 10, 255, 0, 30, 30],
            labels: vec![0, 1],
        };
        let found = normalisation(&two_channels).unwrap();
        assert_eq!(found.mean, [0.5, 20.0 / 255.0]);
        assert_eq!(found.std, [0.5, 10.0 / 255.0]);
        let constant = images(2, vec![7; 8]);
        let error = normalisation(&constant).unwrap_err().to_string();
        assert!(error.contains("channel 0"), "{error}");
    }

    proptest! {
        #[test]
        fn normalisation_agrees_with_the_two_pass_formula(
            pixels in proptest::collection::vec(any::<u8>(), 8..64)
        ) {
            let pixels = pixels[..pixels.len() / 4 * 4].to_vec();
            prop_assume!(pixels.iter().any(|&p| p != pixels[0]));
            let scaled: Vec<f64> = pixels.iter().map(|&p| f64::from(p) / 255.0).collect();
            let mean = scaled.iter().sum::<f64>() / scaled.len() as f64;
            let variance = scaled.iter().map(|p| (p - mean).powi(2)).sum::<f64>();
            let std = (variance / scaled.len() as f64).sqrt();
            let found = normalisation(&images(2, pixels)).unwrap();
            prop_assert!((found.mean[0] - mean).abs() < 1e-12);
            prop_assert!((found.std[0] - std).abs() < 1e-12);
        }
    }

    #[test]
    fn what_cannot_be_prepared_names_its_field() {
        let info = info("fashion-mnist-10k").unwrap();
        let check = |resize, pad_to, train_subset, expected: &str| {
            let preparation = Preparation {
                resize,
                pad_to,
                train_subset,
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
}
