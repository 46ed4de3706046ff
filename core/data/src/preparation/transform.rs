//! What is done to blocks of stored images: pooling, cutting, padding.

use crate::{Images, centre};

/// Each pixel is the mean of a square block, in integers: floor(sum / n + 1/2).
pub(crate) fn average_pool(images: &Images, side: u32) -> Images {
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
    squares(images, side, pixels)
}

/// Zeros on all sides; an odd remainder goes below and right.
pub(crate) fn pad(images: &Images, side: u32) -> Images {
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
    squares(images, side, pixels)
}

/// The middle `side` × `side` pixels.
pub(crate) fn cut(images: &Images, side: u32) -> Images {
    let (height, width) = (images.height as usize, images.width as usize);
    let start = |stored: u32| centre(i64::from(stored), i64::from(side)) as usize;
    let (top, left) = (start(images.height), start(images.width));
    let side = side as usize;
    let planes = images.pixels.chunks_exact(height * width);
    let mut pixels = Vec::with_capacity(planes.len() * side * side);
    for plane in planes {
        for row in plane.chunks_exact(width).skip(top).take(side) {
            pixels.extend_from_slice(&row[left..left + side]);
        }
    }
    squares(images, side, pixels)
}

/// The same rows and labels with other pixels, `side` × `side` of each channel.
fn squares(images: &Images, side: usize, pixels: Vec<u8>) -> Images {
    Images {
        channels: images.channels,
        height: side as u32,
        width: side as u32,
        pixels,
        labels: images.labels.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooling_rounds_halves_up() {
        let stored = Images::grey(
            4,
            vec![0, 1, 255, 255, 0, 1, 255, 255, 0, 0, 1, 0, 0, 1, 1, 1],
        );
        // means 0.5, 255, 0.25, 0.75
        assert_eq!(average_pool(&stored, 2).pixels, [1, 255, 0, 1]);
        assert_eq!(average_pool(&stored, 4), stored);
        assert_eq!(average_pool(&Images::grey(4, vec![5; 16]), 1).pixels, [5]);
        let eighths = |ones: usize| Images::grey(4, (0..16).map(|i| u8::from(i < ones)).collect());
        assert_eq!(average_pool(&eighths(7), 1).pixels, [0]);
        assert_eq!(average_pool(&eighths(8), 1).pixels, [1]);
    }

    #[test]
    fn padding_is_centred_and_zero() {
        let stored = Images::grey(2, vec![1, 2, 3, 4]);
        #[rustfmt::skip]
        let even = [0, 0, 0, 0,  0, 1, 2, 0,  0, 3, 4, 0,  0, 0, 0, 0];
        assert_eq!(pad(&stored, 4).pixels, even);
        assert_eq!(pad(&stored, 3).pixels, [1, 2, 0, 3, 4, 0, 0, 0, 0]);
        assert_eq!(pad(&stored, 2), stored);
    }

    #[test]
    fn the_middle_is_cut_out() {
        let stored = Images::grey(4, (0..16).collect());
        assert_eq!(cut(&stored, 2).pixels, [5, 6, 9, 10]);
        assert_eq!(cut(&stored, 3).pixels, [0, 1, 2, 4, 5, 6, 8, 9, 10]);
        assert_eq!(cut(&stored, 4), stored);
        // 1.5 is rounded to the even 2, 2.5 too.
        let offsets = [0, 1, 2, 3, 4, 5, 6, 7].map(|over| centre(8 + over, 8));
        assert_eq!(offsets, [0, 0, 1, 2, 2, 2, 3, 4]);
        let oblong = Images {
            height: 2,
            width: 8,
            ..Images::grey(4, (0..16).collect())
        };
        assert_eq!(cut(&oblong, 2).pixels, [3, 4, 11, 12]);
    }
}
