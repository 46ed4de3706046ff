//! What the test images say: one bit per image, right or wrong.

/// A comparison of two runs (or of as many pairs of runs as there are seeds) image by image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImageDifference {
    /// Points: the first's accuracy less the second's.
    pub mean: f64,
    /// Standard error of the mean over images, the trainings held: how it would vary over other
    /// test sets of this size.
    pub error: f64,
    /// Percent of the images that one of a pair gets right and the other does not.
    pub churn: f64,
    /// Points: the deviation of one pair's difference that churn alone predicts, before a second
    /// seed is run.
    pub predicted: f64,
}

fn right(bits: &[u8], image: usize) -> bool {
    bits[image / 8] >> (image % 8) & 1 == 1
}

/// Percent of `rows` images on which two runs differ in being right. Bits lie as results hold
/// them: image i is bit i mod 8 of byte i / 8, 1 for right.
pub fn churn(a: &[u8], b: &[u8], rows: usize) -> f64 {
    let differ: u32 = a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum();
    100.0 * f64::from(differ) / rows as f64
}

/// Compares pairs of runs on the same `rows` test images. The mean over pairs is taken for every
/// image; its standard error over images is the classical one, sd/√rows. With one pair this is the
/// Wald interval of McNemar's setting: √(churn − mean²)/√rows.
/// None without pairs, with under two images, or where a run holds another number of images.
pub fn images(pairs: &[(&[u8], &[u8])], rows: usize) -> Option<ImageDifference> {
    let bytes = rows.div_ceil(8);
    let fits = |p: &(&[u8], &[u8])| p.0.len() == bytes && p.1.len() == bytes;
    if pairs.is_empty() || rows < 2 || !pairs.iter().all(fits) {
        return None;
    }
    let of_image = |i: usize| -> f64 {
        let each = pairs
            .iter()
            .map(|(a, b)| f64::from(u8::from(right(a, i))) - f64::from(u8::from(right(b, i))));
        100.0 * each.sum::<f64>() / pairs.len() as f64
    };
    let differences: Vec<f64> = (0..rows).map(of_image).collect();
    let mean = crate::mean(&differences)?;
    let churns: f64 = pairs.iter().map(|(a, b)| churn(a, b, rows)).sum();
    let churn = churns / pairs.len() as f64;
    Some(ImageDifference {
        mean,
        error: crate::sample_sd(&differences)? / (rows as f64).sqrt(),
        churn,
        predicted: 100.0 * (churn / 100.0 / rows as f64).sqrt(),
    })
}
