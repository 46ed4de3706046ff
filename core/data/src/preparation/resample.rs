//! Resizing as is usual for ImageNet: Pillow's bilinear filter, to the bit.
//!
//! Pillow (`libImaging/Resample.c`) weighs every stored pixel under the stretched triangle
//! filter, in integers of 22 fractional bits, first along the rows, then along the columns,
//! rounded to bytes between the two. torchvision's `Resize` on its images is this.

use crate::formats::decode::Picture;

/// Fractional bits of a weight.
const BITS: u32 = 22;

/// A weight of 1.
pub const WHOLE: i64 = 1 << BITS;

/// What one place of a resized line is made of: stored places from `first` on, one weight
/// each, which add up to about [`WHOLE`].
pub struct Filter {
    /// The first stored place with a weight.
    pub first: usize,
    /// The weights of it and of those behind it.
    pub weights: Vec<i64>,
}

/// The shorter side becomes `side`; the longer keeps the ratio, rounded down.
pub(crate) fn shorter_side(picture: Picture, side: usize) -> Picture {
    let (width, height) = (picture.width, picture.height);
    let longer = |longer: usize, shorter: usize| side * longer / shorter;
    let (to_width, to_height) = if width <= height {
        (side, longer(height, width))
    } else {
        (longer(width, height), side)
    };
    resize(picture, to_width, to_height)
}

/// Bilinear, with the filter stretched where the image shrinks.
pub(crate) fn resize(picture: Picture, width: usize, height: usize) -> Picture {
    let mut picture = picture;
    if width != picture.width {
        picture = along_rows(&picture, &filters(picture.width, width));
    }
    if height != picture.height {
        picture = along_columns(&picture, &filters(picture.height, height));
    }
    picture
}

/// Bilinear resizing of a line of `stored` places to `wanted` ones, a filter for each of them:
/// a triangle, stretched where the line shrinks.
pub fn filters(stored: usize, wanted: usize) -> Vec<Filter> {
    let scale = stored as f64 / wanted as f64;
    let stretch = scale.max(1.0);
    let filter = |place: usize| {
        let centre = (place as f64 + 0.5) * scale;
        let first = (centre - stretch + 0.5).max(0.0) as usize;
        let end = ((centre + stretch + 0.5) as usize).min(stored);
        let triangle = |x: usize| {
            let away = ((x as f64 - centre + 0.5) * (1.0 / stretch)).abs();
            (1.0 - away).max(0.0)
        };
        let weights: Vec<f64> = (first..end).map(triangle).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |w: &f64| (0.5 + w / sum * WHOLE as f64) as i64;
        Filter {
            first,
            weights: weights.iter().map(fixed).collect(),
        }
    };
    (0..wanted).map(filter).collect()
}

fn rounded(sum: i64) -> u8 {
    ((sum + (1 << (BITS - 1))) >> BITS).clamp(0, 255) as u8
}

fn along_rows(picture: &Picture, filters: &[Filter]) -> Picture {
    let mut pixels = Vec::with_capacity(picture.height * filters.len() * 3);
    for row in picture.pixels.chunks_exact(picture.width * 3) {
        for filter in filters {
            let under = row[filter.first * 3..].chunks_exact(3);
            let mut sums = [0; 3];
            for (pixel, weight) in under.zip(&filter.weights) {
                for (sum, &value) in sums.iter_mut().zip(pixel) {
                    *sum += i64::from(value) * weight;
                }
            }
            pixels.extend(sums.map(rounded));
        }
    }
    Picture {
        width: filters.len(),
        height: picture.height,
        pixels,
    }
}

