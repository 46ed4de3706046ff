//! What happens to one label and to one image, given the draws.

/// The class of a uniform draw in [0, 1).
pub fn drawn_class(draw: f64, classes: u32) -> i64 {
    // A product just below `classes` may round up to it.
    ((draw * f64::from(classes)) as i64).min(i64::from(classes) - 1)
}

/// Value j of the new image is value `order[j]` of the old one.
pub fn permute(old: &[u8], order: &[u64], new: &mut [u8]) {
    for (new, &from) in new.iter_mut().zip(order) {
        *new = old[from as usize];
    }
}

/// Row y of every channel becomes row `rows[y]`, and column x becomes column `columns[x]`.
pub fn permute_lines(old: &[u8], rows: &[u64], columns: &[u64], new: &mut [u8]) {
    let (height, width) = (rows.len(), columns.len());
    let channels = old
        .chunks(height * width)
        .zip(new.chunks_mut(height * width));
    for (old, new) in channels {
        for (new, &row) in new.chunks_mut(width).zip(rows) {
            let old = &old[row as usize * width..][..width];
            permute(old, columns, new);
        }
    }
}

/// The nearest of the 256 values of a pixel.
pub fn pixel(value: f64) -> u8 {
    // A float becomes the nearest integer of the range: `as` saturates.
    value.round_ties_even() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_fall_in_equal_classes() {
        assert_eq!(drawn_class(0.0, 10), 0);
        assert_eq!(drawn_class(0.0999, 10), 0);
        assert_eq!(drawn_class(0.1, 10), 1);
        assert_eq!(drawn_class(1.0 - f64::EPSILON / 2.0, 10), 9);
        assert_eq!(
            drawn_class(1.0 - f64::EPSILON / 2.0, u32::MAX),
            i64::from(u32::MAX) - 1
        );
        assert_eq!(drawn_class(0.5, 1), 0);
        let mut seen = [0; 7];
        (0..7_000).for_each(|i| seen[drawn_class(f64::from(i) / 7_000.0, 7) as usize] += 1);
        assert!(seen.iter().all(|n| (999..=1_001).contains(n)), "{seen:?}");
    }

    #[test]
    fn a_permuted_image_has_the_same_values_at_the_places_given() {
        let mut new = [0; 4];
        permute(&[7, 8, 9, 9], &[2, 0, 3, 1], &mut new);
        assert_eq!(new, [9, 7, 9, 8]);
    }

    #[test]
    fn lines_move_whole_and_alike_in_every_channel() {
        let mut new = [0; 12];
        let old = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16];
        permute_lines(&old, &[1, 0], &[0, 1, 2], &mut new);
        assert_eq!(new, [4, 5, 6, 1, 2, 3, 14, 15, 16, 11, 12, 13]);
        permute_lines(&old, &[1, 0], &[2, 0, 1], &mut new);
        assert_eq!(new, [6, 4, 5, 3, 1, 2, 16, 14, 15, 13, 11, 12]);
    }

    #[test]
    fn a_pixel_is_the_nearest_value_of_a_byte() {
        let pixels = [-3.0, 0.4, 127.6, 254.6, 300.0].map(pixel);
        assert_eq!(pixels, [0, 0, 128, 255, 255]);
    }
}
