//! Mean and standard deviation of the training pixels.

use crate::{Error, Images};

/// Per channel, of the training pixels / 255: `(pixel / 255 − mean) / std`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Normalisation {
    /// Arithmetic mean.
    pub mean: Vec<f64>,
    /// Population standard deviation.
    pub std: Vec<f64>,
}

/// Sums over the images seen so far. They are exact integers; only the last division and the
/// square root round.
#[derive(Default)]
pub(crate) struct Moments {
    /// The sum and the sum of squares of each channel.
    sums: Vec<(u128, u128)>,
    /// Pixels of each channel.
    n: u128,
}

impl Moments {
    /// Counts a block in.
    pub(crate) fn add(&mut self, images: &Images) {
        let channels = images.channels as usize;
        let plane = images.height as usize * images.width as usize;
        self.sums.resize(channels, (0, 0));
        for (i, pixels) in images.pixels.chunks_exact(plane).enumerate() {
            let (mut sum, mut squares) = (0u64, 0u64);
            for &pixel in pixels {
                sum += u64::from(pixel);
                squares += u64::from(pixel).pow(2);
            }
            let of_channel = &mut self.sums[i % channels];
            of_channel.0 += u128::from(sum);
            of_channel.1 += u128::from(squares);
        }
        self.n += (images.rows() * plane) as u128;
    }

    pub(crate) fn normalisation(&self) -> Result<Normalisation, Error> {
        let mut normalisation = Normalisation {
            mean: Vec::new(),
            std: Vec::new(),
        };
        for (channel, &(sum, squares)) in self.sums.iter().enumerate() {
            let variance = self.n * squares - sum * sum;
            if variance == 0 {
                return Err(Error::Invalid(format!(
                    "every training pixel of channel {channel} has the same value: images cannot be normalised"
                )));
            }
            let scale = self.n as f64 * 255.0;
            normalisation.mean.push(sum as f64 / scale);
            normalisation.std.push((variance as f64).sqrt() / scale);
        }
        Ok(normalisation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normalisation(images: &Images) -> Result<Normalisation, Error> {
        let mut moments = Moments::default();
        moments.add(images);
        moments.normalisation()
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
        let constant = Images::grey(2, vec![7; 8]);
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
            let found = normalisation(&Images::grey(2, pixels)).unwrap();
            prop_assert!((found.mean[0] - mean).abs() < 1e-12);
            prop_assert!((found.std[0] - std).abs() < 1e-12);
        }
    }

    #[test]
    fn blocks_add_up_to_the_whole() {
        let whole = Images::grey(2, (0..40).map(|i| (i * 53 % 256) as u8).collect());
        let mut moments = Moments::default();
        for rows in [&[0, 1, 2][..], &[3], &[4, 5, 6, 7, 8, 9]] {
            moments.add(&whole.take(rows));
        }
        assert_eq!(
            moments.normalisation().unwrap(),
            normalisation(&whole).unwrap()
        );
    }
}