fn along_columns(picture: &Picture, filters: &[Filter]) -> Picture {
    let line = picture.width * 3;
    let mut pixels = Vec::with_capacity(line * filters.len());
    for filter in filters {
        let mut sums = vec![0; line];
        let rows = picture.pixels.chunks_exact(line).skip(filter.first);
        for (row, weight) in rows.zip(&filter.weights) {
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += i64::from(value) * weight;
            }
        }
        pixels.extend(sums.into_iter().map(rounded));
    }
    Picture {
        width: picture.width,
        height: filters.len(),
        pixels,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stored width and height, wanted width and height, grey pixels, and what Pillow 13.0
    /// makes of them: `Image.frombytes("L", …).resize(…, Image.BILINEAR)`.
    #[rustfmt::skip]
    const PILLOW: [([usize; 4], &[u8], &[u8]); 5] = [
        ([7, 5, 4, 3], &[68, 32, 130, 60, 253, 230, 241, 194, 107, 48, 249, 14, 199, 221, 1, 228, 136, 117, 52, 162, 15, 11, 13, 4, 195, 110, 216, 14, 113, 224, 253, 119, 176, 118, 112], &[96, 102, 161, 222, 94, 122, 112, 113, 101, 145, 151, 112]),
        ([5, 9, 5, 4], &[235, 148, 11, 213, 51, 95, 151, 61, 170, 216, 97, 155, 145, 255, 201, 17, 245, 124, 206, 212, 88, 187, 191, 44, 224, 55, 83, 201, 189, 250, 15, 240, 22, 157, 201, 87, 86, 116, 6, 102, 118, 207, 176, 180, 235], &[147, 151, 59, 203, 152, 61, 197, 142, 181, 213, 53, 152, 143, 136, 219, 84, 162, 119, 101, 171]),
        ([4, 3, 9, 7], &[137, 2, 196, 66, 105, 218, 28, 246, 186, 102, 211, 248], &[137, 114, 54, 13, 99, 185, 145, 88, 66, 132, 115, 71, 41, 102, 164, 140, 105, 92, 119, 120, 123, 124, 113, 102, 127, 158, 169, 105, 124, 174, 207, 123, 39, 113, 210, 246, 140, 145, 157, 165, 138, 110, 161, 224, 247, 174, 165, 141, 122, 152, 181, 209, 237, 248, 186, 172, 135, 108, 157, 205, 225, 242, 248]),
        ([13, 6, 6, 6], &[182, 212, 177, 0, 169, 234, 14, 117, 90, 92, 46, 130, 16, 36, 42, 8, 231, 7, 143, 127, 137, 56, 94, 176, 148, 35, 85, 81, 130, 86, 139, 150, 232, 164, 254, 242, 58, 12, 159, 197, 175, 215, 96, 132, 55, 129, 107, 221, 10, 115, 9, 203, 74, 18, 82, 228, 218, 112, 230, 114, 15, 202, 164, 218, 30, 152, 64, 108, 24, 156, 36, 39, 158, 152, 81, 213, 129, 66], &[194, 106, 152, 87, 81, 70, 33, 102, 108, 111, 116, 109, 92, 109, 163, 207, 168, 77, 191, 146, 95, 136, 83, 104, 51, 163, 173, 119, 155, 135, 106, 79, 70, 123, 139, 120]),
        ([3, 3, 2, 3], &[4, 19, 111, 235, 87, 19, 193, 102, 177], &[10, 77, 180, 45, 159, 149]),
    ];

    #[test]
    fn every_pixel_is_pillows() {
        for ([width, height, to_width, to_height], stored, expected) in PILLOW {
            let picture = Picture {
                width,
                height,
                pixels: stored.iter().flat_map(|&p| [p, 255 - p, p]).collect(),
            };
            let found = resize(picture, to_width, to_height);
            assert_eq!((found.width, found.height), (to_width, to_height));
            let grey: Vec<u8> = found.pixels.iter().copied().step_by(3).collect();
            assert_eq!(grey, expected);
        }
    }

    #[test]
    fn the_shorter_side_is_the_one_asked_for() {
        let side = |width, height, side| {
            let pixels = vec![7; width * height * 3];
            let found = shorter_side(
                Picture {
                    width,
                    height,
                    pixels,
                },
                side,
            );
            assert!(found.pixels.iter().all(|&p| p == 7));
            (found.width, found.height)
        };
        assert_eq!(side(10, 7, 5), (7, 5));
        assert_eq!(side(7, 10, 5), (5, 7));
        assert_eq!(side(3, 3, 8), (8, 8));
        assert_eq!(side(5, 11, 5), (5, 11));
    }
}
